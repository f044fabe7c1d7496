/*
 * search.pml - who looks for stealable work, and whom a publisher wakes.
 *
 * One node: WORKERS workers with a stealable queue each, one inject queue fed by a foreign thread,
 * and the packed word (awake, searching). A task may spawn others, end, or compute without end.
 *
 * Shows: when nothing can move any more, no queue holds work while a worker sleeps (stranded). That
 * is stronger than "not all workers sleep": a worker lost in a long computation must not keep the
 * work of its queue from a sleeper. And the word then counts exactly the workers that are awake and
 * no searcher (miscounted), so no stale count can suppress a wake for ever.
 *
 * Store buffers as in park_wake.pml. Their entries: the push (a plain store of the tail), the
 * decrements of the word whose result is not used (K1, N5), and the write of PARKED.
 *
 * Must pass: no option, PARKED_FIRST, NO_LIMIT; also with STRAYS=1, with three workers.
 * Must fail: NO_RECHECK, NO_WORKER_FENCE, NO_PUBLISH_FENCE, also when LONG=0, where stranded means
 * that all workers sleep; NO_CHAIN, NO_PUBLISH_WAKE, NO_UNDO_RECHECK, NO_UNDO_FENCE (stranded);
 * NO_UNDO (miscounted).
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FOREIGN
#define FOREIGN 2               /* tasks of the foreign thread */
#endif
#ifndef SPAWNS
#define SPAWNS 1                /* tasks that tasks spawn */
#endif
#ifndef LONG
#define LONG 1                  /* tasks that compute without end */
#endif
#ifndef STRAYS
#define STRAYS 0                /* wake-ups for another reason: a message, a completion */
#endif
#define INJECT WORKERS          /* index of the inject queue and of the foreign thread's buffer */
#define SLOTS (WORKERS + 1)

#if WORKERS == 2
#define ANY_WORK (queue[0] > 0 || queue[1] > 0 || queue[2] > 0)
#else
#define ANY_WORK (queue[0] > 0 || queue[1] > 0 || queue[2] > 0 || queue[3] > 0)
#endif

mtype = { RUNNING, PARKED, NOTIFIED, SUMMONED };    /* states; SUMMONED: woken to search */
mtype = { PUSH, LEAVE, PARK };                      /* buffer entries */

/* Memory, as all threads see it. */
#ifdef START_ASLEEP
mtype state[WORKERS] = PARKED;
byte awake;
#else
mtype state[WORKERS] = RUNNING;
byte awake = WORKERS;
#endif
byte queue[SLOTS];
byte searching;                 /* with awake one packed word: read and changed in one step */
bool bell[WORKERS];

chan buffer[SLOTS] = [4] of { mtype, byte };        /* entry, searchers that LEAVE takes off */

/* Budgets, and what the properties look at. */
byte spawns = SPAWNS;
byte longs = LONG;
byte strays = STRAYS;
bool asleep[WORKERS];
bool stranded;
bool miscounted;

inline drain(who)
{
    atomic {
        buffer[who]?what,count;
        if
        :: what == PUSH -> queue[who]++
        :: what == LEAVE -> awake--; searching = searching - count
        :: what == PARK -> state[who] = PARKED
        fi;
        what = 0;
        count = 0
    }
}

active proctype memory()
{
    mtype what;
    byte count;

end_idle:
    do
    :: drain(0)
    :: drain(1)
#if WORKERS > 2
    :: drain(2)
#endif
    :: drain(INJECT)
    od
}

/*
 * Wakes one sleeper if there is one and nobody searches. The waker counts the sleeper in before it
 * looks for one, so that the next publisher sees a searcher already.
 */
inline wake_one(who, victim)
{
    do
    :: atomic { searching == 0 && awake < WORKERS -> awake++; searching++ };       /* N3 */
        victim = 0;
        do                                                                          /* N4 */
        :: atomic { victim < WORKERS && state[victim] == PARKED -> state[victim] = SUMMONED };
            bell[victim] = true;
            break
        :: victim < WORKERS && state[victim] != PARKED -> victim++
        :: victim == WORKERS -> break
        od;
        if
        :: victim < WORKERS -> break
        :: else
        fi;
#ifdef NO_UNDO
        break
#else
        buffer[who]!LEAVE,1;                                                        /* N5 */
#ifndef NO_UNDO_FENCE
        empty(buffer[who]);                             /* N5 fence, pairs with N2 */
#endif
#ifdef NO_UNDO_RECHECK
        break
#else
        if
        :: ANY_WORK -> empty(buffer[who])
        :: else -> break
        fi
#endif
#endif
    :: searching > 0 || awake == WORKERS -> break
    od;
    victim = 0
}

/* N1 push, N2 fence, N3 and on: wake. */
inline publish(who, victim)
{
    buffer[who]!PUSH,0;                                                             /* N1 */
#ifndef NO_PUBLISH_FENCE
    empty(buffer[who]);                                                             /* N2 */
#endif
#ifndef NO_PUBLISH_WAKE
    wake_one(who, victim)
#endif
}

proctype worker(byte me)
{
    bool mine;                  /* I am counted as a searcher */
    bool last;
    byte at;
    mtype old;

#ifdef START_ASLEEP
    asleep[me] = true;
    goto end_K5;
#endif
own:
    empty(buffer[me]);          /* a pop is a read-modify-write that comes after my own pushes */
    if
    :: atomic { queue[me] > 0 -> queue[me]-- };
        goto found
    :: else
    fi;
    if
    :: mine
#ifdef NO_LIMIT
    :: atomic { !mine -> searching++; mine = true }
#else
    :: atomic { !mine && 2 * searching < awake -> searching++; mine = true }
    :: !mine && 2 * searching >= awake -> goto leave
#endif
    fi;

    at = 0;                                                     /* search, one queue at a time */
    do
    :: atomic { at < SLOTS && queue[at] > 0 -> queue[at]--; at = 0 };
        goto found
    :: at < SLOTS && queue[at] == 0 -> at++
    :: at == SLOTS -> at = 0; break
    od;

leave:
#ifdef PARKED_FIRST
    buffer[me]!PARK,0;
    buffer[me]!LEAVE,mine;
#else
    buffer[me]!LEAVE,mine;                                      /* K1 */
    buffer[me]!PARK,0;                                          /* K2 = P1 */
#endif
    mine = false;
#ifndef NO_WORKER_FENCE
    empty(buffer[me]);                                          /* K3 = P2 fence, pairs with N2 */
#endif
#ifndef NO_RECHECK
    at = 0;                                                     /* K4 = P2 re-check */
    do
    :: at < SLOTS && queue[at] > 0 -> at = 0; goto back
    :: at < SLOTS && queue[at] == 0 -> at++
    :: at == SLOTS -> at = 0; break
    od;
#endif
    asleep[me] = true;
end_K5:
    atomic { bell[me] -> bell[me] = false; asleep[me] = false };            /* K5 = P4 */
    empty(buffer[me]);          /* the exchange comes after my own store to the same word */
    atomic { old = state[me]; state[me] = RUNNING };                        /* K6 = P5 */
    if
    :: atomic { old == SUMMONED -> mine = true; old = 0 }       /* the waker has counted me in */
    :: atomic { old != SUMMONED -> awake++; old = 0 }
    fi;
    goto own;

back:
    empty(buffer[me]);
    atomic { old = state[me]; state[me] = RUNNING };                        /* K7 = P3 */
    if
    :: atomic { old == SUMMONED -> mine = true; old = 0 }
    :: atomic { old != SUMMONED -> awake++; searching++; mine = true; old = 0 }
    fi;
    goto own;

found:
    if
    :: atomic { mine -> searching--; mine = false; last = searching == 0 };     /* F1 */
        if
        :: last ->
            last = false;
#ifndef NO_CHAIN
            wake_one(me, at)                                                      /* F2 */
#endif
        :: else
        fi
    :: !mine
    fi;

    do                                                          /* the task runs */
    :: atomic { spawns > 0 -> spawns-- };
        publish(me, at)
    :: atomic { longs > 0 -> longs-- };
        goto end_long
    :: break
    od;
    goto own;

end_long:
    false
}

proctype foreign()
{
    byte left = FOREIGN;
    byte at;

    do
    :: left > 0 -> left--; publish(INJECT, at)
    :: else -> break
    od
}

/* A message to a worker, whose sender knows nothing of searching. */
proctype stray()
{
    byte to;

    do
    :: atomic { strays > 0 -> strays-- };
        if
        :: to = 0
        :: to = 1
        fi;
        if
        :: atomic { state[to] == PARKED -> state[to] = NOTIFIED };
            bell[to] = true
        :: else
        fi
    :: else -> break
    od
}

active proctype judge()
{
    byte sleepers;
    byte work;
    byte i;

    timeout;
    d_step {
        do
        :: i < WORKERS -> sleepers = sleepers + asleep[i]; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < SLOTS -> work = work + queue[i]; i++
        :: else -> break
        od
    }
    stranded = work > 0 && sleepers > 0;
    assert(!stranded);
    miscounted = searching != 0 || awake != WORKERS - sleepers;
    assert(!miscounted)
}

init
{
    byte i;

    atomic {
        do
        :: i < WORKERS -> run worker(i); i++
        :: else -> break
        od;
        run foreign();
        run stray()
    }
}

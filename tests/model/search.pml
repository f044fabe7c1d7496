/*
 * search.pml - who looks for stealable work, and whom a publisher wakes.
 *
 * WORKERS workers with a stealable queue each, one inject queue fed by a foreign thread, and two
 * counts: workers that search and workers that sleep. A task may spawn others, end, or compute
 * without end.
 *
 * Shows: when nothing can move any more, no queue holds work while a worker sleeps (stranded). That
 * is stronger than "not all workers sleep": a worker lost in a long computation must not keep the
 * work of its queue from a sleeper. And the counts then say exactly who sleeps and that nobody
 * searches (miscounted), so no stale count can suppress a wake for ever.
 *
 * Store buffers as in park_wake.pml. Their entries: the push (a plain store of the tail), the write
 * of PARKED, and the changes of the counts whose result is not used (P1, B1).
 *
 * Must pass: no option, SLEEPING_FIRST, LAST_ONLY; also with STRAYS=1, with three workers.
 * Must fail: NO_RECHECK, NO_WORKER_FENCE, NO_PUBLISH_FENCE, also when LONG=0, where stranded means
 * that all workers sleep; NO_CHAIN, NO_CHAIN_FENCE, NO_REJOIN, KEEP_COUNT, NO_PUBLISH_WAKE,
 * COUNT_FIRST (stranded); NO_COUNT (miscounted).
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
#ifndef LIMIT
#define LIMIT WORKERS           /* a worker joins the searchers while twice their number is less */
#endif
#define INJECT WORKERS          /* index of the inject queue and of the foreign thread's buffer */
#define SLOTS (WORKERS + 1)

mtype = { RUNNING, PARKED, NOTIFIED, SUMMONED };    /* states; SUMMONED: woken to search */
mtype = { PUSH, PARK, COUNT, LEAVE };               /* buffer entries */

/* Memory, as all threads see it. */
#ifdef START_ASLEEP
mtype state[WORKERS] = PARKED;
short sleeping = WORKERS;
#else
mtype state[WORKERS] = RUNNING;
short sleeping;
#endif
short searching;                /* below zero for a moment when a woken worker is faster than A5 */
byte queue[SLOTS];
bool bell[WORKERS];

chan buffer[SLOTS] = [4] of { mtype };

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
        buffer[who]?what;
        if
        :: what == PUSH -> queue[who]++
        :: what == PARK -> state[who] = PARKED
        :: what == COUNT -> sleeping++
        :: what == LEAVE -> searching--
        fi;
        what = 0
    }
}

active proctype memory()
{
    mtype what;

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

/* Whether any queue holds something, one load after the other. */
inline look(at, seen)
{
    at = 0;
    seen = false;
    do
    :: at < SLOTS && queue[at] > 0 -> seen = true; break
    :: at < SLOTS && queue[at] == 0 -> at++
    :: at == SLOTS -> break
    od;
    at = 0
}

/* Wakes one sleeper if there is one and nobody searches. */
inline announce(who, at)
{
    at = 0;
#ifndef NO_PUBLISH_FENCE
    empty(buffer[who]);                                                 /* A2, pairs with B2 */
#endif
    if                                                                  /* A3: two loads */
    :: sleeping == 0
    :: sleeping != 0 ->
        if
        :: searching > 0
        :: searching <= 0 ->
#ifdef COUNT_FIRST
            searching++;
#endif
            do
            :: atomic { at < WORKERS && state[at] == PARKED ->          /* A4 = S3 */
                state[at] = SUMMONED };
#if !defined(COUNT_FIRST) && !defined(NO_COUNT)
                searching++;                                            /* A5 */
#endif
                bell[at] = true;
                break
            :: at < WORKERS && state[at] != PARKED -> at++
            :: at == WORKERS ->
#ifdef COUNT_FIRST
                searching--;
#endif
                break
            od
        fi
    fi;
    at = 0
}

inline publish(who, at)
{
    buffer[who]!PUSH;                                                   /* A1 = S1 */
#ifndef NO_PUBLISH_WAKE
    announce(who, at)
#endif
}

proctype worker(byte me)
{
    bool mine;                  /* I am counted as a searcher */
    bool seen;
    byte at;
    short before;

#ifdef START_ASLEEP
    asleep[me] = true;
    goto end_P4;
#endif
own:
    empty(buffer[me]);          /* a pop is a read-modify-write that comes after my own pushes */
    if
    :: atomic { queue[me] > 0 -> queue[me]-- };
        goto found
    :: else
    fi;
    if
    :: atomic { queue[INJECT] > 0 -> queue[INJECT]-- };
        goto found
    :: else
    fi;
    if
    :: mine
    :: !mine && 2 * searching < LIMIT -> searching++; mine = true
    :: !mine && 2 * searching >= LIMIT -> goto park
    fi;

    at = 0;                                             /* search, one queue at a time */
    do
    :: atomic { at < WORKERS && queue[at] > 0 -> queue[at]--; at = 0 };
#ifdef KEEP_COUNT
        goto stolen
#else
        goto found
#endif
    :: at < WORKERS && queue[at] == 0 -> at++
    :: at == WORKERS -> at = 0; break
    od;
    buffer[me]!LEAVE;                                   /* B1 */
    mine = false;

park:
#ifdef SLEEPING_FIRST
    buffer[me]!COUNT;
    buffer[me]!PARK;
#else
    buffer[me]!PARK;                                    /* P1 */
    buffer[me]!COUNT;                                   /* P1: sleeping + 1 */
#endif
#ifndef NO_WORKER_FENCE
    empty(buffer[me]);                                  /* B2 = P2, pairs with A2 */
#endif
#ifndef NO_RECHECK
    look(at, seen);                                     /* B3 = P2 */
    if
    :: seen -> goto awake
    :: else
    fi;
#endif
    asleep[me] = true;
end_P4:
    atomic { bell[me] -> bell[me] = false; asleep[me] = false };        /* P4 */
awake:
    empty(buffer[me]);          /* what follows comes after my own stores to the same words */
    sleeping--;                                                         /* P5, also P3 */
    atomic { mine = state[me] == SUMMONED; state[me] = RUNNING };       /* P5, also P3 */
    if
#ifndef NO_REJOIN
    :: seen && !mine -> searching++; mine = true                        /* B4, after P3 */
#endif
    :: else
    fi;
    seen = false;
    goto own;

found:
#ifdef KEEP_COUNT
    goto body;
stolen:
#endif
    if
    :: mine ->
        mine = false;
#ifdef LAST_ONLY
        atomic { before = searching; searching-- };                     /* B1, result used */
        look(at, seen);
        seen = seen && before <= 1;
        before = 0;
#else
        buffer[me]!LEAVE;                                               /* B1 */
#ifndef NO_CHAIN_FENCE
        empty(buffer[me]);                                              /* B2, pairs with A2 */
#endif
        look(at, seen);                                                 /* B3 */
#endif
        if
#ifndef NO_CHAIN
        :: seen -> seen = false; announce(me, at)
#endif
        :: else -> seen = false
        fi
    :: else
    fi;

#ifdef KEEP_COUNT
body:
#endif
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
    miscounted = searching != 0 || sleeping != sleepers;
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

/*
 * cancel.pml - a parked task, and everything that may end its wait.
 *
 * One task waits WAITS times on a channel; each wait may be cancellable or shielded, timed or not.
 * Its home worker is the only thread that parks and resumes it. Peers on other workers hand items
 * over; a canceller sets the task's flag and sends the home a message. Whoever ends a wait claims
 * the wait word first: compare and swap of (sequence, WAITING) to (sequence, CLAIMED).
 *
 * Shows: a wait has exactly one claimer (double_claim); a claimer of one wait never resumes a later
 * one (wrong_wait); once the flag is set and no message is under way, the task is not parked in a
 * cancellable wait (missed_cancel); no item stays in the channel while the task waits for one, and
 * none is lost (lost_item).
 *
 * Store buffers as in park_wake.pml. Here they hold the plain store of the wait word, what the home
 * writes under the channel's lock, the release of that lock, and the canceller's two writes. No
 * store-load fence stands anywhere in this protocol, and none is needed.
 *
 * Must pass: no option, FLAG_CHECK_FIRST.
 * Must fail: NO_SEQUENCE (wrong_wait); NO_FLAG_CHECK, MESSAGE_FIRST, NO_CANCEL_CLAIM
 * (missed_cancel); DECLARE_LATE (lost_item); CLAIM_BY_STORE (double_claim).
 */
#ifndef WAITS
#define WAITS 3
#endif
#ifndef PEERS
#define PEERS 2
#endif
#ifndef ITEMS
#define ITEMS 1                 /* items of each peer */
#endif
#define HOME 0                  /* indexes of store buffers */
#define CANCELLER 1

mtype = { NONE, WAITING, CLAIMED };                     /* wait word */
mtype = { DECLARE, ENQUEUE, UNLOCK, SET_FLAG, SEND };   /* store buffer entries */
mtype = { CANCEL, WAKE };                               /* messages to the home */

#ifdef NO_SEQUENCE
#define SEQUENCE(n) 0
#else
#define SEQUENCE(n) (n)
#endif

/* Memory, as all threads see it. */
mtype word_state = NONE;        /* with word_sequence one word: read and changed in one step */
byte word_sequence;
bool flag;                      /* cancel requested */
bool locked;                    /* the channel's lock, and what it guards: */
byte waiter;                    /* sequence of the queued wait, 0 when nobody waits */
byte items;                     /* items that nobody waited for */

chan buffer[2] = [4] of { mtype, byte };
chan inbox = [4] of { mtype, byte };    /* messages to the home, with the wait that WAKE means */

/* For the properties alone. */
byte now;                       /* the wait that the task is in, or was in last */
byte claims;                    /* successful claims of that wait */
byte handed;                    /* items that reached the task */
bool parked;
bool cancellable;
bool double_claim;
bool wrong_wait;
bool missed_cancel;
bool lost_item;

inline drain(who)
{
    atomic {
        buffer[who]?what,value;
        if
        :: what == DECLARE -> word_state = WAITING; word_sequence = SEQUENCE(value)
        :: what == ENQUEUE -> waiter = value
        :: what == UNLOCK -> locked = false
        :: what == SET_FLAG -> flag = true
        :: what == SEND -> inbox!CANCEL,0
        fi;
        what = 0;
        value = 0
    }
}

active proctype memory()
{
    mtype what;
    byte value;

end_idle:
    do
    :: drain(HOME)
    :: drain(CANCELLER)
    od
}

/* Part of a successful claim, in one step with it. */
inline count_claim(sequence)
{
    wrong_wait = sequence != now;
    assert(!wrong_wait);
    claims++;
    double_claim = claims > 1;
    assert(!double_claim)
}

/*
 * The home's own claim of the present wait. A compare and swap comes after the own store to the
 * same word, hence the wait for the buffer.
 */
inline claim_at_home(sequence, won)
{
    empty(buffer[HOME]);
    if
    :: atomic {
        word_state == WAITING && word_sequence == SEQUENCE(sequence) ->
        word_state = CLAIMED;
        count_claim(sequence);
        won = true
       }
    :: else -> won = false
    fi
}

active proctype home()
{
    byte sequence;
    byte timer;                 /* sequence of the armed timer, 0 when none; may be stale */
    byte meant;
    bool won;

next_wait:
    if
    :: sequence == WAITS -> goto end_done
    :: else
    fi;
    d_step { sequence++; claims = 0; now = sequence };
    if                                                                          /* T1 */
    :: cancellable = true
    :: cancellable = false
    fi;
#ifdef FLAG_CHECK_FIRST
    if
    :: cancellable && flag -> goto next_wait
    :: else
    fi;
#endif
    atomic { !locked -> locked = true };                                        /* T2 */
    if
    :: items > 0 ->
        d_step { items--; handed++ };
        buffer[HOME]!UNLOCK,0;
        goto next_wait
    :: else
    fi;
#ifdef DECLARE_LATE
    buffer[HOME]!ENQUEUE,sequence;
    buffer[HOME]!UNLOCK,0;
    buffer[HOME]!DECLARE,sequence;
#else
    buffer[HOME]!DECLARE,sequence;                                              /* T3 */
    buffer[HOME]!ENQUEUE,sequence;                                              /* T4 */
    buffer[HOME]!UNLOCK,0;
#endif
    if                          /* armed or not; an old timer is not taken out, to be harder */
    :: timer = sequence
    :: skip
    fi;
#if !defined(NO_FLAG_CHECK) && !defined(FLAG_CHECK_FIRST)
    if                                                                          /* T5 */
    :: cancellable && flag ->
        claim_at_home(sequence, won);
        if
        :: won -> won = false; goto resume
        :: else                 /* a peer was first: its WAKE is under way */
        fi
    :: else
    fi;
#endif
    parked = true;                                                              /* T6 */

end_serve:                       /* the task is switched out: the home serves what comes */
    if
    :: inbox?CANCEL,meant ->                                                    /* H1 */
        meant = 0;
#ifndef NO_CANCEL_CLAIM
        if
        :: cancellable ->
#ifdef CLAIM_BY_STORE
            empty(buffer[HOME]);
            if
            :: word_state == WAITING ->
                atomic { word_state = CLAIMED; count_claim(sequence) };
                goto resume
            :: else
            fi
#else
            claim_at_home(sequence, won);                                       /* H2 */
            if
            :: won -> won = false; goto resume
            :: else
            fi
#endif
        :: else
        fi;
#endif
        goto end_serve
    :: inbox?WAKE,meant ->                                                      /* H3 */
        wrong_wait = meant != sequence;
        assert(!wrong_wait);
        meant = 0;
        goto resume
    :: timer != 0 ->                                                            /* H4 */
        d_step { meant = timer; timer = 0 };
        empty(buffer[HOME]);
        if
        :: atomic {
            word_state == WAITING && word_sequence == SEQUENCE(meant) ->
            word_state = CLAIMED;
            count_claim(meant);
            meant = 0
           };
            goto resume
        :: else -> meant = 0; goto end_serve
        fi
    fi;

resume:
    parked = false;
    atomic { !locked -> locked = true };                                        /* T7 */
    if
    :: waiter == sequence -> waiter = 0     /* ended by cancel or timer: still queued */
    :: else
    fi;
    buffer[HOME]!UNLOCK,0;
    do                          /* messages may be served before the task runs on */
    :: inbox?CANCEL,meant -> meant = 0      /* H1: not parked, so nothing to do */
    :: break
    od;
    goto next_wait;

end_done:
    do
    :: inbox?CANCEL,meant
    :: inbox?WAKE,meant -> wrong_wait = true; assert(!wrong_wait)
    od
}

/* A task on another worker that puts items: hands over to the waiter, or leaves them. */
proctype peer()
{
    byte left = ITEMS;
    byte target;

    do
    :: left > 0 ->
        atomic { !locked -> locked = true };                                    /* W1 */
        if
        :: waiter != 0 -> d_step { target = waiter; waiter = 0 }
        :: else -> items++; left--
        fi;
        locked = false;
        if
        :: target != 0 ->
            if
            :: atomic {                                                         /* W2 */
                word_state == WAITING && word_sequence == SEQUENCE(target) ->
                word_state = CLAIMED;
                count_claim(target);
                handed++;
                left--
               };
                inbox!WAKE,target                                               /* W3 */
            :: else             /* somebody ended that wait: try the next waiter */
            fi;
            target = 0
        :: else
        fi
    :: else -> break
    od
}

proctype canceller()
{
#ifdef MESSAGE_FIRST
    buffer[CANCELLER]!SEND,0;
    buffer[CANCELLER]!SET_FLAG,0
#else
    buffer[CANCELLER]!SET_FLAG,0;                                               /* C1 */
    buffer[CANCELLER]!SEND,0                                                    /* C2 */
#endif
}

active proctype judge()
{
    timeout;
    missed_cancel = parked && cancellable && flag;
    assert(!missed_cancel);
    lost_item = (parked && items > 0) || handed + items != PEERS * ITEMS;
    assert(!lost_item)
}

init
{
    byte i;

    atomic {
        run canceller();
        do
        :: i < PEERS -> run peer(); i++
        :: else -> break
        od
    }
}

/*
 * home.pml - a cancel for a task that changes its home.
 *
 * A task that may be stolen lies in the ring of worker 0 at first. Whoever takes it out, owner or
 * thief, becomes its home and runs it; it waits (cancellable or shielded), is resumed at its home,
 * goes into the ring there and may be stolen again, WAITS times. The canceller sets the flag and
 * sends a message to the home that it reads; a worker that is not the home sends the message on.
 *
 * Shows: the task is not left parked with the flag set and no message under way (missed_cancel); a
 * worker acts on a task only where the task ran last, and while nobody else runs it (foreign_hand).
 *
 * Store buffers as in park_wake.pml. Their entries: the store of home, the store of the wait word,
 * the push of a message and of the task, the canceller's flag.
 *
 * Must pass: no option; NO_CANCEL_FENCE, NO_FORWARD: each alone is spare.
 * Must fail: NO_HOME_FENCE, NO_CANCEL_FENCE with NO_FORWARD (missed_cancel); WORD_AFTER_HOME,
 * TOUCH_READY (foreign_hand).
 */
#ifndef WAITS
#define WAITS 2
#endif
#define WORKERS 2
#define CANCELLER WORKERS       /* index of its store buffer */

mtype = { HOME, WAIT, READY, FLAG, SEND };      /* store buffer entries */

/* Memory, as all threads see it. */
byte home_of;                   /* the task's home */
byte waiting;                   /* the wait word: sequence of the wait, 0 when it is in none */
bool flag;
bool ready[WORKERS];            /* the task lies in that worker's ring */
byte inbox[WORKERS];            /* cancel messages */

chan buffer[3] = [4] of { mtype, byte };

/* For the properties alone. */
bool running[WORKERS];
byte ran_at;
bool parked;
bool missed_cancel;
bool foreign_hand;

inline drain(who)
{
    atomic {
        buffer[who]?what,value;
        if
        :: what == HOME -> home_of = value
        :: what == WAIT -> waiting = value
        :: what == READY -> ready[value] = true
        :: what == FLAG -> flag = true
        :: what == SEND -> inbox[value]++
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
    :: drain(0)
    :: drain(1)
    :: drain(CANCELLER)
    od
}

byte sequence;                  /* the task's own, as is the next; they travel with it */
bool shielded;                  /* its wait does not end by cancel */
byte wakes;                     /* partners that will come and end a wait; any number below WAITS */

proctype worker(byte me)
{
    byte word;
    byte home;

end_loop:
    do
    :: atomic {                                         /* take it from the own ring, or steal it */
        len(buffer[me]) == 0 && (ready[0] || ready[1]);
        if
        :: ready[0] -> ready[0] = false
        :: ready[1] -> ready[1] = false
        fi;
        running[me] = true;
        ran_at = me
       };
        buffer[me]!HOME,me;                                             /* H1 */
#ifndef NO_HOME_FENCE
        empty(buffer[me]);                                              /* H2, pairs with C1's */
#endif
        if
        :: sequence == WAITS -> running[me] = false; break
        :: else
        fi;
        sequence++;
        buffer[me]!WAIT,sequence;                                       /* K1 */
        if
        :: shielded = true
        :: shielded = false
        fi;
        if
        :: !shielded && flag ->                                         /* H3 */
            atomic { empty(buffer[me]); waiting = 0 };  /* its own claim; nobody else woke it */
            atomic { running[me] = false; buffer[me]!READY,me }
        :: else ->
            atomic { running[me] = false; parked = true }               /* K3 */
        fi

    :: atomic { len(buffer[me]) == 0 && waiting != 0 && home_of == me && parked && wakes > 0 ->
        wakes--;                /* some partner claimed the wait, then read home and sent a wake */
        waiting = 0;
        parked = false;
        buffer[me]!READY,me }

    :: atomic { inbox[me] > 0 -> inbox[me]-- };
        empty(buffer[me]);      /* a thread sees its own stores: word and home may be its own */
#ifdef WORD_AFTER_HOME
        home = home_of;
        word = waiting;
#else
        word = waiting;                                                 /* C3 */
        home = home_of;                                                 /* C4 */
#endif
        if
        :: home != me ->
#ifndef NO_FORWARD
            buffer[me]!SEND,home
#else
            skip
#endif
        :: else ->
#ifdef TOUCH_READY
            atomic {
                foreign_hand = running[1 - me];
                assert(!foreign_hand)
            };
#endif
            if
            :: word != 0 ->
                atomic {                /* the code looks into the task here: flags, operation */
                    foreign_hand = running[1 - me] || ran_at != me;
                    assert(!foreign_hand)
                };
                if
                :: atomic { !shielded && waiting == word && parked ->
                    waiting = 0;
                    parked = false;
                    buffer[me]!READY,me }
                :: else
                fi
            :: else
            fi
        fi;
        word = 0;
        home = 0
    od
}

proctype canceller()
{
    byte home;

    buffer[CANCELLER]!FLAG,0;                                           /* C1 */
#ifndef NO_CANCEL_FENCE
    empty(buffer[CANCELLER]);                                           /* C1's fence, with H2 */
#endif
    home = home_of;                                                     /* C2 */
    buffer[CANCELLER]!SEND,home
}

active proctype judge()
{
    timeout;
    missed_cancel = parked && !shielded && flag;
    assert(!missed_cancel)
}

init
{
    atomic {
        do
        :: wakes < WAITS - 1 -> wakes++
        :: break
        od;
        ready[0] = true;
        run worker(0);
        run worker(1);
        run canceller()
    }
}

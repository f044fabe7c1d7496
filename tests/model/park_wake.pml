/*
 * park_wake.pml - a worker goes to sleep while senders publish work for it.
 *
 * Shows: no state is reached in which nothing can move, work waits in a source of the worker and
 * the worker sleeps without a bell (lost_wakeup); at most one doorbell is rung for one sleep
 * (extra_doorbell). There is no timeout in the wait, so a lost wake-up cannot heal.
 *
 * Every thread has a store buffer. A read-modify-write whose result is not used (P1, P3, P5, S1) is
 * an entry of that buffer, applied as one step when it drains: the thread's own later loads may
 * pass it, as aarch64 allows and x86 does not. Only a fence waits for the buffer.
 *
 * Must pass: no option, NO_LOOP_FENCE.
 * Must fail: NO_WORKER_FENCE, NO_SENDER_FENCE, MISSED_SOURCE, CHECK_FIRST (lost_wakeup); NO_CAS
 * (extra_doorbell).
 */
#ifndef MESSAGES
#define MESSAGES 2
#endif
#define SENDERS 2
#define SOURCES 2               /* the inbox, and any other queue that P2 must look at */

mtype = { RUNNING, PARKED, NOTIFIED };

/* Memory, as all threads see it. */
mtype state = RUNNING;
byte source[SOURCES];
bool bell;                      /* the doorbell is sticky: it stays until the worker takes it */

/* Store buffers, oldest entry first. */
chan worker_buffer = [3] of { mtype };              /* next state */
chan sender_buffer[SENDERS] = [MESSAGES] of { byte };  /* source that gets one message more */

/* For the properties alone. */
byte consumed;
byte rung;                      /* doorbells since the last PARKED became visible */
bool lost_wakeup;
bool extra_doorbell;

/* Drains the buffers, any of them at any time, each in its own order. */
active proctype memory()
{
    mtype next;
    byte where;

end_idle:
    do
    :: atomic {
        worker_buffer?next;
        state = next;
        if
        :: next == PARKED -> rung = 0
        :: else
        fi;
        next = 0
       }
    :: atomic { sender_buffer[0]?where; source[where]++; where = 0 }
    :: atomic { sender_buffer[1]?where; source[where]++; where = 0 }
    od
}

inline take_all(where)
{
    d_step { consumed = consumed + source[where]; source[where] = 0 }
}

active proctype worker()
{
loop:
    take_all(0);
    take_all(1);

#ifdef CHECK_FIRST
    if
    :: source[0] > 0 || source[1] > 0 -> goto loop
    :: else
    fi;
#endif
    worker_buffer!PARKED;                           /* P1 */
#ifndef NO_WORKER_FENCE
    empty(worker_buffer);                           /* P2 fence, pairs with S2 */
#endif
#ifndef CHECK_FIRST
    if                                              /* P2 re-check, one load after the other */
    :: source[0] > 0 -> goto P3
    :: else
    fi;
#ifndef MISSED_SOURCE
    if
    :: source[1] > 0 -> goto P3
    :: else
    fi;
#endif
#endif

end_P4:
    atomic { bell -> bell = false };                /* P4 waits in the kernel */
    worker_buffer!RUNNING;                          /* P5 */
#ifndef NO_LOOP_FENCE
    empty(worker_buffer);                           /* P5 fence */
#endif
    goto loop;

P3:
    worker_buffer!RUNNING;
    goto loop
}

inline ring_doorbell()
{
    rung++;
    extra_doorbell = rung > 1;
    assert(!extra_doorbell)
}

proctype sender(byte me)
{
    byte sent;
    byte where;

    do
    :: sent < MESSAGES ->
        if
        :: where = 0
        :: where = 1
        fi;
        sender_buffer[me]!where;                    /* S1 */
        where = 0;
        sent++;
#ifndef NO_SENDER_FENCE
        empty(sender_buffer[me]);                   /* S2 fence, pairs with P2 */
#endif
        if                                          /* S3 load */
        :: state == PARKED ->
#ifdef NO_CAS
            state = NOTIFIED;
            atomic { ring_doorbell() };
            bell = true
#else
            if                                      /* S3 compare and swap */
            :: atomic { state == PARKED -> state = NOTIFIED; ring_doorbell() };
                bell = true                         /* the ring happens some time after the claim */
            :: else
            fi
#endif
        :: else
        fi
    :: else -> break
    od
}

/* Runs when no other step is possible. */
active proctype judge()
{
    timeout;
    lost_wakeup = consumed < SENDERS * MESSAGES;
    assert(!lost_wakeup)
}

init
{
    atomic { run sender(0); run sender(1) }
}

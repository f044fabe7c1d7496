/*
 * Conditions: tasks wait, in order, until another says that what a mutex guards has changed. See
 * weft-locks(7).
 */
#ifndef WEFT_CONDITION_H
#define WEFT_CONDITION_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/mutex.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_condition {
    uint64_t opaque[6];
} weft_condition;

/* Nobody waits; zeroed memory is one too. */
#define WEFT_CONDITION_INIT { { 0 } }

WEFT_BEGIN

/*
 * weft_condition_init - makes a condition in storage that no initialiser has reached
 * @condition: where
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: pthread_cond_init(3)
 */
WEFT_API void weft_condition_init(weft_condition *condition);

/*
 * weft_condition_fini - ends the use of a condition; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another thread that has
 * just let the caller go on is over when this returns.
 * @condition: NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: pthread_cond_destroy(3)
 */
WEFT_API void weft_condition_fini(weft_condition *condition);

/*
 * weft_condition_wait - lets the mutex go, waits for a signal, and takes the mutex back
 * No signal given after the mutex was let go is missed. What the caller waits for may have changed
 * again before it has the mutex: look again in a loop. A reentrant mutex is let go however often it
 * was locked, and is locked as often afterwards. When the caller does not hold the mutex, the
 * program ends with a sentence that names the holder.
 * @condition: the condition
 * @mutex:     a mutex of the caller's; all who wait at the same time give the same
 * @until:     how long to wait for the signal; the mutex is then waited for without limit
 * Returns:    0 after a signal
 * Errors:     -ETIMEDOUT, -ECANCELED, -EPERM in a callback of the runtime; the mutex is the
 *             caller's then, too (but for -EPERM)
 * Ownership:  the mutex is the caller's before and after, whatever is returned
 * Context:    any task, any thread    Suspends: until signalled, and until the mutex is free
 * Cancel:     the wait for the signal ends, that for the mutex does not; a signal that this call
 *             has got is never lost: it returns 0
 * Ordering:   what the signaller did before its unlock happens-before this return
 * Cost:       two short locks, unlock and lock of the mutex    Node: none
 * Since:      0.1    Source: Julia's Threads.Condition
 */
WEFT_API WEFT_MUST_USE int weft_condition_wait(weft_condition *condition, weft_mutex *mutex,
                                               weft_deadline until);

/*
 * weft_condition_signal - wakes the one who has waited longest
 * The caller may hold the mutex, and need not.
 * @condition: the condition
 * Returns:    1, or 0 when nobody waited: then the signal is forgotten
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   none beyond the mutex
 * Cost:       one short lock and a wake    Node: none
 * Since:      0.1    Source: Julia's notify
 */
WEFT_API int weft_condition_signal(weft_condition *condition);

/*
 * weft_condition_broadcast - wakes all who wait
 * They take the mutex one after the other.
 * @condition: the condition
 * Returns:    how many there were
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   none beyond the mutex
 * Cost:       one short lock, and a wake for each    Node: none
 * Since:      0.1    Source: Julia's notify
 */
WEFT_API int weft_condition_broadcast(weft_condition *condition);

WEFT_END

#endif

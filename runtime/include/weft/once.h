/*
 * Once: something that must be done a single time, by whoever needs it first. See weft-locks(7).
 */
#ifndef WEFT_ONCE_H
#define WEFT_ONCE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>
#include <weft/task.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_once {
    uint64_t opaque[6];
} weft_once;

/* Not done; zeroed memory is too. */
#define WEFT_ONCE_INIT { { 0 } }

WEFT_BEGIN

/*
 * weft_once_init - makes one in storage that no initialiser has reached
 * @once:      where
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_once_init(weft_once *once);

/*
 * weft_once_fini - ends the use of one; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another thread that has
 * just let the caller go on is over when this returns.
 * @once:      NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_once_fini(weft_once *once);

/*
 * weft_once_run - runs a function unless it has been run well
 * Those who come while it runs wait for its end. When it fails, the one who has waited longest runs
 * its own function next, in its own task; so do later callers. The function may wait.
 * @once:      the once
 * @fn:        what to run; not NULL
 * @argument:  handed to fn as it is
 * @until:     how long to wait for another who runs it; fn itself is not limited
 * Returns:    0 when it has been done, here or elsewhere
 * Errors:     what fn returned, when it ran here and returned a negative errno; -ETIMEDOUT,
 *             -EDEADLK when fn itself comes back here, -EPERM in a callback of the runtime,
 *             -ECANCELED for a task cancelled before or while it waits, unless it has been done
 * Ownership:  argument stays the caller's
 * Context:    any task, any thread    Suspends: while another runs it, and when fn does
 * Cancel:     the wait ends; fn is cancelled with the task that runs it
 * Ordering:   everything that fn did happens-before each return of 0
 * Cost:       two loads when it has been done    Node: none
 * Since:      0.1    Source: Julia's OncePerProcess
 */
WEFT_API WEFT_MUST_USE int weft_once_run(weft_once *once, weft_task_fn fn, void *argument,
                                         weft_deadline until);

WEFT_END

#endif

/*
 * Spin locks: for a few instructions, where a mutex would cost more than what it guards. Whoever
 * finds one taken keeps its worker busy until it is free; so a task that holds one must not wait,
 * and cannot: that ends the program with a sentence. See weft-locks(7).
 */
#ifndef WEFT_SPINLOCK_H
#define WEFT_SPINLOCK_H

#include <weft/base.h>
#include <weft/error.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_spinlock {
    uint64_t opaque[2];
} weft_spinlock;

/* Zeroed memory is a free one. */
#define WEFT_SPINLOCK_INIT { { 0 } }

WEFT_BEGIN

/*
 * weft_spinlock_init - makes a spin lock in storage that no initialiser has reached
 * @lock:      where
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_spinlock_init(weft_spinlock *lock);

/*
 * weft_spinlock_fini - ends the use of a spin lock; its storage may go afterwards
 * Ends the program with a sentence when somebody holds it.
 * @lock:      NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one load    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_spinlock_fini(weft_spinlock *lock);

/*
 * weft_spinlock_lock - takes a spin lock; spins until it is free
 * Until the unlock the task must not wait, yield, poll or end: a call that would, ends the program
 * with a sentence that names the task. (What need not wait, such as a put into a channel that has
 * room, goes.) A thread that is no worker is not watched like that; those who spin lose their CPU
 * for as long as it sleeps. In no order, and not fair: for locks that are mostly free.
 * @lock:      the lock
 * Returns:    0
 * Errors:     -EDEADLK when the caller holds it, -EPERM in a callback of the runtime
 * Ownership:  the caller holds the lock
 * Context:    any task, any thread    Suspends: never; spins, and after a while yields the CPU
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before an unlock happens-before the return of the next lock
 * Cost:       one compare-and-swap    Node: none
 * Since:      0.1    Source: Rudolph and Segall, test and test-and-set, 1984
 */
WEFT_API WEFT_MUST_USE int weft_spinlock_lock(weft_spinlock *lock);

/*
 * weft_spinlock_try_lock - takes a spin lock if it is free
 * @lock:      the lock
 * Returns:    0
 * Errors:     -EAGAIN when it is held, also by the caller; -EPERM in a callback of the runtime
 * Ownership:  the caller holds the lock
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_spinlock_lock
 * Cost:       one compare-and-swap    Node: none
 * Since:      0.1    Source: as weft_spinlock_lock
 */
WEFT_API WEFT_MUST_USE int weft_spinlock_try_lock(weft_spinlock *lock);

/*
 * weft_spinlock_unlock - gives a spin lock back
 * Ends the program with a sentence when the caller does not hold it.
 * @lock:      the lock
 * Returns:    0
 * Errors:     -EPERM in a callback of the runtime
 * Ownership:  the lock is anybody's; the call does not touch it any more
 * Context:    the task or thread that holds it    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_spinlock_lock
 * Cost:       one store    Node: none
 * Since:      0.1    Source: as weft_spinlock_lock
 */
WEFT_API int weft_spinlock_unlock(weft_spinlock *lock);

WEFT_END

#endif

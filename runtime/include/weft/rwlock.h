/*
 * Read-write locks: many readers, or one writer. Who comes while it can be had gets it, before
 * those who wait; but once the one who has waited longest has waited for a millisecond, nobody
 * passes it. So readers who keep coming never keep a writer out. See weft-locks(7).
 *
 * A task that ends while it holds the lock leaves it locked for ever. A reader that asks for the
 * write lock waits for itself: readers are counted, not known.
 */
#ifndef WEFT_RWLOCK_H
#define WEFT_RWLOCK_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_rwlock {
    uint64_t opaque[8];
} weft_rwlock;

/* A free lock; zeroed memory is one too. */
#define WEFT_RWLOCK_INIT { { 0 } }

WEFT_BEGIN

/*
 * weft_rwlock_init - makes a lock in storage that no initialiser has reached
 * @rwlock:    where
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use the lock
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: pthread_rwlock_init(3)
 */
WEFT_API void weft_rwlock_init(weft_rwlock *rwlock);

/*
 * weft_rwlock_fini - ends the use of a lock; its storage may go afterwards
 * Ends the program with a sentence when somebody holds it or waits for it.
 * @rwlock:    a free lock; NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: pthread_rwlock_destroy(3)
 */
WEFT_API void weft_rwlock_fini(weft_rwlock *rwlock);

/*
 * weft_rwlock_lock_read - waits until no writer has the lock, and shares it with other readers
 * @rwlock:    the lock
 * @until:     how long to wait; with WEFT_NOW it is taken if it can be had
 * Returns:    0
 * Errors:     -ECANCELED (for a task cancelled before, also when it is free), -ETIMEDOUT,
 *             -EDEADLK when the caller is the writer, -EPERM in a callback of the runtime
 * Ownership:  the caller shares the lock until weft_rwlock_unlock; on an error it does not
 * Context:    any task, any thread    Suspends: until the lock can be had
 * Cancel:     all or nothing: 0 and it has the lock, or an error and it has not
 * Ordering:   everything before the last writer's unlock happens-before this return
 * Cost:       one short lock; no allocation, ever    Node: none
 * Since:      0.1    Source: pthread_rwlock_rdlock(3)
 */
WEFT_API WEFT_MUST_USE int weft_rwlock_lock_read(weft_rwlock *rwlock, weft_deadline until);

/*
 * weft_rwlock_lock_write - waits until nobody has the lock, and owns it
 * @rwlock:    the lock
 * @until:     how long to wait; with WEFT_NOW it is taken if it can be had
 * Returns:    0
 * Errors:     as weft_rwlock_lock_read
 * Ownership:  the caller owns the lock until weft_rwlock_unlock; on an error it does not
 * Context:    any task, any thread    Suspends: until the lock can be had
 * Cancel:     all or nothing: 0 and it has the lock, or an error and it has not
 * Ordering:   everything before all earlier unlocks happens-before this return
 * Cost:       one short lock; no allocation, ever    Node: none
 * Since:      0.1    Source: pthread_rwlock_wrlock(3)
 */
WEFT_API WEFT_MUST_USE int weft_rwlock_lock_write(weft_rwlock *rwlock, weft_deadline until);

/*
 * weft_rwlock_try_lock_read - shares the lock if that needs no waiting
 * @rwlock:    the lock
 * Returns:    0
 * Errors:     -EAGAIN when it would have to wait, -EPERM as weft_rwlock_lock_read
 * Ownership:  as weft_rwlock_lock_read
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_rwlock_lock_read
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: pthread_rwlock_tryrdlock(3)
 */
WEFT_API WEFT_MUST_USE int weft_rwlock_try_lock_read(weft_rwlock *rwlock);

/*
 * weft_rwlock_try_lock_write - owns the lock if that needs no waiting
 * @rwlock:    the lock
 * Returns:    0
 * Errors:     -EAGAIN when it would have to wait, -EPERM as weft_rwlock_lock_read
 * Ownership:  as weft_rwlock_lock_write
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_rwlock_lock_write
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: pthread_rwlock_trywrlock(3)
 */
WEFT_API WEFT_MUST_USE int weft_rwlock_try_lock_write(weft_rwlock *rwlock);

/*
 * weft_rwlock_unlock - gives back what the caller has of the lock, as its reader or its writer
 * Never fails in a correct program. When a writer has the lock that is not the caller, or nobody
 * has it, the program ends with a sentence that names both.
 * @rwlock:    a lock of the caller's
 * Returns:    0
 * Errors:     -EPERM in a callback of the runtime, which owns nothing
 * Ownership:  the lock is given back
 * Context:    the task or thread that has locked it    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before the next writer's return, and a writer's
 *             happens-before the next readers'
 * Cost:       one short lock; a wake when somebody waits    Node: none
 * Since:      0.1    Source: pthread_rwlock_unlock(3)
 */
WEFT_API int weft_rwlock_unlock(weft_rwlock *rwlock);

WEFT_END

#endif

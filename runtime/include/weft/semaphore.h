/*
 * Semaphores: a number of permits, handed out first come, first served. Nobody owns a permit: one
 * task may acquire it and another release it. See weft-locks(7).
 */
#ifndef WEFT_SEMAPHORE_H
#define WEFT_SEMAPHORE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_semaphore {
    uint64_t opaque[6];
} weft_semaphore;

/* Has so many permits, and never more than so many; both as weft_semaphore_init takes them. */
#define WEFT_SEMAPHORE_INIT(permits, most) { { (permits), (most) } }

WEFT_BEGIN

/*
 * weft_semaphore_init - makes a semaphore in storage that no initialiser has reached
 * @semaphore: where
 * @permits:   how many can be acquired at once, before any release
 * @most:      how many there can ever be; at least 1
 * Returns:    0
 * Errors:     -EINVAL when most is 0 or permits is larger
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: sem_init(3)
 */
WEFT_API WEFT_MUST_USE int weft_semaphore_init(weft_semaphore *semaphore, uint32_t permits,
                                               uint32_t most);

/*
 * weft_semaphore_fini - ends the use of a semaphore; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another thread that has
 * just let the caller go on is over when this returns.
 * @semaphore: NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: sem_destroy(3)
 */
WEFT_API void weft_semaphore_fini(weft_semaphore *semaphore);

/*
 * weft_semaphore_acquire - waits for a permit
 * A permit goes to whoever has waited longest; nobody who comes later can take it away.
 * @semaphore: the semaphore
 * @until:     how long to wait; with WEFT_NOW a permit that is there is taken
 * Returns:    0
 * Errors:     -ECANCELED (for a task cancelled before, also when there is a permit), -ETIMEDOUT,
 *             -EPERM in a callback of the runtime
 * Ownership:  a permit is taken; on an error it is not
 * Context:    any task, any thread    Suspends: until there is a permit
 * Cancel:     all or nothing: 0 and a permit, or an error and none
 * Ordering:   everything before the release of the permit happens-before this return
 * Cost:       one short lock; no allocation, ever    Node: none
 * Since:      0.1    Source: Dijkstra, "Cooperating sequential processes", 1965
 */
WEFT_API WEFT_MUST_USE int weft_semaphore_acquire(weft_semaphore *semaphore, weft_deadline until);

/*
 * weft_semaphore_try_acquire - takes a permit if there is one
 * @semaphore: the semaphore
 * Returns:    0
 * Errors:     -EAGAIN when there is none
 * Ownership:  as weft_semaphore_acquire
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_semaphore_acquire
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: sem_trywait(3)
 */
WEFT_API WEFT_MUST_USE int weft_semaphore_try_acquire(weft_semaphore *semaphore);

/*
 * weft_semaphore_release - gives a permit back, or to whoever has waited longest
 * Never fails in a correct program. One permit more than there can be ends the program with a
 * sentence: nobody had acquired it.
 * @semaphore: the semaphore
 * Returns:    0
 * Errors:     none
 * Ownership:  the permit is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before the return of the acquire that gets the permit
 * Cost:       one short lock; a wake when somebody waits    Node: none
 * Since:      0.1    Source: Julia's Semaphore, whose release without an acquire is an error
 */
WEFT_API int weft_semaphore_release(weft_semaphore *semaphore);

WEFT_END

#endif

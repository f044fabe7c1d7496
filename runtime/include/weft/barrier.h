/*
 * Barriers and latches. At a barrier so many tasks wait for each other, round after round; a latch
 * opens once, when it has been counted down, and stays open. See weft-locks(7).
 */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_barrier {
    uint64_t opaque[6];
} weft_barrier;

/* For so many tasks. */
#define WEFT_BARRIER_INIT(tasks) { { (tasks) } }

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_latch {
    uint64_t opaque[6];
} weft_latch;

/* Opens after so many counts. Zeroed memory is an open one. */
#define WEFT_LATCH_INIT(counts) { { (counts) } }

WEFT_BEGIN

/*
 * weft_barrier_init - makes a barrier in storage that no initialiser has reached
 * @barrier:   where
 * @tasks:     how many wait for each other; at least 1
 * Returns:    0
 * Errors:     -EINVAL when tasks is 0
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: pthread_barrier_init(3)
 */
WEFT_API WEFT_MUST_USE int weft_barrier_init(weft_barrier *barrier, uint32_t tasks);

/*
 * weft_barrier_fini - ends the use of a barrier; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another task or thread
 * that has just let the caller go on, or is about to return because its deadline or a cancel came,
 * is over when this returns.
 * @barrier:   NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: until such calls
 *             are over
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       two short locks    Node: none
 * Since:      0.1    Source: pthread_barrier_destroy(3)
 */
WEFT_API void weft_barrier_fini(weft_barrier *barrier);

/*
 * weft_barrier_wait - waits until all have come, and begins the next round
 * The last to come is the leader and does not wait. One that gives up is not counted any more: the
 * others wait for somebody in its place. WEFT_NOW is for one who only wants to come last.
 * @barrier:   the barrier
 * @until:     how long to wait
 * Returns:    1 for the leader of the round, 0 for the others
 * Errors:     -ETIMEDOUT, -ECANCELED (for a task cancelled before, it is not counted), -EPERM in a
 *             callback of the runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until all have come
 * Cancel:     all or nothing: when the round was complete before, or meanwhile, it is 0; else the
 *             caller was never there
 * Ordering:   everything that each did before its call happens-before all returns of the round
 * Cost:       one short lock, and for the leader a wake for each    Node: none
 * Since:      0.1    Source: pthread_barrier_wait(3)
 */
WEFT_API WEFT_MUST_USE int weft_barrier_wait(weft_barrier *barrier, weft_deadline until);

/*
 * weft_latch_init - makes a latch in storage that no initialiser has reached
 * @latch:     where
 * @counts:    after how many counts it opens; 0: it is open
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: std::latch of C++20
 */
WEFT_API void weft_latch_init(weft_latch *latch, uint32_t counts);

/*
 * weft_latch_fini - ends the use of a latch; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another thread that has
 * just let the caller go on is over when this returns.
 * @latch:     NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: std::latch of C++20
 */
WEFT_API void weft_latch_fini(weft_latch *latch);

/*
 * weft_latch_wait - waits until a latch is open
 * @latch:     the latch
 * @until:     how long to wait; WEFT_NOW only looks
 * Returns:    0
 * Errors:     -ETIMEDOUT, -ECANCELED (for a task cancelled before, also when it is open), -EPERM in
 *             a callback of the runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until it is open
 * Cancel:     the wait ends; the count stays as it is
 * Ordering:   everything before each count happens-before this return
 * Cost:       one short lock; no allocation, ever    Node: none
 * Since:      0.1    Source: std::latch of C++20
 */
WEFT_API WEFT_MUST_USE int weft_latch_wait(weft_latch *latch, weft_deadline until);

/*
 * weft_latch_count - counts a latch down by one; the last count opens it
 * A count of an open latch ends the program with a sentence.
 * @latch:     the latch
 * Returns:    1 when this opened it, else 0
 * Errors:     none
 * Ownership:  unchanged; when this was the last, a waiter may end the latch at once: the call does
 *             not touch it any more
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before the return of the waits
 * Cost:       one short lock; the last one a wake for each    Node: none
 * Since:      0.1    Source: std::latch of C++20
 */
WEFT_API int weft_latch_count(weft_latch *latch);

WEFT_END

#endif

/*
 * Mutexes: one task or thread at a time. A mutex lies in the caller's storage and belongs to the
 * task that has locked it, wherever that runs; a task that has to wait does not hold up its worker.
 * A free mutex goes to whoever comes first; but one who has been passed over for a millisecond gets
 * it handed next. See weft-locks(7).
 *
 * A task that ends while it holds a mutex leaves it locked for ever: what it guards is unfinished.
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_mutex {
    uint64_t opaque[6];
} weft_mutex;

/* A free mutex; zeroed memory is one too. */
#define WEFT_MUTEX_INIT { { 0 } }
/* A free mutex that its owner may lock again. */
#define WEFT_MUTEX_REENTRANT_INIT { { 0, 0, 0, 0, 1 } }

WEFT_BEGIN

/*
 * weft_mutex_init - makes a mutex in storage that no initialiser has reached
 * @mutex:     where
 * @reentrant: 1: its owner may lock it again, and unlocks it as often; 0: that is -EDEADLK
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use the mutex
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: pthread_mutex_init(3)
 */
WEFT_API void weft_mutex_init(weft_mutex *mutex, int reentrant);

/*
 * weft_mutex_fini - ends the use of a mutex; its storage may go afterwards
 * Ends the program with a sentence when somebody holds it or waits for it. An unlock of another
 * thread that has just let the caller in is over when this returns.
 * @mutex:     a free mutex; NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: pthread_mutex_destroy(3)
 */
WEFT_API void weft_mutex_fini(weft_mutex *mutex);

/*
 * weft_mutex_lock - waits until the mutex is the caller's
 * @mutex:     the mutex
 * @until:     how long to wait; with WEFT_NOW a free mutex is taken all the same
 * Returns:    0
 * Errors:     -ECANCELED (for a task cancelled before, also when it is free), -ETIMEDOUT,
 *             -EDEADLK when the caller has it and it is not reentrant, -EPERM in a callback of the
 *             runtime, which must not wait
 * Ownership:  the caller owns the mutex until weft_mutex_unlock; on an error it does not
 * Context:    any task, any thread    Suspends: until the mutex is free or handed over
 * Cancel:     all or nothing: 0 and the mutex is the caller's, or an error and it is not
 * Ordering:   everything done before the last unlock happens-before this return
 * Cost:       one compare-and-swap when it is free; no allocation, ever    Node: none
 * Since:      0.1    Source: Go's sync.Mutex, which hands over after a millisecond too
 */
WEFT_API WEFT_MUST_USE int weft_mutex_lock(weft_mutex *mutex, weft_deadline until);

/*
 * weft_mutex_try_lock - takes the mutex if that needs no waiting
 * @mutex:     the mutex
 * Returns:    0
 * Errors:     -EAGAIN when it is held (by the caller too, unless it is reentrant), -EPERM as
 *             weft_mutex_lock
 * Ownership:  as weft_mutex_lock
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_mutex_lock
 * Cost:       one compare-and-swap    Node: none
 * Since:      0.1    Source: pthread_mutex_trylock(3)
 */
WEFT_API WEFT_MUST_USE int weft_mutex_try_lock(weft_mutex *mutex);

/*
 * weft_mutex_unlock - gives the mutex back, or hands it to one who has waited too long
 * Never fails in a correct program. When the caller does not own it, the program ends with a
 * sentence that names the caller and the owner.
 * @mutex:     a mutex of the caller's
 * Returns:    0
 * Errors:     -EPERM in a callback of the runtime, which owns nothing
 * Ownership:  the mutex is given back; a reentrant one with the last of its unlocks
 * Context:    the task or thread that has locked it    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything done before it happens-before the next return of weft_mutex_lock
 * Cost:       one compare-and-swap; a wake when somebody waits    Node: none
 * Since:      0.1    Source: pthread_mutex_unlock(3)
 */
WEFT_API int weft_mutex_unlock(weft_mutex *mutex);

/*
 * weft_mutex_is_locked - whether anybody holds the mutex
 * A snapshot that may be old when it arrives.
 * @mutex:     the mutex
 * Returns:    1 or 0
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one load    Node: none
 * Since:      0.1    Source: Julia's islocked
 */
WEFT_API WEFT_MUST_USE int weft_mutex_is_locked(const weft_mutex *mutex);

WEFT_END

/*
 * Unlocks the mutex at the end of the enclosing block, however that is left:
 *     int rc = weft_mutex_lock(&mutex, until);
 *     if (rc < 0)
 *         return rc;
 *     WEFT_MUTEX_UNLOCK_AT_END(&mutex);
 * Once in a block.
 */
#define WEFT_MUTEX_UNLOCK_AT_END(mutex)                                                     \
    weft_mutex *weft__mutex_to_unlock __attribute__((cleanup(weft__mutex_at_end), unused)) = \
        (mutex)

static inline void weft__mutex_at_end(weft_mutex **mutex)
{
    (void)weft_mutex_unlock(*mutex);
}

#endif

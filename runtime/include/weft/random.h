/*
 * Random numbers: generators in the caller's storage, and one for each task, split from that of the
 * task that spawned it. So the same seed gives each task the same numbers, whatever worker it runs
 * on and whoever runs before it. Never for secrets: who sees some numbers can tell the next.
 */
#ifndef WEFT_RANDOM_H
#define WEFT_RANDOM_H

#include <weft/base.h>

/* A generator; its members are the library's. Copied, it goes on twice with the same numbers. */
typedef struct weft_random {
    uint64_t state;
    uint64_t lineage;
} weft_random;

WEFT_BEGIN

/*
 * weft_random_seed - begins a generator anew
 * @random:    the caller's storage, or weft_random_self's; needs no end; not NULL
 * @seed:      any number; the same gives the same numbers
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: as weft_random_next
 */
WEFT_API void weft_random_seed(weft_random *random, uint64_t seed);

/*
 * weft_random_next - the next number of a generator
 * @random:    a generator that was seeded or split off; one caller at a time; not NULL
 * Returns:    64 bits, each as likely 0 as 1
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       two multiplications    Node: none
 * Since:      0.1    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
 *             generators", 2014
 */
WEFT_API uint64_t weft_random_next(weft_random *random);

/*
 * weft_random_split - begins a generator whose numbers have nothing to do with another's
 * What it gives follows from the seed of the other one and from how often that was split before,
 * not from how many numbers it has given; and it does not change those that it will give.
 * @random:    a generator, as weft_random_next
 * @out_child: the caller's storage; not NULL
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       four multiplications    Node: none
 * Since:      0.1    Source: as weft_random_next
 */
WEFT_API void weft_random_split(weft_random *random, weft_random *out_child);

/*
 * weft_random_self - the generator of the running task
 * A task has one when the task that spawned it had: split from it at the spawn. Else it gets one
 * here, with a seed that nobody knows; weft_random_seed makes that one, and all that are split from
 * it, give the same each time. A thread that is no worker has one in the same way.
 * Returns:    the generator; NULL without memory for it, in a callback of the runtime, and in the
 *             child of a fork. A task for whose generator the spawn found no memory has none of its
 *             parent's, and gets one here
 * Errors:     NULL
 * Ownership:  lent: the task's, until it has ended
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       as weft_local_get; an allocation for the first call, and from then on one for each
 *             spawn of a task that has one
 * Node:       local
 * Since:      0.1    Source: the generators of Julia's tasks
 */
WEFT_API weft_random *weft_random_self(void);

WEFT_END

#endif

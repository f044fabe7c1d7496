/*
 * A lock for a few instructions: spins, then gives up the CPU, because the holder may have been
 * preempted. Never held across a suspension.
 */
#ifndef WEFT_BASE_LOCK_H
#define WEFT_BASE_LOCK_H

#include "runtime/base/sim.h"

struct weft__lock {
    _Atomic uint32_t held;
};

/* Called with the number of looks so far: pauses, and from the 64th on yields the CPU. */
void weft__lock_backoff(uint32_t looks);

static inline void weft__lock_acquire(struct weft__lock *lock)
{
    uint32_t looks = 0;

    weft__sim_point(WEFT__SIM_LOCK);
    while (weft__swap_acquire(&lock->held, 1) != 0) { /* pairs with weft__lock_release */
        while (weft__load_relaxed(&lock->held) != 0)
            weft__lock_backoff(looks++);
    }
}

static inline void weft__lock_release(struct weft__lock *lock)
{
    weft__store_release(&lock->held, 0); /* pairs with weft__lock_acquire */
}

#endif

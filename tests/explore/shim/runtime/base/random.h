/* Chance is a choice: each number is explored. Stands before the real runtime/base/random.h. */
#ifndef WEFT_BASE_RANDOM_H
#define WEFT_BASE_RANDOM_H

#include <stdint.h>

#include "tests/explore/explore.h"

struct weft__random {
    uint64_t state;
};

static inline void weft__random_init(struct weft__random *random, uint64_t seed)
{
    random->state = seed;
}

static inline uint64_t weft__random_next(const struct weft__random *random)
{
    return random->state;
}

static inline uint32_t weft__random_below(const struct weft__random *random, uint32_t bound)
{
    (void)random;
    return (uint32_t)explore_choose((int)bound);
}

#endif

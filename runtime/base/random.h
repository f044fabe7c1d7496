/* xorshift64*: a small generator for victim choice and yields in tests; never for secrets.
 * Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016. */
#ifndef WEFT_BASE_RANDOM_H
#define WEFT_BASE_RANDOM_H

#include <stdint.h>

struct weft__random {
    uint64_t state;
};

static inline void weft__random_init(struct weft__random *random, uint64_t seed)
{
    random->state = seed * 0x9E3779B97F4A7C15u + 0xD1B54A32D192ED03u;
    if (random->state == 0)
        random->state = 1;
}

static inline uint64_t weft__random_next(struct weft__random *random)
{
    uint64_t x = random->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return x * 0x2545F4914F6CDD1Du;
}

/* A number in [0, bound); @bound > 0. */
static inline uint32_t weft__random_below(struct weft__random *random, uint32_t bound)
{
    return (uint32_t)(((weft__random_next(random) >> 32) * bound) >> 32);
}

#endif

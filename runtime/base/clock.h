/*
 * Time. Deadlines are absolute CLOCK_MONOTONIC nanoseconds. The cycle counter is for slices and
 * spins, where 23 ns for a clock_gettime would show; it is calibrated once against the clock.
 * A test or an engine may put its own clock behind weft__clock_now.
 */
#ifndef WEFT_BASE_CLOCK_H
#define WEFT_BASE_CLOCK_H

#include "runtime/base/sim.h"

#define WEFT__NS_PER_US INT64_C(1000)
#define WEFT__NS_PER_MS INT64_C(1000000)
#define WEFT__NS_PER_S INT64_C(1000000000)

typedef int64_t (*weft__clock_cb)(void);

int64_t weft__clock_now(void);

/* Replaces the clock for tests; NULL brings the real one back. */
void weft__clock_replace(weft__clock_cb clock_cb);

/* Cycles of the counter in @ns nanoseconds; calibrates on its first call (about 1 ms). */
uint64_t weft__clock_cycles_in(int64_t ns);

/* Milliseconds of @coarse units. */
uint64_t weft__clock_coarse_ms(uint32_t coarse);

/* Cycles in the unit that the beginning of a wait is noted in, 32 bits of it: about 1 ms (42 where
 * an aarch64 counts at 25 MHz), and months until it begins anew. */
#if defined(__x86_64__)
enum { WEFT__CLOCK_COARSE = 22 };
#else
enum { WEFT__CLOCK_COARSE = 20 };
#endif

/* Those of the simulation are nanoseconds of its virtual clock. */
uint64_t weft__clock_simulated(void);

static inline uint64_t weft__clock_cycles(void)
{
    if (weft__sim_is_on())
        return weft__clock_simulated();
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t cycles;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(cycles));
    return cycles;
#else
#error "weft runs on x86-64 and aarch64"
#endif
}

#endif

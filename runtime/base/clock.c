#include "runtime/base/clock.h"

#include <time.h>

static _Atomic(weft__clock_cb) replacement;
static _Atomic uint64_t cycles_per_ms;

static int64_t real_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * WEFT__NS_PER_S + now.tv_nsec;
}

int64_t weft__clock_now(void)
{
    weft__clock_cb clock_cb = weft__load_relaxed(&replacement);
    return clock_cb != NULL ? clock_cb() : real_now();
}

void weft__clock_replace(weft__clock_cb clock_cb)
{
    weft__store_relaxed(&replacement, clock_cb);
}

/* aarch64 states the frequency of its counter; x86-64 does not reliably, so it is timed. */
static uint64_t measured_cycles_per_ms(void)
{
#if defined(__aarch64__)
    uint64_t hertz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return hertz / 1000 == 0 ? 1 : hertz / 1000;
#else
    int64_t start_ns = real_now();
    uint64_t start = weft__clock_cycles();
    int64_t elapsed_ns;
    do
        elapsed_ns = real_now() - start_ns;
    while (elapsed_ns < WEFT__NS_PER_MS);
    uint64_t cycles = weft__clock_cycles() - start;
    return cycles * (uint64_t)WEFT__NS_PER_MS / (uint64_t)elapsed_ns + 1;
#endif
}

uint64_t weft__clock_cycles_in(int64_t ns)
{
    uint64_t per_ms = weft__load_relaxed(&cycles_per_ms);

    if (weft__sim_is_on())
        return (uint64_t)ns;
    if (per_ms == 0) {
        per_ms = measured_cycles_per_ms();
        weft__store_relaxed(&cycles_per_ms, per_ms);
    }
    return per_ms * (uint64_t)ns / (uint64_t)WEFT__NS_PER_MS;
}

WEFT__COLD uint64_t weft__clock_simulated(void)
{
    const struct weft__sim_ops *sim = weft__load_relaxed(&weft__sim_on);
    return sim != NULL ? sim->cycles() : 0; /* gone only in the child of a fork */
}

uint64_t weft__clock_coarse_ms(uint32_t coarse)
{
    return ((uint64_t)coarse << WEFT__CLOCK_COARSE) / weft__clock_cycles_in(WEFT__NS_PER_MS);
}

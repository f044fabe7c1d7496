/*
 * An idle runtime costs nothing: with 10,000 tasks parked, some of them on timers far away, the
 * process, its watchdog included, uses less than 0.1 % of a CPU. The one stress test that asserts a
 * resource; not under a sanitizer.
 */
#include <errno.h>
#include <time.h>

#include "tests/support/stress.h"

enum { parked = 10000, observed_seconds = 5 };

struct idle {
    weft_chan gate;
    weft_deadline far;
};

static int wait_at_gate(void *argument)
{
    const struct idle *idle = argument;
    int nothing;
    int rc = weft_chan_take(idle->gate, &nothing, idle->far);

    return rc == -EPIPE ? 0 : rc;
}

static double cpu_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static int park_and_watch(void *argument)
{
    struct idle idle = { weft_chan_create(sizeof(int), 0), weft_after(3600 * WEFT_SECOND) };
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < parked; i++)
        STRESS_CHECK(weft_go(scope, wait_at_gate, &idle) > 0);
    STRESS_EQUAL(weft_sleep(weft_after(WEFT_SECOND)), 0); /* all of them park */
    double before = cpu_seconds();
    STRESS_EQUAL(weft_sleep(weft_after(observed_seconds * WEFT_SECOND)), 0);
    *(double *)argument = (cpu_seconds() - before) / observed_seconds;
    weft_chan_close(idle.gate, 0);
    int rc = weft_scope_close(scope);
    weft_chan_release(idle.gate);
    return rc;
}

static void idle_costs_nothing(uint32_t workers)
{
    double share = 1;

    stress_round(0);
    stress_run(workers, NULL, park_and_watch, &share);
    printf("# %u workers, %d parked tasks: %.4f %% of a CPU\n", workers, parked, share * 100);
    STRESS_CHECK(share < 0.001);
}

static const struct stress_case cases[] = {
    STRESS_CASE(idle_costs_nothing),
};

int main(int argc, char **argv)
{
    if (STRESS_SANITIZED) {
        printf("1..0 # SKIP a sanitizer's own threads use the CPU\n");
        return STRESS_SKIP;
    }
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

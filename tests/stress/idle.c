/*
 * An idle runtime costs nothing: with 10,000 tasks parked, some of them on timers far away, its
 * threads, the watchdog's included, wake a few times in five seconds, and look whether all is well.
 * What that takes of a CPU is printed, and is less than 0.1 % on a machine that does nothing else;
 * beside other load it is more, for the caches are cold then, and so the limit is a rough one: it
 * finds a thread that does not sleep. Not under a sanitizer.
 */
#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/support/stress.h"

enum { parked = 10000, observed_seconds = 5 };
enum { naps_most = 20 };   /* of a worker: they take 250 ms, 500 ms, 1 s, 2 s, and timers turn */
enum { naps_beside = 50 }; /* a thread that wakes each 10 ms does so 500 times */

struct used {
    double share; /* of a CPU */
    long wakes;   /* of all threads */
};

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

static long count_wakes(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return used.ru_nvcsw;
}

static int park_and_watch(void *argument)
{
    struct idle idle = { weft_chan_create(sizeof(int), 0), weft_after(3600 * WEFT_SECOND) };
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < parked; i++)
        STRESS_CHECK(weft_go(scope, wait_at_gate, &idle) > 0);
    STRESS_EQUAL(weft_sleep(weft_after(WEFT_SECOND)), 0); /* all of them park */
    struct used *used = argument;
    double before = cpu_seconds();
    used->wakes = -count_wakes();
    STRESS_EQUAL(weft_sleep(weft_after(observed_seconds * WEFT_SECOND)), 0);
    used->wakes += count_wakes();
    used->share = (cpu_seconds() - before) / observed_seconds;
    weft_chan_close(idle.gate, 0);
    int rc = weft_scope_close(scope);
    weft_chan_release(idle.gate);
    return rc;
}

static void idle_costs_nothing(uint32_t workers)
{
    struct used used = { .share = 1 };

    stress_round(0);
    stress_run(workers, NULL, park_and_watch, &used);
    printf("# %u workers, %d parked tasks: %ld wakes, %.4f %% of a CPU\n", workers, parked,
           used.wakes, used.share * 100);
    STRESS_CHECK(used.wakes <= naps_most * (long)workers + naps_beside);
    STRESS_CHECK(used.share < 0.05);
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

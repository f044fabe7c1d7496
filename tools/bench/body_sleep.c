/*
 * sleep_100k_cpu and sleep_100k_late_p99: a hundred thousand tasks sleep once each, 0 to 1,000 ms.
 * CPU time counts from the first spawn to the end of the last task; lateness is each task's own,
 * from the moment at which it asked to sleep.
 */
#include "tools/bench/body.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <weft.h>

#include "tools/bench/checksum.h"
#include "tools/bench/statistics.h"

struct sleeper {
    int64_t sleep_ns;
    int64_t late_ns;
};

static int sleep_once(void *argument)
{
    struct sleeper *sleeper = argument;
    weft_deadline until = weft_after(sleeper->sleep_ns);
    int rc = weft_sleep(until);

    sleeper->late_ns = weft_clock() - until.ns;
    return rc;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The sum of the sleeps that were slept to their end. */
static uint64_t milliseconds_slept(const struct sleeper *sleepers, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        if (sleepers[i].late_ns >= 0)
            sum += (uint64_t)(sleepers[i].sleep_ns / WEFT_MILLISECOND);
    return sum;
}

static int run_sleepers(struct sleeper *sleepers, uint64_t count, double *out_cpu_seconds)
{
    uint64_t state = WEFT__CHECKSUM_SEED;

    for (uint64_t i = 0; i < count; i++) {
        sleepers[i].sleep_ns = (int64_t)weft__checksum_sleep(&state) * WEFT_MILLISECOND;
        sleepers[i].late_ns = -1;
    }

    double start = cpu_seconds();
    weft_scope scope = weft_scope_open(NULL);
    for (uint64_t i = 0; i < count; i++)
        (void)weft_go(scope, sleep_once, &sleepers[i]);
    int rc = weft_scope_close(scope);
    *out_cpu_seconds = cpu_seconds() - start;
    return rc;
}

static double late_p99_ms(const struct sleeper *sleepers, double *late_ms, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        late_ms[i] = (double)sleepers[i].late_ns / 1e6;
    weft__statistics_sort(late_ms, count);
    return weft__statistics_quantile(late_ms, count, 0.99);
}

static int measure(struct weft__body_run *run, double *out_cpu_seconds, double *out_late_ms)
{
    struct sleeper *sleepers = calloc(run->count, sizeof(*sleepers));
    double *late_ms = calloc(run->count, sizeof(*late_ms));
    int rc = -ENOMEM;

    if (sleepers == NULL || late_ms == NULL)
        goto out;
    rc = run_sleepers(sleepers, run->count, out_cpu_seconds);
    *out_late_ms = late_p99_ms(sleepers, late_ms, run->count);
    run->checksum = milliseconds_slept(sleepers, run->count);
out:
    free(sleepers);
    free(late_ms);
    return rc;
}

int weft__body_sleep_run_cpu(void *argument)
{
    struct weft__body_run *run = argument;
    double late_ms;

    return measure(run, &run->value, &late_ms);
}

int weft__body_sleep_run_late(void *argument)
{
    struct weft__body_run *run = argument;
    double used_seconds;

    return measure(run, &used_seconds, &run->value);
}

#include "tools/bench/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

#include "tools/bench/metric.h"

static void report_notice(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

static void print_figure(const struct weft__metric *metric, const struct weft__body_run *run,
                         int workers)
{
    printf("%s %.9g %llu workers=%d", metric->name, run->value, (unsigned long long)run->checksum,
           workers);
    if (run->parks_per_wake > 0)
        printf(" parks_per_wake=%.4f", run->parks_per_wake);
    printf("\n");
}

double weft__body_seconds(int64_t start_ns)
{
    return (double)(weft_clock() - start_ns) / (double)WEFT_SECOND;
}

int weft__body_main(const struct weft__metric *metric, uint64_t count)
{
    struct weft__body_run run = { .count = count, .connections = metric->connections };
    weft_error error = WEFT_ERROR_INIT;

    if (metric->engine != NULL && setenv("WEFT_ENGINE", metric->engine, 1) < 0)
        return EXIT_FAILURE;
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = metric->workers,
                                                            .spin_us = metric->spin_us,
                                                            .report = report_notice),
                                      &error);

    if (runtime < 0) {
        (void)fprintf(stderr, "weft bench: the runtime did not start: %s\n", error.text);
        return EXIT_FAILURE;
    }
    int workers = weft_worker_count(runtime);
    int rc = weft_call(runtime, metric->body, &run);
    int left = weft_stop(runtime, weft_after(10 * WEFT_SECOND));
    if (rc < 0) {
        (void)fprintf(stderr, "weft bench: %s: %s\n", metric->name, weft_error_name(rc));
        return EXIT_FAILURE;
    }
    print_figure(metric, &run, run.workers > 0 ? (int)run.workers : workers);
    if (left != 0)
        (void)fprintf(stderr, "weft bench: %d tasks did not end\n", left);
    return left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

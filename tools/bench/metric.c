#include "tools/bench/metric.h"

#include <string.h>

#include "tools/bench/body.h"
#include "tools/bench/checksum.h"

/* One worker, no special setting, unless a row says otherwise. */
const struct weft__metric weft__metric_table[] = {
    {
        .name = "task_switch",
        .unit = "ns",
        .what = "one switch: two tasks of one worker yield to each other",
        .body = weft__body_switch_run,
        .checksum = weft__checksum_of_turns,
        .count = 10000000,
        .quick_count = 100000,
        .samples = 15,
        .workers = 1,
        .peers = { { "asm", 2.5, 0 }, { "go", 0, 0 }, { "boost", 0, 0 } },
    },
    {
        .name = "task_spawn_join",
        .unit = "ns",
        .what = "one task: 1,000 spawned with stacks of their own, then joined, by one worker",
        .body = weft__body_spawn_run,
        .checksum = weft__checksum_of_batches,
        .count = 1000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 0.3, 0 },
                   { "boost", 0, 0 },
                   { "tbb", 0, 0 },
                   { "omp-gcc", 0, 0 },
                   { "omp-clang", 0, 0 },
                   { "pthread", 0, 10000 } },
    },
    {
        .name = "task_parked_bytes",
        .unit = "bytes",
        .what = "memory of one task of 1,000,000 that wait in a channel, page tables included",
        .bound = 4700,
        .body = weft__body_parked_run,
        .checksum = weft__checksum_of_messages,
        .count = 1000000,
        .quick_count = 10000,
        .samples = 3,
        .workers = 1,
        .peers = { { "go", 0, 0 } },
    },
    {
        .name = "chan_pingpong_1w",
        .unit = "ns",
        .what = "one round trip over two unbuffered channels, between two tasks of one worker",
        .body = weft__body_pingpong_run,
        .checksum = weft__checksum_of_round_trips,
        .count = 1000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 0.4, 0 }, { "boost", 0, 0 }, { "pthread", 0, 50000 } },
    },
    {
        .name = "wake_parked_rtt",
        .unit = "us",
        .what = "one round trip between two workers that sleep at once when idle (spin off)",
        .body = weft__body_wake_run,
        .checksum = weft__checksum_of_round_trips,
        .count = 5000,
        .quick_count = 200,
        .samples = 15,
        .workers = 2,
        .spin_us = WEFT_SPIN_NONE,
        .peers = { { "uring", 1.15, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "sleep_100k_cpu",
        .unit = "s",
        .what = "CPU time of 100,000 tasks that sleep 0 to 1,000 ms each, all workers",
        .body = weft__body_sleep_run_cpu,
        .checksum = weft__checksum_of_sleeps,
        .count = 100000,
        .quick_count = 1000,
        .samples = 5,
        .peers = { { "go", 0.6, 0 }, { "libuv", 0, 0 } },
    },
    {
        .name = "sleep_100k_late_p99",
        .unit = "ms",
        .what = "how late they wake, 99th percentile, each from the start of its own sleep",
        .bound = 1.2,
        .body = weft__body_sleep_run_late,
        .checksum = weft__checksum_of_sleeps,
        .count = 100000,
        .quick_count = 1000,
        .samples = 5,
        .peers = { { "go", 0, 0 }, { "libuv", 0, 0 } },
    },
};

const size_t weft__metric_count = sizeof(weft__metric_table) / sizeof(weft__metric_table[0]);

const struct weft__metric *weft__metric_find(const char *name)
{
    for (size_t i = 0; i < weft__metric_count; i++)
        if (strcmp(weft__metric_table[i].name, name) == 0)
            return &weft__metric_table[i];
    return NULL;
}

uint64_t weft__metric_operations(const struct weft__metric *metric,
                                 const struct weft__metric_peer *peer, bool quick)
{
    uint64_t count = peer != NULL && peer->count != 0 ? peer->count : metric->count;

    return quick && count > metric->quick_count ? metric->quick_count : count;
}

bool weft__metric_keeps(const struct weft__metric *metric, double figure, double bound)
{
    return metric->better == WEFT__METRIC_LOWER ? figure <= bound : figure >= bound;
}

void weft__metric_list(FILE *stream)
{
    for (size_t i = 0; i < weft__metric_count; i++) {
        const struct weft__metric *metric = &weft__metric_table[i];

        (void)fprintf(stream, "%-20s  %-5s  %s\n%29speers:", metric->name, metric->unit,
                      metric->what, "");
        for (const struct weft__metric_peer *peer = metric->peers; peer->name != NULL; peer++)
            (void)fprintf(stream, " %s", peer->name);
        (void)fputc('\n', stream);
    }
}

#include "tools/bench/metric.h"

#include <string.h>

#include "tools/bench/body.h"
#include "tools/bench/checksum.h"
#include "tools/bench/randread.h"

static uint64_t blocks_of_direct_reads(uint64_t count)
{
    return weft__randread_blocks(true, count);
}

static uint64_t blocks_of_cached_reads(uint64_t count)
{
    return weft__randread_blocks(false, count);
}

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
        .name = "chan_pingpong_cross_hot",
        .unit = "ns",
        .what = "the same between tasks pinned to two workers that spin while they wait",
        .bound = 800,
        .body = weft__body_pingpong_run_far,
        .checksum = weft__checksum_of_round_trips,
        .count = 300000,
        .quick_count = 2000,
        .samples = 15,
        .workers = 2,
        .peers = { { "go", 0, 20000 } },
    },
    {
        .name = "chan_pingpong_cross_parked",
        .unit = "ns",
        .what = "the same between workers that sleep at once when idle (spin off)",
        .body = weft__body_pingpong_run_parked,
        .checksum = weft__checksum_of_round_trips,
        .count = 5000,
        .quick_count = 200,
        .samples = 15,
        .workers = 2,
        .spin_us = WEFT_SPIN_NONE,
    },
    {
        .name = "chan_pingpong_free",
        .unit = "ns",
        .what = "the same where the runtime puts the two, with two workers",
        .body = weft__body_pingpong_run,
        .checksum = weft__checksum_of_round_trips,
        .count = 1000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 2,
        .peers = { { "go", 1.0, 0 } },
    },
    {
        .name = "chan_buffered_1x1_1w",
        .unit = "M/s",
        .what = "messages from one producer to one consumer, depth 128, one worker",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_stream_run_pair,
        .checksum = weft__checksum_of_messages,
        .count = 4000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 1.5, 0 } },
    },
    {
        .name = "chan_buffered_4x4_1w",
        .unit = "M/s",
        .what = "messages from four producers to four consumers, depth 128, one worker",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_stream_run_many,
        .checksum = weft__checksum_of_messages,
        .count = 4000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 1.4, 0 } },
    },
    {
        .name = "chan_buffered_4x4_2w",
        .unit = "M/s",
        .what = "the same with two workers",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_stream_run_many,
        .checksum = weft__checksum_of_messages,
        .count = 4000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 2,
        .peers = { { "go", 1.0, 0 } },
    },
    {
        .name = "select_4",
        .unit = "ns",
        .what = "a put into one of four channels, and a take by a select over all",
        .body = weft__body_select_run,
        .checksum = weft__checksum_of_messages,
        .count = 2000000,
        .quick_count = 10000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 0.7, 0 } },
    },
    {
        .name = "randread_4k_direct_qd1",
        .unit = "k/s",
        .what = "random reads of 4 KiB with O_DIRECT, one at a time",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_randread_run_direct_1,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 10000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0.97, 0 } },
    },
    {
        .name = "randread_4k_direct_qd1_cpu",
        .unit = "us",
        .what = "CPU time of one of them",
        .body = weft__body_randread_run_direct_1_cpu,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 10000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 1.2, 0 } },
    },
    {
        .name = "randread_4k_direct_qd32",
        .unit = "k/s",
        .what = "the same, by 32 tasks",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_randread_run_direct_32,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 50000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0.97, 0 } },
    },
    {
        .name = "randread_4k_direct_qd32_cpu",
        .unit = "us",
        .what = "CPU time of one of them",
        .body = weft__body_randread_run_direct_32_cpu,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 50000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 1.2, 0 } },
    },
    {
        .name = "randread_4k_direct_qd128",
        .unit = "k/s",
        .what = "the same, by 128 tasks",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_randread_run_direct_128,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 50000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0.97, 0 } },
    },
    {
        .name = "randread_4k_direct_qd128_cpu",
        .unit = "us",
        .what = "CPU time of one of them",
        .body = weft__body_randread_run_direct_128_cpu,
        .checksum = weft__checksum_of_direct_reads,
        .file_blocks = blocks_of_direct_reads,
        .count = 50000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 1.2, 0 } },
    },
    {
        .name = "randread_4k_cached_qd1",
        .unit = "k/s",
        .what = "random reads of 4 KiB from the page cache, one task",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_randread_run_cached_1,
        .checksum = weft__checksum_of_cached_reads,
        .file_blocks = blocks_of_cached_reads,
        .count = 500000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0.9, 0 }, { "pthread", 0.9, 0 } },
    },
    {
        .name = "randread_4k_cached_qd1_cpu",
        .unit = "us",
        .what = "CPU time of one of them",
        .body = weft__body_randread_run_cached_1_cpu,
        .checksum = weft__checksum_of_cached_reads,
        .file_blocks = blocks_of_cached_reads,
        .count = 500000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "randread_4k_cached_qd32",
        .unit = "k/s",
        .what = "the same, by 32 tasks",
        .better = WEFT__METRIC_HIGHER,
        .body = weft__body_randread_run_cached_32,
        .checksum = weft__checksum_of_cached_reads,
        .file_blocks = blocks_of_cached_reads,
        .count = 500000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0.9, 0 }, { "pthread", 0.9, 0 } },
    },
    {
        .name = "randread_4k_cached_qd32_cpu",
        .unit = "us",
        .what = "CPU time of one of them",
        .body = weft__body_randread_run_cached_32_cpu,
        .checksum = weft__checksum_of_cached_reads,
        .file_blocks = blocks_of_cached_reads,
        .count = 500000,
        .quick_count = 500,
        .samples = 15,
        .workers = 1,
        .peers = { { "uring", 0, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "spread_accept",
        .unit = "%",
        .what = "tasks made one by one with place spread: share of the busier of two workers",
        .bound = 60,
        .body = weft__body_spread_run,
        .checksum = weft__checksum_of_messages,
        .count = 64,
        .quick_count = 64,
        .samples = 15,
        .workers = 2,
    },
    {
        .name = "mutex_4t_1w",
        .unit = "ns",
        .what = "lock, add, unlock: four tasks of one worker share a mutex",
        .body = weft__body_mutex_run,
        .checksum = weft__checksum_of_additions,
        .count = 10000000,
        .quick_count = 100000,
        .samples = 15,
        .workers = 1,
        .peers = { { "go", 1.1, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "mutex_4t_2w",
        .unit = "ns",
        .what = "the same with two workers, two tasks each",
        .body = weft__body_mutex_run,
        .checksum = weft__checksum_of_additions,
        .count = 10000000,
        .quick_count = 100000,
        .samples = 15,
        .workers = 2,
        .peers = { { "go", 1.1, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "wake_parked_rtt",
        .unit = "us",
        .what = "one round trip between two workers that sleep at once when idle (spin off)",
        .body = weft__body_pingpong_run_wake,
        .checksum = weft__checksum_of_round_trips,
        .count = 5000,
        .quick_count = 200,
        .samples = 15,
        .workers = 2,
        .spin_us = WEFT_SPIN_NONE,
        .peers = { { "uring", 1.15, 0 }, { "pthread", 0, 0 } },
    },
    {
        .name = "blocking_call_rtt",
        .unit = "us",
        .what = "one call of a function on a helper thread, and back",
        .body = weft__body_blocking_run,
        .checksum = weft__checksum_of_round_trips,
        .count = 20000,
        .quick_count = 200,
        .samples = 15,
        .workers = 1,
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

        (void)fprintf(stream, "%-26s  %-5s  %s\n%35speers:%s", metric->name, metric->unit,
                      metric->what, "", metric->peers[0].name == NULL ? " none" : "");
        for (const struct weft__metric_peer *peer = metric->peers; peer->name != NULL; peer++)
            (void)fprintf(stream, " %s", peer->name);
        (void)fputc('\n', stream);
    }
}

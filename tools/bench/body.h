/*
 * The measured bodies. Each is a task: it does run->count operations with nothing but <weft.h>,
 * takes the time itself and proves its work. The runner starts one process for each run.
 */
#ifndef WEFT_TOOLS_BENCH_BODY_H
#define WEFT_TOOLS_BENCH_BODY_H

#include <stdint.h>

struct weft__metric;

struct weft__body_run {
    uint64_t count;        /* operations to do */
    uint32_t connections;  /* of a server */
    double value;          /* gets the figure, in the unit of the metric */
    uint64_t checksum;     /* gets the proof of work */
    uint32_t workers;      /* gets how many took part; 0: all that there are */
    double parks_per_wake; /* gets how often a worker slept for each wake; 0: not looked at */
};

/* From @start_ns on, by weft_clock. */
double weft__body_seconds(int64_t start_ns);

/* Each takes a struct weft__body_run, and returns 0 or a negative errno. */
int weft__body_switch_run(void *argument);
int weft__body_spawn_run(void *argument);
int weft__body_parked_run(void *argument);
int weft__body_pingpong_run(void *argument);
int weft__body_pingpong_run_far(void *argument);
int weft__body_pingpong_run_parked(void *argument);
int weft__body_pingpong_run_wake(void *argument);
int weft__body_stream_run_pair(void *argument);
int weft__body_stream_run_many(void *argument);
int weft__body_randread_run_direct_1(void *argument);
int weft__body_randread_run_direct_1_cpu(void *argument);
int weft__body_randread_run_direct_32(void *argument);
int weft__body_randread_run_direct_32_cpu(void *argument);
int weft__body_randread_run_direct_128(void *argument);
int weft__body_randread_run_direct_128_cpu(void *argument);
int weft__body_randread_run_cached_1(void *argument);
int weft__body_randread_run_cached_1_cpu(void *argument);
int weft__body_randread_run_cached_32(void *argument);
int weft__body_randread_run_cached_32_cpu(void *argument);
int weft__body_select_run(void *argument);
int weft__body_spread_run(void *argument);
int weft__body_mutex_run(void *argument);
int weft__body_fork_run_macros(void *argument);
int weft__body_fork_run_functions(void *argument);
int weft__body_fork_run_fib(void *argument);
int weft__body_fork_run_mixed(void *argument);
int weft__body_fork_run_loop(void *argument);
int weft__body_divide_run_sort(void *argument);
int weft__body_divide_run_triad(void *argument);
int weft__body_divide_run_queens(void *argument);
int weft__body_divide_run_tree(void *argument);
int weft__body_field_run_product(void *argument);
int weft__body_field_run_sweeps(void *argument);
int weft__body_blocking_run(void *argument);
int weft__body_sleep_run_cpu(void *argument);
int weft__body_sleep_run_late(void *argument);
int weft__body_echo_run(void *argument);

/*
 * Runs @metric's body once in this process, and prints its figure as the peers do:
 *     METRIC VALUE CHECKSUM workers=N [parks_per_wake=N]
 * Returns the exit status of the process.
 */
int weft__body_main(const struct weft__metric *metric, uint64_t count);

#endif

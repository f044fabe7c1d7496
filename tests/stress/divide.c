/*
 * Sorts, scans, tiles and loops over channels, several of each at a time, some of them within forks
 * and loops, some cancelled. What one returns as done is done, exactly.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most = 20000 };

static inline int is_less(const uint32_t *a, const uint32_t *b)
{
    return *a < *b;
}

WEFT_SORT(sort_numbers, uint32_t, is_less);

static int slowly_before(const void *a, const void *b, const void *context)
{
    (void)context;
    if (stress_below(4096) == 0)
        (void)stress_compute(1000);
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

/* ---- sorts ---- */

static int sort_once(void *argument)
{
    uint32_t count = stress_below(most);
    uint32_t range = stress_below(4) == 0 ? 8 : UINT32_MAX;
    uint32_t *numbers = malloc((count + 1) * sizeof(*numbers));
    uint64_t sum = 0;

    (void)argument;
    if (numbers == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = stress_below(range);
        sum += numbers[i];
    }
    int rc = stress_below(2) == 0
                 ? sort_numbers(numbers, count)
                 : weft_sort(numbers, count, sizeof(*numbers), slowly_before, NULL);
    for (uint32_t i = 0; i < count; i++) {
        STRESS_CHECK(rc != 0 || i == 0 || numbers[i - 1] <= numbers[i]);
        sum -= numbers[i];
    }
    STRESS_EQUAL(sum, 0);
    free(numbers);
    return rc;
}

/* ---- scans ---- */

static int count_up(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    uint32_t *out = argument;
    uint64_t *count = sum;

    if (stress_below(64) == 0)
        stress_maybe_yield();
    for (size_t i = begin; i < end; i++) {
        ++*count;
        if (writes)
            out[i] = (uint32_t)*count;
    }
    return 0;
}

static int scan_once(void *argument)
{
    size_t count = stress_below(most);
    uint32_t *out = calloc(count + 1, sizeof(*out));
    uint64_t sum = 5;

    (void)argument;
    if (out == NULL)
        return -ENOMEM;
    int rc = weft_scan(0, count, count_up, out, &sum, sizeof(sum), weft_add_integer,
                       &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)stress_below(3)));
    STRESS_EQUAL(sum, rc == 0 ? count + 5 : 5);
    for (size_t i = 0; i < count && rc == 0; i++)
        STRESS_EQUAL(out[i], i + 6);
    free(out);
    return rc;
}

/* ---- tiles ---- */

static int add_area(weft_range rows, weft_range columns, void *argument)
{
    _Atomic uint64_t *area = argument;

    if (stress_below(64) == 0)
        stress_maybe_yield();
    weft__add_relaxed(area, (rows.end - rows.begin) * (columns.end - columns.begin));
    return 0;
}

static int tile_once(void *argument)
{
    _Atomic uint64_t area = 0;
    weft_range rows = { stress_below(50), 50 + stress_below(200) };
    weft_range columns = { stress_below(50), 50 + stress_below(200) };
    int rc = weft_for_tiles(rows, columns, stress_below(20), stress_below(20), add_area, &area,
                            &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)stress_below(3)));

    (void)argument;
    if (rc == 0)
        STRESS_EQUAL(weft__load_relaxed(&area),
                     (rows.end - rows.begin) * (columns.end - columns.begin));
    return rc;
}

/* ---- loops over a channel ---- */

struct flow {
    weft_chan chan;
    uint32_t messages;
    bool fails;
    _Atomic uint64_t done;
};

static int put_all(void *argument)
{
    struct flow *flow = argument;
    int rc = 0;

    for (uint32_t i = 0; i < flow->messages && rc == 0; i++)
        rc = weft_chan_put(flow->chan, &i, WEFT_NEVER);
    (void)weft_chan_close(flow->chan, 0);
    return 0;
}

static int do_message(void *message, void *argument)
{
    struct flow *flow = argument;

    stress_maybe_yield();
    weft__add_relaxed(&flow->done, 1);
    return flow->fails && *(const uint32_t *)message == flow->messages / 2 ? -EDOM : 0;
}

static int loop_over_channel(void *argument)
{
    struct flow flow = { .messages = 1 + stress_below(100), .fails = stress_below(4) == 0 };

    (void)argument;
    flow.chan = weft_chan_create(sizeof(uint32_t), stress_below(4));
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, put_all, &flow);
    int rc = weft_for_each(flow.chan, do_message, &flow,
                           &WEFT_FOR_EACH_OPTIONS(.tasks = stress_below(6)));
    (void)weft_chan_close(flow.chan, 0); /* frees the putter after a failure */
    (void)weft_scope_close(scope);
    if (rc != -ECANCELED)
        STRESS_EQUAL(rc, flow.fails ? -EDOM : 0);
    if (rc == 0)
        STRESS_EQUAL(weft__load_relaxed(&flow.done), flow.messages);
    (void)weft_chan_release(flow.chan);
    return rc == -EDOM ? 0 : rc;
}

/* ---- all of them ---- */

static const weft_task_fn bodies[] = { sort_once, scan_once, tile_once, loop_over_channel };

static int fork_one(weft_strand *strand, void *argument)
{
    (void)strand;
    return bodies[stress_below(WEFT__COUNT(bodies))](argument);
}

static int fork_some(weft_strand *strand, void *argument)
{
    int rc = 0;

    for (int i = 0; i < 3; i++)
        weft_fork(strand, fork_one, argument);
    for (int i = 0; i < 3; i++) {
        int joined = weft_fork_join(strand);
        rc = rc < 0 ? rc : joined;
    }
    return rc;
}

static int divide(void *argument)
{
    int rc = weft_fork_run(fork_some, argument);
    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
    return rc;
}

static int divide_often(void *argument)
{
    uint32_t rounds = stress_size(1000, 3);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
        weft_task task = 0;
        for (int t = 0; t < 3; t++)
            task = weft_spawn(scope, divide, NULL, &WEFT_SPAWN_OPTIONS(.migratable = t));
        bool cancels = argument != NULL && stress_below(2) == 0;
        for (uint32_t wait = stress_below(4); cancels && wait > 0; wait--)
            stress_maybe_yield();
        if (cancels)
            (void)weft_cancel(task);
        int rc = weft_scope_close(scope);
        STRESS_CHECK(rc == 0 || (cancels && rc == -ECANCELED));
    }
    return 0;
}

static void all(uint32_t workers)
{
    stress_run(workers, NULL, divide_often, NULL);
}

static void all_canceled(uint32_t workers)
{
    static int cancels;
    stress_run(workers, NULL, divide_often, &cancels);
}

/* ---- empty loops, from several groups at once, workers that sleep at once ---- */

static int do_nothing(size_t begin, size_t end, void *argument)
{
    weft__add_relaxed((_Atomic uint64_t *)argument, end - begin);
    return 0;
}

static int loop_over_nothing(void *argument)
{
    uint32_t rounds = stress_size(100000, 50);
    _Atomic uint64_t done = 0;

    (void)argument;
    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        STRESS_EQUAL(weft_for(0, 2, do_nothing, &done,
                              &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)(i % 3), .grain = 1)),
                     0);
    }
    STRESS_EQUAL(weft__load_relaxed(&done), 2 * (uint64_t)rounds);
    return 0;
}

static int loop_in_groups(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 4; i++)
        (void)weft_go(scope, loop_over_nothing, argument);
    return weft_scope_close(scope);
}

static void empty(uint32_t workers)
{
    stress_run(workers, &WEFT_RUNTIME_OPTIONS(.spin_us = WEFT_SPIN_NONE), loop_in_groups, NULL);
}

/* ---- failures in nested loops: each is told, all else is done ---- */

struct failing {
    _Atomic uint64_t calls;
    _Atomic uint64_t failed; /* as the calls know it */
    _Atomic uint64_t told;   /* as the loops tell it */
};

static int fail_sometimes(size_t begin, size_t end, void *argument)
{
    struct failing *failing = argument;

    weft__add_relaxed(&failing->calls, end - begin);
    stress_maybe_yield();
    if (stress_below(8) != 0)
        return 0;
    weft__add_relaxed(&failing->failed, 1);
    return -EDOM;
}

static int nest_failures(size_t begin, size_t end, void *argument)
{
    struct failing *failing = argument;
    int first = 0;

    for (size_t i = begin; i < end; i++) {
        size_t failed = 0;
        int rc = weft_for(0, 10, fail_sometimes, failing,
                          &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)stress_below(3), .grain = 1,
                                            .policy = WEFT_RUN_ALL, .out_count = &failed));
        STRESS_EQUAL(rc, failed > 0 ? -EDOM : 0);
        weft__add_relaxed(&failing->told, failed);
        first = rc;
    }
    return first;
}

static int fail_often(void *argument)
{
    uint32_t rounds = stress_size(2000, 3);

    (void)argument;
    for (uint32_t i = 0; i < rounds; i++) {
        struct failing failing = { 0, 0, 0 };
        stress_round(i);
        (void)weft_for(0, 10, nest_failures, &failing,
                       &WEFT_FOR_OPTIONS(.grain = 1, .policy = WEFT_RUN_ALL));
        STRESS_EQUAL(weft__load_relaxed(&failing.calls), 100);
        STRESS_EQUAL(weft__load_relaxed(&failing.told), weft__load_relaxed(&failing.failed));
    }
    return 0;
}

static void failures(uint32_t workers)
{
    stress_run(workers, NULL, fail_often, NULL);
}

int main(int argc, char **argv)
{
    static const struct stress_case cases[] = {
        STRESS_CASE(all),
        STRESS_CASE(all_canceled),
        STRESS_CASE(empty),
        STRESS_CASE(failures),
    };

    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

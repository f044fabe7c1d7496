/* Loops: each index once, whatever divides them; failures, cancel, and odd ranges. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { length = 30000 };

static _Atomic uint32_t hits[length];

static void clear_hits(void)
{
    for (size_t i = 0; i < length; i++)
        weft__store_relaxed(&hits[i], 0);
}

static int hit(size_t begin, size_t end, void *argument)
{
    size_t offset = argument != NULL ? *(const size_t *)argument : 0;

    EXPECT(begin < end);
    for (size_t i = begin; i < end; i++)
        weft__add_relaxed(&hits[i - offset], 1);
    if (begin % 7 == 0)
        (void)weft_yield(); /* what a loop calls may wait */
    return 0;
}

static void expect_each(size_t count, uint32_t times)
{
    for (size_t i = 0; i < length; i++)
        if (!EXPECT_EQ(weft__load_relaxed(&hits[i]), i < count ? times : 0))
            break;
}

static const struct {
    const char *label;
    weft_schedule schedule;
    size_t grain;
    size_t count;
} divisions[] = {
    { "measured", WEFT_DYNAMIC, 0, length },
    { "one at a time", WEFT_DYNAMIC, 1, 500 },
    { "grain", WEFT_DYNAMIC, 100, length },
    { "grain larger than the range", WEFT_DYNAMIC, SIZE_MAX, length },
    { "parts", WEFT_STATIC, 0, length },
    { "parts with a rest", WEFT_STATIC, 0, length - 1 },
    { "fewer than workers", WEFT_STATIC, 0, 1 },
    { "parts by the grain", WEFT_STATIC, 9, 1000 },
    { "shares", WEFT_GUIDED, 0, length },
    { "shares of at least 64", WEFT_GUIDED, 64, length },
    { "one", WEFT_DYNAMIC, 0, 1 },
};

static int loop_over_each(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(divisions); i++) {
        expect_about(divisions[i].label);
        clear_hits();
        EXPECT_EQ(weft_for(0, divisions[i].count, hit, NULL,
                           &WEFT_FOR_OPTIONS(.schedule = divisions[i].schedule,
                                             .grain = divisions[i].grain)),
                  0);
        expect_each(divisions[i].count, 1);
    }
    return 0;
}

static void test_for_calls_each_index_once(void)
{
    rig_each(loop_over_each);
    CU_ASSERT_EQUAL(loop_over_each(NULL), 0); /* on a thread */
    expect_assert();
}

static int loop_over_odd_ranges(void *argument)
{
    size_t last = SIZE_MAX - 10;

    (void)argument;
    for (int schedule = WEFT_DYNAMIC; schedule <= WEFT_GUIDED; schedule++) {
        weft_for_options options = WEFT_FOR_OPTIONS(.schedule = (weft_schedule)schedule);
        clear_hits();
        EXPECT_EQ(weft_for(5, 5, hit, NULL, &options), 0);
        EXPECT_EQ(weft_for(6, 5, hit, NULL, &options), 0);
        EXPECT_EQ(weft_for(SIZE_MAX, 0, hit, NULL, &options), 0);
        expect_each(0, 0);
        EXPECT_EQ(weft_for(last, SIZE_MAX, hit, &last, &options), 0); /* no index overflows */
        expect_each(10, 1);
    }
    weft_for_options wrong = WEFT_FOR_OPTIONS_INIT;
    wrong.size = 1;
    EXPECT_EQ(weft_for(0, 1, hit, NULL, &wrong), -EINVAL);
    EXPECT_EQ(weft_for(0, 1, hit, NULL, &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)9)), -EINVAL);
    EXPECT_EQ(weft_for(0, 1, hit, NULL, &WEFT_FOR_OPTIONS(.policy = (weft_scope_policy)9)),
              -EINVAL);
    return 0;
}

static void test_for_of_odd_ranges_is_defined(void)
{
    rig_each(loop_over_odd_ranges);
    expect_assert();
}

/* Without memory for the task of a worker, somebody else does its part, or nobody does anything. */
static int loop_without_memory(void *argument)
{
    (void)argument;
    for (int schedule = WEFT_DYNAMIC; schedule <= WEFT_GUIDED; schedule++)
        for (uint32_t nth = 1; nth <= 12; nth++) {
            weft_for_options options = WEFT_FOR_OPTIONS(.schedule = (weft_schedule)schedule);
            clear_hits();
            weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
            int rc = weft_for(0, 1000, hit, NULL, &options);
            weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
            EXPECT(rc == 0 || rc == -ENOMEM);
            expect_each(rc == 0 ? 1000 : 0, 1);
        }
    return 0;
}

static void test_for_without_memory_does_all_or_nothing(void)
{
    rig_each(loop_without_memory);
    expect_assert();
}

/* ---- nested loops ---- */

static int nest(size_t begin, size_t end, void *argument)
{
    uint32_t depth = *(const uint32_t *)argument - 1;

    for (size_t i = begin; i < end; i++) {
        if (depth == 0)
            weft__add_relaxed(&hits[0], 1);
        else
            EXPECT_EQ(weft_for(0, depth % 50 == 0 ? 2 : 1, nest, &depth, NULL), 0);
    }
    return 0;
}

static int nest_deep(void *argument)
{
    uint32_t depth = 101;

    (void)argument;
    clear_hits();
    EXPECT_EQ(weft_for(0, 1, nest, &depth, NULL), 0);
    EXPECT_EQ(weft__load_relaxed(&hits[0]), 4);
    return 0;
}

static int nest_in_large(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, nest_deep, argument,
                     &WEFT_SPAWN_OPTIONS(.stack_bytes = (size_t)256 << 10));
    return weft_scope_close(scope);
}

static void test_for_nests_a_hundred_deep(void)
{
    rig_each(nest_in_large);
    expect_assert();
}

/* ---- failures ---- */

static int fail_some(size_t begin, size_t end, void *argument)
{
    weft__add_relaxed(&hits[0], 1);
    (void)end;
    return begin % 100 == 7 ? -*(const int *)argument - (int)(begin / 100) : 0;
}

static int fail_and_go_on(void *argument)
{
    int code = 10;
    size_t failed = 0;
    weft_for_failure failures[3];

    (void)argument;
    clear_hits();
    EXPECT_EQ(weft_for(0, 1000, fail_some, &code,
                       &WEFT_FOR_OPTIONS(.grain = 1, .policy = WEFT_RUN_ALL, .failures = failures,
                                         .failures_room = 3, .out_count = &failed)),
              -10);
    EXPECT_EQ(weft__load_relaxed(&hits[0]), 1000);
    EXPECT_EQ(failed, 10);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(failures[i].begin, i * 100 + 7);
        EXPECT_EQ(failures[i].end, i * 100 + 8);
        EXPECT_EQ(failures[i].code, -10 - (int)i);
    }
    return 0;
}

/* On one worker it is known which calls are not made. */
static int fail_and_stop(void *argument)
{
    int code = 10;
    size_t failed = 0;

    (void)argument;
    clear_hits();
    EXPECT_EQ(
        weft_for(0, 1000, fail_some, &code, &WEFT_FOR_OPTIONS(.grain = 1, .out_count = &failed)),
        -10);
    EXPECT_EQ(weft__load_relaxed(&hits[0]), 8);
    EXPECT_EQ(failed, 1);
    return 0;
}

static void test_for_reports_failures(void)
{
    rig_each(fail_and_go_on);
    rig_run(1, fail_and_stop);
    CU_ASSERT_EQUAL(fail_and_stop(NULL), 0);
    expect_assert();
}

static int cancel_itself(size_t begin, size_t end, void *argument)
{
    (void)end;
    (void)argument;
    weft__add_relaxed(&hits[0], 1);
    return begin == 3 ? weft_cancel(weft_self()) : 0;
}

static int loop_until_canceled(void *argument)
{
    (void)argument;
    clear_hits();
    EXPECT_EQ(weft_for(0, 1000, cancel_itself, NULL, &WEFT_FOR_OPTIONS(.grain = 1)), -ECANCELED);
    EXPECT_EQ(weft__load_relaxed(&hits[0]), 4);
    return 0;
}

static void test_for_ends_when_its_task_is_canceled(void)
{
    rig_run(1, loop_until_canceled);
    expect_assert();
}

/* ---- reductions ---- */

static double terms[length];

static int add_squares(size_t begin, size_t end, const void *input, void *partial)
{
    const double *x = input;
    double *sum = partial;

    for (size_t i = begin; i < end; i++)
        *sum += x[i] * x[i];
    return 0;
}

static int count_indices(size_t begin, size_t end, const void *input, void *partial)
{
    (void)input;
    *(int64_t *)partial += (int64_t)(end - begin);
    return begin >= 5000 ? -EDOM : 0;
}

static double sums[4]; /* with 1, 2, 4 workers, on a thread */
static int sums_count;

static int reduce(void *argument)
{
    int64_t counted = 3;
    size_t failed = 0;
    weft_for_failure failure = { 0, 0, 0 };

    (void)argument;
    for (size_t i = 0; i < length; i++)
        terms[i] = 1.0 / (double)(i + 1);
    sums[sums_count] = 0.5;
    EXPECT_EQ(weft_reduce(0, length, add_squares, terms, &sums[sums_count], sizeof(double),
                          weft_add_double, NULL),
              0);
    sums_count++;
    EXPECT_EQ(weft_reduce(100, 4107, count_indices, NULL, &counted, sizeof(counted),
                          weft_add_integer, &WEFT_FOR_OPTIONS(.grain = 100)),
              0);
    EXPECT_EQ(counted, 4010);
    EXPECT_EQ(
        weft_reduce(9, 9, count_indices, NULL, &counted, sizeof(counted), weft_add_integer, NULL),
        0);
    EXPECT_EQ(weft_reduce(0, 1, count_indices, NULL, &counted, 0, weft_add_integer, NULL), -EINVAL);
    EXPECT_EQ(
        weft_reduce(0, 8000, count_indices, NULL, &counted, sizeof(counted), weft_add_integer,
                    &WEFT_FOR_OPTIONS(.grain = 1000, .policy = WEFT_RUN_ALL, .failures = &failure,
                                      .failures_room = 1, .out_count = &failed)),
        -EDOM);
    EXPECT_EQ(failed, 3);
    EXPECT_EQ(failure.begin, 5000);
    EXPECT_EQ(failure.end, 6000);
    EXPECT_EQ(counted, 4010); /* untouched */
    return 0;
}

/* Each part is a call of its own, however the loop over them is divided. */
static int fail_in_parts(void *argument)
{
    (void)argument;
    for (int schedule = WEFT_DYNAMIC; schedule <= WEFT_GUIDED; schedule++) {
        int64_t counted = 0;
        size_t failed = 0;
        weft_for_failure failures[4];
        EXPECT_EQ(weft_reduce(0, 7500, count_indices, NULL, &counted, sizeof(counted),
                              weft_add_integer,
                              &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)schedule, .grain = 1000,
                                                .policy = WEFT_RUN_ALL, .failures = failures,
                                                .failures_room = 4, .out_count = &failed)),
                  -EDOM);
        EXPECT_EQ(failed, 3);
        for (size_t i = 0; i < 3; i++) {
            EXPECT_EQ(failures[i].begin, 5000 + i * 1000);
            EXPECT_EQ(failures[i].end, i < 2 ? 6000 + i * 1000 : 7500);
        }
    }
    return 0;
}

static int reduce_wrongly(void *argument)
{
    int64_t counted = 0;
    size_t failed = 17;
    weft_for_failure failure = { 1, 2, 3 };

    (void)argument;
    EXPECT_EQ(weft_reduce(0, 10, count_indices, NULL, &counted, sizeof(counted), weft_add_integer,
                          &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)9, .failures = &failure,
                                            .failures_room = 1, .out_count = &failed)),
              -EINVAL);
    EXPECT_EQ(failed, 17);
    EXPECT_EQ(failure.begin, 1);
    EXPECT_EQ(failure.end, 2);
    return 0;
}

static void test_reduce_reports_each_part_that_failed(void)
{
    rig_each(fail_in_parts);
    CU_ASSERT_EQUAL(fail_in_parts(NULL), 0);
    rig_run(1, reduce_wrongly);
    expect_assert();
}

static void test_reduce_is_the_same_for_every_number_of_workers(void)
{
    sums_count = 0;
    rig_each(reduce);
    CU_ASSERT_EQUAL(reduce(NULL), 0);
    for (int i = 1; i < sums_count; i++)
        CU_ASSERT_TRUE(memcmp(&sums[0], &sums[i], sizeof(sums[0])) == 0);
    CU_ASSERT_TRUE(sums[0] > 2.14 && sums[0] < 2.145); /* a half and pi^2/6 */
    expect_assert();
}

/* ---- run on all ---- */

static int note_worker(uint32_t worker, void *argument)
{
    EXPECT_EQ(weft_worker_self(), worker);
    weft__add_relaxed(&hits[worker], 1);
    (void)weft_yield();
    EXPECT_EQ(weft_worker_self(), worker);
    return argument != NULL && worker == 0 ? -EDOM : 0;
}

static int run_everywhere(void *argument)
{
    (void)argument;
    clear_hits();
    EXPECT_EQ(weft_run_on_all(note_worker, NULL), 0);
    expect_each((size_t)weft_worker_count(0), 1);
    EXPECT_EQ(weft_run_on_all(note_worker, hits), -EDOM);
    expect_each((size_t)weft_worker_count(0), 2);
    return 0;
}

static void test_run_on_all_runs_once_on_each_worker(void)
{
    rig_each(run_everywhere);
    CU_ASSERT_EQUAL(weft_run_on_all(note_worker, NULL), -EPERM);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_for_calls_each_index_once),
        UNIT_TEST(test_for_of_odd_ranges_is_defined),
        UNIT_TEST(test_for_without_memory_does_all_or_nothing),
        UNIT_TEST(test_for_nests_a_hundred_deep),
        UNIT_TEST(test_for_reports_failures),
        UNIT_TEST(test_for_ends_when_its_task_is_canceled),
        UNIT_TEST(test_reduce_is_the_same_for_every_number_of_workers),
        UNIT_TEST(test_reduce_reports_each_part_that_failed),
        UNIT_TEST(test_run_on_all_runs_once_on_each_worker),
    };

    return unit_run(argc, argv, "loop", tests, WEFT__COUNT(tests));
}

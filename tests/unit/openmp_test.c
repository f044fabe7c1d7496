/* OpenMP regions in tasks, and weft in the threads of OpenMP regions. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#if defined(_OPENMP) && !WEFT__TSAN

enum { count = 20000, tasks = 6, threads = 3 };

static weft_chan chan;

static int64_t sum_of_region(void)
{
    int64_t sum = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        sum += i;
        if (i % 100 == 0)
            EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0); /* there is room: no wait */
    }
    return sum;
}

static int run_region(void *argument)
{
    (void)argument;
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(sum_of_region(), (int64_t)count * (count - 1) / 2);
        (void)weft_yield(); /* between two regions a task waits as ever */
    }
    return 0;
}

static int run_regions(void *argument)
{
    (void)argument;
    chan = weft_chan_create(sizeof(int), WEFT_UNBOUNDED);
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < tasks; i++)
        (void)weft_go(scope, run_region, NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_count(chan), tasks * 5 * count / 100);
    return weft_chan_release(chan);
}

static void test_openmp_region_runs_in_a_task(void)
{
    rig_each(run_regions);
    expect_assert();
}

/* ---- weft in an OpenMP program ---- */

static int add_indices(size_t begin, size_t end, const void *input, void *partial)
{
    (void)input;
    for (size_t i = begin; i < end; i++)
        *(int64_t *)partial += (int64_t)i;
    return 0;
}

static int reduce(void *argument)
{
    int64_t *sum = argument;

    *sum = 0;
    return weft_reduce(0, count, add_indices, NULL, sum, sizeof(*sum), weft_add_integer, NULL);
}

static void test_openmp_threads_use_a_runtime(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);
    int well = 0;

    CU_ASSERT_FATAL(runtime > 0);
#pragma omp parallel num_threads(threads) reduction(+ : well)
    for (int i = 0; i < 10; i++) {
        int64_t in_task = 0;
        int64_t in_thread = 0;
        well += weft_call(runtime, reduce, &in_task) == 0 && reduce(&in_thread) == 0 &&
                in_task == in_thread && in_task == (int64_t)count * (count - 1) / 2;
    }
    CU_ASSERT_EQUAL(well, threads * 10);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
}

#endif

int main(int argc, char **argv)
{
#if !defined(_OPENMP) || WEFT__TSAN
    (void)argc;
    (void)argv;
    (void)puts(WEFT__TSAN ? "# SKIP ThreadSanitizer does not see how OpenMP's threads wait"
                          : "# SKIP the compiler knows no OpenMP");
    return unit_skip;
#else
    static const struct unit_test tests[] = {
        UNIT_TEST(test_openmp_region_runs_in_a_task),
        UNIT_TEST(test_openmp_threads_use_a_runtime),
    };

    return unit_run(argc, argv, "openmp", tests, WEFT__COUNT(tests));
#endif
}

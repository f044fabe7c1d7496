/* Futures: written once, read by many, errors, sizes, release, deadlines, cancel, threads. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { crowd = 5, large = 64 * 1024 };

struct reader {
    weft_future future;
    weft_deadline until;
};

static int fetch_int(void *argument)
{
    const struct reader *reader = argument;
    int value = -1;
    int rc = weft_future_fetch(reader->future, &value, reader->until);

    EXPECT(rc == 0 || value == -1);
    return rc < 0 ? rc : value;
}

static int cancel_then_fetch(void *argument)
{
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    return fetch_int(argument);
}

static weft_task start_fetch(weft_scope scope, weft_future future, weft_deadline until)
{
    struct reader reader = { future, until };
    return weft_go_copy(scope, fetch_int, &reader, sizeof(reader));
}

static void start_crowd(weft_scope scope, weft_future future, weft_task tasks[crowd])
{
    for (int i = 0; i < crowd; i++) {
        tasks[i] = start_fetch(scope, future, WEFT_NEVER);
        rig_await(tasks[i], WEFT_TASK_WAITING);
    }
}

static int value_is_written_once(void *argument)
{
    weft_task tasks[crowd];
    int value = 42;
    weft_future future = weft_future_create(sizeof(int));
    weft_scope scope = weft_scope_open(&run_all);
    struct reader reader = { future, WEFT_NEVER };

    (void)argument;
    EXPECT_EQ(weft_future_is_set(future), 0);
    EXPECT_EQ(weft_future_fetch(future, &value, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(start_fetch(scope, future, weft_after(100000)), WEFT_NEVER), -ETIMEDOUT);
    start_crowd(scope, future, tasks);
    EXPECT_EQ(weft_cancel(tasks[0]), 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_future_fail(future, 5), -EINVAL);
    EXPECT_EQ(weft_future_fail(future, 0), -EINVAL);
    EXPECT_EQ(weft_future_set(future, &value), crowd - 1);
    for (int i = 1; i < crowd; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 42);
    value = 43;
    EXPECT_EQ(weft_future_set(future, &value), -EALREADY);
    EXPECT_EQ(weft_future_fail(future, -EIO), -EALREADY);
    EXPECT_EQ(weft_future_is_set(future), 1);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_wait(start_fetch(scope, future, WEFT_NOW), WEFT_NEVER), 42);
    EXPECT_EQ(weft_future_fetch(future, NULL, WEFT_NEVER), 0);
    weft_task canceled = weft_go_copy(scope, cancel_then_fetch, &reader, sizeof(reader));
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_future_release(future), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_set_gives_all_the_same_value_once(void)
{
    rig_each(value_is_written_once);
}

static int errors_and_releases(void *argument)
{
    weft_task tasks[crowd];
    weft_scope scope = weft_scope_open(&run_all);
    weft_future failed = weft_future_create(sizeof(int));
    weft_future released = weft_future_create(sizeof(int));
    int value = 1;

    (void)argument;
    start_crowd(scope, failed, tasks);
    EXPECT_EQ(weft_future_fail(failed, -EHOSTUNREACH), crowd);
    for (int i = 0; i < crowd; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EHOSTUNREACH);
    EXPECT_EQ(weft_future_fetch(failed, &value, WEFT_NEVER), -EHOSTUNREACH);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(weft_future_is_set(failed), 1);
    EXPECT_EQ(weft_future_set(failed, &value), -EALREADY);
    EXPECT_EQ(weft_future_release(failed), 0);
    start_crowd(scope, released, tasks);
    EXPECT_EQ(weft_future_release(released), 0);
    for (int i = 0; i < crowd; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_future_fetch(released, &value, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_future_set(released, &value), -ESRCH);
    EXPECT_EQ(weft_future_fail(released, -EIO), -ESRCH);
    EXPECT_EQ(weft_future_is_set(released), -ESRCH);
    EXPECT_EQ(weft_future_release(released), -ESRCH);
    EXPECT_EQ(weft_future_fetch(weft_self(), &value, WEFT_NEVER), -ESRCH); /* of another kind */
    EXPECT_EQ(weft_future_fetch(-ENOMEM, &value, WEFT_NEVER), -ENOMEM);
    EXPECT_EQ(weft_future_release(-ENOMEM), -ENOMEM);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_fail_and_release_end_all_waits(void)
{
    rig_each(errors_and_releases);
}

static int sizes_hold(void *argument)
{
    static const size_t sizes[] = { 0, 1, 64, 65, large };
    char *in = malloc(large);
    char *out = malloc(large);

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(sizes); i++) {
        weft_future future = weft_future_create(sizes[i]);
        memset(in, (int)i + 1, large);
        memset(out, 0, large);
        EXPECT_EQ(weft_future_set(future, sizes[i] > 0 ? in : NULL), 0);
        EXPECT_EQ(weft_future_fetch(future, out, WEFT_NOW), 0);
        EXPECT_EQ(memcmp(in, out, sizes[i]), 0);
        EXPECT(sizes[i] == large || out[sizes[i]] == 0);
        EXPECT_EQ(weft_future_release(future), 0);
    }
    EXPECT_EQ(weft_future_create(large + 1), -EINVAL);
    free(in);
    free(out);
    return 0;
}

static void test_create_of_all_sizes(void)
{
    rig_run(1, sizes_hold);
}

static void *fetch_in_thread(void *argument)
{
    struct reader reader = { *(const weft_future *)argument, WEFT_NEVER };

    EXPECT_EQ(fetch_int(&reader), 9);
    return NULL;
}

static int set_nine(void *argument)
{
    return weft_future_set(*(const weft_future *)argument, &(int){ 9 });
}

static void test_fetch_by_threads(void)
{
    pthread_t threads[crowd];
    weft_future future = weft_future_create(sizeof(int));
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    for (int i = 0; i < crowd; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, fetch_in_thread, &future), 0);
    CU_ASSERT_TRUE(weft_call(runtime, set_nine, &future) >= 0);
    for (int i = 0; i < crowd; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(weft_future_release(future), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_set_gives_all_the_same_value_once),
        UNIT_TEST(test_fail_and_release_end_all_waits),
        UNIT_TEST(test_create_of_all_sizes),
        UNIT_TEST(test_fetch_by_threads),
    };
    return unit_run(argc, argv, "future", tests, WEFT__COUNT(tests));
}

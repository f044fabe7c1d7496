/* Conditions: order, counts, the mutex on every way out, reentrance, deadlines, cancel. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { waiters = 5, messages = 3000 };

static weft_mutex mutex = WEFT_MUTEX_INIT;
static weft_mutex nest = WEFT_MUTEX_REENTRANT_INIT;
static weft_condition condition = WEFT_CONDITION_INIT;
static int woken;

static void lock(weft_mutex *which)
{
    EXPECT_EQ(weft_mutex_lock(which, WEFT_NEVER), 0);
}

/* Ends with the place in which it was woken. */
static int wait_once(void *argument)
{
    const weft_deadline *until = argument;

    lock(&mutex);
    int rc = weft_condition_wait(&condition, &mutex, *until);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), -EAGAIN);
    if (rc != -ECANCELED)
        EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NOW), -EDEADLK); /* it is this task's */
    if (rc == 0)
        rc = woken++;
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return rc;
}

static weft_task start_wait(weft_scope scope, weft_deadline until)
{
    weft_task task = weft_go_copy(scope, wait_once, &until, sizeof(until));
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int signals_wake_in_order(void *argument)
{
    weft_task tasks[waiters];

    (void)argument;
    woken = 0;
    weft_condition_init(&condition);
    weft_scope scope = weft_scope_open(&run_all);
    EXPECT_EQ(weft_condition_signal(&condition), 0); /* forgotten */
    EXPECT_EQ(weft_condition_broadcast(&condition), 0);
    for (int i = 0; i < waiters; i++)
        tasks[i] = start_wait(scope, WEFT_NEVER);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(weft_condition_signal(&condition), 1);
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), i);
    }
    lock(&mutex);
    EXPECT_EQ(weft_condition_broadcast(&condition), waiters - 2);
    EXPECT_EQ(weft_condition_broadcast(&condition), 0);
    EXPECT_EQ(woken, 2);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    for (int i = 2; i < waiters; i++)
        EXPECT(weft_wait(tasks[i], WEFT_NEVER) >= 2);
    (void)weft_scope_close(scope);
    EXPECT_EQ(woken, waiters);
    weft_condition_fini(&condition);
    weft_condition_fini(NULL);
    weft_mutex_fini(&mutex);
    return 0;
}

static void test_signal_wakes_the_first_and_broadcast_all(void)
{
    rig_each(signals_wake_in_order);
}

static int wait_when_canceled(void *argument)
{
    (void)argument;
    lock(&mutex);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_condition_wait(&condition, &mutex, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 1);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return 0;
}

static int errors_keep_the_mutex(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    lock(&mutex);
    EXPECT_EQ(weft_condition_wait(&condition, &mutex, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_condition_wait(&condition, &mutex, weft_after(100000)), -ETIMEDOUT);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_wait(weft_go(scope, wait_when_canceled, NULL), WEFT_NEVER), 0);
    weft_task first = start_wait(scope, WEFT_NEVER);
    weft_task second = start_wait(scope, WEFT_NEVER);
    lock(&mutex); /* the cancelled one has to wait for the mutex, cancelled as it is */
    EXPECT_EQ(weft_cancel(first), 0);
    EXPECT_EQ(weft_wait(first, weft_after(200000)), -ETIMEDOUT);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ECANCELED);
    woken = 0;
    EXPECT_EQ(weft_condition_signal(&condition), 1);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    weft_condition_fini(&condition);
    return 0;
}

static void test_wait_returns_with_the_mutex_whatever_happened(void)
{
    rig_each(errors_keep_the_mutex);
}

static int wait_thrice_locked(void *argument)
{
    const weft_deadline *until = argument;

    for (int i = 0; i < 3; i++)
        lock(&nest);
    int rc = weft_condition_wait(&condition, &nest, *until);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(weft_mutex_is_locked(&nest), 1);
        EXPECT_EQ(weft_mutex_unlock(&nest), 0);
    }
    return rc;
}

static int depth_comes_back(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    weft_deadline never = WEFT_NEVER;
    weft_task task = weft_go_copy(scope, wait_thrice_locked, &never, sizeof(never));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_try_lock(&nest), 0); /* let go for good */
    EXPECT_EQ(weft_mutex_unlock(&nest), 0);
    EXPECT_EQ(weft_condition_signal(&condition), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_mutex_is_locked(&nest), 0);
    weft_deadline soon = weft_after(100000);
    task = weft_go_copy(scope, wait_thrice_locked, &soon, sizeof(soon));
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_mutex_is_locked(&nest), 0);
    (void)weft_scope_close(scope);
    weft_mutex_fini(&nest);
    return 0;
}

static void test_wait_restores_the_depth_of_a_reentrant_mutex(void)
{
    rig_each(depth_comes_back);
}

/* ---- a slot with two conditions, between a thread and a task ---- */

static struct {
    weft_mutex mutex;
    weft_condition filled;
    weft_condition emptied;
    int full;
    int message;
} slot;

static void put(int message)
{
    lock(&slot.mutex);
    while (slot.full)
        EXPECT_EQ(weft_condition_wait(&slot.emptied, &slot.mutex, WEFT_NEVER), 0);
    slot.full = 1;
    slot.message = message;
    (void)weft_condition_signal(&slot.filled);
    EXPECT_EQ(weft_mutex_unlock(&slot.mutex), 0);
}

static int take(void)
{
    lock(&slot.mutex);
    while (!slot.full)
        EXPECT_EQ(weft_condition_wait(&slot.filled, &slot.mutex, WEFT_NEVER), 0);
    slot.full = 0;
    int message = slot.message;
    EXPECT_EQ(weft_mutex_unlock(&slot.mutex), 0);
    (void)weft_condition_signal(&slot.emptied); /* without the mutex */
    return message;
}

static void *put_all(void *argument)
{
    for (int i = 0; i < messages; i++)
        put(i);
    return argument;
}

static int take_all(void *argument)
{
    (void)argument;
    for (int i = 0; i < messages; i++)
        EXPECT_EQ(take(), i);
    return 0;
}

static void test_signal_between_thread_and_task_loses_nothing(void)
{
    pthread_t thread;
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, put_all, NULL), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, take_all, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_signal_wakes_the_first_and_broadcast_all),
        UNIT_TEST(test_wait_returns_with_the_mutex_whatever_happened),
        UNIT_TEST(test_wait_restores_the_depth_of_a_reentrant_mutex),
        UNIT_TEST(test_signal_between_thread_and_task_loses_nothing),
    };
    return unit_run(argc, argv, "condition", tests, WEFT__COUNT(tests));
}

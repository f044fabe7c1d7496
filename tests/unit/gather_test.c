/* Waiting for several tasks: until all have ended, or one has failed; what is told of the rest. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 5, many = 100 };

static weft_chan gates[some];
static weft_task tasks[many];
static unsigned char ended[many];

/* Tasks that end with what is put into their gates. */
static weft_scope start_some(void)
{
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < some; i++) {
        gates[i] = weft_chan_create(sizeof(int), 0);
        tasks[i] = start_end_on_message(scope, gates[i]);
    }
    memset(ended, 9, sizeof(ended));
    return scope;
}

static void end_one(int number, int result)
{
    EXPECT_EQ(weft_chan_put(gates[number], &result, WEFT_NEVER), 0);
}

static int end_some(weft_scope scope)
{
    for (int i = 0; i < some; i++)
        if (weft_task_state_of(tasks[i]) == WEFT_TASK_WAITING)
            end_one(i, 0);
    int rc = weft_scope_close(scope);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_chan_release(gates[i]), 0);
    return rc;
}

/* "10x": the first has ended, the second has not, the third was not touched. */
static bool ended_are(const char *wanted)
{
    bool same = true;

    for (int i = 0; wanted[i] != '\0'; i++)
        same &= ended[i] == (wanted[i] == 'x' ? 9 : wanted[i] - '0');
    return same;
}

/* A second task that waits for all while the first one ends them. */
struct waiter {
    weft_wait_all_kind goal;
    weft_deadline until;
};

static int wait_for_some(void *argument)
{
    const struct waiter *waiter = argument;
    return weft_wait_all(tasks, some, waiter->goal, ended, waiter->until);
}

static weft_task start_waiter(weft_scope scope, weft_wait_all_kind goal)
{
    struct waiter waiter = { goal, WEFT_NEVER };
    weft_task task = weft_go_copy(scope, wait_for_some, &waiter, sizeof(waiter));

    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int wait_until_all(void *argument)
{
    weft_scope scope = start_some();
    weft_scope waiters = weft_scope_open(&run_all);
    weft_task waiter = start_waiter(waiters, WEFT_ALL_ENDED);

    (void)argument;
    end_one(3, -EIO);
    end_one(1, -EDOM);
    end_one(0, 7);
    end_one(4, 0);
    EXPECT_EQ(weft_wait(tasks[4], WEFT_NEVER), 0);
    EXPECT_EQ(weft_task_state_of(waiter), WEFT_TASK_WAITING);
    end_one(2, 0);
    EXPECT_EQ(weft_wait(waiter, WEFT_NEVER), -EDOM); /* the first of the list, not in time */
    EXPECT(ended_are("11111x"));
    EXPECT_EQ(weft_scope_close(waiters), -EDOM);
    EXPECT_EQ(weft_wait_all(tasks, some, WEFT_ALL_ENDED, NULL, WEFT_NOW), -EDOM);
    EXPECT_EQ(weft_wait_all(tasks, 1, WEFT_ALL_OR_FAILURE, ended, WEFT_NOW), 0);
    EXPECT_EQ(weft_wait_all(NULL, 0, WEFT_ALL_ENDED, NULL, WEFT_NOW), 0);
    EXPECT_EQ(end_some(scope), -EIO);
    return 0;
}

static void test_wait_all_returns_when_the_last_one_has_ended(void)
{
    rig_each(wait_until_all);
}

static int wait_until_failure(void *argument)
{
    weft_scope scope = start_some();
    weft_scope waiters = weft_scope_open(&run_all);
    weft_task waiter = start_waiter(waiters, WEFT_ALL_OR_FAILURE);

    (void)argument;
    end_one(4, 0);
    EXPECT_EQ(weft_wait(tasks[4], WEFT_NEVER), 0);
    EXPECT_EQ(weft_task_state_of(waiter), WEFT_TASK_WAITING);
    end_one(2, -EIO);
    EXPECT_EQ(weft_wait(waiter, WEFT_NEVER), -EIO);
    EXPECT(ended_are("00101x"));
    EXPECT_EQ(weft_task_state_of(tasks[0]), WEFT_TASK_WAITING); /* not harmed */
    EXPECT_EQ(weft_wait_all(tasks, some, WEFT_ALL_OR_FAILURE, NULL, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_close(waiters), -EIO);
    waiters = weft_scope_open(NULL);
    weft_task tasks_without[] = { tasks[0], tasks[1], tasks[0], tasks[3] }; /* one of them twice */
    for (int i = 0; i < some; i++)
        if (i != 2 && i != 4)
            end_one(i, 0);
    EXPECT_EQ(weft_wait_all(tasks_without, 4, WEFT_ALL_OR_FAILURE, ended, WEFT_NEVER), 0);
    EXPECT(ended_are("1111"));
    EXPECT_EQ(weft_scope_close(waiters), 0);
    EXPECT_EQ(end_some(scope), -EIO);
    return 0;
}

static void test_wait_all_or_failure_returns_with_the_first_failure(void)
{
    rig_each(wait_until_failure);
}

static int wait_in_vain(void *argument)
{
    weft_scope scope = start_some();
    weft_scope waiters = weft_scope_open(&run_all);

    (void)argument;
    end_one(1, -EIO);
    EXPECT_EQ(weft_wait(tasks[1], WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_wait_all(tasks, some, WEFT_ALL_ENDED, ended, WEFT_NOW), -ETIMEDOUT);
    EXPECT(ended_are("01000x"));
    memset(ended, 9, sizeof(ended));
    EXPECT_EQ(weft_wait_all(tasks, some, WEFT_ALL_ENDED, ended, weft_after(WEFT_MICROSECOND)),
              -ETIMEDOUT);
    EXPECT(ended_are("01000x"));
    memset(ended, 9, sizeof(ended));
    weft_task waiter = start_waiter(waiters, WEFT_ALL_ENDED);
    EXPECT_EQ(weft_cancel(waiter), 0);
    EXPECT_EQ(weft_wait(waiter, WEFT_NEVER), -ECANCELED);
    EXPECT(ended_are("01000x"));
    EXPECT_EQ(weft_scope_close(waiters), -ECANCELED);
    EXPECT_EQ(end_some(scope), -EIO);
    return 0;
}

static void test_wait_all_that_ends_early_tells_which_have_ended(void)
{
    rig_each(wait_in_vain);
}

static int refuse(void *argument)
{
    weft_scope scope = start_some();
    weft_task wrong[] = { tasks[0], weft_self(), tasks[1] };

    (void)argument;
    EXPECT_EQ(weft_wait_all(wrong, 3, WEFT_ALL_ENDED, ended, WEFT_NEVER), -EDEADLK);
    wrong[1] = scope;
    EXPECT_EQ(weft_wait_all(wrong, 3, WEFT_ALL_ENDED, ended, WEFT_NEVER), -ESRCH);
    wrong[1] = -EIO;
    EXPECT_EQ(weft_wait_all(wrong, 3, WEFT_ALL_ENDED, ended, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_wait_all(tasks, 1, (weft_wait_all_kind)2, ended, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_wait_all(tasks, ((size_t)1 << 24) + 1, WEFT_ALL_ENDED, ended, WEFT_NEVER),
              -EINVAL);
    EXPECT(ended_are("xxx"));
    EXPECT_EQ(end_some(scope), 0);
    return 0;
}

static void test_wait_all_for_what_can_not_be_waited_for_is_refused(void)
{
    rig_run(2, refuse);
}

static int yield_on(void *argument)
{
    for (int i = 0; i < many; i++)
        (void)weft_yield();
    return *(const int *)argument;
}

static int wait_for_many(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < many; i++)
        tasks[i] = weft_go_copy(scope, i % 2 == 0 ? yield_on : return_value, &i, sizeof(i));
    memset(ended, 0, sizeof(ended));
    EXPECT_EQ(weft_wait_all(tasks, many, WEFT_ALL_OR_FAILURE, ended, WEFT_NEVER), 0);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(ended[i], 1);
    return weft_scope_close(scope);
}

static void test_wait_all_for_many(void)
{
    rig_each(wait_for_many);
}

static void *wait_outside(void *argument)
{
    struct waiter waiter = { WEFT_ALL_ENDED, WEFT_NEVER };

    EXPECT_EQ(weft_wait_all(tasks, some, WEFT_ALL_ENDED, NULL, weft_after(WEFT_MICROSECOND)),
              -ETIMEDOUT);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_chan_put(gates[i], &(int){ 0 }, WEFT_NEVER), 0);
    EXPECT_EQ(wait_for_some(&waiter), 0);
    return argument;
}

static int let_thread_wait(void *argument)
{
    pthread_t thread;
    weft_scope scope = start_some();

    (void)argument;
    EXPECT_EQ(pthread_create(&thread, NULL, wait_outside, NULL), 0);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(ended_are("11111x"));
    EXPECT_EQ(end_some(scope), 0);
    return 0;
}

static void test_wait_all_in_a_thread(void)
{
    rig_each(let_thread_wait);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests_of_gather[] = {
        UNIT_TEST(test_wait_all_returns_when_the_last_one_has_ended),
        UNIT_TEST(test_wait_all_or_failure_returns_with_the_first_failure),
        UNIT_TEST(test_wait_all_that_ends_early_tells_which_have_ended),
        UNIT_TEST(test_wait_all_for_what_can_not_be_waited_for_is_refused),
        UNIT_TEST(test_wait_all_for_many),
        UNIT_TEST(test_wait_all_in_a_thread),
    };

    return unit_run(argc, argv, "gather", tests_of_gather, WEFT__COUNT(tests_of_gather));
}

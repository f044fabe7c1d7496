/* Who a forked child is, and what reaches it, whether another worker has taken it or not. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static weft_event begun;
static weft_local key;
static weft_mutex mutex = WEFT_MUTEX_INIT;
static weft_task forker;

static void do_nothing(void *argument)
{
    (void)argument;
}

static int say_who(weft_strand *strand, void *argument)
{
    (void)strand;
    weft_event_set(&begun);
    EXPECT_EQ(weft_self(), forker);
    EXPECT_EQ(weft_wait(weft_self(), WEFT_NEVER), -EDEADLK);
    EXPECT(weft_local_get(key) == argument);
    EXPECT_EQ(weft_local_set(key, NULL), -EBUSY);
    EXPECT_EQ(weft_defer(do_nothing, NULL), -EBUSY);
    EXPECT_EQ(weft_result_give("", 0), -EBUSY);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_shield_end(), 0);
    return weft_fail(-EBADMSG, NULL, "the child has said so");
}

static int fork_and_join(weft_strand *strand, void *argument)
{
    weft_fork(strand, say_who, argument);
    EXPECT_EQ(weft_local_set(key, NULL), -EBUSY); /* not joined */
    return weft_fork_join(strand);
}

static int fork_wait_and_join(weft_strand *strand, void *argument)
{
    weft_fork(strand, say_who, argument);
    EXPECT_EQ(weft_event_wait(&begun, WEFT_NEVER), 0);
    return weft_fork_join(strand);
}

static int be_forker(void *argument)
{
    weft_fork_fn fn = *(const weft_fork_fn *)argument;

    forker = weft_self();
    weft_event_init(&begun, 0);
    EXPECT_EQ(weft_local_set(key, argument), 0);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    int rc = weft_fork_run(fn, argument);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_local_set(key, NULL), 0);
    return rc;
}

static int fork_both_ways(void *argument)
{
    static weft_fork_fn ways[] = { fork_and_join, fork_wait_and_join };
    weft_error error = WEFT_ERROR_INIT;

    (void)argument;
    key = weft_local_create(NULL);
    for (size_t i = 0; i < WEFT__COUNT(ways); i++) {
        weft_scope scope = weft_scope_open(&run_all);
        weft_task task = weft_go(scope, be_forker, &ways[i]);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADMSG);
        EXPECT_EQ(weft_task_error_of(task, &error), 0);
        EXPECT(strcmp(error.text, "the child has said so") == 0);
        EXPECT_EQ(weft_scope_close(scope), -EBADMSG);
    }
    return weft_local_release(key);
}

static void test_fork_makes_a_child_that_is_its_forker(void)
{
    rig_each(fork_both_ways);
    expect_assert();
}

/* A lock that the forker gives back before the join is no deadlock. */
static int lock_it(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    weft_event_set(&begun);
    int rc = weft_mutex_lock(&mutex, WEFT_NEVER);
    return rc < 0 ? rc : weft_mutex_unlock(&mutex);
}

static int hold_for_a_while(weft_strand *strand, void *argument)
{
    weft_event_init(&begun, 0);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft_fork(strand, lock_it, argument);
    EXPECT_EQ(weft_event_wait(&begun, WEFT_NEVER), 0);
    EXPECT_EQ(weft_sleep(weft_after(25 * WEFT_MILLISECOND)), 0); /* it asks again meanwhile */
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return weft_fork_join(strand);
}

static int hold_in_task(void *argument)
{
    return weft_fork_run(hold_for_a_while, argument);
}

static void test_child_waits_for_a_lock_that_its_forker_gives_back(void)
{
    rig_each(hold_in_task);
    expect_assert();
}

/* ---- parks ---- */

static int park_as_forker(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    weft_event_set(&begun);
    return weft_park(WEFT_NEVER);
}

static int unpark_and_join(weft_strand *strand, void *argument)
{
    weft_fork(strand, park_as_forker, argument);
    EXPECT(weft_unpark(weft_self()) >= 0);
    return weft_fork_join(strand);
}

static int wait_unpark_and_join(weft_strand *strand, void *argument)
{
    weft_fork(strand, park_as_forker, argument);
    EXPECT_EQ(weft_event_wait(&begun, WEFT_NEVER), 0);
    EXPECT(weft_unpark(weft_self()) >= 0);
    return weft_fork_join(strand);
}

static int unpark_both_ways(void *argument)
{
    weft_event_init(&begun, 0);
    EXPECT_EQ(weft_fork_run(unpark_and_join, argument), 0);
    weft_event_init(&begun, 0);
    EXPECT_EQ(weft_fork_run(wait_unpark_and_join, argument), 0);
    EXPECT_EQ(weft_park(WEFT_NOW), -ETIMEDOUT); /* no permit is left */
    return 0;
}

static void test_unpark_of_a_forker_ends_the_park_of_its_child(void)
{
    rig_each(unpark_both_ways);
    expect_assert();
}

/* ---- cancel ---- */

static int sleep_for_ever(weft_strand *strand, void *argument)
{
    (void)strand;
    weft_event_set(argument);
    return weft_sleep(weft_after(3600 * WEFT_SECOND));
}

static int fork_sleepers(weft_strand *strand, void *argument)
{
    weft_event *events = argument;
    int rc = 0;

    for (int i = 0; i < 4; i++)
        weft_fork(strand, sleep_for_ever, &events[i]);
    for (int i = 0; i < 4; i++) {
        int joined = weft_fork_join(strand);
        EXPECT_EQ(joined, -ECANCELED);
        rc = joined;
    }
    return rc;
}

static int sleep_in_task(void *argument)
{
    return weft_fork_run(fork_sleepers, argument);
}

static int cancel_sleepers(void *argument)
{
    weft_event events[4];

    (void)argument;
    for (int i = 0; i < 4; i++)
        weft_event_init(&events[i], 0);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, sleep_in_task, events);
    for (int i = 0; i < 4; i++) /* all of them: three were taken, one runs at its join */
        EXPECT_EQ(weft_event_wait(&events[i], WEFT_NEVER), 0);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_cancel_reaches_all_children(void)
{
    rig_each(cancel_sleepers);
    expect_assert();
}

/* ---- when the task ends ---- */

static int count_up(weft_strand *strand, void *argument)
{
    (void)strand;
    ++*(int *)argument;
    return 0;
}

static int fork_and_yield(weft_strand *strand, void *argument)
{
    weft_fork(strand, count_up, argument);
    (void)weft_yield();
    return weft_fork_join(strand);
}

static void fork_at_end(void *argument)
{
    EXPECT_EQ(weft_fork_run(fork_and_yield, argument), 0);
}

static int defer_forks(void *argument)
{
    EXPECT_EQ(weft_defer(fork_at_end, argument), 0);
    return 0;
}

static int end_with_forks(void *argument)
{
    int count = 0;

    (void)argument;
    for (int i = 1; i <= 20; i++) { /* on a stack that the last one has used */
        weft_scope scope = weft_scope_open(NULL);
        (void)weft_go(scope, defer_forks, &count);
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(count, i);
    }
    return 0;
}

static void test_deferred_functions_may_fork(void)
{
    rig_each(end_with_forks);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_fork_makes_a_child_that_is_its_forker),
        UNIT_TEST(test_child_waits_for_a_lock_that_its_forker_gives_back),
        UNIT_TEST(test_unpark_of_a_forker_ends_the_park_of_its_child),
        UNIT_TEST(test_cancel_reaches_all_children),
        UNIT_TEST(test_deferred_functions_may_fork),
    };

    return unit_run(argc, argv, "fork_child", tests, WEFT__COUNT(tests));
}

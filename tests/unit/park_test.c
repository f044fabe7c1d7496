/* Parking: permits, what ends a park, whom an unpark reaches. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static int park_once(void *argument)
{
    (void)argument;
    return weft_park(WEFT_NEVER);
}

static weft_task start_parked(weft_scope scope)
{
    weft_task task = weft_go(scope, park_once, NULL);

    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int use_permits(void *argument)
{
    weft_task self = weft_self();

    (void)argument;
    EXPECT_EQ(weft_park(WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_unpark(self), 0);
    EXPECT_EQ(weft_unpark(self), -EALREADY);
    EXPECT_EQ(weft_park(WEFT_NEVER), 0);
    EXPECT_EQ(weft_park(WEFT_NOW), -ETIMEDOUT); /* they don't add up */
    EXPECT_EQ(weft_park(weft_after(WEFT_MICROSECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_unpark(self), 0);
    EXPECT_EQ(weft_park(WEFT_NOW), 0);
    return 0;
}

static void test_park_with_a_permit_returns_at_once(void)
{
    rig_each(use_permits);
}

static int unpark_others(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task parked = start_parked(scope);

    (void)argument;
    EXPECT_EQ(weft_wait(parked, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_unpark(parked), 1);
    EXPECT_EQ(weft_wait(parked, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unpark(parked), -ESRCH); /* it has ended */
    weft_task fresh = weft_spawn(scope, park_once, NULL,
                                 &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    EXPECT_EQ(weft_unpark(fresh), 0); /* before its first statement */
    EXPECT_EQ(weft_unpark(fresh), -EALREADY);
    EXPECT_EQ(weft_wait(fresh, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_unpark(fresh), -ESRCH);
    EXPECT_EQ(weft_unpark(-ENFILE), -ENFILE);
    EXPECT_EQ(weft_unpark(scope), -ESRCH);
    return 0;
}

static void test_unpark_ends_the_park_or_is_remembered(void)
{
    rig_each(unpark_others);
}

/* Waits for a message first, and for an unpark then. */
static int take_then_park(void *argument)
{
    int value = 0;
    int rc = weft_chan_take(*(weft_chan *)argument, &value, WEFT_NEVER);

    return rc < 0 ? rc : weft_park(WEFT_NOW);
}

static int unpark_in_another_wait(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_task task = weft_go_copy(scope, take_then_park, &chan, sizeof(chan));

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_unpark(task), 0);
    for (int i = 0; i < 10; i++)
        (void)weft_yield();
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING); /* for its message */
    EXPECT_EQ(weft_chan_put(chan, &(int){ 1 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0); /* the permit was there */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_unpark_ends_no_other_wait(void)
{
    rig_each(unpark_in_another_wait);
}

static int park_canceled(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_park(WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_unpark(weft_self()), 0); /* works all the same */
    EXPECT_EQ(weft_park(WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_unpark(weft_self()), -EALREADY); /* and was not used up */
    EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_park(WEFT_NEVER), 0);
    return weft_shield_end();
}

static int cancel_parked(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, park_canceled, NULL);

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_a_cancel_ends_a_park_and_uses_no_permit(void)
{
    rig_each(cancel_parked);
}

static void *unpark_in_a_thread(void *argument)
{
    EXPECT_EQ(weft_park(WEFT_NOW), -EPERM);
    EXPECT_EQ(weft_unpark(*(weft_task *)argument), 1);
    return NULL;
}

static int be_unparked_by_a_thread(void *argument)
{
    pthread_t thread;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = start_parked(scope);

    (void)argument;
    if (EXPECT_EQ(pthread_create(&thread, NULL, unpark_in_a_thread, &task), 0))
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_a_thread_unparks_and_does_not_park(void)
{
    rig_each(be_unparked_by_a_thread);
    CU_ASSERT_EQUAL(weft_park(WEFT_NOW), -EPERM);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_park_with_a_permit_returns_at_once),
        UNIT_TEST(test_unpark_ends_the_park_or_is_remembered),
        UNIT_TEST(test_unpark_ends_no_other_wait),
        UNIT_TEST(test_a_cancel_ends_a_park_and_uses_no_permit),
        UNIT_TEST(test_a_thread_unparks_and_does_not_park),
    };
    return unit_run(argc, argv, "park", tests, WEFT__COUNT(tests));
}

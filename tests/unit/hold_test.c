/* Tasks that are spawned but not started: who starts them, and once. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { crowd = 20, rounds = 50 };

static _Atomic int ran;

static int note_run(void *argument)
{
    (void)argument;
    weft__add_relaxed(&ran, 1);
    return weft_canceled();
}

static weft_task hold(weft_scope scope, weft_place place)
{
    return weft_spawn(scope, note_run, NULL, &WEFT_SPAWN_OPTIONS(.held = 1, .place = place));
}

static int start_many(void *argument)
{
    weft_task tasks[crowd];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&ran, 0);
    for (int i = 0; i < crowd; i++)
        tasks[i] = hold(scope, i % 3 == 0   ? weft_place_spread()
                               : i % 3 == 1 ? weft_place_together()
                                            : weft_place_local());
    EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_scope_join(scope, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft__load_relaxed(&ran), 0);
    EXPECT_EQ(weft_yield_to(tasks[1]), -EAGAIN);
    for (int i = crowd - 1; i > 0; i--) { /* in any order; one is left */
        EXPECT_EQ(weft_task_state_of(tasks[i]), WEFT_TASK_FRESH);
        EXPECT_EQ(weft_task_start(tasks[i]), 0);
        EXPECT_EQ(weft_task_start(tasks[i]), -EALREADY);
    }
    for (int i = 1; i < crowd; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 0);
    EXPECT_EQ(weft__load_relaxed(&ran), crowd - 1);
    EXPECT_EQ(weft_release(tasks[0]), 0);
    EXPECT_EQ(weft_task_start(tasks[0]), -ESRCH);
    EXPECT_EQ(weft_scope_close(scope), 0); /* starts it */
    EXPECT_EQ(weft__load_relaxed(&ran), crowd);
    EXPECT_EQ(weft_task_start(tasks[1]), -ESRCH);
    EXPECT_EQ(weft_task_start(-EMFILE), -EMFILE);
    return 0;
}

static void test_held_tasks_start_when_they_are_told_to(void)
{
    rig_each(start_many);
}

static int cancel_held(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft_task one = hold(scope, weft_place_local());
    weft_task two = hold(scope, weft_place_spread());
    EXPECT_EQ(weft_cancel(one), 0);
    EXPECT_EQ(weft_task_start(one), -EALREADY);
    EXPECT_EQ(weft_wait(one, WEFT_NEVER), 1); /* its body ran, and knew */
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_wait(two, WEFT_NEVER), 1);
    weft_task born = hold(scope, weft_place_local()); /* cancelled, so it is not held */
    EXPECT_EQ(weft_wait(born, WEFT_NEVER), 1);
    return weft_scope_close(scope);
}

static void test_a_cancel_starts_them(void)
{
    rig_each(cancel_held);
}

/* ---- several at once ---- */

static _Atomic int started;

static int start_it(void *argument)
{
    int rc = weft_task_start(*(const weft_task *)argument);

    EXPECT(rc == 0 || rc == -EALREADY);
    if (rc == 0)
        weft__add_relaxed(&started, 1);
    return 0;
}

static int cancel_it(void *argument)
{
    int rc = weft_cancel(*(const weft_task *)argument);

    EXPECT(rc == 0 || rc == -ESRCH);
    return 0;
}

static int start_at_once(void *argument)
{
    const weft_spawn_options spread = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(weft_task),
                                                         .place = weft_place_spread());

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_scope starters = weft_scope_open(NULL);
        weft_scope scope = weft_scope_open(NULL);
        weft__store_relaxed(&ran, 0);
        weft__store_relaxed(&started, 0);
        weft_task task = hold(scope, weft_place_spread());
        for (int i = 0; i < 4; i++)
            (void)weft_spawn(starters, start_it, &task, &spread);
        if (round % 2 == 0)
            (void)weft_spawn(starters, cancel_it, &task, &spread);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 0 || (rc == 1 && round % 2 == 0));
        EXPECT_EQ(weft_scope_close(starters), 0);
        EXPECT(weft__load_relaxed(&started) == 1 || round % 2 == 0);
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(weft__load_relaxed(&ran), 1);
    }
    return 0;
}

static void test_of_several_starts_one_counts(void)
{
    rig_each(start_at_once);
}

static int hold_a_child(void *argument)
{
    (void)argument;
    return hold(*(const weft_scope *)argument, weft_place_local()) > 0 ? 0 : -EPROTO;
}

/* A task that comes held while the scope is being closed would never be started. */
static int hold_late(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&ran, 0);
    (void)weft_spawn(
        scope, hold_a_child, &scope,
        &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(scope), .place = weft_place_together()));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&ran), 1);
    return 0;
}

static void test_a_scope_that_is_being_closed_holds_none(void)
{
    rig_each(hold_late);
}

/* ---- outside ---- */

static weft_task detached;

static int hold_detached(void *argument)
{
    (void)argument;
    detached = hold(WEFT_DETACHED, weft_place_local());
    return detached > 0 ? 0 : -EPROTO;
}

static void test_a_thread_starts_and_a_stop_does(void)
{
    for (int stopped = 0; stopped < 2; stopped++) {
        weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);
        weft__store_relaxed(&ran, 0);
        CU_ASSERT_EQUAL(weft_call(runtime, hold_detached, NULL), 0);
        if (stopped == 0) {
            CU_ASSERT_EQUAL(weft_task_start(detached), 0);
            while (weft__load_relaxed(&ran) == 0)
                weft__pause();
        }
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
        CU_ASSERT_EQUAL(weft__load_relaxed(&ran), 1);
        CU_ASSERT_EQUAL(weft_task_start(detached), -ESRCH);
    }
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_held_tasks_start_when_they_are_told_to),
        UNIT_TEST(test_a_cancel_starts_them),
        UNIT_TEST(test_of_several_starts_one_counts),
        UNIT_TEST(test_a_scope_that_is_being_closed_holds_none),
        UNIT_TEST(test_a_thread_starts_and_a_stop_does),
    };
    return unit_run(argc, argv, "hold", tests, WEFT__COUNT(tests));
}

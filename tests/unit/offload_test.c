/* Calls on helper threads: results, and what ends the wait for a helper when none is to be had. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/offload/offload.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { helpers = 16, queue = 1024 }; /* the pool's bounds */

static int gate[2]; /* a pipe; helpers wait until its writing end is closed */
static _Atomic int begun;

static void make_gate(void)
{
    if (pipe(gate) != 0)
        exit(unit_broken);
    weft__store_relaxed(&begun, 0);
}

static int wait_at_gate(void *argument)
{
    char byte = 0;

    (void)argument;
    weft__add_relaxed(&begun, 1);
    return read(gate[0], &byte, 1) == 0 ? 7 : -EIO;
}

static int count_call(void *argument)
{
    weft__add_relaxed((_Atomic int *)argument, 1);
    return 3;
}

static int offload_wait(void *argument)
{
    return weft__offload_run(wait_at_gate, argument, WEFT_NEVER);
}

/* Calls that stay with the helpers until the gate opens; @running of @count have begun. */
static void occupy(weft_scope scope, int count, int running)
{
    for (int i = 0; i < count; i++)
        (void)weft_go(scope, offload_wait, NULL);
    while (weft__load_relaxed(&begun) < running)
        (void)weft_yield();
}

static void open_gate(weft_scope scope)
{
    EXPECT_EQ(close(gate[1]), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(close(gate[0]), 0);
}

static int results(void *argument)
{
    _Atomic int calls = 0;

    (void)argument;
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NEVER), 3);
    EXPECT_EQ(weft__offload_run(count_call, &calls, weft_after(100 * WEFT_SECOND)), 3);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft__offload_run(count_call, &calls, (weft_deadline){ 1 }), -ETIMEDOUT);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(calls, 2);
    return 0;
}

static void test_a_call_returns_its_result_or_is_not_begun(void)
{
    rig_each(results);
}

static int offload_count(void *argument)
{
    return weft__offload_run(count_call, *(int **)argument, WEFT_NEVER);
}

/* All helpers are busy: a call waits in the queue, and leaves it by its deadline or by a cancel. */
static int queued(void *argument)
{
    static _Atomic int calls;
    _Atomic int *counter = &calls;
    weft_scope scope = weft_scope_open(&run_all);
    weft_scope others = weft_scope_open(&run_all);

    (void)argument;
    make_gate();
    calls = 0;
    occupy(scope, helpers, helpers);
    weft_deadline until = weft_after(2 * WEFT_MILLISECOND);
    EXPECT_EQ(weft__offload_run(count_call, counter, until), -ETIMEDOUT);
    EXPECT(weft_clock() >= until.ns);
    weft_task canceled = weft_go_copy(others, offload_count, &counter, sizeof(counter));
    weft_task patient = weft_go_copy(others, offload_count, &counter, sizeof(counter));
    rig_await(canceled, WEFT_TASK_WAITING);
    rig_await(patient, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(canceled), 0);
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(calls, 0);
    open_gate(scope);
    EXPECT_EQ(weft_wait(patient, WEFT_NEVER), 3);
    EXPECT_EQ(weft_scope_close(others), -ECANCELED);
    EXPECT_EQ(calls, 1);
    return 0;
}

static void test_a_queued_call_leaves_by_deadline_and_cancel(void)
{
    rig_each(queued);
}

/* The queue is full as well. */
static int no_room(void *argument)
{
    _Atomic int calls = 0;
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    make_gate();
    occupy(scope, helpers + queue + 1, helpers); /* one of them waits for room, too */
    EXPECT_EQ(weft__offload_run(count_call, &calls, weft_after(3 * WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(calls, 0);
    open_gate(scope);
    return 0;
}

static void test_a_call_without_room_in_the_queue_leaves_by_deadline(void)
{
    rig_run(2, no_room);
}

static int offload_with_deadline(void *argument)
{
    return weft__offload_run(wait_at_gate, NULL, *(const weft_deadline *)argument);
}

/* What a helper has begun is waited for, past the deadline and past a cancel. */
static int begun_call(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_deadline never = WEFT_NEVER;

    (void)argument;
    make_gate();
    weft_task canceled = weft_go_copy(scope, offload_with_deadline, &never, sizeof(never));
    while (weft__load_relaxed(&begun) < 1)
        (void)weft_yield();
    weft_deadline soon = weft_after(5 * WEFT_MILLISECOND);
    weft_task late = weft_go_copy(scope, offload_with_deadline, &soon, sizeof(soon));
    while (weft__load_relaxed(&begun) < 2 && weft_task_state_of(late) != WEFT_TASK_ENDED)
        (void)weft_yield(); /* ended: on a busy machine the deadline passes before a helper comes */
    bool has_begun = weft__load_relaxed(&begun) == 2;
    EXPECT_EQ(weft_cancel(canceled), 0);
    EXPECT_EQ(weft_sleep(weft_after(10 * WEFT_MILLISECOND)), 0);
    EXPECT(weft_task_state_of(canceled) != WEFT_TASK_ENDED);
    EXPECT_EQ(close(gate[1]), 0);
    EXPECT_EQ(weft_wait(late, WEFT_NEVER), has_begun ? 7 : -ETIMEDOUT);
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), 7);
    (void)weft_scope_close(scope);
    EXPECT_EQ(close(gate[0]), 0);
    return 0;
}

static void test_a_begun_call_is_waited_for(void)
{
    rig_each(begun_call);
}

/* The helper ends the call at about the time at which the deadline ends the wait. */
static int ends_at_the_deadline(void *argument)
{
    (void)argument;
    for (int round = 0; round < 2000; round++) {
        _Atomic int calls = 0;
        weft_deadline until = weft_after(round % 50 * WEFT_MICROSECOND);
        int rc = weft__offload_run(count_call, &calls, until);
        EXPECT((rc == 3 && calls == 1) || (rc == -ETIMEDOUT && calls == 0));
    }
    return 0;
}

static void test_a_call_that_ends_at_its_deadline_is_run_or_not(void)
{
    rig_each(ends_at_the_deadline);
}

/* No helper runs, and none can be started. */
static int no_helper(void *argument)
{
    _Atomic int calls = 0;

    (void)argument;
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -EAGAIN);
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NEVER), -EAGAIN);
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -ENOMEM);
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NEVER), -ENOMEM);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(weft__offload_run(count_call, &calls, WEFT_NEVER), 3);
    return 0;
}

static void test_without_any_helper_a_call_says_why(void)
{
    rig_run(2, no_helper);
}

static void test_outside_a_task_there_is_no_call(void)
{
    _Atomic int calls = 0;

    CU_ASSERT_EQUAL(weft__offload_run(count_call, &calls, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(calls, 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_call_returns_its_result_or_is_not_begun),
        UNIT_TEST(test_a_queued_call_leaves_by_deadline_and_cancel),
        UNIT_TEST(test_a_call_without_room_in_the_queue_leaves_by_deadline),
        UNIT_TEST(test_a_begun_call_is_waited_for),
        UNIT_TEST(test_a_call_that_ends_at_its_deadline_is_run_or_not),
        UNIT_TEST(test_without_any_helper_a_call_says_why),
        UNIT_TEST(test_outside_a_task_there_is_no_call),
    };
    return unit_run(argc, argv, "offload", tests, WEFT__COUNT(tests));
}

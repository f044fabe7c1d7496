/* Channels: order of messages and of waiters, hand-off, close, bind, deadlines, limits. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/turns.h"
#include "tests/support/unit.h"

enum { many = 200, some = 5 };

static int produce(void *argument)
{
    const struct turn *turn = argument;

    for (int i = 0; i < many; i++) {
        int message = turn->value + i;
        int rc = weft_chan_put(turn->chan, &message, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int messages_come_in_order(void *argument)
{
    static const size_t depths[] = { 0, 1, 2, 3, 7, 64, many };

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(depths); i++) {
        weft_chan chan = weft_chan_create(sizeof(int), depths[i]);
        weft_scope scope = weft_scope_open(NULL);
        struct turn turn = { chan, 0, WEFT_NEVER, NULL };
        (void)weft_go_copy(scope, produce, &turn, sizeof(turn));
        for (int wanted = 0; wanted < many; wanted++)
            EXPECT_EQ(turn_take_now(chan), wanted);
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(weft_chan_release(chan), 0);
    }
    return 0;
}

static void test_put_and_take_at_any_depth_keep_order(void)
{
    rig_each(messages_come_in_order);
}

enum { sides = 4, side_step = 10000 };

static int consume(void *argument)
{
    const struct turn *turn = argument;
    int last[sides] = { -1, -1, -1, -1 };
    int value;
    int count = 0;
    int rc;

    while ((rc = weft_chan_take(turn->chan, &value, WEFT_NEVER)) == 0) {
        EXPECT(value % side_step > last[value / side_step]);
        last[value / side_step] = value % side_step;
        count++;
    }
    EXPECT_EQ(rc, -EPIPE);
    return count;
}

static int many_sides(void *argument)
{
    weft_task consumers[sides];
    int taken = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 3);
    weft_scope producers = weft_scope_open(NULL);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < sides; i++) {
        struct turn turn = { chan, i * side_step, WEFT_NEVER, NULL };
        consumers[i] = weft_go_copy(scope, consume, &turn, sizeof(turn));
        (void)weft_go_copy(producers, produce, &turn, sizeof(turn));
    }
    EXPECT_EQ(weft_scope_close(producers), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    for (int i = 0; i < sides; i++)
        taken += weft_wait(consumers[i], WEFT_NEVER);
    EXPECT_EQ(taken, sides * many);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_put_from_many_sides_loses_and_doubles_nothing(void)
{
    rig_each(many_sides);
}

static int putters_in_turn(void *argument)
{
    weft_task putters[some];
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_chan_try_put(chan, &(int){ 0 }), 0);
    for (int i = 0; i < some; i++)
        putters[i] = turn_await_put(scope, chan, i + 1);
    for (int i = 0; i <= some; i++) {
        EXPECT_EQ(turn_take_now(chan), i);
        if (i < some) /* the first in the line has moved up, and no other */
            EXPECT_EQ(weft_wait(putters[i], WEFT_NEVER), 0);
        if (i + 1 < some)
            EXPECT_EQ(weft_task_state_of(putters[i + 1]), WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_chan_try_take(chan, &(int){ 0 }), -EAGAIN);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_put_on_a_full_channel_waits_first_come_first_served(void)
{
    rig_each(putters_in_turn);
}

static int takers_in_turn(void *argument)
{
    weft_task takers[some];
    int got[some] = { 0 };
    weft_chan chan = weft_chan_create(sizeof(int), *(size_t *)argument);
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < some; i++)
        takers[i] = turn_await_take(scope, chan, &got[i]);
    for (int i = 0; i < some; i++) {
        EXPECT_EQ(weft_chan_try_put(chan, &(int){ 10 + i }), 0);
        EXPECT_EQ(weft_chan_try_take(chan, &(int){ 0 }), -EAGAIN); /* nobody can take it away */
        EXPECT_EQ(weft_wait(takers[i], WEFT_NEVER), 0);
        EXPECT_EQ(got[i], 10 + i);
        if (i + 1 < some)
            EXPECT_EQ(weft_task_state_of(takers[i + 1]), WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static int takers_in_turn_at_each_depth(void *argument)
{
    (void)argument;
    for (size_t depth = 0; depth < 3; depth++)
        (void)takers_in_turn(&depth);
    return 0;
}

static void test_take_waits_first_come_first_served_and_gets_its_own(void)
{
    rig_each(takers_in_turn_at_each_depth);
}

static int close_wakes(void *argument)
{
    static const int errors[][2] = { { 0, -EPIPE }, { -EPIPE, -EPIPE }, { -EIO, -EIO } };
    int got = 77;

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(errors); i++) {
        weft_chan chan = weft_chan_create(sizeof(int), 0);
        weft_chan empty = weft_chan_create(sizeof(int), 4);
        weft_scope scope = weft_scope_open(&run_all);
        weft_task putter = turn_await_put(scope, chan, 1);
        weft_task taker = turn_await_take(scope, empty, &got);
        EXPECT_EQ(weft_chan_close(chan, errors[i][0]), 0);
        EXPECT_EQ(weft_chan_close(empty, errors[i][0]), 0);
        EXPECT_EQ(weft_wait(putter, WEFT_NEVER), errors[i][1]);
        EXPECT_EQ(weft_wait(taker, WEFT_NEVER), errors[i][1]);
        EXPECT_EQ(got, 77);
        EXPECT_EQ(turn_take_now(chan),
                  errors[i][1]); /* the message of the putter is not delivered */
        EXPECT_EQ(weft_chan_put(empty, &got, WEFT_NEVER), errors[i][1]);
        EXPECT_EQ(weft_chan_try_put(empty, &got), errors[i][1]);
        EXPECT_EQ(weft_chan_try_take(empty, &got), errors[i][1]);
        (void)weft_scope_close(scope);
        EXPECT_EQ(weft_chan_release(chan), 0);
        EXPECT_EQ(weft_chan_release(empty), 0);
    }
    return 0;
}

static void test_close_ends_all_waits_with_its_error(void)
{
    rig_each(close_wakes);
}

static int close_delivers(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 3);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    weft_task late = turn_await_put(scope, chan, 3);
    EXPECT_EQ(weft_chan_close(chan, EIO), -EINVAL);
    EXPECT_EQ(weft_task_state_of(late), WEFT_TASK_WAITING); /* that was no close */
    EXPECT_EQ(weft_chan_close(chan, -EIO), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0); /* the first one counts */
    EXPECT_EQ(weft_wait(late, WEFT_NEVER), -EIO);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(turn_take_now(chan), i);
    EXPECT_EQ(turn_take_now(chan), -EIO);
    EXPECT_EQ(turn_take_now(chan), -EIO);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_close_lets_the_buffer_be_taken_and_the_waiting_puts_not(void)
{
    rig_each(close_delivers);
}

static int release_wakes(void *argument)
{
    int got = 77;
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan full = weft_chan_create(sizeof(int), 1);
    weft_chan empty = weft_chan_create(sizeof(int), 1);

    (void)argument;
    EXPECT_EQ(weft_chan_try_put(full, &got), 0);
    weft_task putters[2] = { turn_await_put(scope, full, 1), turn_await_put(scope, full, 2) };
    weft_task takers[2] = { turn_await_take(scope, empty, &got),
                            turn_await_take(scope, empty, &got) };
    EXPECT_EQ(weft_chan_release(full), 0);
    EXPECT_EQ(weft_chan_release(empty), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(weft_wait(putters[i], WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_wait(takers[i], WEFT_NEVER), -EPIPE);
    }
    EXPECT_EQ(got, 77);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_release(full), -ESRCH);
    EXPECT_EQ(weft_chan_close(full, 0), -ESRCH);
    EXPECT_EQ(weft_chan_put(full, &got, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_take(full, &got, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_try_put(full, &got), -ESRCH);
    EXPECT_EQ(weft_chan_try_take(full, &got), -ESRCH);
    EXPECT_EQ(weft_chan_bind(full, weft_self()), -ESRCH);
    return 0;
}

static void test_release_ends_all_waits_and_the_handle(void)
{
    rig_each(release_wakes);
}

/* A channel made after another was released has the same record, and not the same handle. */
static int reuse(void *argument)
{
    weft_chan first = weft_chan_create(sizeof(int), 1);

    (void)argument;
    EXPECT_EQ(weft_chan_release(first), 0);
    weft_chan second = weft_chan_create(sizeof(int), 1);
    EXPECT(first != second);
    EXPECT_EQ(weft_chan_try_put(second, &(int){ 5 }), 0);
    EXPECT_EQ(weft_chan_try_take(first, &(int){ 0 }), -ESRCH);
    EXPECT_EQ(weft_chan_close(first, 0), -ESRCH);
    EXPECT_EQ(turn_take_now(second), 5);
    EXPECT_EQ(weft_chan_release(second), 0);
    return 0;
}

static void test_release_stale_handle_never_reaches_the_next_channel(void)
{
    rig_run(1, reuse);
}

static int wrong_handles(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_chan wrong[] = { 0,
                          INT64_MAX,
                          (int32_t)chan,
                          (uint32_t)chan,
                          INT64_MIN,
                          weft_self(),
                          chan ^ 1,
                          chan + (INT64_C(1) << 32),
                          chan + 1,
                          chan ^ (INT64_C(1) << 31) };

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(wrong); i++) {
        int value = 77;
        EXPECT_EQ(weft_chan_put(wrong[i], &value, WEFT_NEVER), -ESRCH);
        EXPECT_EQ(weft_chan_take(wrong[i], &value, WEFT_NEVER), -ESRCH);
        EXPECT_EQ(weft_chan_release(wrong[i]), -ESRCH);
        EXPECT_EQ(weft_chan_bind(wrong[i], weft_self()), -ESRCH);
        EXPECT_EQ(value, 77);
    }
    EXPECT_EQ(weft_chan_put(-ENOMEM, &(int){ 0 }, WEFT_NEVER), -ENOMEM);
    EXPECT_EQ(weft_chan_try_take(-EMFILE, &(int){ 0 }), -EMFILE);
    EXPECT_EQ(weft_chan_close(-EINVAL, 0), -EINVAL);
    EXPECT_EQ(weft_chan_bind(-ENFILE, weft_self()), -ENFILE);
    EXPECT_EQ(weft_chan_bind(chan, -ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_chan_bind(chan, chan), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_handles_wrong_ones_are_errors_and_negative_ones_pass(void)
{
    rig_run(1, wrong_handles);
}

/* Waits for a message, then ends with @value. */
static int end_on_turn(void *argument)
{
    const struct turn *turn = argument;
    int ignored;
    int rc = weft_chan_take(turn->chan, &ignored, WEFT_NEVER);
    return rc < 0 ? rc : turn->value;
}

static weft_task start_turn(weft_scope scope, weft_chan gate, int value)
{
    struct turn turn = { gate, value, WEFT_NEVER, NULL };
    return weft_go_copy(scope, end_on_turn, &turn, sizeof(turn));
}

static int bind_closes(void *argument)
{
    static const int results[][2] = { { 0, -EPIPE }, { 7, -EPIPE }, { -EIO, -EIO } };
    weft_chan gate = weft_chan_create(sizeof(int), 4);

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(results); i++) {
        weft_scope scope = weft_scope_open(&run_all);
        weft_chan chans[3];
        int before = results[i][0];
        weft_task early = weft_go_copy(scope, return_value, &before, sizeof(before));
        weft_task task = start_turn(scope, gate, results[i][0]);
        for (int j = 0; j < 3; j++)
            chans[j] = weft_chan_create(sizeof(int), 2);
        EXPECT_EQ(weft_wait(early, WEFT_NEVER), before);
        EXPECT_EQ(weft_chan_bind(chans[0], early), 0); /* has ended: closes at once */
        EXPECT_EQ(weft_chan_try_put(chans[0], &before), results[i][1]);
        EXPECT_EQ(weft_chan_bind(chans[1], task), 0);
        EXPECT_EQ(weft_chan_bind(chans[2], task), 0);
        EXPECT_EQ(weft_chan_try_put(chans[1], &(int){ 3 }), 0);
        EXPECT_EQ(weft_chan_put(gate, &before, WEFT_NEVER), 0);
        EXPECT_EQ(turn_take_now(chans[1]), 3);
        EXPECT_EQ(turn_take_now(chans[1]), results[i][1]);
        EXPECT_EQ(turn_take_now(chans[2]), results[i][1]);
        (void)weft_scope_close(scope);
        for (int j = 0; j < 3; j++)
            EXPECT_EQ(weft_chan_release(chans[j]), 0);
    }
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

static void test_bind_closes_with_the_result_of_the_task(void)
{
    rig_each(bind_closes);
}

static int bind_several_tasks(void *argument)
{
    weft_chan gate = weft_chan_create(sizeof(int), 4);
    weft_chan other = weft_chan_create(sizeof(int), 4);
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_chan gone = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task second = start_turn(scope, other, -ENOSPC);
    weft_task first = start_turn(scope, gate, -EIO);

    (void)argument;
    EXPECT_EQ(weft_chan_bind(chan, second), 0);
    EXPECT_EQ(weft_chan_bind(chan, first), 0);
    EXPECT_EQ(weft_chan_bind(gone, first), 0);
    EXPECT_EQ(weft_chan_release(gone), 0); /* before the task ends: fine */
    EXPECT_EQ(weft_chan_put(gate, &(int){ 0 }, WEFT_NEVER), 0);
    EXPECT_EQ(turn_take_now(chan), -EIO);
    EXPECT_EQ(weft_chan_put(other, &(int){ 0 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(turn_take_now(chan), -EIO); /* the first that ended has closed it */
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_bind(chan, first), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_release(gate), 0);
    EXPECT_EQ(weft_chan_release(other), 0);
    return 0;
}

static void test_bind_to_several_tasks_the_first_end_counts(void)
{
    rig_each(bind_several_tasks);
}

static int try_in_canceled_task(void *argument)
{
    weft_chan chan = *(const weft_chan *)argument;
    int got = 0;

    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 1 }, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_chan_try_put(chan, &(int){ 8 }), 0);
    EXPECT_EQ(weft_chan_take(chan, &got, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_chan_try_take(chan, &got), 0);
    EXPECT_EQ(got, 8);
    return 0;
}

static int try_forms(void *argument)
{
    int got = 77;
    weft_chan none = weft_chan_create(sizeof(int), 0);
    weft_chan one = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_chan_try_put(none, &got), -EAGAIN);
    EXPECT_EQ(weft_chan_try_take(none, &got), -EAGAIN);
    EXPECT_EQ(weft_chan_try_take(one, &got), -EAGAIN);
    EXPECT_EQ(weft_chan_try_put(one, &(int){ 1 }), 0);
    EXPECT_EQ(weft_chan_try_put(one, &(int){ 2 }), -EAGAIN);
    EXPECT_EQ(got, 77);
    EXPECT_EQ(weft_chan_try_take(one, &got), 0);
    EXPECT_EQ(got, 1);
    weft_task putter = turn_await_put(scope, none, 5);
    EXPECT_EQ(weft_chan_try_take(none, &got), 0);
    EXPECT_EQ(got, 5);
    EXPECT_EQ(weft_wait(putter, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(weft_go_copy(scope, try_in_canceled_task, &one, sizeof(one)), WEFT_NEVER),
              0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(none), 0);
    EXPECT_EQ(weft_chan_release(one), 0);
    return 0;
}

static void test_try_forms_never_wait(void)
{
    rig_each(try_forms);
}

static int deadlines(void *argument)
{
    int got = 77;
    weft_chan none = weft_chan_create(sizeof(int), 0);
    weft_chan one = weft_chan_create(sizeof(int), 1);

    (void)argument;
    EXPECT_EQ(weft_chan_take(one, &got, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(none, &got, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(none, &got, (weft_deadline){ -5 }), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_take(none, &got, (weft_deadline){ 1 }), -ETIMEDOUT);
    weft_deadline soon = weft_after(2 * WEFT_MILLISECOND);
    EXPECT_EQ(weft_chan_take(one, &got, soon), -ETIMEDOUT);
    EXPECT(weft_clock() >= soon.ns);
    soon = weft_after(2 * WEFT_MILLISECOND);
    EXPECT_EQ(weft_chan_put(none, &(int){ 4 }, soon), -ETIMEDOUT);
    EXPECT(weft_clock() >= soon.ns);
    EXPECT_EQ(weft_chan_try_take(none, &got), -EAGAIN);      /* nobody will get that message */
    EXPECT_EQ(weft_chan_put(one, &(int){ 6 }, WEFT_NOW), 0); /* what needs no wait has time */
    EXPECT_EQ(weft_chan_put(one, &(int){ 7 }, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(got, 77);
    EXPECT_EQ(weft_chan_take(one, &got, WEFT_NOW), 0); /* the taker that timed out left no trace */
    EXPECT_EQ(got, 6);
    EXPECT_EQ(weft_chan_release(none), 0);
    EXPECT_EQ(weft_chan_release(one), 0);
    return 0;
}

static void test_deadlines_end_waits_and_neither_lose_nor_leave_a_message(void)
{
    rig_each(deadlines);
}

/* ---- a channel with a producer ---- */

static int fail_at_once(weft_chan chan, void *argument)
{
    (void)chan;
    (void)argument;
    return -EIO;
}

static int put_for_ever(weft_chan chan, void *argument)
{
    int rc = 0;

    (void)argument;
    for (int i = 0; rc == 0; i++)
        rc = weft_chan_put(chan, &i, WEFT_NEVER);
    return rc == -EPIPE || rc == -ESRCH ? 0 : rc; /* as it waits, or comes later */
}

static int produce_and_stop(void *argument)
{
    int got = 0;
    weft_scope scope = weft_scope_open(NULL);
    weft_chan chan = weft_chan_produce(WEFT_DETACHED, fail_at_once, NULL, sizeof(int), 0, NULL);

    (void)argument;
    EXPECT_EQ(weft_chan_take(chan, &got, WEFT_NEVER), -EIO); /* though its task may be gone */
    EXPECT_EQ(weft_chan_release(chan), 0);
    chan = weft_chan_produce(scope, put_for_ever, NULL, sizeof(int), 0, NULL);
    EXPECT_EQ(weft_chan_take(chan, &got, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_release(chan), 0); /* the consumer has enough */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_produce(scope, fail_at_once, NULL, sizeof(int), 0, NULL), -ESRCH);
    EXPECT_EQ(weft_chan_produce(scope, fail_at_once, NULL, sizeof(int), SIZE_MAX, NULL), -EINVAL);
    return 0;
}

static void test_a_producer_and_its_channel_end_each_other(void)
{
    rig_each(produce_and_stop);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_put_and_take_at_any_depth_keep_order),
        UNIT_TEST(test_put_from_many_sides_loses_and_doubles_nothing),
        UNIT_TEST(test_put_on_a_full_channel_waits_first_come_first_served),
        UNIT_TEST(test_take_waits_first_come_first_served_and_gets_its_own),
        UNIT_TEST(test_close_ends_all_waits_with_its_error),
        UNIT_TEST(test_close_lets_the_buffer_be_taken_and_the_waiting_puts_not),
        UNIT_TEST(test_release_ends_all_waits_and_the_handle),
        UNIT_TEST(test_release_stale_handle_never_reaches_the_next_channel),
        UNIT_TEST(test_handles_wrong_ones_are_errors_and_negative_ones_pass),
        UNIT_TEST(test_bind_closes_with_the_result_of_the_task),
        UNIT_TEST(test_bind_to_several_tasks_the_first_end_counts),
        UNIT_TEST(test_try_forms_never_wait),
        UNIT_TEST(test_deadlines_end_waits_and_neither_lose_nor_leave_a_message),
        UNIT_TEST(test_a_producer_and_its_channel_end_each_other),
    };
    return unit_run(argc, argv, "chan", tests, WEFT__COUNT(tests));
}

/* Blocking calls: what ends the wait for a helper, their order, what ends a call early. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#include "runtime/base/fault.h"
#include "runtime/sched/join.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { helpers = 16 }; /* unless told otherwise */

static int gate[2]; /* a pipe; helpers wait until its writing end is closed */
static _Atomic int begun;

static void make_gate(void)
{
    if (pipe(gate) != 0)
        exit(unit_broken);
    weft__store_relaxed(&begun, 0);
}

static int64_t wait_at_gate(void *argument)
{
    char byte = 0;

    (void)argument;
    weft__add_relaxed(&begun, 1);
    return read(gate[0], &byte, 1) == 0 ? 7 : -EIO;
}

static int64_t count_call(void *argument)
{
    weft__add_relaxed((_Atomic int *)argument, 1);
    return 3;
}

static int call_wait(void *argument)
{
    return (int)weft_blocking_call(wait_at_gate, argument, NULL, WEFT_NEVER);
}

/* Calls that stay with the helpers until the gate opens; @running of @count have begun. */
static void occupy(weft_scope scope, int count, int running)
{
    for (int i = 0; i < count; i++)
        (void)weft_go(scope, call_wait, NULL);
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
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), 3);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, weft_after(100 * WEFT_SECOND)), 3);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, (weft_deadline){ 1 }), -ETIMEDOUT);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(calls, 2);
    return 0;
}

static void test_a_call_returns_its_result_or_is_not_begun(void)
{
    rig_each(results);
}

static int call_count(void *argument)
{
    return (int)weft_blocking_call(count_call, *(int **)argument, NULL, WEFT_NEVER);
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
    EXPECT_EQ(weft_blocking_call(count_call, counter, NULL, until), -ETIMEDOUT);
    EXPECT(weft_clock() >= until.ns);
    weft_task canceled = weft_go_copy(others, call_count, &counter, sizeof(counter));
    weft_task patient = weft_go_copy(others, call_count, &counter, sizeof(counter));
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

static int call_with_deadline(void *argument)
{
    return (int)weft_blocking_call(wait_at_gate, NULL, NULL, *(const weft_deadline *)argument);
}

/* What a helper has begun is waited for, past the deadline and past a cancel. */
static int begun_call(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_deadline never = WEFT_NEVER;

    (void)argument;
    make_gate();
    weft_task canceled = weft_go_copy(scope, call_with_deadline, &never, sizeof(never));
    while (weft__load_relaxed(&begun) < 1)
        (void)weft_yield();
    weft_deadline soon = weft_after(5 * WEFT_MILLISECOND);
    weft_task late = weft_go_copy(scope, call_with_deadline, &soon, sizeof(soon));
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
        int64_t rc = weft_blocking_call(count_call, &calls, NULL, until);
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
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), -EAGAIN);
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -ENOMEM);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), -ENOMEM);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), 3);
    return 0;
}

static void test_without_any_helper_a_call_says_why(void)
{
    rig_run(2, no_helper);
}

/* ---- the queue ---- */

enum { callers = 1500 };

static struct {
    _Atomic int running;
    _Atomic int peak;
    _Atomic int next;
    int turns[callers];
} line;

static int64_t note_turn(void *argument)
{
    line.turns[weft__add_relaxed(&line.next, 1)] = *(const int *)argument;
    return 0;
}

static int call_note_turn(void *argument)
{
    return (int)weft_blocking_call(note_turn, argument, NULL, WEFT_NEVER);
}

/* All but a few wait for one helper at once, and other tasks go on meanwhile. */
static int in_order(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_scope others = weft_scope_open(NULL);
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    int value = 9;

    (void)argument;
    weft__store_relaxed(&line.next, 0);
    make_gate();
    occupy(scope, 1, 1);
    for (int i = 0; i < callers; i++)
        rig_await(weft_go_copy(scope, call_note_turn, &i, sizeof(i)), WEFT_TASK_WAITING);
    EXPECT_EQ(weft__load_relaxed(&line.next), 0);
    weft_task task = start_end_on_message(others, chan);
    EXPECT_EQ(weft_chan_put(chan, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 9);
    EXPECT_EQ(weft_scope_close(others), 0);
    open_gate(scope);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft__load_relaxed(&line.next), callers);
    for (int i = 0; i < callers; i++)
        EXPECT_EQ(line.turns[i], i);
    return 0;
}

/* One worker: whoever waits has queued its call before the next task runs. */
static void test_calls_are_begun_in_their_order(void)
{
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = 1, .helpers = 1), in_order);
}

static int64_t note_peak(void *argument)
{
    int now = weft__add_relaxed(&line.running, 1) + 1;
    int peak = weft__load_relaxed(&line.peak);

    (void)argument;
    while (now > peak && !weft__cas_relaxed(&line.peak, &peak, now))
        continue;
    for (int i = 0; i < 100; i++)
        (void)sched_yield();
    weft__sub_relaxed(&line.running, 1);
    return 0;
}

static int call_note_peak(void *argument)
{
    return (int)weft_blocking_call(note_peak, argument, NULL, WEFT_NEVER);
}

static int bounded(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&line.peak, 0);
    for (int i = 0; i < 200; i++)
        (void)weft_go(scope, call_note_peak, NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(line.peak >= 1 && line.peak <= 3);
    return 0;
}

static void test_no_more_helpers_than_asked_for(void)
{
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = 2, .helpers = 3), bounded);
}

/* ---- the cancel function ---- */

struct reading {
    int ends[2];
    weft_task task;
    int cancels;
    weft_task canceled_by;
    _Atomic int begun;
    weft_deadline until;
};

static int64_t read_byte(void *argument)
{
    struct reading *reading = argument;
    char byte = 0;

    weft__store_relaxed(&reading->begun, 1);
    return read(reading->ends[0], &byte, 1) == 1 ? byte : -EIO;
}

/* Waits itself, which a cancelled task is refused. */
static void end_reading(void *argument)
{
    struct reading *reading = argument;

    reading->cancels++;
    reading->canceled_by = weft_self();
    int rc = weft_sleep(weft_after(100));
    EXPECT(rc == 0 || rc == -ECANCELED);
    EXPECT_EQ(write(reading->ends[1], "c", 1), 1);
}

static int call_read_byte(void *argument)
{
    struct reading *reading = argument;
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS(.cancel = end_reading);

    reading->task = weft_self();
    return (int)weft_blocking_call(read_byte, reading, &options, reading->until);
}

static struct reading make_reading(weft_deadline until)
{
    struct reading reading = { .until = until };

    if (pipe(reading.ends) != 0)
        exit(unit_broken);
    return reading;
}

static void end_pipe(const struct reading *reading)
{
    EXPECT_EQ(close(reading->ends[0]), 0);
    EXPECT_EQ(close(reading->ends[1]), 0);
}

static void expect_one_cancel(const struct reading *reading, int rc)
{
    EXPECT_EQ(rc, 'c'); /* what the function returned, not that it was late */
    EXPECT_EQ(reading->cancels, 1);
    EXPECT_EQ(reading->canceled_by, reading->task);
}

static int canceled_early(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    struct reading reading = make_reading(WEFT_NEVER);
    weft_task task = weft_go(scope, call_read_byte, &reading);

    (void)argument;
    while (weft__load_relaxed(&reading.begun) == 0)
        (void)weft_yield();
    EXPECT_EQ(weft_cancel(task), 0);
    expect_one_cancel(&reading, weft_wait(task, WEFT_NEVER));
    EXPECT_EQ(weft_scope_close(scope), 0);
    end_pipe(&reading);
    return 0;
}

static void test_a_cancel_asks_a_begun_call_to_end(void)
{
    rig_each(canceled_early);
}

/* As often as needed until a helper has begun before the deadline; then a cancel comes, too. */
static int late(void *argument)
{
    int rc;

    (void)argument;
    for (int64_t wait = WEFT_MILLISECOND;; wait *= 2) {
        weft_scope scope = weft_scope_open(&run_all);
        struct reading reading = make_reading(weft_after(wait));
        weft_task task = weft_go(scope, call_read_byte, &reading);
        rc = weft_wait(task, WEFT_NEVER);
        if (rc >= 0)
            expect_one_cancel(&reading, rc);
        else
            EXPECT(reading.begun == 0 && reading.cancels == 0);
        EXPECT_EQ(weft_scope_close(scope), rc < 0 ? rc : 0);
        end_pipe(&reading);
        if (rc != -ETIMEDOUT)
            return rc >= 0 ? 0 : rc;
    }
}

static void test_a_deadline_asks_a_begun_call_to_end(void)
{
    rig_each(late);
}

static void never_called(void *argument)
{
    (void)argument;
    EXPECT(false);
}

static int not_asked(void *argument)
{
    _Atomic int calls = 0;
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS(.cancel = never_called);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    EXPECT_EQ(weft_blocking_call(count_call, &calls, &options, WEFT_NEVER), 3);
    make_gate();
    occupy(scope, helpers, helpers);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, &options, weft_after(100000)), -ETIMEDOUT);
    open_gate(scope);
    EXPECT_EQ(calls, 1);
    return 0;
}

static void test_a_call_that_ends_or_was_not_begun_is_not_asked(void)
{
    rig_run(2, not_asked);
}

/* Cancels come while calls are queued, begun, ended, and sometimes after the deadline. */
static int64_t wait_for_stop(void *argument)
{
    _Atomic int *stop = argument;

    for (int i = 0; i < 50 && weft__load_acquire(stop) == 0; i++) /* pairs with set_stop */
        (void)sched_yield();
    return 100 + weft__load_acquire(stop); /* pairs with set_stop */
}

static void set_stop(void *argument)
{
    _Atomic int *stop = argument;

    weft__add_acqrel(stop, 1); /* pairs with wait_for_stop */
}

static int call_wait_for_stop(void *argument)
{
    _Atomic int stop = 0;
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS(.cancel = set_stop);
    weft_deadline until = *(const int *)argument % 3 == 0
                              ? weft_after(*(const int *)argument * WEFT_MICROSECOND)
                              : WEFT_NEVER;

    int64_t rc = weft_blocking_call(wait_for_stop, &stop, &options, until);
    EXPECT(rc == 100 || rc == 101 || (rc == -ETIMEDOUT && until.ns != INT64_MAX) ||
           rc == -ECANCELED);
    EXPECT(rc >= 0 ? stop <= 1 && stop >= rc - 100 : stop == 0);
    return 0;
}

static int race(void *argument)
{
    weft_task tasks[8];

    (void)argument;
    for (int round = 0; round < 100; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        for (int i = 0; i < 8; i++) {
            int number = round + i;
            tasks[i] = weft_go_copy(scope, call_wait_for_stop, &number, sizeof(number));
        }
        for (int i = 0; i < round % 16; i++)
            (void)weft_yield();
        for (int i = 0; i < 8; i += 1 + round % 2)
            EXPECT_EQ(weft_cancel(tasks[i]) % ESRCH, 0); /* it may have ended */
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    return 0;
}

static void test_cancels_at_any_moment_lose_nothing(void)
{
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = 2, .helpers = 2), race);
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = 4, .helpers = 2, .migratable = 1), race);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_call_returns_its_result_or_is_not_begun),
        UNIT_TEST(test_a_queued_call_leaves_by_deadline_and_cancel),
        UNIT_TEST(test_a_begun_call_is_waited_for),
        UNIT_TEST(test_a_call_that_ends_at_its_deadline_is_run_or_not),
        UNIT_TEST(test_without_any_helper_a_call_says_why),
        UNIT_TEST(test_calls_are_begun_in_their_order),
        UNIT_TEST(test_no_more_helpers_than_asked_for),
        UNIT_TEST(test_a_cancel_asks_a_begun_call_to_end),
        UNIT_TEST(test_a_deadline_asks_a_begun_call_to_end),
        UNIT_TEST(test_a_call_that_ends_or_was_not_begun_is_not_asked),
        UNIT_TEST(test_cancels_at_any_moment_lose_nothing),
    };
    return unit_run(argc, argv, "blocking_wait", tests, WEFT__COUNT(tests));
}

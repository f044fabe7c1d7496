/* Timers: ticks are neither early nor lost nor told twice; set and release reach who waits. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <limits.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 5 };

static int comes_once(void *unused)
{
    int64_t start = weft_clock();
    weft_timer timer = weft_timer_create(WEFT_NEVER, 0);

    (void)unused;
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_wait(timer, weft_after(WEFT_MICROSECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_set(timer, weft_after(2 * WEFT_MILLISECOND), 0), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_timer_wait(timer, WEFT_NEVER), 1);
    EXPECT(weft_clock() >= start + 2 * WEFT_MILLISECOND);
    EXPECT_EQ(weft_timer_set(timer, WEFT_NEVER, 0), 0);
    EXPECT_EQ(weft_timer_wait(timer, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, 0), 0);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), 1);
    EXPECT_EQ(weft_timer_release(timer), 0);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, 0), -ESRCH);
    return weft_timer_release(timer) == -ESRCH ? 0 : -1;
}

static void test_timer_that_comes_once_stays_come(void)
{
    rig_each(comes_once);
}

/* In a callback of the runtime, which must not wait. */
static void *look_at_timers(void *value)
{
    const weft_timer *timers = value;

    EXPECT_EQ(weft_timer_wait(timers[0], WEFT_NEVER), 1);
    EXPECT_EQ(weft_timer_wait(timers[1], WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_wait(timers[1], WEFT_NEVER), -EPERM);
    EXPECT_EQ(weft_timer_wait(-EMFILE, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_timer_wait(0, WEFT_NEVER), -ESRCH);
    return NULL;
}

static int spawns_and_looks(void *unused)
{
    weft_local_options options = WEFT_LOCAL_OPTIONS(.inherit = look_at_timers);
    weft_local key = weft_local_create(&options);
    weft_timer timers[2] = { weft_timer_create(WEFT_NOW, 0), weft_timer_create(WEFT_NEVER, 0) };
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    EXPECT_EQ(weft_local_set(key, timers), 0);
    EXPECT(weft_go(scope, end_well, NULL) > 0);
    EXPECT_EQ(weft_local_set(key, NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_timer_release(timers[0]), 0);
    EXPECT_EQ(weft_timer_release(timers[1]), 0);
    return weft_local_release(key);
}

static void test_timer_wait_in_a_callback_takes_what_has_come(void)
{
    rig_each(spawns_and_looks);
}

/* Ticks are counted from the first, however late they are asked for. */
static int counts_ticks(void *unused)
{
    int64_t first = weft_clock() - 10 * WEFT_SECOND;
    weft_timer timer = weft_timer_create((weft_deadline){ first }, WEFT_SECOND * 3);
    int64_t told = weft_timer_wait(timer, WEFT_NOW);

    (void)unused;
    EXPECT(told == 4 || told == 5); /* 5 on a machine that slept two seconds just now */
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, 100 * WEFT_MICROSECOND), 0);
    int64_t start = weft_clock();
    for (told = 0; told < 100;) {
        int64_t ticks = weft_timer_wait(timer, WEFT_NEVER);
        EXPECT(ticks >= 1);
        told += ticks > 0 ? ticks : 100;
        EXPECT((weft_clock() - start) / (100 * WEFT_MICROSECOND) + 2 >= told);
    }
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, INT64_MAX), 0);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NEVER), 1);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), -ETIMEDOUT);
    return weft_timer_release(timer);
}

static void test_timer_ticks_add_up(void)
{
    rig_each(counts_ticks);
}

static int refuses(void *unused)
{
    (void)unused;
    weft_timer timer = weft_timer_create(WEFT_NEVER, 0);
    EXPECT_EQ(weft_timer_create(WEFT_NOW, -1), -EINVAL);
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, -1), -EINVAL);
    EXPECT_EQ(weft_timer_go(WEFT_DETACHED, WEFT_NOW, -1, end_well, NULL), -EINVAL);
    EXPECT_EQ(weft_timer_go(WEFT_DETACHED, WEFT_NEVER, 1, end_well, NULL), -EINVAL);
    EXPECT_EQ(weft_timer_wait(-EMFILE, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_timer_wait(weft_self(), WEFT_NEVER), -ESRCH);
    return weft_timer_release(timer);
}

static void test_timer_bad_arguments_are_errors(void)
{
    rig_each(refuses);
}

struct wait {
    weft_timer timer;
    int64_t rc;
};

static int wait_for(void *argument)
{
    struct wait *wait = argument;
    wait->rc = weft_timer_wait(wait->timer, WEFT_NEVER);
    return 0;
}

static int select_for(void *argument)
{
    struct wait *wait = argument;
    weft_case one = WEFT_CASE_TIMER(wait->timer);
    ssize_t done = weft_select(&one, 1, WEFT_NEVER);

    wait->rc = done == 0 ? one.result : done;
    return 0;
}

/* @end does something to a timer for which tasks wait that else would wait for ever. */
static void expect_end(int (*end)(weft_timer timer), int64_t result)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_timer timer = weft_timer_create(WEFT_NEVER, 0);
    struct wait waits[2 * some];
    weft_task canceled = 0;

    for (int i = 0; i < 2 * some; i++) {
        waits[i] = (struct wait){ timer, 0 };
        weft_task task = weft_go(scope, i % 2 == 0 ? wait_for : select_for, &waits[i]);
        rig_await(task, WEFT_TASK_WAITING);
        canceled = i == 0 ? task : canceled;
    }
    EXPECT_EQ(weft_cancel(canceled), 0);
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), 0);
    EXPECT_EQ(waits[0].rc, -ECANCELED);
    EXPECT_EQ(end(timer), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 1; i < 2 * some; i++)
        EXPECT_EQ(waits[i].rc, result);
    (void)weft_timer_release(timer);
}

static int set_now(weft_timer timer)
{
    return weft_timer_set(timer, WEFT_NOW, 0);
}

static int set_soon(weft_timer timer)
{
    return weft_timer_set(timer, weft_after(2 * WEFT_MILLISECOND), 0);
}

static int waits_end(void *unused)
{
    (void)unused;
    expect_end(weft_timer_release, -EPIPE);
    expect_end(set_now, 1);
    expect_end(set_soon, 1);
    return 0;
}

static void test_timer_set_and_release_reach_who_waits(void)
{
    rig_each(waits_end);
}

/* Each tick of one timer goes to one of many. */
static int shares_ticks(void *unused)
{
    weft_scope scope = weft_scope_open(&run_all);
    struct wait waits[some];
    weft_timer timer = weft_timer_create(WEFT_NEVER, WEFT_SECOND * 1000);

    (void)unused;
    for (int i = 0; i < some; i++) {
        waits[i] = (struct wait){ timer, 0 };
        rig_await(weft_go(scope, i % 2 == 0 ? wait_for : select_for, &waits[i]), WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, WEFT_SECOND * 1000), 0);
    int served = 0;
    while (served == 0) {
        (void)weft_yield();
        for (int i = 0; i < some; i++)
            served += __atomic_load_n(&waits[i].rc, __ATOMIC_RELAXED) == 1;
    }
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_timer_release(timer), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    served = 0;
    for (int i = 0; i < some; i++)
        served += waits[i].rc == 1;
    EXPECT_EQ(served, 1);
    return 0;
}

static void test_timer_tick_goes_to_one(void)
{
    rig_run(1, shares_ticks);
}

static int selects_timers(void *unused)
{
    int value = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_timer late = weft_timer_create(weft_after(1000 * WEFT_SECOND), 0);
    weft_timer soon = weft_timer_create(weft_after(2 * WEFT_MILLISECOND), 2 * WEFT_MILLISECOND);
    weft_case cases[] = { WEFT_CASE_TAKE(chan, &value), WEFT_CASE_TIMER(late),
                          WEFT_CASE_TIMER(soon), WEFT_CASE_AT(weft_after(1000 * WEFT_SECOND)) };

    (void)unused;
    EXPECT_EQ(weft_try_select(cases, 2), -EAGAIN);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(weft_select(cases, 4, WEFT_NEVER), 2);
        EXPECT(cases[2].result >= 1);
    }
    EXPECT_EQ(weft_timer_release(soon), 0);
    EXPECT_EQ(weft_select(cases, 4, WEFT_NEVER), 2);
    EXPECT_EQ(cases[2].result, -ESRCH);
    EXPECT_EQ(weft_timer_release(late), 0);
    return weft_chan_release(chan);
}

static void test_timer_in_select(void)
{
    rig_each(selects_timers);
}

static int count_calls(void *argument)
{
    int *calls = argument;
    return ++*calls == some ? -EIO : 0;
}

static int count_and_stop(void *argument)
{
    int *calls = argument;
    return ++*calls == some;
}

static int calls_again(void *unused)
{
    weft_scope scope = weft_scope_open(&run_all);
    int calls[4] = { 0 };
    int64_t start = weft_clock();

    (void)unused;
    weft_task once = weft_timer_go(scope, weft_after(WEFT_MILLISECOND), 0, count_calls, &calls[0]);
    weft_task fails = weft_timer_go(scope, WEFT_NOW, WEFT_MILLISECOND, count_calls, &calls[1]);
    weft_task stops = weft_timer_go(scope, WEFT_NOW, WEFT_MICROSECOND, count_and_stop, &calls[2]);
    weft_task never = weft_timer_go(scope, weft_after(1000 * WEFT_SECOND), 1, count_calls,
                                    &calls[3]);
    EXPECT_EQ(weft_wait(once, WEFT_NEVER), 0);
    EXPECT(weft_clock() >= start + WEFT_MILLISECOND);
    EXPECT_EQ(weft_wait(fails, WEFT_NEVER), -EIO);
    EXPECT(weft_clock() >= start + 4 * WEFT_MILLISECOND);
    EXPECT_EQ(weft_wait(stops, WEFT_NEVER), 0);
    EXPECT_EQ(weft_cancel(never), 0);
    EXPECT_EQ(weft_wait(never, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(calls[0], 1);
    EXPECT_EQ(calls[1], some);
    EXPECT_EQ(calls[2], some);
    EXPECT_EQ(calls[3], 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_timer_go_calls_until_told_to_end(void)
{
    rig_each(calls_again);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_timer_that_comes_once_stays_come),
        UNIT_TEST(test_timer_wait_in_a_callback_takes_what_has_come),
        UNIT_TEST(test_timer_ticks_add_up),
        UNIT_TEST(test_timer_bad_arguments_are_errors),
        UNIT_TEST(test_timer_set_and_release_reach_who_waits),
        UNIT_TEST(test_timer_tick_goes_to_one),
        UNIT_TEST(test_timer_in_select),
        UNIT_TEST(test_timer_go_calls_until_told_to_end),
    };
    return unit_run(argc, argv, "timer", tests, WEFT__COUNT(tests));
}

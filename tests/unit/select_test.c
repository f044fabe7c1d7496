/* Select: exactly one case is done, none is favoured, and what was not done has left no trace. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { most_cases = 12, rounds = 2000 };

/* A select as a task of its own. */
struct choice {
    weft_case *cases;
    size_t count;
    weft_deadline until;
    ssize_t done;
};

static int choose(void *argument)
{
    struct choice *choice = argument;
    choice->done = weft_select(choice->cases, choice->count, choice->until);
    return 0;
}

static weft_task waiting_choice(weft_scope scope, struct choice *choice)
{
    weft_task task = weft_go(scope, choose, choice);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int takes_what_is_there(void *unused)
{
    int message = 5;
    int got = 0;
    weft_chan one = weft_chan_create(sizeof(int), 1);
    weft_chan two = weft_chan_create(sizeof(int), 1);
    weft_case cases[] = { WEFT_CASE_TAKE(one, &got), WEFT_CASE_OFF, WEFT_CASE_FETCH(two, &got),
                          WEFT_CASE_TAKE(two, &got) };

    (void)unused;
    EXPECT_EQ(weft_select(cases, 4, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_try_select(cases, 4), -EAGAIN);
    EXPECT_EQ(weft_chan_put(one, &message, WEFT_NEVER), 0);
    EXPECT_EQ(weft_select(cases, 4, WEFT_NEVER), 0);
    EXPECT_EQ(cases[0].result, 0);
    EXPECT_EQ(got, 5);
    message = 6;
    EXPECT_EQ(weft_chan_put(two, &message, WEFT_NEVER), 0);
    EXPECT_EQ(weft_try_select(cases, 3), 2);
    EXPECT_EQ(got, 6);
    EXPECT_EQ(weft_chan_count(two), 1);
    cases[2] = WEFT_CASE_OFF;
    EXPECT_EQ(weft_try_select(cases, 4), 3);
    EXPECT_EQ(weft_chan_count(two), 0);
    EXPECT_EQ(weft_chan_release(one), 0);
    return weft_chan_release(two);
}

static void test_select_does_what_is_ready(void)
{
    rig_each(takes_what_is_there);
}

/* Waits on everything there is, and is woken by each in turn. */
static int waits_for_each(void *unused)
{
    (void)unused;
    for (int kind = 0; kind < 5; kind++) {
        int out = 1;
        int in[3] = { 0, 0, 0 };
        weft_chan chans[5];
        weft_scope scope = weft_scope_open(&run_all);
        for (int i = 0; i < 5; i++)
            chans[i] = weft_chan_create(sizeof(int), i == 2);
        weft_task task = start_end_on_message(scope, chans[4]);
        weft_case cases[] = {
            WEFT_CASE_PUT(chans[0], &out),     WEFT_CASE_TAKE(chans[1], &in[0]),
            WEFT_CASE_FETCH(chans[2], &in[1]), WEFT_CASE_TASK(task),
            WEFT_CASE_TAKE(chans[3], &in[2]),  WEFT_CASE_AT(WEFT_NEVER),
        };
        struct choice choice = { cases, WEFT__COUNT(cases), WEFT_NEVER, -1 };
        weft_task chooser = waiting_choice(scope, &choice);
        int message = -40 - kind;
        switch (kind) {
        case 0: EXPECT_EQ(weft_chan_take(chans[0], &in[0], WEFT_NEVER), 0); break;
        case 1: EXPECT_EQ(weft_chan_put(chans[1], &message, WEFT_NEVER), 0); break;
        case 2: EXPECT_EQ(weft_chan_put(chans[2], &message, WEFT_NEVER), 0); break;
        case 3: EXPECT_EQ(weft_chan_put(chans[4], &message, WEFT_NEVER), 0); break;
        default: EXPECT_EQ(weft_chan_close(chans[3], -EIO), 0); break;
        }
        EXPECT_EQ(weft_wait(chooser, WEFT_NEVER), 0);
        EXPECT_EQ(choice.done, kind);
        EXPECT_EQ(cases[kind].result, kind == 3 ? message : kind == 4 ? -EIO : 0);
        EXPECT_EQ(in[0], kind == 0 ? 1 : kind == 1 ? message : 0);
        EXPECT_EQ(in[1], kind == 2 ? message : 0);
        for (int i = 0; i < 4; i++) /* nothing is left in line */
            EXPECT_EQ(weft_chan_count(chans[i]), kind == 2 && i == 2);
        EXPECT_EQ(weft_chan_try_put(chans[1], &message), -EAGAIN);
        EXPECT_EQ(weft_chan_close(chans[4], 0), 0);
        (void)weft_scope_close(scope);
        for (int i = 0; i < 5; i++)
            EXPECT_EQ(weft_chan_release(chans[i]), 0);
    }
    return 0;
}

static void test_select_waits_for_the_first_of_all_kinds(void)
{
    rig_each(waits_for_each);
}

/* Waits on @empty too, to which nothing comes. */
static void expect_result(weft_chan empty, weft_case one, int result)
{
    int value = 0;
    weft_case cases[] = { WEFT_CASE_TAKE(empty, &value), one };

    EXPECT_EQ(weft_select(cases, 2, WEFT_NEVER), 1);
    EXPECT_EQ(cases[1].result, result);
}

static int says_errors(void *unused)
{
    int value = 0;
    weft_chan stale = weft_chan_create(sizeof(int), 1);
    weft_chan empty = weft_chan_create(sizeof(int), 0);
    weft_task ended = start_return(WEFT_DETACHED, 3);

    (void)unused;
    while (weft_task_state_of(ended) >= 0)
        (void)weft_yield();
    EXPECT_EQ(weft_chan_release(stale), 0);
    expect_result(empty, WEFT_CASE_PUT(stale, &value), -ESRCH);
    expect_result(empty, WEFT_CASE_TAKE(stale, &value), -ESRCH);
    expect_result(empty, WEFT_CASE_FETCH(stale, &value), -ESRCH);
    expect_result(empty, WEFT_CASE_FETCH(empty, &value), -EOPNOTSUPP);
    expect_result(empty, WEFT_CASE_TASK(ended), -ESRCH);
    expect_result(empty, WEFT_CASE_TASK(stale), -ESRCH);
    expect_result(empty, WEFT_CASE_TASK(-EMFILE), -EMFILE);
    expect_result(empty, WEFT_CASE_PUT(-ENOMEM, &value), -ENOMEM);
    expect_result(empty, WEFT_CASE_TASK(weft_self()), -EDEADLK);
    weft_case unknown = WEFT_CASE((weft_case_kind)99, empty, NULL);
    EXPECT_EQ(weft_select(&unknown, 1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_try_select(&unknown, 1), -EINVAL);
    EXPECT_EQ(weft_wait_any(&ended, 0, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_select(NULL, 0, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_select(NULL, 0, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    return weft_chan_release(empty);
}

/* Also when it only looks. */
static int says_that_it_would_wait_for_itself(void *unused)
{
    weft_case own = WEFT_CASE_TASK(weft_self());

    (void)unused;
    EXPECT_EQ(weft_select(&own, 1, WEFT_NOW), 0);
    EXPECT_EQ(own.result, -EDEADLK);
    own.result = 0;
    EXPECT_EQ(weft_try_select(&own, 1), 0);
    EXPECT_EQ(own.result, -EDEADLK);
    return 0;
}

static void test_select_errors_are_results_of_their_case(void)
{
    rig_each(says_errors);
    rig_each(says_that_it_would_wait_for_itself);
}

/* Ends of a wait that are nobody's case. */
static int gives_up(void *unused)
{
    int value = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_case cases[] = { WEFT_CASE_TAKE(chan, &value), WEFT_CASE_PUT(chan, &value) };
    struct choice choice = { cases, 2, WEFT_NEVER, -1 };
    weft_scope scope = weft_scope_open(&run_all);

    (void)unused;
    weft_task task = waiting_choice(scope, &choice);
    EXPECT_EQ(weft_chan_count(chan), 1); /* it would put */
    EXPECT_EQ(weft_cancel(task), 0);
    (void)weft_scope_close(scope);
    EXPECT_EQ(choice.done, -ECANCELED);
    EXPECT_EQ(weft_chan_count(chan), 0);
    EXPECT_EQ(weft_select(cases, 2, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_count(chan), 0);
    EXPECT_EQ(weft_chan_try_put(chan, &value), -EAGAIN);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_select(cases, 2, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_try_select(cases, 2), -EAGAIN);
    return weft_chan_release(chan);
}

static void test_select_cancel_and_deadline_leave_no_trace(void)
{
    rig_each(gives_up);
}

static int comes_in_time(void *unused)
{
    int value = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    int64_t start = weft_clock();
    weft_deadline later = weft_after(20 * WEFT_MILLISECOND);
    weft_case cases[] = { WEFT_CASE_TAKE(chan, &value),
                          WEFT_CASE_AT(weft_after(1000 * WEFT_SECOND)),
                          WEFT_CASE_AT(weft_after(2 * WEFT_MILLISECOND)) };

    (void)unused;
    EXPECT_EQ(weft_select(cases, 3, WEFT_NEVER), 2);
    EXPECT_EQ(cases[2].result, 0);
    EXPECT(weft_clock() >= start + 2 * WEFT_MILLISECOND);
    cases[2] = WEFT_CASE_OFF;
    EXPECT_EQ(weft_select(cases, 3, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    cases[1] = WEFT_CASE_AT(later);
    EXPECT_EQ(weft_select(cases, 3, WEFT_NEVER), 1);
    EXPECT_EQ(weft_try_select(cases, 3), 1);
    EXPECT(weft_clock() >= start + 20 * WEFT_MILLISECOND);
    return weft_chan_release(chan);
}

static void test_select_points_in_time(void)
{
    rig_each(comes_in_time);
}

/* Of cases that are always ready each is chosen its share of times, whatever their place. In 2,000
 * rounds half of the mean is at least 6 standard deviations away from it. */
static int is_fair(void *unused)
{
    weft_chan chans[most_cases];
    int value = 0;

    (void)unused;
    for (int i = 0; i < most_cases; i++)
        chans[i] = weft_chan_create(sizeof(int), 1);
    for (uint32_t ready = 0x3; ready < 1u << most_cases; ready = ready * 3 + 2) {
        int counts[most_cases] = { 0 };
        int share = rounds / __builtin_popcount(ready & ((1u << most_cases) - 1));
        static weft_case cases[most_cases];
        for (int i = 0; i < most_cases; i++) {
            cases[i] = WEFT_CASE_TAKE(chans[i], &value);
            if ((ready >> i & 1) != 0)
                EXPECT_EQ(weft_chan_put(chans[i], &i, WEFT_NOW), 0);
        }
        for (int round = 0; round < rounds; round++) {
            ssize_t done = weft_select(cases, most_cases, WEFT_NEVER);
            EXPECT_EQ(value, done);
            counts[done]++;
            EXPECT_EQ(weft_chan_put(chans[done], &value, WEFT_NOW), 0);
        }
        for (int i = 0; i < most_cases; i++) {
            int wanted = (ready >> i & 1) != 0 ? share : 0;
            EXPECT(counts[i] >= wanted - wanted / 2 && counts[i] <= wanted + wanted / 2);
            EXPECT_EQ(weft_chan_try_take(chans[i], &value), wanted > 0 ? 0 : -EAGAIN);
        }
    }
    for (int i = 0; i < most_cases; i++)
        EXPECT_EQ(weft_chan_release(chans[i]), 0);
    return 0;
}

static void test_select_favours_none_of_the_ready(void)
{
    rig_run(1, is_fair);
}

/* A put and a take of one channel: two such selects meet, one alone does not meet itself. */
static int meets_others(void *unused)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    int out[2] = { 1, 2 };
    int in[2] = { 0, 0 };
    weft_case cases[2][2];
    struct choice choices[2];

    (void)unused;
    for (int i = 0; i < 2; i++) {
        cases[i][0] = WEFT_CASE_PUT(chan, &out[i]);
        cases[i][1] = WEFT_CASE_TAKE(chan, &in[i]);
        choices[i] = (struct choice){ cases[i], 2, WEFT_NEVER, -1 };
    }
    weft_task first = waiting_choice(scope, &choices[0]);
    weft_task second = weft_go(scope, choose, &choices[1]);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(choices[0].done + choices[1].done, 1);
    EXPECT_EQ(in[choices[0].done == 1 ? 0 : 1], choices[0].done == 1 ? 2 : 1);
    EXPECT_EQ(in[choices[0].done == 1 ? 1 : 0], 0);
    EXPECT_EQ(weft_chan_count(chan), 0);
    return weft_chan_release(chan);
}

static void test_select_meets_others_but_not_itself(void)
{
    rig_each(meets_others);
}

/* A select keeps its place in line: who came before it is served before it. */
static int keeps_order(void *unused)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    int in[3] = { 0 };
    weft_case cases[3];
    struct choice choices[3];
    weft_task tasks[3];

    (void)unused;
    for (int i = 0; i < 3; i++) {
        cases[i] = WEFT_CASE_TAKE(chan, &in[i]);
        choices[i] = (struct choice){ &cases[i], 1, WEFT_NEVER, -1 };
        tasks[i] = waiting_choice(scope, &choices[i]);
    }
    for (int i = 0; i < 3; i++) {
        int message = 10 + i;
        EXPECT_EQ(weft_chan_put(chan, &message, WEFT_NEVER), 0);
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 0);
        EXPECT_EQ(in[i], message);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return weft_chan_release(chan);
}

static void test_select_keeps_its_place_in_line(void)
{
    rig_each(keeps_order);
}

static int shows_to_lookers(void *unused)
{
    int value = 3;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_case one = WEFT_CASE_PUT(chan, &value);
    struct choice choice = { &one, 1, WEFT_NEVER, -1 };

    (void)unused;
    weft_task task = waiting_choice(scope, &choice);
    EXPECT_EQ(weft_chan_ready(chan), 1);
    EXPECT_EQ(weft_chan_wait(chan, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(chan, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return weft_chan_release(chan);
}

static void test_select_putter_counts_as_one_who_waits(void)
{
    rig_each(shows_to_lookers);
}

/* Events and futures, set before the select and while it waits. */
static void expect_set(int automatic, bool before)
{
    int out = 77;
    int in = 0;
    weft_event event;
    weft_future future = weft_future_create(sizeof(int));
    weft_scope scope = weft_scope_open(NULL);

    weft_event_init(&event, automatic);
    for (int i = 0; i < 2; i++) {
        weft_case cases[] = { WEFT_CASE_EVENT(&event), WEFT_CASE_FUTURE(future, &in) };
        struct choice choice = { cases, 2, WEFT_NEVER, -1 };
        weft_task task = before ? 0 : waiting_choice(scope, &choice);
        if (i == 0)
            EXPECT_EQ(weft_event_set(&event), !before);
        else
            EXPECT_EQ(weft_future_set(future, &out), !before);
        if (before)
            (void)choose(&choice);
        else
            EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT_EQ(choice.done, i);
        EXPECT_EQ(cases[i].result, 0);
        EXPECT_EQ(in, i == 0 ? 0 : 77);
        EXPECT_EQ(weft_event_reset(&event), i == 0 && !automatic);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_future_release(future), 0);
    weft_event_fini(&event); /* nobody stands in its line */
}

static int waits_for_events(void *unused)
{
    int value = 0;
    weft_future failed = weft_future_create(sizeof(int));

    (void)unused;
    for (int i = 0; i < 4; i++)
        expect_set(i % 2, i / 2 == 0);
    EXPECT_EQ(weft_future_fail(failed, -EIO), 0);
    weft_case one = WEFT_CASE_FUTURE(failed, &value);
    EXPECT_EQ(weft_select(&one, 1, WEFT_NEVER), 0);
    EXPECT_EQ(one.result, -EIO);
    EXPECT_EQ(weft_future_release(failed), 0);
    EXPECT_EQ(weft_select(&one, 1, WEFT_NEVER), 0);
    EXPECT_EQ(one.result, -ESRCH);
    return 0;
}

static void test_select_events_and_futures(void)
{
    rig_each(waits_for_events);
}

static int puts_unbounded(void *unused)
{
    weft_chan chan = weft_chan_create(sizeof(int), WEFT_UNBOUNDED);

    (void)unused;
    for (int i = 0; i < 200; i++) {
        weft_case one = WEFT_CASE_PUT(chan, &i);
        EXPECT_EQ(weft_select(&one, 1, WEFT_NEVER), 0);
        EXPECT_EQ(one.result, 0);
    }
    for (int i = 0; i < 200; i++) {
        int value = -1;
        EXPECT_EQ(weft_chan_take(chan, &value, WEFT_NOW), 0);
        EXPECT_EQ(value, i);
    }
    return weft_chan_release(chan);
}

static void test_select_put_into_an_unbounded_channel(void)
{
    rig_each(puts_unbounded);
}

static int waits_for_any(void *unused)
{
    enum { tasks_count = 20 };
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_task tasks[tasks_count + 1];
    bool ended[tasks_count + 1] = { false };
    int message = 7;

    (void)unused;
    for (int i = 0; i < tasks_count; i++)
        tasks[i] = start_end_on_message(scope, chan);
    tasks[tasks_count] = tasks[4]; /* twice is fine */
    EXPECT_EQ(weft_wait_any(tasks, tasks_count, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_wait_any(tasks, 3, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(chan, &message, WEFT_NEVER), 0);
    ssize_t first = weft_wait_any(tasks, tasks_count + 1, WEFT_NEVER);
    EXPECT(first >= 0 && first <= tasks_count);
    EXPECT_EQ(weft_wait(tasks[first], WEFT_NEVER), 7);
    for (int i = 1; i < tasks_count; i++)
        EXPECT_EQ(weft_chan_put(chan, &message, WEFT_NEVER), 0);
    for (int i = 0; i < 4000; i++) {
        ssize_t one = weft_wait_any(tasks, tasks_count + 1, WEFT_NEVER);
        if (EXPECT(one >= 0 && one <= tasks_count))
            ended[one] = true;
        if (i == 3000)
            for (int t = 0; t < tasks_count; t++)
                EXPECT_EQ(weft_wait(tasks[t], WEFT_NEVER), 7);
    }
    for (int i = 0; i <= tasks_count; i++)
        EXPECT(ended[i]);
    (void)weft_scope_close(scope);
    EXPECT(weft_wait_any(tasks, 1, WEFT_NEVER) == 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -ESRCH);
    return weft_chan_release(chan);
}

static void test_wait_any_returns_one_that_has_ended(void)
{
    rig_each(waits_for_any);
}

/* A thread selects like a task. */
static void *select_as_thread(void *argument)
{
    struct choice *choice = argument;
    choice->done = weft_select(choice->cases, choice->count, choice->until);
    return NULL;
}

static int serves_threads(void *unused)
{
    int in = 0;
    int message = 8;
    pthread_t thread;
    weft_chan one = weft_chan_create(sizeof(int), 0);
    weft_chan two = weft_chan_create(sizeof(int), 0);
    weft_case cases[] = { WEFT_CASE_TAKE(one, &in), WEFT_CASE_TAKE(two, &in) };
    struct choice choice = { cases, 2, WEFT_NEVER, -1 };

    (void)unused;
    EXPECT_EQ(pthread_create(&thread, NULL, select_as_thread, &choice), 0);
    EXPECT_EQ(weft_chan_put(two, &message, WEFT_NEVER), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(choice.done, 1);
    EXPECT_EQ(in, 8);
    EXPECT_EQ(weft_chan_release(one), 0);
    return weft_chan_release(two);
}

static void test_select_serves_threads(void)
{
    rig_each(serves_threads);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_select_does_what_is_ready),
        UNIT_TEST(test_select_waits_for_the_first_of_all_kinds),
        UNIT_TEST(test_select_errors_are_results_of_their_case),
        UNIT_TEST(test_select_cancel_and_deadline_leave_no_trace),
        UNIT_TEST(test_select_points_in_time),
        UNIT_TEST(test_select_favours_none_of_the_ready),
        UNIT_TEST(test_select_meets_others_but_not_itself),
        UNIT_TEST(test_select_keeps_its_place_in_line),
        UNIT_TEST(test_select_putter_counts_as_one_who_waits),
        UNIT_TEST(test_select_events_and_futures),
        UNIT_TEST(test_select_put_into_an_unbounded_channel),
        UNIT_TEST(test_wait_any_returns_one_that_has_ended),
        UNIT_TEST(test_select_serves_threads),
    };
    return unit_run(argc, argv, "select", tests, WEFT__COUNT(tests));
}

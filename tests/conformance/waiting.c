/* Section 1.3 of the features: structured waiting. */
#include <string.h>

#include "tests/support/conformance.h"

static int fail_in_turn(void *argument)
{
    int code = *(const int *)argument;

    for (int i = 0; i < -code; i++) /* those that are spawned first fail last */
        (void)weft_yield();
    return code;
}

static int count_yields(void *argument)
{
    for (int i = 0; i < 50; i++)
        (void)weft_yield();
    (**(_Atomic int **)argument)++;
    return 0;
}

CONFORMANCE(sync_waits_for_all_and_lists_failures_in_the_order_of_registration)
{
    static const int codes[] = { -EIO, -EAGAIN, -ENXIO, -EPERM };
    weft_error error = WEFT_ERROR_INIT;
    _Atomic int finished = 0;
    _Atomic int *place = &finished;
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < 4; i++) {
        (void)weft_go_copy(scope, fail_in_turn, &codes[i], sizeof(codes[i]));
        (void)weft_go_copy(scope, count_yields, &place, sizeof(place));
    }
    EXPECT(weft_scope_join(scope, WEFT_NEVER) < 0);
    EXPECT_EQ(finished, 4); /* whatever failed */
    for (size_t i = 0; i < 4; i++) {
        EXPECT_EQ(weft_scope_error(scope, i, &error), 0);
        EXPECT_EQ(error.code, codes[i]);
    }
    EXPECT_EQ(weft_scope_error(scope, 4, &error), -ENOENT);
    EXPECT(weft_scope_close(scope) < 0);
    return 0;
}

static int close_again(void *argument)
{
    return weft_scope_close(*(weft_scope *)argument);
}

/* Beyond Julia's lexical block: a scope that has ended takes no more tasks, and says so. */
CONFORMANCE(sync_that_has_ended_takes_no_more)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_scope other = weft_scope_open(NULL);

    EXPECT_EQ(weft_wait(weft_go_copy(other, close_again, &scope, sizeof(scope)), WEFT_NEVER),
              -EPERM); /* nor does it end by another's hand */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_go(scope, end_well, NULL), -ESRCH);
    EXPECT_EQ(weft_scope_close(scope), -ESRCH);
    EXPECT_EQ(weft_scope_close(other), -EPERM);
    return 0;
}

/* Julia's fail-fast block leaves the others running, ownerless; weft has both parts of it: the
 * call that returns at the first failure with the others unharmed, and the scope that cancels
 * them. */
CONFORMANCE(sync_that_fails_fast_returns_at_the_first_failure)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    weft_task tasks[] = { start_end_on_message(scope, gate), start_return(scope, -EIO) };
    unsigned char ended[2] = { 9, 9 };
    int value = 0;

    EXPECT_EQ(weft_wait_all(tasks, 2, WEFT_ALL_OR_FAILURE, ended, WEFT_NEVER), -EIO);
    EXPECT(ended[0] == 0 && ended[1] == 1);
    EXPECT_EQ(weft_chan_put(gate, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), -EIO);

    scope = weft_scope_open(NULL);
    tasks[0] = start_end_on_message(scope, gate);
    tasks[1] = start_return(scope, -ENODEV);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ENODEV);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

CONFORMANCE(waitany_returns_one_that_is_done)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan gates[] = { weft_chan_create(sizeof(int), 1), weft_chan_create(sizeof(int), 1) };
    weft_task tasks[] = { start_end_on_message(scope, gates[0]),
                          start_end_on_message(scope, gates[1]) };
    int value = -EIO;

    EXPECT_EQ(weft_wait_any(tasks, 2, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_wait_any(tasks, 0, WEFT_NEVER), -EINVAL); /* it would wait for ever */
    EXPECT_EQ(weft_chan_put(gates[1], &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait_any(tasks, 2, WEFT_NEVER), 1);
    EXPECT_EQ(weft_wait(tasks[1], WEFT_NOW), -EIO);
    EXPECT_EQ(weft_wait_any(&tasks[1], 1, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_put(gates[0], &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_chan_release(gates[0]), 0);
    EXPECT_EQ(weft_chan_release(gates[1]), 0);
    return 0;
}

CONFORMANCE(waitall_with_failfast_or_without_and_with_duplicates)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    weft_task slow = start_end_on_message(scope, gate);
    weft_task bad = start_return(scope, -EIO);
    weft_task tasks[] = { slow, bad, slow, bad };
    unsigned char ended[4];
    int value = 0;

    EXPECT_EQ(weft_wait_all(tasks, 4, WEFT_ALL_OR_FAILURE, ended, WEFT_NEVER), -EIO);
    EXPECT(!ended[0] && ended[1] && !ended[2] && ended[3]);
    EXPECT_EQ(weft_chan_put(gate, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait_all(tasks, 4, WEFT_ALL_ENDED, ended, WEFT_NEVER), -EIO);
    EXPECT(ended[0] && ended[1] && ended[2] && ended[3]);
    EXPECT_EQ(weft_wait_all(NULL, 0, WEFT_ALL_ENDED, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

static int fail_with_a_cause(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    (void)start_return(scope, -EIO);
    (void)start_return(scope, -ENXIO);
    int rc = weft_scope_join(scope, WEFT_NEVER);
    EXPECT_EQ(weft_scope_error(scope, 0, &error), 0);
    ssize_t failures = weft_scope_failures(scope);
    (void)weft_scope_close(scope);
    return rc < 0 ? weft_fail(-EPROTO, &error, "first of %d failures", (int)failures) : 0;
}

CONFORMANCE(composite_exception_has_its_first_cause_and_a_count)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, fail_with_a_cause, NULL);

    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EPROTO);
    EXPECT_EQ(weft_task_error_of(task, &error), 0);
    EXPECT_EQ(error.cause_code, -EIO);
    EXPECT(strstr(error.text, "first of 2 failures: ") != NULL);
    EXPECT_EQ(weft_scope_close(scope), -EPROTO);
    return 0;
}

static int square(void *context, size_t index, const void *item, void *out_result)
{
    int value = *(const int *)item;

    for (size_t i = 0; i < 20 - index; i++)
        (void)weft_yield(); /* the first are done last */
    *(int *)out_result = value * value;
    return context != NULL && value == *(int *)context ? -EDOM : 0;
}

static int square_batch(void *context, size_t first, size_t batch, const void *items,
                        void *out_results)
{
    const int *values = items;
    int *results = out_results;

    EXPECT_EQ(batch, first < 18 ? 6 : 2);
    for (size_t i = 0; i < batch; i++)
        results[i] = values[i] * values[i];
    return context != NULL && first == 6 ? -EDOM : 0;
}

/* Julia's function for ntasks is not there. */
CONFORMANCE(asyncmap_keeps_the_order_and_gives_the_first_error)
{
    enum { count = 20, bad = 7 };
    int items[count];
    int results[count] = { 0 };
    int unlucky = bad;
    size_t index = 0;
    weft_map map = WEFT_MAP(.fn = square, .count = count, .items = items, .item_bytes = sizeof(int),
                            .out_results = results, .result_bytes = sizeof(int), .concurrency = 3);

    for (int i = 0; i < count; i++)
        items[i] = i;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), 0);
    for (int i = 0; i < count; i++)
        EXPECT_EQ(results[i], i * i);
    map.context = &unlucky;
    results[count - 1] = -1;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EDOM);
    EXPECT_EQ(index, bad);
    EXPECT_EQ(results[count - 1], -1); /* nothing more was fed */
    map = WEFT_MAP(.batch_fn = square_batch, .batch = 6, .count = count, .items = items,
                   .item_bytes = sizeof(int), .out_results = results, .result_bytes = sizeof(int));
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), 0);
    EXPECT_EQ(results[count - 1], (count - 1) * (count - 1));
    map.context = &unlucky;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EDOM);
    EXPECT_EQ(index, 6);
    map.policy = (weft_scope_policy)99;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EINVAL);
    return 0;
}

/* Holds when it has been asked as often as @context says; fails when that is negative. */
static int is_ready(void *context)
{
    int *calls = context;

    if (*calls < 0)
        return -EIO;
    return --*calls == 0;
}

/* Most waits need no polling: each takes a deadline itself. */
CONFORMANCE(timedwait_polls_or_times_out)
{
    int calls = 3;
    weft_chan chan = weft_chan_create(0, 0);

    EXPECT_EQ(weft_wait_until(is_ready, &calls, WEFT_MILLISECOND, weft_after(20 * WEFT_SECOND)), 1);
    EXPECT_EQ(calls, 0);
    calls = 3;
    EXPECT_EQ(weft_wait_until(is_ready, &calls, WEFT_MILLISECOND, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(calls, 2);
    calls = -1;
    EXPECT_EQ(weft_wait_until(is_ready, &calls, WEFT_MILLISECOND, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_wait_until(is_ready, &calls, WEFT_MILLISECOND - 1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_chan_take(chan, NULL, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* Beyond Julia. */
CONFORMANCE(select_over_channels_tasks_and_time)
{
    int in = 5;
    int out = 0;
    weft_scope scope = weft_scope_open(NULL);
    weft_chan full = weft_chan_create(sizeof(int), 1);
    weft_chan empty = weft_chan_create(sizeof(int), 1);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    weft_task task = start_end_on_message(scope, gate);
    weft_timer timer = weft_timer_create(WEFT_NEVER, 0);
    weft_case cases[] = { WEFT_CASE_TAKE(empty, &out), WEFT_CASE_PUT(full, &in),
                          WEFT_CASE_TASK(task), WEFT_CASE_TIMER(timer), WEFT_CASE_AT(WEFT_NEVER) };

    EXPECT_EQ(weft_chan_put(full, &in, WEFT_NOW), 0);
    EXPECT_EQ(weft_try_select(cases, 5), -EAGAIN);
    EXPECT_EQ(weft_chan_put(empty, &in, WEFT_NOW), 0);
    EXPECT_EQ(weft_select(cases, 5, WEFT_NEVER), 0);
    EXPECT_EQ(out, 5);
    EXPECT_EQ(weft_chan_take(full, &out, WEFT_NOW), 0);
    EXPECT_EQ(weft_select(cases, 5, WEFT_NEVER), 1);
    EXPECT_EQ(weft_chan_put(gate, &in, WEFT_NOW), 0);
    EXPECT_EQ(weft_select(cases, 5, WEFT_NEVER), 2);
    EXPECT_EQ(cases[2].result, 5);
    cases[2] = WEFT_CASE_OFF;
    EXPECT_EQ(weft_timer_set(timer, WEFT_NOW, 0), 0);
    EXPECT_EQ(weft_select(cases, 4, WEFT_NEVER), 3);
    cases[3] = WEFT_CASE_OFF;
    cases[4] = WEFT_CASE_AT(weft_after(WEFT_MILLISECOND));
    EXPECT_EQ(weft_select(cases, 5, WEFT_NEVER), 4);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_timer_release(timer), 0);
    EXPECT_EQ(weft_chan_release(full), 0);
    EXPECT_EQ(weft_chan_release(empty), 0);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(sync_waits_for_all_and_lists_failures_in_the_order_of_registration),
        CONFORMANCE_TEST(sync_that_has_ended_takes_no_more),
        CONFORMANCE_TEST(sync_that_fails_fast_returns_at_the_first_failure),
        CONFORMANCE_TEST(waitany_returns_one_that_is_done),
        CONFORMANCE_TEST(waitall_with_failfast_or_without_and_with_duplicates),
        CONFORMANCE_TEST(composite_exception_has_its_first_cause_and_a_count),
        CONFORMANCE_TEST(asyncmap_keeps_the_order_and_gives_the_first_error),
        CONFORMANCE_TEST(timedwait_polls_or_times_out),
        CONFORMANCE_TEST(select_over_channels_tasks_and_time),
    };
    return CONFORMANCE_RUN(argc, argv, "waiting", tests);
}

/* Section 1.1 of the features: tasks are created, start and finish. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/conformance.h"

enum { answer = 42 };

static int yield_then_42(void *argument)
{
    (void)argument;
    (void)weft_yield();
    return answer;
}

static int fail_with_words(void *argument)
{
    (void)argument;
    return weft_fail(-EIO, NULL, "the door is open");
}

/* In weft each task has an owner, which starts it at last; one that is held until then: see
 * schedule_starts_a_task_once. */
CONFORMANCE(task_of_a_function_has_name_stack_and_states)
{
    char name[WEFT_NAME] = "";
    weft_scope scope = weft_scope_open(NULL);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    int value = answer;

    weft_task task = weft_spawn(scope, end_on_message, &gate,
                                &WEFT_SPAWN_OPTIONS(.name = "worker bee", .stack_bytes = 256 << 10,
                                                    .place = weft_place_together()));
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_FRESH); /* together: it can't have begun */
    EXPECT_EQ(weft_task_name_of(task, name), 0);
    EXPECT_EQ(strcmp(name, "worker bee"), 0);
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_chan_put(gate, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), answer);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_ENDED);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_task_state_of(task), -ESRCH); /* gone with its owner, and never another */
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

static int note_turn(void *argument)
{
    int **place = *(int ***)argument;

    *(*place)++ = weft_worker_self();
    return 0;
}

CONFORMANCE(schedule_starts_a_task_once)
{
    int value = answer;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_spawn(scope, return_value, &value,
                                &WEFT_SPAWN_OPTIONS(.held = 1, .place = weft_place_spread()));

    EXPECT_EQ(weft_wait(task, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT); /* not known yet */
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_FRESH);
    EXPECT_EQ(weft_task_start(task), 0);
    EXPECT_EQ(weft_task_start(task), -EALREADY); /* queued, or finished */
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), answer);
    EXPECT_EQ(weft_task_start(task), -EALREADY);
    return weft_scope_close(scope);
}

/* A spawn returns at once, and the task stands behind those that are there. */
CONFORMANCE(schedule_queues_at_the_tail_and_returns_at_once)
{
    int turns[4] = { -1, -1, -1, -1 };
    int *next = turns;
    int **place = &next;
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 3; i++)
        (void)weft_spawn(
            scope, note_turn, &place,
            &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place), .place = weft_place_together()));
    EXPECT(next == turns); /* nobody has run yet */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(next == turns + 3);
    EXPECT_EQ(turns[0], weft_worker_self());
    return 0;
}

static int park_once(void *argument)
{
    (void)argument;
    return weft_park(WEFT_NEVER);
}

/* The value that Julia hands over with it, or the error, is a future's business: see
 * test_conformance_future_is_written_once. */
CONFORMANCE(schedule_of_a_parked_task_has_a_permit_of_one_shot)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, park_once, NULL);

    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_unpark(task), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unpark(task), -ESRCH); /* finished */
    EXPECT_EQ(weft_unpark(weft_self()), 0);
    EXPECT_EQ(weft_unpark(weft_self()), -EALREADY); /* queued already */
    EXPECT_EQ(weft_park(WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int check_copy(void *argument)
{
    (void)weft_yield();
    return *(int *)argument;
}

CONFORMANCE(async_runs_on_the_same_worker_and_gets_copies_of_values)
{
    int value = 1;
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(value));

    options.place = weft_place_together();
    weft_task first = weft_spawn(scope, check_copy, &value, &options);
    value = 2;
    weft_task second = weft_go_copy(scope, check_copy, &value, sizeof(value));
    value = 3;
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 1);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 2);
    EXPECT_EQ(weft_scope_close(scope), 0); /* it has joined the scope, as @async joins @sync */
    return 0;
}

static int wait_for_task(void *argument)
{
    return weft_wait(*(weft_task *)argument, WEFT_NEVER);
}

CONFORMANCE(wait_for_a_task_by_many_and_again)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    weft_task task = start_end_on_message(scope, gate);
    weft_task waiters[5];
    int value = answer;

    for (int i = 0; i < 5; i++)
        waiters[i] = weft_go_copy(scope, wait_for_task, &task, sizeof(task));
    EXPECT_EQ(weft_wait(task, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(gate, &value, WEFT_NEVER), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(weft_wait(waiters[i], WEFT_NEVER), answer);
    EXPECT_EQ(weft_wait(task, WEFT_NOW), answer);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

CONFORMANCE(wait_for_a_task_that_failed_gives_its_error)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_spawn(scope, fail_with_words, NULL, &WEFT_SPAWN_OPTIONS(.name = "eve"));

    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_task_error_of(task, &error), 0);
    EXPECT_EQ(error.code, -EIO);
    EXPECT(error.task == task);
    EXPECT_EQ(strcmp(error.task_name, "eve"), 0);
    EXPECT(strstr(error.text, "the door is open") != NULL);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

CONFORMANCE(wait_for_oneself_is_a_deadlock)
{
    char byte = 0;

    EXPECT_EQ(weft_wait(weft_self(), WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_fetch(weft_self(), &byte, 1, WEFT_NEVER), -EDEADLK);
    return 0;
}

static int give_text(void *argument)
{
    (void)argument;
    return weft_result_give("result", sizeof("result"));
}

/* A handle is no value: fetch of what is no task is an error. */
CONFORMANCE(fetch_waits_and_copies_the_result)
{
    char text[sizeof("result")] = "";
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_spawn(scope, give_text, NULL,
                                &WEFT_SPAWN_OPTIONS(.result_bytes = sizeof(text)));

    for (int i = 0; i < 2; i++, text[0] = '\0') {
        EXPECT_EQ(weft_fetch(task, text, sizeof(text), WEFT_NEVER), 0);
        EXPECT_EQ(strcmp(text, "result"), 0);
    }
    EXPECT_EQ(weft_fetch(scope, text, sizeof(text), WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

CONFORMANCE(istaskdone_istaskstarted_istaskfailed_are_snapshots)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan gate = weft_chan_create(sizeof(int), 1);
    weft_task task = start_end_on_message(scope, gate);
    int value = -EIO;

    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING); /* started */
    EXPECT_EQ(weft_task_error_of(task, &error), -EBUSY);    /* not done */
    EXPECT_EQ(weft_task_state_of(weft_self()), WEFT_TASK_RUNNING);
    EXPECT_EQ(weft_chan_put(gate, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_ENDED); /* failed counts as done */
    EXPECT_EQ(weft_task_error_of(task, &error), 0);
    EXPECT_EQ(error.code, -EIO);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

static int tell_self(void *argument)
{
    weft_task self = weft_self();

    **(weft_task **)argument = self;
    return 0;
}

static void *self_in_a_thread(void *argument)
{
    *(weft_task *)argument = weft_self();
    return NULL;
}

/* A plain thread has all calls, but is no task: nobody can cancel it or wait for it. */
CONFORMANCE(current_task_is_the_running_one)
{
    weft_task told = 0;
    weft_task *place = &told;
    pthread_t thread;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go_copy(scope, tell_self, &place, sizeof(place));

    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT(told == task);
    EXPECT(weft_self() > 0 && weft_self() != task);
    if (EXPECT_EQ(pthread_create(&thread, NULL, self_in_a_thread, &told), 0))
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(told, -EPERM);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

/* Beyond Julia: a failure that nobody has waited for is its owner's to hear of. */
CONFORMANCE(unhandled_failure_is_told_by_the_scope)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, fail_with_words, NULL);

    EXPECT_EQ(weft_release(task), 0); /* nobody can ask the task itself any more */
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_failures(scope), 1);
    EXPECT_EQ(weft_scope_error(scope, 0, &error), 0);
    EXPECT(strstr(error.text, "the door is open") != NULL);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

/* ---- the error monitor: the report of a runtime gets one text ---- */

static struct {
    int count;
    char text[512];
} heard;

static void hear(void *context, const char *text)
{
    (void)context;
    (void)snprintf(heard.text, sizeof(heard.text), "%s", text);
    heard.count++;
}

static int fail_monitored(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "eve", .monitored = 1);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_spawn(scope, yield_then_42, NULL, &options), WEFT_NEVER), answer);
    EXPECT_EQ(weft_wait(weft_go(scope, fail_with_words, NULL), WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EIO);
    EXPECT_EQ(heard.count, 0); /* one ended well, the other is not monitored */
    weft_task task = weft_spawn(scope, fail_with_words, NULL, &options);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EIO); /* as without it */
    EXPECT_EQ(weft_scope_failures(scope), 2);
    return weft_scope_close(scope) == -EIO ? 0 : -EPROTO;
}

static void test_conformance_errormonitor_tells_of_a_failure_in_one_text(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2, .report = hear), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    heard.count = 0;
    CU_ASSERT_EQUAL(weft_call(runtime, fail_monitored, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(heard.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "task eve, spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "failed: EIO: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, ": the door is open"));
    expect_assert();
}

static int change_in_place(void *argument)
{
    *(int *)argument = answer;
    return 0;
}

CONFORMANCE(task_result_is_passed_by_reference_or_as_an_int)
{
    int value = 0;
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_wait(weft_go(scope, change_in_place, &value), WEFT_NEVER), 0);
    EXPECT_EQ(value, answer);
    EXPECT_EQ(weft_wait(weft_go(scope, yield_then_42, NULL), WEFT_NEVER), answer);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static struct {
    weft_chan full;
    int put;
    int sleep;
} forbidden;

/* Runs where a spawn is under way: such a place must not wait. */
static void *wait_in_a_callback(void *value)
{
    forbidden.put = weft_chan_put(forbidden.full, &(int){ 0 }, WEFT_NEVER);
    forbidden.sleep = weft_sleep(weft_after(WEFT_SECOND));
    return value;
}

CONFORMANCE(task_switch_in_a_callback_is_refused)
{
    weft_local key = weft_local_create(&WEFT_LOCAL_OPTIONS(.inherit = wait_in_a_callback));
    weft_scope scope = weft_scope_open(NULL);

    forbidden.full = weft_chan_create(sizeof(int), 0);
    EXPECT_EQ(weft_local_set(key, &forbidden), 0);
    EXPECT_EQ(weft_wait(weft_go(scope, end_well, NULL), WEFT_NEVER), 0);
    EXPECT_EQ(forbidden.put, -EPERM);
    EXPECT_EQ(forbidden.sleep, -EPERM);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_local_release(key), 0);
    EXPECT_EQ(weft_chan_release(forbidden.full), 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(task_of_a_function_has_name_stack_and_states),
        CONFORMANCE_TEST(schedule_starts_a_task_once),
        CONFORMANCE_TEST(schedule_queues_at_the_tail_and_returns_at_once),
        CONFORMANCE_TEST(schedule_of_a_parked_task_has_a_permit_of_one_shot),
        CONFORMANCE_TEST(async_runs_on_the_same_worker_and_gets_copies_of_values),
        CONFORMANCE_TEST(wait_for_a_task_by_many_and_again),
        CONFORMANCE_TEST(wait_for_a_task_that_failed_gives_its_error),
        CONFORMANCE_TEST(wait_for_oneself_is_a_deadlock),
        CONFORMANCE_TEST(fetch_waits_and_copies_the_result),
        CONFORMANCE_TEST(istaskdone_istaskstarted_istaskfailed_are_snapshots),
        CONFORMANCE_TEST(current_task_is_the_running_one),
        CONFORMANCE_TEST(unhandled_failure_is_told_by_the_scope),
        CONFORMANCE_TEST(errormonitor_tells_of_a_failure_in_one_text),
        CONFORMANCE_TEST(task_result_is_passed_by_reference_or_as_an_int),
        CONFORMANCE_TEST(task_switch_in_a_callback_is_refused),
    };
    return CONFORMANCE_RUN(argc, argv, "tasks", tests);
}

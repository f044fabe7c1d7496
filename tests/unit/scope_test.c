/* Scopes: both policies, deadline, forgetting, the list of failures, cancel downwards, misuse. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 5, many = 200, deep = 1000 };

static int first_error(void *argument)
{
    weft_task tasks[some];
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < some; i++)
        tasks[i] = start_end_on_message(scope, chan);
    weft_task failing = start_return(scope, -EIO);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_wait(failing, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_failures(scope), some + 1);
    EXPECT_EQ(weft_scope_close(scope), -EIO); /* the first in time, not in spawn order */
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_first_error_cancels_the_others(void)
{
    rig_each(first_error);
}

static int all_run(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = start_end_on_message(scope, chan);

    (void)argument;
    EXPECT_EQ(weft_wait(start_return(scope, -EIO), WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_wait(start_return(scope, -EDOM), WEFT_NEVER), -EDOM);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 4 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 4);
    EXPECT_EQ(weft_wait(start_return(scope, 6), WEFT_NEVER), 6);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_failures(scope), 2);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_run_all_lets_every_task_end_by_itself(void)
{
    rig_each(all_run);
}

static weft_scope_options options_until(weft_deadline until)
{
    return WEFT_SCOPE_OPTIONS(.policy = WEFT_FIRST_ERROR, .until = until);
}

static int deadline(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_deadline until = weft_after(3 * WEFT_MILLISECOND);
    weft_scope_options options = options_until(until);
    weft_scope scope = weft_scope_open(&options);
    weft_task task = start_end_on_message(scope, chan);

    (void)argument;
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT(weft_clock() >= until.ns);
    task = weft_go_copy(scope, end_on_message, &chan, sizeof(chan));
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED); /* born cancelled */
    EXPECT_EQ(weft_scope_close(scope), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* WEFT_NOW, which who sets a scope up may have been given, is not taken for one that is not set. */
static int deadline_of_now(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope now = weft_scope_open(&WEFT_SCOPE_OPTIONS(.until = WEFT_NOW));
    weft_scope none = weft_scope_open(&WEFT_SCOPE_OPTIONS(.until = { 0 }));
    weft_task late = weft_go_copy(now, end_on_message, &chan, sizeof(chan));
    weft_task other = start_end_on_message(none, chan);

    (void)argument;
    EXPECT_EQ(weft_wait(late, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(now), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(other, weft_after(3 * WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 1 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(none), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_deadline_cancels_the_scope(void)
{
    rig_each(deadline);
    rig_each(deadline_of_now);
}

static int deadline_not_met(void *argument)
{
    weft_scope_options far = options_until(weft_after(100 * WEFT_SECOND));
    weft_scope_options near = WEFT_SCOPE_OPTIONS(.policy = WEFT_FIRST_ERROR);

    (void)argument;
    weft_scope scope = weft_scope_open(&far);
    EXPECT_EQ(weft_wait(start_return(scope, 3), WEFT_NEVER), 3);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_deadline before = weft_after(10 * WEFT_MILLISECOND);
    near.until = weft_after(20 * WEFT_MILLISECOND);
    scope = weft_scope_open(&near);
    weft_task task = start_return(scope, 3);
    int rc = weft_wait(task, before); /* whose timer fires first */
    EXPECT_EQ(weft_sleep(near.until), 0);
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    EXPECT(weft_scope_close(scope) == 0 || rc != 3); /* all had ended when it passed */
    for (int i = 0; i < many; i++) {                 /* closed about when it passes */
        near.until = weft_after(i * 3 * WEFT_MICROSECOND);
        scope = weft_scope_open(&near);
        (void)weft_go(scope, end_well, NULL);
        rc = weft_scope_close(scope);
        EXPECT(rc == 0 || rc == -ETIMEDOUT);
    }
    return 0;
}

static void test_deadline_that_all_meet_harms_nobody(void)
{
    rig_each(deadline_not_met);
}

static int forgetting(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_task task = 0;
    weft_scope_options options = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1);
    weft_scope scope = weft_scope_open(&options);

    (void)argument;
    for (int i = 0; i < 40; i++) {
        task = start_return(scope, -1 - i);
        EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -1);
        if (i >= 16)
            EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ESRCH);
        task = start_return(scope, i);
        EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -1);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ESRCH); /* went when it ended */
        EXPECT_EQ(weft_task_state_of(task), -ESRCH);
    }
    EXPECT_EQ(weft_scope_failures(scope), 40);
    for (int i = 0; i < 16; i++) {
        EXPECT_EQ(weft_scope_error(scope, (size_t)i, &error), 0);
        EXPECT_EQ(error.code, -1 - i);
    }
    EXPECT_EQ(weft_scope_error(scope, 16, &error), -ENOENT);
    EXPECT_EQ(error.code, -16); /* untouched */
    EXPECT_EQ(weft_scope_close(scope), -1);
    return 0;
}

static void test_forget_keeps_16_failures_and_counts_all(void)
{
    rig_each(forgetting);
}

static int spawn_order(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_chan gates[some];
    weft_task tasks[some];
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < some; i++) {
        gates[i] = weft_chan_create(sizeof(int), 0);
        tasks[i] = start_end_on_message(scope, gates[i]);
    }
    for (int i = some; i-- > 0;) { /* they fail last to first; the middle one does not fail */
        int result = i == some / 2 ? 0 : -1 - i;
        EXPECT_EQ(weft_chan_put(gates[i], &result, WEFT_NEVER), 0);
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), result);
    }
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -some);
    for (int i = 0, index = 0; i < some; i++) {
        if (i == some / 2)
            continue;
        EXPECT_EQ(weft_scope_error(scope, (size_t)index++, &error), 0);
        EXPECT_EQ(error.code, -1 - i);
        EXPECT_EQ(error.task, tasks[i]);
    }
    error.size--;
    EXPECT_EQ(weft_scope_error(scope, 0, &error), -EINVAL);
    EXPECT_EQ(weft_scope_close(scope), -some);
    error.size++;
    EXPECT_EQ(weft_scope_error(scope, 0, &error), -ESRCH);
    EXPECT_EQ(weft_scope_failures(scope), -ESRCH);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_chan_release(gates[i]), 0);
    return 0;
}

static void test_errors_are_listed_in_spawn_order(void)
{
    rig_each(spawn_order);
}

/* Each level waits for the next one; the last waits for ever. */
static int descend(void *argument)
{
    int left = *(const int *)argument - 1;

    if (left == 0)
        return weft_sleep(weft_after(1000 * WEFT_SECOND));
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go_copy(scope, descend, &left, sizeof(left));
    return weft_scope_close(scope);
}

static int cancel_the_top(void *argument)
{
    int levels = deep;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go_copy(scope, descend, &levels, sizeof(levels));

    (void)argument;
    for (int i = 0; i < 100; i++)
        (void)weft_yield(); /* some levels exist now, perhaps all; all will be cancelled */
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_cancel_goes_down_a_thousand_levels(void)
{
    rig_each(cancel_the_top);
}

struct late {
    _Atomic bool joined;
    int turns;
};

/* Ends well, but only some time after its owner was refused to join it. */
static int end_late(void *argument)
{
    struct late *late = argument;

    while (!weft_canceled() || !weft__load_relaxed(&late->joined))
        (void)weft_yield();
    for (int i = 0; i < 50; i++) {
        (void)weft_yield();
        late->turns++;
    }
    return 0;
}

static int close_while_canceled(void *argument)
{
    struct late late = { .turns = 0 };
    weft_scope inner = weft_scope_open(NULL);

    (void)argument;
    (void)weft_go(inner, end_late, &late);
    EXPECT_EQ(weft_sleep(weft_after(1000 * WEFT_SECOND)), -ECANCELED);
    EXPECT_EQ(weft_scope_join(inner, WEFT_NEVER), -ECANCELED);
    weft__store_relaxed(&late.joined, true);
    EXPECT_EQ(weft_scope_close(inner), 0); /* it has waited for all, and all ended well */
    EXPECT_EQ(late.turns, 50);
    EXPECT_EQ(weft_scope_close(inner), -ESRCH);
    return 0;
}

static int cancel_the_closer(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, close_while_canceled, NULL);

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_close_waits_for_all_though_its_task_is_canceled(void)
{
    rig_each(cancel_the_closer);
}

static int joins(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_scope_join(scope, WEFT_NOW), 0); /* nobody to wait for */
    weft_task task = start_end_on_message(scope, chan);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NOW), -ETIMEDOUT);
    weft_deadline until = weft_after(WEFT_MILLISECOND);
    EXPECT_EQ(weft_scope_join(scope, until), -ETIMEDOUT);
    EXPECT(weft_clock() >= until.ns);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING); /* not harmed */
    EXPECT_EQ(weft_chan_put(chan, &(int){ 8 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NOW), 8); /* the handle lives until the close */
    for (int i = 0; i < some; i++) {
        (void)start_return(scope, i);
        EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);
    }
    (void)start_return(scope, -EXDEV);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EXDEV);
    EXPECT_EQ(weft_scope_close(scope), -EXDEV);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_wait(task, WEFT_NOW), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_join_may_be_repeated_and_harms_nobody(void)
{
    rig_each(joins);
}

/* A task may spawn into the scope of another, and cancel it, but neither join nor close it. */
static int use_foreign_scope(void *argument)
{
    weft_scope scope = *(const weft_scope *)argument;

    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EPERM);
    EXPECT_EQ(weft_scope_close(scope), -EPERM);
    EXPECT(weft_go(scope, end_well, NULL) > 0);
    EXPECT_EQ(weft_scope_failures(scope), 0);
    return 0;
}

static void *use_scope_from_thread(void *argument)
{
    weft_scope scope = *(const weft_scope *)argument;

    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EPERM);
    EXPECT_EQ(weft_scope_close(scope), -EPERM);
    for (int i = 0; i < many; i++)
        EXPECT(start_return(scope, i) > 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    return NULL;
}

static int owners(void *argument)
{
    pthread_t thread;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_go_copy(scope, use_foreign_scope, &scope, sizeof(scope)), WEFT_NEVER),
              0);
    weft_task task = start_end_on_message(scope, chan);
    EXPECT_EQ(pthread_create(&thread, NULL, use_scope_from_thread, &scope), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_others_may_spawn_and_cancel_but_not_join(void)
{
    rig_each(owners);
}

static _Atomic int late_ended;

static int count_late(void *argument)
{
    (void)argument;
    weft__add_relaxed(&late_ended, 1);
    return 0;
}

static void *spawn_until_closed(void *argument)
{
    weft_scope scope = *(const weft_scope *)argument;
    weft_task task;
    intptr_t spawned = 0;

    while ((task = weft_go(scope, count_late, NULL)) > 0)
        if (++spawned % 4 == 0) /* leaves the scope empty now and then */
            weft__lock_backoff(UINT32_MAX);
    EXPECT_EQ(task, -ESRCH);
    return (void *)spawned;
}

/* The close is a race that the spawner loses at some point: what got in is waited for. */
static int close_against_spawn(void *argument)
{
    (void)argument;
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        void *spawned = NULL;
        weft_scope scope = weft_scope_open(NULL);
        weft__store_relaxed(&late_ended, 0);
        EXPECT_EQ(pthread_create(&thread, NULL, spawn_until_closed, &scope), 0);
        while (weft__load_relaxed(&late_ended) == 0)
            (void)weft_yield();
        EXPECT_EQ(weft_scope_close(scope), 0);
        int ended = weft__load_relaxed(&late_ended);
        EXPECT_EQ(pthread_join(thread, &spawned), 0);
        EXPECT_EQ(ended, (intptr_t)spawned);
    }
    return 0;
}

static void test_close_waits_for_what_a_thread_spawns_meanwhile(void)
{
    rig_each(close_against_spawn);
}

static int note_cancel(void *argument)
{
    *(int *)argument = 1 + weft_canceled();
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

static int open_in_canceled_task(void *argument)
{
    int noted = 0;

    (void)argument;
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT(scope > 0);
    weft_task task = weft_go(scope, note_cancel, &noted);
    EXPECT(task > 0); /* its body runs all the same */
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(noted, 2);
    return 0;
}

static int born_canceled(void *argument)
{
    int noted = 0;
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_go(scope, open_in_canceled_task, NULL), WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_canceled(), 0); /* the caller is not in it */
    EXPECT_EQ(weft_wait(weft_go(scope, note_cancel, &noted), WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(noted, 2);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_tasks_of_a_canceled_scope_are_born_canceled(void)
{
    rig_each(born_canceled);
}

static int options_and_handles(void *argument)
{
    weft_scope_options bad_size = { .size = 3 };
    weft_scope_options bad_policy = WEFT_SCOPE_OPTIONS(.policy = (weft_scope_policy)2);
    weft_scope first = weft_scope_open(NULL);
    weft_scope second = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_scope_open(&bad_size), -EINVAL);
    EXPECT_EQ(weft_scope_open(&bad_policy), -EINVAL);
    EXPECT_EQ(weft_scope_close(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_scope_join(-ENOEXEC, WEFT_NEVER), -ENOEXEC);
    EXPECT_EQ(weft_scope_cancel(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_scope_failures(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_scope_close((int32_t)first), -ESRCH);
    EXPECT_EQ(weft_scope_close(weft_self()), -ESRCH);
    EXPECT_EQ(weft_scope_close(first), 0); /* in any order */
    weft_scope third = weft_scope_open(NULL);
    EXPECT(third != first);
    EXPECT_EQ(weft_scope_cancel(first), -ESRCH); /* stale: not the one that has its record now */
    EXPECT_EQ(weft_go(first, end_well, NULL), -ESRCH);
    EXPECT_EQ(weft_wait(start_return(third, 2), WEFT_NEVER), 2);
    EXPECT_EQ(weft_scope_close(second), 0);
    EXPECT_EQ(weft_scope_close(third), 0);
    return 0;
}

static void test_bad_options_and_stale_handles_are_errors(void)
{
    rig_run(1, options_and_handles);
}

/* ---- a task that returns with an open scope ---- */

static int leave_a_scope_open(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, note_cancel, argument);
    rig_await(task, WEFT_TASK_WAITING);
    return 0;
}

static int own_the_careless(void *argument)
{
    static int noted;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "careless");
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_spawn(scope, leave_a_scope_open, &noted, &options);
    return weft_scope_close(scope);
}

static int be_careless(void)
{
    weft_runtime runtime = weft_start(NULL, NULL);
    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_careless, NULL);
}

static void test_return_with_an_open_scope_aborts_and_names_both_sites(void)
{
    static char said[1024];
    int status = rig_respawn("careless", said, sizeof(said));

    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "weft: fatal: task careless, spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "returned without closing the scope opened at "));
    if (strstr(said, "scope_test+0x") == NULL) /* where an address is, for addr2line */
        (void)fprintf(stderr, "%s", said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "scope_test+0x"));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_first_error_cancels_the_others),
        UNIT_TEST(test_run_all_lets_every_task_end_by_itself),
        UNIT_TEST(test_deadline_cancels_the_scope),
        UNIT_TEST(test_deadline_that_all_meet_harms_nobody),
        UNIT_TEST(test_forget_keeps_16_failures_and_counts_all),
        UNIT_TEST(test_errors_are_listed_in_spawn_order),
        UNIT_TEST(test_cancel_goes_down_a_thousand_levels),
        UNIT_TEST(test_close_waits_for_all_though_its_task_is_canceled),
        UNIT_TEST(test_join_may_be_repeated_and_harms_nobody),
        UNIT_TEST(test_others_may_spawn_and_cancel_but_not_join),
        UNIT_TEST(test_close_waits_for_what_a_thread_spawns_meanwhile),
        UNIT_TEST(test_tasks_of_a_canceled_scope_are_born_canceled),
        UNIT_TEST(test_bad_options_and_stale_handles_are_errors),
        UNIT_TEST(test_return_with_an_open_scope_aborts_and_names_both_sites),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be_careless();
    return unit_run(argc, argv, "scope", tests, WEFT__COUNT(tests));
}

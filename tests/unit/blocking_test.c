/* Blocking calls: results, threads, what their functions may do, what a stop does about them. */
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

#include "runtime/sched/worker.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static _Atomic int begun;

static int64_t count_call(void *argument)
{
    weft__add_relaxed((_Atomic int *)argument, 1);
    return 3;
}

static void never_called(void *argument)
{
    (void)argument;
    EXPECT(false);
}

/* ---- where it runs, what it returns ---- */

struct seen {
    int64_t give;
    pid_t thread;
    int worker; /* weft_worker_self */
};

static int64_t look_around(void *argument)
{
    struct seen *seen = argument;

    seen->thread = gettid();
    seen->worker = weft_worker_self();
    errno = EXDEV; /* shall not reach the caller */
    return seen->give;
}

static const int64_t wide[] = { 0, 1, -EIO, INT64_MAX, INT64_MIN, INT64_C(1) << 40, -1 };

static int see_wide(void *argument)
{
    weft_counters before = WEFT_COUNTERS_INIT;
    weft_counters after = WEFT_COUNTERS_INIT;

    (void)argument;
    EXPECT_EQ(weft_counters_read(0, -1, &before), 0);
    for (size_t i = 0; i < WEFT__COUNT(wide); i++) {
        struct seen seen = { .give = wide[i] };
        errno = ENOTTY;
        EXPECT_EQ(weft_blocking_call(look_around, &seen, NULL, WEFT_NEVER), wide[i]);
        EXPECT_EQ(errno, ENOTTY);
        EXPECT(seen.thread != gettid() && seen.thread != 0);
        EXPECT_EQ(seen.worker, -EPERM);
    }
    EXPECT_EQ(weft_counters_read(0, -1, &after), 0);
    EXPECT_EQ(after.helper_calls - before.helper_calls, WEFT__COUNT(wide));
    return 0;
}

static void test_a_call_runs_on_a_helper_and_returns_all_of_its_result(void)
{
    rig_each(see_wide);
}

/* An argument on the caller's stack, of any size, is read and written in full. */
struct block {
    size_t bytes;
    unsigned char *at;
};

static int64_t turn_over(void *argument)
{
    const struct block *block = argument;
    int64_t sum = 0;

    for (size_t i = 0; i < block->bytes; i++) {
        sum += block->at[i];
        block->at[i] ^= 0xFF;
    }
    return sum;
}

static int all_sizes(void *argument)
{
    unsigned char bytes[600];

    (void)argument;
    for (size_t size = 0; size <= sizeof(bytes); size = size * 2 + 1) {
        struct block block = { size, bytes };
        int64_t sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += bytes[i] = (unsigned char)(i * 7 + size);
        EXPECT_EQ(weft_blocking_call(turn_over, &block, NULL, WEFT_NEVER), sum);
        for (size_t i = 0; i < size; i++)
            EXPECT_EQ(bytes[i], (unsigned char)(i * 7 + size) ^ 0xFF);
    }
    return 0;
}

static void test_arguments_and_results_of_all_sizes(void)
{
    rig_run(2, all_sizes);
}

static int bad_options(void *argument)
{
    _Atomic int calls = 0;
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS_INIT;

    (void)argument;
    EXPECT_EQ(weft_blocking_call(count_call, &calls, &options, WEFT_NEVER), 3);
    options.size--;
    EXPECT_EQ(weft_blocking_call(count_call, &calls, &options, WEFT_NEVER), -EINVAL);
    options.size += 2;
    EXPECT_EQ(weft_blocking_call(count_call, &calls, &options, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(calls, 1);
    return 0;
}

static void test_options_of_a_wrong_size_are_refused(void)
{
    rig_run(1, bad_options);
    (void)bad_options(NULL); /* the same in place */
    expect_assert();
}

/* ---- threads, and calls from within calls ---- */

static int64_t past_deadline(void *argument)
{
    const weft_deadline *until = argument;

    while (weft_clock() <= until->ns)
        (void)sched_yield();
    return 5;
}

static void call_in_place(void)
{
    _Atomic int calls = 0;
    struct seen seen = { .give = INT64_MIN };
    weft_deadline until = weft_after(WEFT_MILLISECOND);
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS(.cancel = never_called);

    errno = ENOTTY;
    EXPECT_EQ(weft_blocking_call(look_around, &seen, NULL, WEFT_NEVER), INT64_MIN);
    EXPECT_EQ(errno, ENOTTY);
    EXPECT_EQ(seen.thread, gettid());
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, (weft_deadline){ 1 }), -ETIMEDOUT);
    EXPECT_EQ(calls, 0);
    int64_t rc = weft_blocking_call(past_deadline, &until, &options, until);
    EXPECT(rc == 5 || rc == -ETIMEDOUT); /* a busy machine may come too late even to begin */
    EXPECT_EQ(weft_blocking_call(past_deadline, &(weft_deadline){ 0 }, &options,
                                 weft_after(1000 * WEFT_SECOND)),
              5);
}

static void *call_in_thread(void *argument)
{
    call_in_place();
    return argument;
}

static void test_on_a_thread_a_call_runs_in_place(void)
{
    uint64_t records = rig_records();
    pthread_t thread;

    call_in_place();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_in_thread, NULL), 0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(rig_records(), records);
    expect_assert();
}

static int64_t call_again(void *argument)
{
    (void)argument;
    call_in_place();
    return 4;
}

/* There is one helper, and it has the outer call. */
static int nested(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_blocking_call(call_again, NULL, NULL, WEFT_NEVER), 4);
    return 0;
}

static void test_a_call_from_within_a_call_takes_no_helper(void)
{
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = 1, .helpers = 1), nested);
}

struct visit {
    weft_runtime runtime;
    weft_scope scope;
    weft_chan there;
    weft_chan back;
};

static int echo_one(void *argument)
{
    const struct visit *visit = argument;
    int value = 0;

    int rc = weft_chan_take(visit->there, &value, WEFT_NEVER);
    value++;
    return rc == 0 ? weft_chan_put(visit->back, &value, WEFT_NEVER) : rc;
}

static int give_17(void *argument)
{
    (void)argument;
    return weft_yield() == 0 ? 17 : -1;
}

/* What a thread may do, from a helper. */
static int64_t call_back(void *argument)
{
    struct visit *visit = argument;
    int value = 40;

    weft_task task = weft_go(visit->scope, echo_one, visit);
    EXPECT_EQ(weft_chan_put(visit->there, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(visit->back, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(visit->back, &value, weft_after(1000)), -ETIMEDOUT);
    EXPECT_EQ(weft_call(visit->runtime, give_17, NULL), 17);
    EXPECT_EQ(weft_sleep(weft_after(1000)), 0);
    EXPECT_EQ(weft_printf("%s", ""), 0);
    EXPECT_EQ(weft_stop(visit->runtime, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_self(), -EPERM);
    EXPECT_EQ(weft_scope_open(NULL), -EPERM);
    EXPECT_EQ(weft_go(WEFT_DETACHED, give_17, NULL), -EPERM);
    EXPECT_EQ(weft_canceled(), 0);
    weft_runtime other = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    EXPECT_EQ(weft_call(other, give_17, NULL), 17);
    EXPECT_EQ(weft_stop(other, WEFT_NEVER), 0);
    return value;
}

static int visited(void *argument)
{
    struct visit visit = { .runtime = weft_runtime_self(),
                           .scope = weft_scope_open(NULL),
                           .there = weft_chan_create(sizeof(int), 0),
                           .back = weft_chan_create(sizeof(int), 0) };

    (void)argument;
    EXPECT_EQ(weft_blocking_call(call_back, &visit, NULL, WEFT_NEVER), 41);
    EXPECT_EQ(weft_scope_close(visit.scope), 0);
    EXPECT_EQ(weft_chan_release(visit.there), 0);
    EXPECT_EQ(weft_chan_release(visit.back), 0);
    return 0;
}

static void test_a_function_on_a_helper_may_call_weft(void)
{
    rig_each(visited);
}

/* ---- the stop of the runtime ---- */

static char notices[1024];

static void note_notice(void *context, const char *text)
{
    (void)context;
    (void)snprintf(notices, sizeof(notices), "%s", text);
}

struct pause {
    _Atomic bool over;
    int cancels;
    weft_task task;
};

static int64_t wait_for_pause(void *argument)
{
    struct pause *pause = argument;

    weft__store_relaxed(&begun, 1);
    while (!weft__load_acquire(&pause->over)) /* pairs with end_pause */
        (void)sched_yield();
    return 0;
}

static void end_pause(void *argument)
{
    struct pause *pause = argument;

    pause->cancels++;
    weft__store_release(&pause->over, true); /* pairs with wait_for_pause */
}

static int call_pause(void *argument)
{
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS(.cancel = end_pause);
    return (int)weft_blocking_call(wait_for_pause, argument, &options, WEFT_NEVER);
}

static int go_pause(void *argument)
{
    return weft_go(WEFT_DETACHED, call_pause, argument) > 0 ? 0 : -ENOMEM;
}

static void test_stop_asks_begun_calls_to_end_and_waits(void)
{
    struct pause pause = { .cancels = 0 };
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);

    weft__store_relaxed(&begun, 0);
    CU_ASSERT_EQUAL(weft_call(runtime, go_pause, &pause), 0);
    while (weft__load_relaxed(&begun) == 0)
        (void)sched_yield();
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(pause.cancels, 1);
    expect_assert();
}

static int call_without_cancel(void *argument)
{
    return (int)weft_blocking_call(wait_for_pause, argument, NULL, WEFT_NEVER);
}

static int go_without_cancel(void *argument)
{
    struct pause *pause = argument;

    pause->task = weft_spawn(WEFT_DETACHED, call_without_cancel, pause,
                             &WEFT_SPAWN_OPTIONS(.name = "guard"));
    return pause->task > 0 ? 0 : -ENOMEM;
}

/*
 * In a process of its own: what a stop leaves behind stays. The call has been cancelled and waits
 * for its helper when the runtime stops: the one worker has gone round since. A pool that closed
 * would wait for ever.
 */
static int stop_too_early(void)
{
    static struct pause pause;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 1, .report = note_notice);
    weft_runtime runtime = weft_start(&options, NULL);

    if (weft_call(runtime, go_without_cancel, &pause) != 0)
        return unit_broken;
    while (weft__load_relaxed(&begun) == 0)
        (void)sched_yield();
    if (weft_cancel(pause.task) != 0 || weft_call(runtime, end_well, NULL) != 0 ||
        weft_call(runtime, end_well, NULL) != 0)
        return unit_broken;
    int left = weft_stop(runtime, WEFT_NOW);
    (void)fprintf(stderr, "%d: %s\n", left, notices);
    _exit(0); /* what is left on purpose is no leak to be told of */
}

static void test_stop_names_what_a_helper_holds_up(void)
{
    static char said[2048];
    int status = rig_respawn("stop", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "1: weft: stop: 1 task did not end in time"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "guard (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "waits for a call on a helper thread"));
}

/* ---- what only a wrong program does ---- */

static int64_t leave_thread(void *argument)
{
    (void)argument;
    pthread_exit(NULL);
}

static int64_t return_in_child(void *argument)
{
    int status = 0;
    pid_t child = fork();

    (void)argument;
    if (child == 0)
        return 0;
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -EPROTO;
}

static int call_leave_thread(void *argument)
{
    return (int)weft_blocking_call(leave_thread, argument, NULL, WEFT_NEVER);
}

static int call_return_in_child(void *argument)
{
    return (int)weft_blocking_call(return_in_child, argument, NULL, WEFT_NEVER);
}

static void test_a_function_that_leaves_its_thread_ends_the_process(void)
{
    static char said[1024];
    int status = rig_respawn("leave", said, sizeof(said));

    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "the function that task main runs on a helper thread"));
}

static void test_a_child_that_returns_from_a_call_ends_with_a_sentence(void)
{
    static char said[1024];
    int status = rig_respawn("return", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, "the blocking call of task main returned in the child of a fork"));
}

/* The loop of a worker is no task. */
static void call_from_loop(struct weft__worker *worker, struct weft__timer *timer)
{
    _Atomic int calls = 0;

    (void)worker;
    (void)timer;
    EXPECT_EQ(weft_blocking_call(count_call, &calls, NULL, WEFT_NEVER), -EPERM);
    EXPECT_EQ(calls, 0);
    weft__add_relaxed(&begun, 1);
}

static int with_timer(void *argument)
{
    struct weft__timer timer = { .fire = call_from_loop };

    (void)argument;
    weft__store_relaxed(&begun, 0);
    weft__wheel_arm(&weft__self_worker()->wheel, &timer, weft_clock());
    while (weft__load_relaxed(&begun) == 0)
        EXPECT_EQ(weft_sleep(weft_after(1000)), 0);
    return 0;
}

static void test_a_callback_of_the_runtime_is_refused(void)
{
    rig_run(1, with_timer);
}

static int be(int argc, char **argv)
{
    if (strcmp(argv[2], "stop") == 0)
        return stop_too_early();
    return weft_main(
        argc, argv, strcmp(argv[2], "leave") == 0 ? call_leave_thread : call_return_in_child, NULL);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_call_runs_on_a_helper_and_returns_all_of_its_result),
        UNIT_TEST(test_arguments_and_results_of_all_sizes),
        UNIT_TEST(test_options_of_a_wrong_size_are_refused),
        UNIT_TEST(test_on_a_thread_a_call_runs_in_place),
        UNIT_TEST(test_a_call_from_within_a_call_takes_no_helper),
        UNIT_TEST(test_a_function_on_a_helper_may_call_weft),
        UNIT_TEST(test_stop_asks_begun_calls_to_end_and_waits),
        UNIT_TEST(test_stop_names_what_a_helper_holds_up),
        UNIT_TEST(test_a_function_that_leaves_its_thread_ends_the_process),
        UNIT_TEST(test_a_child_that_returns_from_a_call_ends_with_a_sentence),
        UNIT_TEST(test_a_callback_of_the_runtime_is_refused),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be(argc, argv);
    return unit_run(argc, argv, "blocking", tests, WEFT__COUNT(tests));
}

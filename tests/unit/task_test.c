/* Tasks: spawning with and without options, places, waiting, giving a handle up. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 100, copy_most = 1 << 20 };

static int go_hands_over_the_pointer(void *argument)
{
    int values[3] = { 5, 0, -EXDEV };

    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_wait(weft_go(scope, return_value, &values[i]), WEFT_NEVER), values[i]);
    EXPECT_EQ(weft_scope_close(scope), -EXDEV);
    return 0;
}

static void test_go_hands_over_the_pointer_and_the_result(void)
{
    rig_each(go_hands_over_the_pointer);
}

struct copy {
    const unsigned char *original;
    size_t bytes;
    const void *seen;
};

static struct copy copied;

static int compare_copy(void *argument)
{
    copied.seen = argument;
    EXPECT_EQ((uintptr_t)argument % 16, 0);
    EXPECT(argument != copied.original);
    EXPECT(copied.bytes == 0 || memcmp(argument, copied.original, copied.bytes) == 0);
    (void)weft_yield();
    EXPECT(copied.bytes == 0 || memcmp(argument, copied.original, copied.bytes) == 0);
    memset(argument, 0, copied.bytes); /* it is the task's own */
    return 0;
}

static int go_copy_of_each_size(void *argument)
{
    static const size_t sizes[] = { 0,        1,  15, 16, 17,   31,   32,
                                    33,       63, 64, 65, 4096, 4097, copy_most / 2,
                                    copy_most };
    unsigned char *bytes = malloc(copy_most);

    (void)argument;
    if (!EXPECT(bytes != NULL))
        return -ENOMEM;
    for (size_t i = 0; i < copy_most; i++)
        bytes[i] = (unsigned char)(i * 7 + 1);
    for (size_t i = 0; i < WEFT__COUNT(sizes); i++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizes[i]);
        copied = (struct copy){ bytes, sizes[i], NULL };
        weft_task task = weft_go_copy(scope, compare_copy, sizes[i] > 0 ? bytes : NULL, sizes[i]);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        if (sizes[i] > 0) {
            task = weft_spawn(scope, compare_copy, bytes, &options);
            EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        }
        EXPECT(bytes[0] == 1 && bytes[copy_most - 1] == (unsigned char)((copy_most - 1) * 7 + 1));
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    free(bytes);
    return 0;
}

static void test_go_copy_of_any_size_is_private_and_aligned(void)
{
    rig_each(go_copy_of_each_size);
}

/* In the steady state: the second round finds everything that the first has made. */
static int spawn_allocates_nothing(void *argument)
{
    static const char bytes[32];

    (void)argument;
    for (int round = 0; round < 2; round++) {
        weft__fault_arm(WEFT__FAULT_ALLOC, UINT32_MAX, -ENOMEM); /* never fails, but counts */
        weft_scope scope = weft_scope_open(NULL);
        for (int i = 0; i < many; i++) {
            (void)weft_go(scope, end_well, NULL);
            (void)weft_go_copy(scope, end_well, bytes, sizeof(bytes));
        }
        EXPECT_EQ(weft_scope_close(scope), 0);
        if (round == 1)
            EXPECT_EQ(weft__fault_calls(WEFT__FAULT_ALLOC), 0);
        weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
    }
    return 0;
}

static void test_go_needs_no_allocation_in_the_steady_state(void)
{
    rig_run(1, spawn_allocates_nothing);
}

static int bad_spawns(void *argument)
{
    static const struct {
        const char *label;
        weft_spawn_options options;
        int error;
    } rows[] = {
        { "no size", { .size = 0 }, -EINVAL },
        { "wrong size", { .size = sizeof(weft_spawn_options) - 8 }, -EINVAL },
        { "unknown place",
          { .size = sizeof(weft_spawn_options),
            .place = { (weft_place_kind)(WEFT_PLACE_INTERACTIVE + 1), 0 } },
          -EINVAL },
        { "worker that is not there",
          { .size = sizeof(weft_spawn_options), .place = { WEFT_PLACE_WORKER, 4 } },
          -EINVAL },
        { "worker far out",
          { .size = sizeof(weft_spawn_options), .place = { WEFT_PLACE_WORKER, UINT32_MAX } },
          -EINVAL },
        { "stack", { .size = sizeof(weft_spawn_options), .stack_bytes = copy_most + 1 }, -EINVAL },
        { "stack far out",
          { .size = sizeof(weft_spawn_options), .stack_bytes = SIZE_MAX },
          -EINVAL },
        { "copy", { .size = sizeof(weft_spawn_options), .copy_bytes = (1 << 30) + 1 }, -EINVAL },
        { "result",
          { .size = sizeof(weft_spawn_options), .result_bytes = (1 << 30) + 1 },
          -EINVAL },
    };

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        weft_error error = WEFT_ERROR_INIT;
        weft_scope scope = weft_scope_open(NULL);
        expect_about(rows[i].label);
        EXPECT_EQ(weft_spawn(scope, end_well, NULL, &rows[i].options), rows[i].error);
        EXPECT_EQ(weft_scope_failures(scope), 1);
        EXPECT_EQ(weft_scope_error(scope, 0, &error), 0);
        EXPECT_EQ(error.code, rows[i].error);
        EXPECT_EQ(weft_scope_close(scope), rows[i].error); /* the scope has noted it */
    }
    expect_about("");
    EXPECT_EQ(weft_spawn(-ENOEXEC, end_well, NULL, &rows[0].options), -ENOEXEC);
    EXPECT_EQ(weft_go_copy(WEFT_DETACHED, end_well, "", (1 << 30) + 1), -EINVAL);
    EXPECT_EQ(weft_go(-ENOEXEC, end_well, NULL), -ENOEXEC);
    EXPECT_EQ(weft_go_copy(-ENOEXEC, end_well, "", 1), -ENOEXEC);
    EXPECT_EQ(weft_spawn(-ENOEXEC, end_well, NULL, NULL), -ENOEXEC);
    EXPECT_EQ(weft_go(weft_self(), end_well, NULL), -ESRCH);
    return 0;
}

static void test_spawn_bad_options_are_errors_that_the_scope_notes(void)
{
    rig_run(4, bad_spawns);
}

static int report_worker(void *argument)
{
    (void)argument;
    return weft_worker_self();
}

/* The same, but the task lives on until a message lets it end. */
static int report_worker_late(void *argument)
{
    int ignored;
    EXPECT_EQ(weft_chan_take(*(const weft_chan *)argument, &ignored, WEFT_NEVER), 0);
    return weft_worker_self();
}

static int place_worker(void *argument)
{
    int workers = weft_worker_count(0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < many; i++) {
        uint32_t index = (uint32_t)(i % workers);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(index));
        weft_task task = weft_spawn(scope, report_worker, NULL, &options);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), index);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_spawn_on_a_worker_starts_there(void)
{
    rig_each(place_worker);
}

/* With this task itself every worker has four in the end. */
static int place_spread(void *argument)
{
    enum { each = 4, workers_most = 4 };
    weft_task tasks[each * workers_most];
    int load[workers_most] = { 0 };
    int workers = weft_worker_count(0);
    int count = each * workers - 1;
    weft_chan chan = weft_chan_create(sizeof(int), each * workers_most);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread(), .pinned = 1,
                                                    .copy_bytes = sizeof(chan));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < count; i++)
        tasks[i] = weft_spawn(scope, report_worker_late, &chan, &options);
    for (int i = 0; i < count; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    load[weft_worker_self()]++;
    for (int i = 0; i < count; i++)
        load[weft_wait(tasks[i], WEFT_NEVER)]++;
    for (int i = 0; i < workers; i++)
        EXPECT_EQ(load[i], each);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_spawn_spread_goes_where_the_fewest_tasks_are(void)
{
    rig_each(place_spread);
}

static int stays_at_home(void *argument)
{
    int home = weft_worker_self();

    (void)argument;
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(weft_sleep(weft_after(50 * WEFT_MICROSECOND)), 0);
        EXPECT_EQ(weft_worker_self(), home);
        (void)weft_yield();
        EXPECT_EQ(weft_worker_self(), home);
    }
    return 0;
}

static int started_tasks_stay(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < many; i++)
        (void)weft_go(scope, stays_at_home, NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_a_started_task_resumes_where_it_started(void)
{
    rig_each(started_tasks_stay);
}

/* Touches nearly all of its stack. */
static int use_stack(void *argument)
{
    size_t bytes = *(const size_t *)argument;
    char *low = (char *)__builtin_frame_address(0) - bytes;

    for (size_t i = bytes; i >= 4096; i -= 4096)
        ((volatile char *)low)[i - 4096] = 1;
    return 0;
}

static int stack_sizes(void *argument)
{
    static const size_t sizes[][2] = { { 0, 64 },        { 1, 16 },        { 16384, 16 },
                                       { 16385, 64 },    { 65536, 64 },    { 65537, 256 },
                                       { 262145, 1024 }, { 1 << 20, 1024 } };

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(sizes); i++) {
        size_t usable = sizes[i][1] * 1024 - 8192;
        weft_scope scope = weft_scope_open(NULL);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.stack_bytes = sizes[i][0],
                                                        .copy_bytes = sizeof(usable));
        weft_task task = weft_spawn(scope, use_stack, &usable, &options);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    return 0;
}

static void test_spawn_stack_of_each_size_can_be_used(void)
{
    rig_run(2, stack_sizes);
}

struct waiting {
    weft_task task;
    int wanted;
};

static int wait_for_it(void *argument)
{
    const struct waiting *waiting = argument;
    EXPECT_EQ(weft_wait(waiting->task, WEFT_NEVER), waiting->wanted);
    return 0;
}

static int many_wait(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    struct waiting waiting = { start_end_on_message(scope, chan), 9 };

    (void)argument;
    for (int i = 0; i < many; i++) {
        weft_task waiter = weft_go_copy(scope, wait_for_it, &waiting, sizeof(waiting));
        if (i % 3 == 0)
            rig_await(waiter, WEFT_TASK_WAITING);
        if (i % 3 == 1)
            EXPECT_EQ(weft_wait(waiting.task, weft_after(20 * WEFT_MICROSECOND)), -ETIMEDOUT);
    }
    EXPECT_EQ(weft_wait(waiting.task, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_put(chan, &waiting.wanted, WEFT_NEVER), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_wait(waiting.task, WEFT_NEVER), 9);
    EXPECT_EQ(weft_wait(waiting.task, WEFT_NOW), 9); /* has ended: no wait is needed */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_wait(waiting.task, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_fetch(waiting.task, NULL, 0, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_wait_by_many_tasks_and_many_times(void)
{
    rig_each(many_wait);
}

static int self_waits(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_wait(weft_self(), WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_wait(weft_self(), WEFT_NOW), -EDEADLK);
    EXPECT_EQ(weft_fetch(weft_self(), NULL, 0, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_wait(0, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_wait(-ENOEXEC, WEFT_NEVER), -ENOEXEC);
    EXPECT_EQ(weft_wait((int32_t)weft_self(), WEFT_NEVER), -ESRCH);
    return 0;
}

static void test_wait_for_oneself_is_a_deadlock(void)
{
    rig_run(1, self_waits);
}

static int release_before_and_after(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    weft_task running = start_end_on_message(scope, chan);
    weft_task failing = start_end_on_message(scope, chan);
    EXPECT_EQ(weft_release(running), 0);
    EXPECT_EQ(weft_release(failing), 0);
    EXPECT_EQ(weft_release(running), -ESRCH);
    EXPECT_EQ(weft_wait(running, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_cancel(running), -ESRCH);
    EXPECT_EQ(weft_task_state_of(running), -ESRCH);
    EXPECT_EQ(weft_task_error_of(failing, &error), -ESRCH);
    weft_task ended = weft_go(scope, end_well, NULL);
    EXPECT_EQ(weft_wait(ended, WEFT_NEVER), 0);
    EXPECT_EQ(weft_release(ended), 0);
    EXPECT_EQ(weft_wait(ended, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 0 }, WEFT_NEVER), 0); /* both run on */
    EXPECT_EQ(weft_chan_put(chan, &(int){ -EDOM }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EDOM);
    EXPECT_EQ(weft_scope_failures(scope), 1); /* a failure of it still counts */
    EXPECT_EQ(weft_scope_error(scope, 0, &error), 0);
    EXPECT_EQ(error.code, -EDOM);
    EXPECT_EQ(weft_scope_close(scope), -EDOM);
    EXPECT_EQ(weft_release(0), -ESRCH);
    EXPECT_EQ(weft_release(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_release_before_and_after_the_end(void)
{
    rig_each(release_before_and_after);
}

static int release_while_it_ends(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    for (int i = 0; i < 500; i++) {
        weft_task task = weft_go(scope, end_well, NULL);
        if (i % 2 == 0)
            (void)weft_yield();
        EXPECT_EQ(weft_release(task), 0);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_release_while_the_task_ends(void)
{
    rig_each(release_while_it_ends);
}

static weft_task detached_task;

static int note_self(void *argument)
{
    detached_task = weft_self();
    return weft_chan_put(*(const weft_chan *)argument, &(int){ 1 }, WEFT_NEVER);
}

static int detached(void *argument)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_task task = weft_go_copy(WEFT_DETACHED, note_self, &chan, sizeof(chan));

    (void)argument;
    EXPECT(task > 0);
    EXPECT_EQ(weft_chan_take(chan, &got, WEFT_NEVER), 0);
    EXPECT_EQ(detached_task, task);
    while (weft_task_state_of(task) != -ESRCH) /* its record goes when it ends */
        (void)weft_yield();
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_detached_task_is_gone_when_it_ends(void)
{
    rig_each(detached);
}

/* What is wrong with the scope counts before all else, also in a process that never had a runtime:
 * the first test of this program. */
static void test_spawn_into_no_scope_says_what_is_wrong_with_it(void)
{
    enum { too_much = (1 << 30) + 1 };
    const weft_spawn_options wrong = { .size = 1 };
    static const struct {
        weft_scope scope;
        int error;
    } rows[] = { { WEFT_DETACHED, -EPERM }, { -ENFILE, -ENFILE }, { 0x120000001, -ESRCH } };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        CU_ASSERT_EQUAL(weft_go(rows[i].scope, end_well, NULL), rows[i].error);
        CU_ASSERT_EQUAL(weft_go_copy(rows[i].scope, end_well, "", 1), rows[i].error);
        CU_ASSERT_EQUAL(weft_go_copy(rows[i].scope, end_well, "", too_much), rows[i].error);
        CU_ASSERT_EQUAL(weft_spawn(rows[i].scope, end_well, NULL, NULL), rows[i].error);
        CU_ASSERT_EQUAL(weft_spawn(rows[i].scope, end_well, NULL, &wrong), rows[i].error);
    }
}

static void test_outside_a_task_calls_that_need_one_say_so(void)
{
    weft_error error = WEFT_ERROR_INIT;

    CU_ASSERT_EQUAL(weft_go(WEFT_DETACHED, end_well, NULL), -EPERM);
    CU_ASSERT_EQUAL(weft_go_copy(WEFT_DETACHED, end_well, "", 1), -EPERM);
    CU_ASSERT_EQUAL(weft_spawn(WEFT_DETACHED, end_well, NULL, NULL), -EPERM);
    CU_ASSERT_EQUAL(weft_go(0x123456789, end_well, NULL), -ESRCH);
    CU_ASSERT_EQUAL(weft_yield(), -EPERM);
    CU_ASSERT_EQUAL(weft_poll(), -EPERM);
    CU_ASSERT_EQUAL(weft_self(), -EPERM);
    CU_ASSERT_EQUAL(weft_canceled(), 0);
    CU_ASSERT_EQUAL(weft_result_give("", 0), -EPERM);
    CU_ASSERT_EQUAL(weft_scope_open(NULL), -EPERM);
    CU_ASSERT_EQUAL(weft_scope_cancel(WEFT_DETACHED), -EPERM);
    CU_ASSERT_EQUAL(weft_worker_self(), -EPERM);
    CU_ASSERT_EQUAL(weft_runtime_self(), -EPERM);
    CU_ASSERT_EQUAL(weft_worker_count(0), -EPERM);
    CU_ASSERT_EQUAL(weft_fail(-EIO, NULL, "only the code"), -EIO);
    CU_ASSERT_EQUAL(weft_task_error_of(1, &error), -ESRCH);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_spawn_into_no_scope_says_what_is_wrong_with_it),
        UNIT_TEST(test_go_hands_over_the_pointer_and_the_result),
        UNIT_TEST(test_go_copy_of_any_size_is_private_and_aligned),
        UNIT_TEST(test_go_needs_no_allocation_in_the_steady_state),
        UNIT_TEST(test_spawn_bad_options_are_errors_that_the_scope_notes),
        UNIT_TEST(test_spawn_on_a_worker_starts_there),
        UNIT_TEST(test_spawn_spread_goes_where_the_fewest_tasks_are),
        UNIT_TEST(test_a_started_task_resumes_where_it_started),
        UNIT_TEST(test_spawn_stack_of_each_size_can_be_used),
        UNIT_TEST(test_wait_by_many_tasks_and_many_times),
        UNIT_TEST(test_wait_for_oneself_is_a_deadlock),
        UNIT_TEST(test_release_before_and_after_the_end),
        UNIT_TEST(test_release_while_the_task_ends),
        UNIT_TEST(test_detached_task_is_gone_when_it_ends),
        UNIT_TEST(test_outside_a_task_calls_that_need_one_say_so),
    };
    return unit_run(argc, argv, "task", tests, WEFT__COUNT(tests));
}

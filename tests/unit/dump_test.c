/* What a dump says of tasks in each state, of bad descriptors, of itself. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/task/record.h"
#include "tests/support/bodies.h"
#include "tests/support/dumped.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { equals = 12 };

static weft_task start_named(weft_scope scope, weft_task_fn body, const char *name, void *argument)
{
    return weft_spawn(scope, body, argument, &WEFT_SPAWN_OPTIONS(.name = name, .pinned = 1));
}

WEFT__NOINLINE static int wait_deep(weft_chan chan, int depth)
{
    int value = 0;
    int rc = depth > 0 ? wait_deep(chan, depth - 1) : weft_chan_take(chan, &value, WEFT_NEVER);

    __asm__ volatile("" ::: "memory"); /* no tail call */
    return rc == -EPIPE ? 0 : rc;
}

static int wait_for_chan(void *argument)
{
    int rc = wait_deep(*(const weft_chan *)argument, 0);

    __asm__ volatile("" ::: "memory");
    return rc;
}

static int wait_very_deep(void *argument)
{
    int rc = wait_deep(*(const weft_chan *)argument, 60);

    __asm__ volatile("" ::: "memory");
    return rc;
}

static int dump_here(void *argument)
{
    (void)argument;
    return dumped_take();
}

static int sleep_long(void *argument)
{
    int rc = weft_sleep(weft_after(1000 * WEFT_SECOND));

    (void)argument;
    return rc == -ECANCELED ? 0 : rc;
}

static int dump_states(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    rig_await(start_named(scope, wait_for_chan, "taker", &chan), WEFT_TASK_WAITING);
    rig_await(start_named(scope, sleep_long, "sleeper", NULL), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(start_named(scope, end_well, "fresh\nand\"odd", NULL)), 0);
    int shown = dumped_take();
    EXPECT(shown >= 4); /* these, and the one that dumps, and the caller's */
    EXPECT(dumped_line_says("taker", "waits for a message in a channel for about "));
    EXPECT(dumped_line_says("taker", " s; on worker 0; spawned at 0x"));
    EXPECT(dumped_line_says("taker", "dump_test+0x"));
    EXPECT(dumped_line_says("sleeper", "waits for a point in time for about "));
    EXPECT(dumped_line_says("fresh?and?odd", "has not started"));
    EXPECT(dumped_line_says("fresh?and?odd", "; cancelled"));
    EXPECT(dumped_says(", thread "));
    EXPECT(dumped_says(": runs a task\n"));
    EXPECT(dumped_has_frame_in(dumped_stack_of("taker"), (const void *)(uintptr_t)wait_for_chan));
    EXPECT(dumped_has_frame_in(dumped_stack_of("taker"), (const void *)(uintptr_t)wait_deep));
    EXPECT(dumped_has_frame_in(dumped_stack_of("sleeper"), (const void *)(uintptr_t)sleep_long));
    EXPECT(strstr(dumped_stack_of("taker"), "ends early") == NULL);
    weft_chan_close(chan, 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    (void)weft_scope_close(scope);
    weft_chan_release(chan);
    return 0;
}

static void test_each_state_of_a_task_is_told(void)
{
    rig_run(1, dump_states);
    expect_assert();
}

static int dump_equals(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    char counted[32];

    (void)argument;
    for (int i = 0; i < equals; i++)
        rig_await(start_named(scope, wait_for_chan, "equal", &chan), WEFT_TASK_WAITING);
    rig_await(start_named(scope, wait_very_deep, "deep", &chan), WEFT_TASK_WAITING);
    EXPECT(dumped_take() >= equals + 1);
    (void)snprintf(counted, sizeof(counted), ", %d tasks here:\n", equals);
    EXPECT(strstr(dumped_stack_of("equal"), counted) != NULL);
    EXPECT(strstr(dumped_stack_of("deep"), ", 1 task here:\n") != NULL);
    EXPECT(strstr(dumped_stack_of("deep"), "goes on") != NULL);
    EXPECT(dumped_has_frame_in(dumped_stack_of("deep"), (const void *)(uintptr_t)wait_deep));
    weft_chan_close(chan, 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_chan_release(chan);
    return 0;
}

static void test_equal_stacks_are_shown_once_and_counted(void)
{
    rig_run(1, dump_equals);
    expect_assert();
}

/* Where process_vm_readv is refused a pipe stands in, and the text is the same. */
static int dump_without_peek(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    rig_await(start_named(scope, wait_for_chan, "taker", &chan), WEFT_TASK_WAITING);
    uint32_t before = rig_descriptors();
    weft__fault_arm(WEFT__FAULT_PEEK, 1, -EPERM);
    EXPECT(dumped_take() >= 2);
    EXPECT_EQ(weft__fault_calls(WEFT__FAULT_PEEK), 1);
    EXPECT_EQ(rig_descriptors(), before);
    EXPECT(dumped_line_says("taker", "waits for a message in a channel"));
    EXPECT(dumped_has_frame_in(dumped_stack_of("taker"), (const void *)(uintptr_t)wait_for_chan));
    weft_chan_close(chan, 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_chan_release(chan);
    return 0;
}

static void test_a_refused_copy_goes_through_a_pipe(void)
{
    rig_run(1, dump_without_peek);
    expect_assert();
}

static void test_bad_descriptors_and_no_memory_are_errors(void)
{
    int ends[2];
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    CU_ASSERT_EQUAL(weft_dump(-1), -EBADF);
    CU_ASSERT_EQUAL(weft_dump(9999), -EBADF);
    CU_ASSERT_EQUAL(weft_dump(full), -ENOSPC);
    (void)close(full);
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    CU_ASSERT_EQUAL(weft_dump(ends[0]), -EBADF);
    (void)fcntl(ends[1], F_SETPIPE_SZ, 4096);
    while (write(ends[1], "", 1) == 1)
        continue;
    CU_ASSERT_EQUAL(weft_dump(ends[1]), -EAGAIN);
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft_dump(STDERR_FILENO), -ENOMEM);
    (void)close(ends[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    CU_ASSERT_EQUAL(weft_dump(ends[1]), -EPIPE);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(ends[1]);
    CU_ASSERT_TRUE(dumped_take() >= 0); /* none of them has left it busy */
}

static int busy_ends[2];

static void *dump_into_full(void *argument)
{
    int rc;

    while ((rc = weft_dump(busy_ends[1])) == -EBUSY)
        (void)sched_yield();
    *(int *)argument = rc;
    return NULL;
}

/* One dump waits for a reader; then another one is refused, and a third is not. */
static void test_a_dump_beside_another_is_refused(void)
{
    static char bytes[4096];
    pthread_t thread;
    int first = -1;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int64_t until_ns = weft_clock() + 60 * WEFT_SECOND;
    int rc;

    CU_ASSERT_EQUAL_FATAL(pipe2(busy_ends, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL(fcntl(busy_ends[1], F_SETPIPE_SZ, 4096), 4096);
    CU_ASSERT_EQUAL(write(busy_ends[1], bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, dump_into_full, &first), 0);
    while ((rc = weft_dump(null)) == 0 && weft_clock() < until_ns)
        continue;
    CU_ASSERT_EQUAL(rc, -EBUSY);
    CU_ASSERT_EQUAL(fcntl(busy_ends[0], F_SETFL, O_NONBLOCK), 0);
    while (weft_dump(null) == -EBUSY && weft_clock() < until_ns)
        (void)!read(busy_ends[0], bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(first, 0);
    (void)close(busy_ends[0]);
    (void)close(busy_ends[1]);
    (void)close(null);
}

static void test_without_a_runtime_there_is_nothing_to_show(void)
{
    errno = EXDEV;
    CU_ASSERT_EQUAL(dumped_take(), 0);
    CU_ASSERT_TRUE(dumped_says("weft dump of process "));
    CU_ASSERT_TRUE(dumped_says("weft dump ends: 0 tasks\n"));
    CU_ASSERT_TRUE(dumped_says("dump_test\n"));
    CU_ASSERT_PTR_NULL(strstr(dumped_text, "worker 0"));
    int descriptor = dup(STDERR_FILENO);
    (void)close(descriptor);
    errno = EXDEV;
    CU_ASSERT_EQUAL(weft_dump(descriptor), -EBADF);
    CU_ASSERT_EQUAL(errno, EXDEV);
}

static void test_two_runtimes_and_a_foreign_thread_are_told_apart(void)
{
    char name[64];
    weft_runtime runtimes[2] = { weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL),
                                 weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL) };

    CU_ASSERT_TRUE_FATAL(runtimes[0] > 0 && runtimes[1] > 0);
    CU_ASSERT_EQUAL(dumped_take(), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "worker %d of runtime 0x%llx, thread ", i,
                       (unsigned long long)runtimes[i]);
        CU_ASSERT_TRUE(dumped_says(name));
    }
    CU_ASSERT_EQUAL(weft_call(runtimes[1], dump_here, NULL), 1);
    CU_ASSERT_EQUAL(weft_stop(runtimes[0], WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(weft_stop(runtimes[1], WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(dumped_take(), 0);
    CU_ASSERT_PTR_NULL(strstr(dumped_text, "worker 0"));
}

static int dump_to_error(void *argument)
{
    (void)argument;
    return weft_dump(STDERR_FILENO);
}

/* Simulated, or it would take a thousand threads and their rings. */
static int dump_most(void *argument)
{
    (void)setenv("WEFT_ENGINE", "sim", 1);
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1024, .interactive = 1024),
                                      NULL);
    return runtime > 0 ? weft_call(runtime, dump_to_error, argument) : 1;
}

static void test_all_workers_of_the_largest_runtime_are_shown(void)
{
    static char text[1 << 20];

    if (WEFT__ASAN || WEFT__TSAN) /* which can't simulate */
        return;
    CU_ASSERT_EQUAL(rig_fork(dump_most, NULL, text, sizeof(text)) >> 8, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "worker 0, thread "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "worker 2047, thread "));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(
            test_all_workers_of_the_largest_runtime_are_shown), /* forks: before any runtime */
        UNIT_TEST(test_without_a_runtime_there_is_nothing_to_show),
        UNIT_TEST(test_each_state_of_a_task_is_told),
        UNIT_TEST(test_equal_stacks_are_shown_once_and_counted),
        UNIT_TEST(test_a_refused_copy_goes_through_a_pipe),
        UNIT_TEST(test_bad_descriptors_and_no_memory_are_errors),
        UNIT_TEST(test_a_dump_beside_another_is_refused),
        UNIT_TEST(test_two_runtimes_and_a_foreign_thread_are_told_apart),
    };
    return unit_run(argc, argv, "dump", tests, WEFT__COUNT(tests));
}

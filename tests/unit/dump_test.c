/* What a dump says of tasks in each state, of bad descriptors, of itself. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/task/record.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { text_bytes = 1 << 20, equals = 12 };

static char text[text_bytes];
static const char *caller = "the main thread";

/* Dumps into memory, and has the text in @text. */
static int take_dump(void)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);
    int rc = weft_dump(fd);
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    (void)close(fd);
    return rc;
}

static bool says(const char *what)
{
    bool found = strstr(text, what) != NULL;

    if (!found)
        (void)fprintf(stderr, "%s: no \"%s\" in:\n%s\n", caller, what, text);
    return found;
}

/* The line of the task with this name; NULL: none. */
static const char *line_of(const char *name)
{
    static char line[1024];
    char wanted[64];

    (void)snprintf(wanted, sizeof(wanted), " \"%s\": ", name);
    const char *at = strstr(text, wanted);
    if (at == NULL)
        return NULL;
    while (at > text && at[-1] != '\n')
        at--;
    (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

static bool line_says(const char *name, const char *what)
{
    const char *line = line_of(name);
    bool found = line != NULL && strstr(line, what) != NULL;

    if (!found)
        (void)fprintf(stderr, "task %s: no \"%s\" in: %s\n", name, what,
                      line != NULL ? line : text);
    return found;
}

/* The part of the dump that lists the stack of the task with this name. */
static const char *stack_of(const char *name)
{
    static char part[8192];
    char head[32];
    const char *line = line_of(name);
    const char *number = line != NULL ? strstr(line, "; stack ") : NULL;

    if (number == NULL)
        return "";
    (void)snprintf(head, sizeof(head), "\nstack %d, ", atoi(number + strlen("; stack ")));
    const char *from = strstr(text, head);
    if (from == NULL)
        return "";
    const char *end = strstr(from + 1, "\nstack ");
    if (end == NULL)
        end = strstr(from, "\nmappings of code");
    (void)snprintf(part, sizeof(part), "%.*s", end != NULL ? (int)(end - from) : 0, from);
    return part;
}

/* Whether one of the frames lies in the first bytes of @function. */
static bool has_frame_in(const char *stack, const void *function)
{
    enum { function_most = 2048 };
    uintptr_t from = (uintptr_t)function;

    for (const char *at = strstr(stack, "\n  0x"); at != NULL; at = strstr(at + 1, "\n  0x")) {
        uintptr_t address = (uintptr_t)strtoull(at + 3, NULL, 16);
        if (address > from && address < from + function_most)
            return true;
    }
    return false;
}

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
    return take_dump();
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
    int shown = take_dump();
    EXPECT(shown >= 4); /* these, and the one that dumps, and the caller's */
    EXPECT(line_says("taker", "waits for a message in a channel for about "));
    EXPECT(line_says("taker", " s; on worker 0; spawned at 0x"));
    EXPECT(line_says("taker", "dump_test+0x"));
    EXPECT(line_says("sleeper", "waits for a point in time for about "));
    EXPECT(line_says("fresh?and?odd", "has not started"));
    EXPECT(line_says("fresh?and?odd", "; cancelled"));
    EXPECT(says(", thread "));
    EXPECT(says(": runs a task\n"));
    EXPECT(has_frame_in(stack_of("taker"), (const void *)(uintptr_t)wait_for_chan));
    EXPECT(has_frame_in(stack_of("taker"), (const void *)(uintptr_t)wait_deep));
    EXPECT(has_frame_in(stack_of("sleeper"), (const void *)(uintptr_t)sleep_long));
    EXPECT(strstr(stack_of("taker"), "ends early") == NULL);
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
    EXPECT(take_dump() >= equals + 1);
    (void)snprintf(counted, sizeof(counted), ", %d tasks here:\n", equals);
    EXPECT(strstr(stack_of("equal"), counted) != NULL);
    EXPECT(strstr(stack_of("deep"), ", 1 task here:\n") != NULL);
    EXPECT(strstr(stack_of("deep"), "goes on") != NULL);
    EXPECT(has_frame_in(stack_of("deep"), (const void *)(uintptr_t)wait_deep));
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
    EXPECT(take_dump() >= 2);
    EXPECT_EQ(weft__fault_calls(WEFT__FAULT_PEEK), 1);
    EXPECT_EQ(rig_descriptors(), before);
    EXPECT(line_says("taker", "waits for a message in a channel"));
    EXPECT(has_frame_in(stack_of("taker"), (const void *)(uintptr_t)wait_for_chan));
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
    while (write(ends[1], text, 1) == 1)
        continue;
    CU_ASSERT_EQUAL(weft_dump(ends[1]), -EAGAIN);
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft_dump(STDERR_FILENO), -ENOMEM);
    (void)close(ends[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    CU_ASSERT_EQUAL(weft_dump(ends[1]), -EPIPE);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(ends[1]);
    CU_ASSERT_TRUE(take_dump() >= 0); /* none of them has left it busy */
}

static void test_without_a_runtime_there_is_nothing_to_show(void)
{
    errno = EXDEV;
    CU_ASSERT_EQUAL(take_dump(), 0);
    CU_ASSERT_TRUE(says("weft dump of process "));
    CU_ASSERT_TRUE(says("weft dump ends: 0 tasks\n"));
    CU_ASSERT_TRUE(says("dump_test\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "worker 0"));
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
    CU_ASSERT_EQUAL(take_dump(), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "worker %d of runtime 0x%llx, thread ", i,
                       (unsigned long long)runtimes[i]);
        CU_ASSERT_TRUE(says(name));
    }
    CU_ASSERT_EQUAL(weft_call(runtimes[1], dump_here, NULL), 1);
    CU_ASSERT_EQUAL(weft_stop(runtimes[0], WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(weft_stop(runtimes[1], WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(take_dump(), 0);
    CU_ASSERT_PTR_NULL(strstr(text, "worker 0"));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_without_a_runtime_there_is_nothing_to_show),
        UNIT_TEST(test_each_state_of_a_task_is_told),
        UNIT_TEST(test_equal_stacks_are_shown_once_and_counted),
        UNIT_TEST(test_a_refused_copy_goes_through_a_pipe),
        UNIT_TEST(test_bad_descriptors_and_no_memory_are_errors),
        UNIT_TEST(test_two_runtimes_and_a_foreign_thread_are_told_apart),
    };
    return unit_run(argc, argv, "dump", tests, WEFT__COUNT(tests));
}

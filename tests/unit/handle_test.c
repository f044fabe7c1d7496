/* A negative handle is the error of an earlier call: every call returns it unchanged, whatever else
 * is wrong, from a thread, from a task and from a cancelled one. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { too_much = (1 << 30) + 1 };

static weft_error error; /* these have a size of 0, which is wrong */
static weft_file_info info;
static weft_counters counters;
static weft_dir_entry entry;
static const weft_spawn_options spawn_options;
static char bytes[WEFT_NAME];

/* One function a call; all arguments but the handle are wrong where they can be. */
#define CALL(name, expression)                                                                     \
    static int64_t call_##name(int64_t handle)                                                     \
    {                                                                                              \
        return (int64_t)(expression);                                                              \
    }

#define CALLS(X)                                                                                   \
    X(call, weft_call(handle, end_well, NULL))                                                     \
    X(stop, weft_stop(handle, WEFT_NOW))                                                           \
    X(worker_count, weft_worker_count(handle))                                                     \
    X(about, weft_runtime_about(handle, bytes, 0))                                                 \
    X(counters_read, weft_counters_read(handle, 9999, &counters))                                  \
    X(go, weft_go(handle, end_well, NULL))                                                         \
    X(go_copy, weft_go_copy(handle, end_well, bytes, too_much))                                    \
    X(spawn, weft_spawn(handle, end_well, NULL, NULL))                                             \
    X(spawn_with, weft_spawn(handle, end_well, NULL, &spawn_options))                              \
    X(wait, weft_wait(handle, WEFT_NOW))                                                           \
    X(fetch, weft_fetch(handle, bytes, 1, WEFT_NOW))                                               \
    X(release, weft_release(handle))                                                               \
    X(cancel, weft_cancel(handle))                                                                 \
    X(task_state_of, weft_task_state_of(handle))                                                   \
    X(task_name_of, weft_task_name_of(handle, bytes))                                              \
    X(task_error_of, weft_task_error_of(handle, &error))                                           \
    X(scope_join, weft_scope_join(handle, WEFT_NOW))                                               \
    X(scope_close, weft_scope_close(handle))                                                       \
    X(scope_cancel, weft_scope_cancel(handle))                                                     \
    X(scope_error, weft_scope_error(handle, 0, &error))                                            \
    X(scope_failures, weft_scope_failures(handle))                                                 \
    X(chan_put, weft_chan_put(handle, bytes, WEFT_NOW))                                            \
    X(chan_take, weft_chan_take(handle, bytes, WEFT_NOW))                                          \
    X(chan_try_put, weft_chan_try_put(handle, bytes))                                              \
    X(chan_try_take, weft_chan_try_take(handle, bytes))                                            \
    X(chan_close, weft_chan_close(handle, 1))                                                      \
    X(chan_bind, weft_chan_bind(handle, 0))                                                        \
    X(chan_release, weft_chan_release(handle))                                                     \
    X(notifier_send, weft_notifier_send(handle))                                                   \
    X(notifier_wait, weft_notifier_wait(handle, WEFT_NOW))                                         \
    X(notifier_release, weft_notifier_release(handle))                                             \
    X(read, weft_read(handle, bytes, 1, WEFT_NOW))                                                 \
    X(pread, weft_pread(handle, bytes, 1, -1, WEFT_NOW))                                           \
    X(write, weft_write(handle, bytes, 1, WEFT_NOW))                                               \
    X(stat_of, weft_stat_of(handle, &info, WEFT_NOW))                                              \
    X(fd_number, weft_fd_number(handle))                                                           \
    X(close, weft_close(handle))                                                                   \
    X(dir_next, weft_dir_next(handle, &entry, WEFT_NOW))                                           \
    X(dir_close, weft_dir_close(handle))

CALLS(CALL)

static const struct {
    const char *text;
    int64_t (*call)(int64_t handle);
} calls[] = {
#define ROW(name, expression) { #expression, call_##name },
    CALLS(ROW)
#undef ROW
};

static void try_all(const char *from)
{
    static const int64_t handles[] = { -EPERM, -ESRCH, -EBADF, -ENOEXEC, -4095 };

    for (size_t i = 0; i < WEFT__COUNT(calls); i++)
        for (size_t k = 0; k < WEFT__COUNT(handles); k++)
            if (!EXPECT_EQ(calls[i].call(handles[k]), handles[k]))
                (void)fprintf(stderr, "%s from a %s\n", calls[i].text, from);
}

static int from_tasks(void *argument)
{
    (void)argument;
    try_all("task");
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    try_all("cancelled task");
    return 0;
}

static void test_a_negative_handle_comes_back_unchanged(void)
{
    try_all("thread");
    rig_run(2, from_tasks);
    try_all("thread");
    expect_assert();
}

/* What no call returns as a handle or an error: not passed on. */
static void test_a_handle_below_all_errors_is_stale(void)
{
    static const int64_t handles[] = { -4096, INT32_MIN, INT64_MIN };

    for (size_t i = 0; i < WEFT__COUNT(calls); i++)
        for (size_t k = 0; k < WEFT__COUNT(handles); k++) {
            int64_t got = calls[i].call(handles[k]);
            EXPECT(got == -ESRCH || got == -EBADF);
        }
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_negative_handle_comes_back_unchanged),
        UNIT_TEST(test_a_handle_below_all_errors_is_stale),
    };
    return unit_run(argc, argv, "handle", tests, WEFT__COUNT(tests));
}

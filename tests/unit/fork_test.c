/* The child of fork(2): every call says that the runtime was left behind; the parent goes on. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/lock.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* Handles that were made before the fork. */
static struct {
    weft_runtime runtime;
    weft_scope scope;
    weft_task task;
    weft_chan chan;
    weft_fd file;
    weft_dir folder;
} made;

static weft_error error = WEFT_ERROR_INIT;
static weft_counters counters = WEFT_COUNTERS_INIT;
static weft_file_info info = WEFT_FILE_INFO_INIT;
static weft_dir_entry entry;
static char bytes[WEFT_NAME];

static int end_well(void *argument)
{
    (void)argument;
    return 0;
}

/* One function a call, in one line each. */
#define CALL(name, expression)                                                                     \
    static int64_t call_##name(void)                                                               \
    {                                                                                              \
        return (int64_t)(expression);                                                              \
    }

#define CALLS(X)                                                                                   \
    X(start, weft_start(NULL, &error))                                                             \
    X(call, weft_call(made.runtime, end_well, NULL))                                               \
    X(stop, weft_stop(made.runtime, WEFT_NOW))                                                     \
    X(runtime_self, weft_runtime_self())                                                           \
    X(worker_count, weft_worker_count(made.runtime))                                               \
    X(worker_count_own, weft_worker_count(0))                                                      \
    X(worker_self, weft_worker_self())                                                             \
    X(about, weft_runtime_about(made.runtime, bytes, sizeof(bytes)))                               \
    X(counters_read, weft_counters_read(made.runtime, -1, &counters))                              \
    X(go, weft_go(made.scope, end_well, NULL))                                                     \
    X(go_detached, weft_go(WEFT_DETACHED, end_well, NULL))                                         \
    X(go_copy, weft_go_copy(made.scope, end_well, "", 1))                                          \
    X(spawn, weft_spawn(made.scope, end_well, NULL, NULL))                                         \
    X(wait, weft_wait(made.task, WEFT_NOW))                                                        \
    X(fetch, weft_fetch(made.task, NULL, 0, WEFT_NOW))                                             \
    X(result_give, weft_result_give("", 0))                                                        \
    X(release, weft_release(made.task))                                                            \
    X(cancel, weft_cancel(made.task))                                                              \
    X(self, weft_self())                                                                           \
    X(yield, weft_yield())                                                                         \
    X(poll, weft_poll())                                                                           \
    X(sleep, weft_sleep(WEFT_NOW))                                                                 \
    X(task_state_of, weft_task_state_of(made.task))                                                \
    X(task_name_of, weft_task_name_of(made.task, bytes))                                           \
    X(task_error_of, weft_task_error_of(made.task, &error))                                        \
    X(scope_open, weft_scope_open(NULL))                                                           \
    X(scope_join, weft_scope_join(made.scope, WEFT_NOW))                                           \
    X(scope_close, weft_scope_close(made.scope))                                                   \
    X(scope_cancel, weft_scope_cancel(made.scope))                                                 \
    X(scope_cancel_root, weft_scope_cancel(WEFT_DETACHED))                                         \
    X(scope_error, weft_scope_error(made.scope, 0, &error))                                        \
    X(scope_failures, weft_scope_failures(made.scope))                                             \
    X(chan_put, weft_chan_put(made.chan, bytes, WEFT_NOW))                                         \
    X(chan_take, weft_chan_take(made.chan, bytes, WEFT_NOW))                                       \
    X(chan_try_put, weft_chan_try_put(made.chan, bytes))                                           \
    X(chan_try_take, weft_chan_try_take(made.chan, bytes))                                         \
    X(chan_close, weft_chan_close(made.chan, 0))                                                   \
    X(chan_bind, weft_chan_bind(made.chan, made.task))                                             \
    X(chan_release, weft_chan_release(made.chan))                                                  \
    X(open, weft_open("/", O_RDONLY, 0, WEFT_NEVER))                                               \
    X(read, weft_read(made.file, bytes, 1, WEFT_NEVER))                                            \
    X(pread, weft_pread(made.file, bytes, 1, 0, WEFT_NEVER))                                       \
    X(write, weft_write(made.file, bytes, 1, WEFT_NEVER))                                          \
    X(stat, weft_stat("/", &info, WEFT_NEVER))                                                     \
    X(stat_of, weft_stat_of(made.file, &info, WEFT_NEVER))                                         \
    X(fd_number, weft_fd_number(made.file))                                                        \
    X(close, weft_close(made.file))                                                                \
    X(dir_open, weft_dir_open("/", WEFT_NEVER))                                                    \
    X(dir_next, weft_dir_next(made.folder, &entry, WEFT_NEVER))                                    \
    X(dir_close, weft_dir_close(made.folder))

CALLS(CALL)

static const struct {
    const char *name;
    int64_t (*call)(void);
} calls[] = {
#define ROW(name, expression) { #name, call_##name },
    CALLS(ROW)
#undef ROW
};

/* In the child: how many calls say something else. */
static int be_the_child(void *argument)
{
    int wrong = 0;

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(calls); i++) {
        int64_t got = calls[i].call();
        if (got == -EOWNERDEAD)
            continue;
        (void)fprintf(stderr, "%s: %lld\n", calls[i].name, (long long)got);
        wrong++;
    }
    return wrong;
}

static void fork_and_look(void)
{
    static char said[4096];
    int status = rig_fork(be_the_child, NULL, said, sizeof(said));

    if (!EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        (void)fprintf(stderr, "%s", said);
}

static int take_and_end(void *argument)
{
    int got = 0;
    (void)argument;
    return weft_chan_take(made.chan, &got, WEFT_NEVER) == 0 ? got : -1;
}

/* Owns what the others use; the child is made while the body waits, then from within it. */
static int own_all(void *argument)
{
    weft_chan come = *(weft_chan *)argument;
    weft_fd ends[2] = { 0, 0 };
    int step = 0;

    made.scope = weft_scope_open(NULL);
    made.chan = weft_chan_create(sizeof(int), 0);
    made.task = weft_go(made.scope, take_and_end, NULL);
    EXPECT_EQ(weft_pipe(ends), 0);
    made.file = ends[0];
    made.folder = weft_dir_open("/", WEFT_NEVER);
    EXPECT_EQ(weft_chan_put(come, &step, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(come, &step, WEFT_NEVER), 0);
    fork_and_look();
    EXPECT_EQ(weft_chan_put(made.chan, &(int){ 6 }, WEFT_NEVER), 0); /* the parent goes on */
    EXPECT_EQ(weft_wait(made.task, WEFT_NEVER), 6);
    EXPECT_EQ(weft_scope_close(made.scope), 0);
    EXPECT_EQ(weft_chan_release(made.chan), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_dir_close(made.folder), 0);
    return 3;
}

static int go_own_all(void *argument)
{
    return weft_go_copy(WEFT_DETACHED, own_all, argument, sizeof(weft_chan)) > 0 ? 0 : -ENOMEM;
}

static void test_every_call_in_the_child_of_a_fork_says_so(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2);
    int step = -1;
    weft_chan come = weft_chan_create(sizeof(int), 0);

    made.runtime = weft_start(&options, NULL);
    CU_ASSERT_TRUE_FATAL(made.runtime > 0);
    CU_ASSERT_EQUAL(weft_call(made.runtime, go_own_all, &come), 0);
    while (weft_chan_try_take(come, &step) == -EAGAIN)
        weft__lock_backoff(UINT32_MAX);
    fork_and_look(); /* from a thread outside */
    while (weft_chan_try_put(come, &step) == -EAGAIN)
        weft__lock_backoff(UINT32_MAX);
    while (weft_task_state_of(made.task) != -ESRCH)
        weft__lock_backoff(UINT32_MAX);
    CU_ASSERT_EQUAL(weft_call(made.runtime, end_well, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(made.runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft_chan_release(come), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_every_call_in_the_child_of_a_fork_says_so),
    };
    return unit_run(argc, argv, "fork", tests, WEFT__COUNT(tests));
}

/* What only a wrong program does: the process ends with a sentence that names the call, its
 * argument, the task, what it does and where it was spawned. */
#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static weft_runtime runtime;
static weft_scope scope;
static weft_chan chan;
static weft_fd file;
static weft_dir folder;
static weft_file_info info = WEFT_FILE_INFO_INIT;
static void *volatile nothing; /* so that no compiler sees what is handed over */

static weft_task_fn no_function(void)
{
    return (weft_task_fn)(uintptr_t)nothing;
}

static weft_blocking_fn no_blocking_function(void)
{
    return (weft_blocking_fn)(uintptr_t)nothing;
}

static weft_cleanup_fn no_cleanup(void)
{
    return (weft_cleanup_fn)(uintptr_t)nothing;
}

/* One function a call: name, what is called, the argument that is NULL, the call. */
#define MISUSES(X)                                                                               \
    X(go, "weft_go", "fn", weft_go(scope, no_function(), NULL))                                  \
    X(go_copy, "weft_go_copy", "fn", weft_go_copy(scope, no_function(), "", 1))                  \
    X(go_copy_bytes, "weft_go_copy", "bytes", weft_go_copy(scope, end_well, nothing, 9))         \
    X(spawn, "weft_spawn", "fn", weft_spawn(scope, no_function(), NULL, NULL))                   \
    X(spawn_copy, "weft_spawn", "argument",                                                      \
      weft_spawn(scope, end_well, nothing, &WEFT_SPAWN_OPTIONS(.copy_bytes = 4)))                \
    X(call, "weft_call", "fn", weft_call(runtime, no_function(), NULL))                          \
    X(blocking_call, "weft_blocking_call", "fn",                                                 \
      weft_blocking_call(no_blocking_function(), NULL, NULL, WEFT_NOW))                          \
    X(main, "weft_main", "app", weft_main(0, NULL, no_function(), NULL))                         \
    X(about, "weft_runtime_about", "out_text", weft_runtime_about(0, nothing, 10))               \
    X(counters, "weft_counters_read", "out_counters", weft_counters_read(0, -1, nothing))        \
    X(fetch, "weft_fetch", "out_bytes", weft_fetch(weft_self(), nothing, 1, WEFT_NOW))           \
    X(wait_all, "weft_wait_all", "tasks",                                                        \
      weft_wait_all(nothing, 1, WEFT_ALL_ENDED, NULL, WEFT_NOW))                                 \
    X(result_give, "weft_result_give", "bytes", weft_result_give(nothing, 1))                    \
    X(name_of, "weft_task_name_of", "out_name", weft_task_name_of(weft_self(), nothing))         \
    X(error_of, "weft_task_error_of", "out_error", weft_task_error_of(weft_self(), nothing))     \
    X(scope_error, "weft_scope_error", "out_error", weft_scope_error(scope, 0, nothing))         \
    X(delays_init, "weft_delays_init", "delays", weft_delays_init(nothing, NULL))                \
    X(delays_next, "weft_delays_next", "delays", weft_delays_next(nothing))                      \
    X(retry, "weft_retry", "fn", weft_retry(no_function(), NULL, NULL, WEFT_NOW))                \
    X(map, "weft_map_run", "map", weft_map_run(nothing, NULL, WEFT_NOW))                         \
    X(map_fn, "weft_map_run", "map->fn",                                                         \
      weft_map_run(&WEFT_MAP(.count = 1), NULL, WEFT_NOW))                                       \
    X(defer, "weft_defer", "fn", weft_defer(no_cleanup(), NULL))                                 \
    X(defer_copy, "weft_defer_copy", "fn", weft_defer_copy(no_cleanup(), "", 1))                 \
    X(defer_bytes, "weft_defer_copy", "bytes", weft_defer_copy(free, nothing, 1))                \
    X(fail, "weft_fail", "format", weft_fail(-1, NULL, nothing, 1))                              \
    X(chan_put, "weft_chan_put", "message", weft_chan_put(chan, nothing, WEFT_NOW))              \
    X(chan_take, "weft_chan_take", "out_message", weft_chan_take(chan, nothing, WEFT_NOW))       \
    X(chan_try_put, "weft_chan_try_put", "message", weft_chan_try_put(chan, nothing))            \
    X(chan_try_take, "weft_chan_try_take", "out_message", weft_chan_try_take(chan, nothing))     \
    X(open, "weft_open", "path", weft_open(nothing, O_RDONLY, 0, WEFT_NEVER))                    \
    X(read, "weft_read", "buffer", weft_read(file, nothing, 1, WEFT_NEVER))                      \
    X(pread, "weft_pread", "buffer", weft_pread(file, nothing, 1, 0, WEFT_NEVER))                \
    X(write, "weft_write", "buffer", weft_write(file, nothing, 1, WEFT_NEVER))                   \
    X(stat, "weft_stat", "path", weft_stat(nothing, &info, WEFT_NEVER))                          \
    X(stat_info, "weft_stat", "out_info", weft_stat("/", nothing, WEFT_NEVER))                   \
    X(stat_of, "weft_stat_of", "out_info", weft_stat_of(file, nothing, WEFT_NEVER))              \
    X(pipe, "weft_pipe", "out_ends", weft_pipe(nothing))                                         \
    X(dir_open, "weft_dir_open", "path", weft_dir_open(nothing, WEFT_NEVER))                     \
    X(dir_next, "weft_dir_next", "out_entry", weft_dir_next(folder, nothing, WEFT_NEVER))        \
    X(printf, "weft_printf", "format", weft_printf(nothing, 1))                                  \
    X(eprintf, "weft_eprintf", "format", weft_eprintf(nothing, 1))

#define CALL(name, call, argument, expression)                                                     \
    static int64_t misuse_##name(void)                                                             \
    {                                                                                              \
        return (int64_t)(expression);                                                              \
    }

/* A format that is NULL can't be a literal. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

MISUSES(CALL)

static const struct {
    const char *name;
    const char *wanted; /* in the sentence */
    int64_t (*call)(void);
} rows[] = {
#define ROW(name, call, argument, expression) \
    { #name, call ": its argument " argument " is NULL", misuse_##name },
    MISUSES(ROW)
#undef ROW
};

static int be_wrong(void *argument)
{
    size_t row = (size_t)strtoul(argument, NULL, 10);

    chan = weft_chan_create(4, 1);
    file = weft_open("/dev/null", O_RDWR, 0, WEFT_NEVER);
    folder = weft_dir_open("/", WEFT_NEVER);
    (void)rows[row].call();
    return unit_broken;
}

static int own_the_wrong(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "culprit");

    scope = weft_scope_open(NULL);
    (void)weft_spawn(scope, be_wrong, argument, &options);
    return weft_scope_close(scope);
}

static int run_row(char *row)
{
    runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_wrong, row);
}

static void test_null_where_something_must_be_is_told_with_call_and_task(void)
{
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char number[16];
        static char said[1024];
        (void)snprintf(number, sizeof(number), "%zu", i);
        int status = rig_respawn(number, said, sizeof(said));
        bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                  strstr(said, rows[i].wanted) != NULL &&
                  strstr(said, "in task culprit (running, spawned at ") != NULL;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): status %d, said \"%s\"\n", i, rows[i].name, status,
                          said);
        CU_ASSERT_TRUE(ok);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_null_where_something_must_be_is_told_with_call_and_task),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return run_row(argv[2]);
    return unit_run(argc, argv, "misuse", tests, WEFT__COUNT(tests));
}

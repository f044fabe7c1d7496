/*
 * A program for gdb to look at: tasks in each state, which it knows by their names. Where all are
 * there it calls all_are_there from the task "main"; given "two", from a task of a second runtime.
 * Given "overflow", the task runs over its stack; given "thread", a thread waits for ever.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

enum { turns = 1000 };

static weft_chan empty;
static weft_fd quiet[2];
static volatile long depth_limit = 1L << 40;
static volatile int result; /* what is stored here is no tail call: its caller stays on the stack */

/* For the debugger: a breakpoint. */
void all_are_there(void);

__attribute__((noinline)) void all_are_there(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) static int wait_deep(int depth)
{
    volatile int level = depth;
    int message = 0;

    if (depth > 0)
        result = wait_deep(depth - 1);
    else
        result = weft_chan_take(empty, &message, WEFT_NEVER);
    return level;
}

__attribute__((noinline)) static long dig(long depth)
{
    if (depth >= depth_limit)
        return depth;
    result = (int)dig(depth + 1);
    return depth_limit;
}

static int take(void *argument)
{
    return wait_deep(*(const int *)argument);
}

static int read_pipe(void *argument)
{
    char byte;

    (void)argument;
    result = (int)weft_read(quiet[0], &byte, 1, WEFT_NEVER);
    return result;
}

static int rest(void *argument)
{
    (void)argument;
    result = weft_sleep(weft_after(3600 * WEFT_SECOND));
    return result;
}

static int never_start(void *argument)
{
    (void)argument;
    return 0;
}

static int stop_here(void *argument)
{
    (void)argument;
    all_are_there();
    return 0;
}

static void *take_in_thread(void *argument)
{
    int message = 0;

    result = weft_chan_take(empty, &message, WEFT_NEVER);
    return argument;
}

static weft_task spawn(weft_scope scope, weft_task_fn body, void *argument, const char *name)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = name, .place = weft_place_worker(0));
    weft_task task = weft_spawn(scope, body, argument, &options);

    if (task < 0)
        abort();
    return task;
}

static int stop_in_another_runtime(void)
{
    weft_runtime_options one = WEFT_RUNTIME_OPTIONS(.workers = 1);
    weft_runtime second = weft_start(&one, NULL);
    int rc = weft_call(second, stop_here, NULL);

    return rc < 0 ? rc : weft_stop(second, WEFT_NEVER);
}

/* All others wait, but for one that has not started. */
static int stop_among(weft_scope scope, const char *how)
{
    pthread_t thread;
    weft_task reader = spawn(scope, read_pipe, NULL, "reader");

    for (int i = 0; i < turns; i++)
        (void)weft_yield();
    (void)spawn(scope, never_start, NULL, "starter");
    if (strcmp(how, "two") == 0)
        return stop_in_another_runtime();
    if (strcmp(how, "overflow") == 0)
        return dig(0) > 0;
    all_are_there();
    (void)weft_cancel(reader);
    result = weft_wait(reader, WEFT_NEVER);
    all_are_there();
    if (strcmp(how, "thread") == 0 && pthread_create(&thread, NULL, take_in_thread, NULL) == 0)
        return pthread_join(thread, NULL);
    return 0;
}

static int app(void *argument)
{
    static int depth = 3;
    const weft_arguments *arguments = argument;
    const weft_scope_options all = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL);

    empty = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(&all);
    if (empty < 0 || scope < 0 || weft_pipe(quiet) < 0)
        return 1;
    (void)spawn(scope, take, &depth, "taker");
    (void)spawn(scope, rest, NULL, "rester");
    int rc = stop_among(scope, arguments->count > 1 ? arguments->values[1] : "");
    (void)weft_scope_cancel(scope);
    (void)weft_scope_close(scope);
    weft_chan_release(empty);
    return rc;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}

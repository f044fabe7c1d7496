#include "tests/support/fatal.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/engines.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { frame_bytes = 256 };

static volatile long depth_limit = 1L << 40;
static volatile char sink;
static int *volatile nowhere = (int *)8;

static void hear(void *context, const char *text)
{
    char line[600];

    (void)context;
    if (engines_skip_notice(text) != text)
        return;
    int length = snprintf(line, sizeof(line), "heard: %s\n", text);
    (void)!write(STDERR_FILENO, line, (size_t)length);
}

WEFT__NOIPA static long dig(long depth)
{
    volatile char frame[frame_bytes];

    frame[depth % frame_bytes] = (char)depth;
    if (depth >= depth_limit)
        return depth;
    long below = dig(depth + 1);
    sink = frame[0];
    return below + frame[depth % frame_bytes];
}

int fatal_overflow(void *argument)
{
    (void)argument;
    errno = EDOM;
    return dig(0) > 0;
}

int fatal_touch_nothing(void *argument)
{
    (void)argument;
    return *nowhere;
}

int fatal_send(void *argument)
{
    (void)argument;
    return raise(SIGSEGV);
}

static int yield_on(void *argument)
{
    (void)argument;
    while (!weft_canceled())
        (void)weft_yield();
    return 0;
}

void fatal_hang(void *context, const char *text)
{
    hear(context, text);
    while (engines_skip_notice(text) == text)
        (void)pause();
}

weft_runtime_options fatal_options = {
    .size = sizeof(fatal_options), .workers = 1, .report = hear, .watchdog_ms = WEFT_WATCHDOG_OFF
};

const struct fatal_plan fatal_greedy = { .name = "greedy", .body = fatal_overflow };

int fatal_own(void *argument)
{
    const struct fatal_plan *plan = argument;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = plan->name,
                                                    .stack_bytes = plan->stack_bytes);
    weft_scope scope = weft_scope_open(NULL);
    weft_task company = plan->in_company ? weft_go(scope, yield_on, NULL) : 0;

    weft_task task = weft_spawn(scope, plan->body, plan->argument, &options);
    int rc = weft_wait(task, WEFT_NEVER);
    if (company > 0)
        (void)weft_cancel(company);
    (void)weft_scope_close(scope);
    return rc;
}

int fatal_run(const struct fatal_plan *plan)
{
    weft_runtime runtime = weft_start(&fatal_options, NULL);

    if (runtime < 0)
        return unit_broken;
    int rc = weft_call(runtime, fatal_own, (void *)(uintptr_t)plan);
    (void)weft_stop(runtime, WEFT_NEVER);
    return rc < 0 ? 1 : rc;
}

static bool is_as_wanted(const struct fatal_row *row, int status, const char *said)
{
    bool ends = row->ends < 0 ? WIFSIGNALED(status) && WTERMSIG(status) == -row->ends
                              : WIFEXITED(status) && WEXITSTATUS(status) == row->ends;

    for (size_t i = 0; i < WEFT__COUNT(row->wanted); i++)
        if (row->wanted[i] != NULL && strstr(said, row->wanted[i]) == NULL)
            return false;
    return ends && (row->unwanted == NULL || strstr(said, row->unwanted) == NULL);
}

void fatal_check(const struct fatal_row *rows, size_t count)
{
    static char said[8192];

    for (size_t i = 0; i < count; i++) {
        int status = rig_respawn(rows[i].name, said, sizeof(said));
        bool right = is_as_wanted(&rows[i], status, said);
        if (!right)
            (void)fprintf(stderr, "%s: status %#x, said \"%s\"\n", rows[i].name, (unsigned)status,
                          said);
        CU_ASSERT_TRUE(right);
    }
}

int fatal_main(int argc, char **argv, const struct fatal_row *rows, size_t count)
{
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn the default into an exit */
    for (size_t i = 0; argc == 3 && i < count; i++)
        if (strcmp(argv[1], "--as") == 0 && strcmp(argv[2], rows[i].name) == 0)
            return rows[i].run();
    return -1;
}

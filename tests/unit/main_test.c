/* weft_main: what a program that is nothing but weft returns, says, and does on an interrupt. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/engines.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* ---- the programs, each run as a process of its own ---- */

static int return_7(void *argument)
{
    (void)argument;
    return 7;
}

static int return_0(void *argument)
{
    (void)argument;
    return 0;
}

static int return_200(void *argument)
{
    (void)argument;
    return 200;
}

static int fail(void *argument)
{
    (void)argument;
    return -EIO;
}

static int fail_with_words(void *argument)
{
    (void)argument;
    return weft_fail(-EIO, NULL, "the %s is open", "door");
}

/* weft_main has a task of its own, which a dump shows too. */
static int dump_tasks(void *argument)
{
    (void)argument;
    return weft_dump(STDERR_FILENO);
}

/* argv is "PROGRAM --as arguments". */
static int count_arguments(void *argument)
{
    const weft_arguments *arguments = argument;
    return arguments->count == 3 && strcmp(arguments->values[2], "arguments") == 0 ? 0 : 9;
}

static int sleep_detached(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

/* What it leaves running ends with it. */
static int leave_detached(void *argument)
{
    return weft_go(WEFT_DETACHED, sleep_detached, argument) > 0 ? 4 : -ENOMEM;
}

static int interrupt(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_go(scope, sleep_detached, argument);
    (void)kill(getpid(), SIGINT);
    int rc = weft_sleep(weft_after(1000 * WEFT_SECOND));
    int joined = weft_scope_close(scope);
    return rc == -ECANCELED && joined == -ECANCELED ? 5 : -EPROTO;
}

/* The second interrupt finds a program that does not listen. */
static int interrupt_twice(void *argument)
{
    (void)argument;
    (void)kill(getpid(), SIGINT);
    while (!weft_canceled())
        (void)weft_yield();
    (void)kill(getpid(), SIGINT);
    while (weft_canceled())
        (void)weft_yield();
    return 0;
}

/* As under nohup: the program was started with interrupts ignored. */
static int interrupt_ignored(void *argument)
{
    (void)argument;
    (void)kill(getpid(), SIGINT);
    return weft_sleep(weft_after(5 * WEFT_MILLISECOND)) == 0 ? 6 : -EPROTO;
}

static const struct program {
    const char *name;
    weft_task_fn app;
    int status;       /* of its exit; negative: the signal that ends it */
    const char *says; /* in what it writes to standard error; NULL: nothing at all */
    const char *workers;
} programs[] = {
    { "zero", return_0, 0, NULL, NULL },
    { "seven", return_7, 7, NULL, NULL },
    { "many", return_200, 125, NULL, NULL },
    { "fails", fail, 1, "weft: the program failed: EIO", NULL },
    { "words", fail_with_words, 1, "weft: the program failed: the door is open", NULL },
    { "arguments", count_arguments, 0, NULL, NULL },
    { "dump", dump_tasks, 2, " \"weft_main\": ", NULL },
    { "detached", leave_detached, 4, NULL, NULL },
    { "interrupt", interrupt, 130, NULL, NULL },
    { "twice", interrupt_twice, -SIGINT, NULL, NULL },
    { "ignored", interrupt_ignored, 6, NULL, NULL },
    { "none", return_0, 2, "weft: cannot start: WEFT_WORKERS is \"none\"", "none" },
    { "size", return_0, 2, "weft: cannot start: the options have a wrong size", NULL },
};

static int be(int argc, char **argv)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2);

    for (size_t i = 0; i < WEFT__COUNT(programs); i++) {
        if (strcmp(programs[i].name, argv[2]) != 0)
            continue;
        if (programs[i].workers != NULL)
            (void)setenv("WEFT_WORKERS", programs[i].workers, 1);
        if (strcmp(argv[2], "size") == 0)
            options.size--;
        (void)signal(SIGINT, programs[i].app == interrupt_ignored ? SIG_IGN : SIG_DFL);
        return weft_main(argc, argv, programs[i].app, &options);
    }
    return unit_broken;
}

static bool ends_as_wanted(const struct program *program, int status)
{
    if (program->status < 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == -program->status;
    return WIFEXITED(status) && WEXITSTATUS(status) == program->status;
}

static void test_main_returns_and_says(void)
{
    static char said[4096];

    for (size_t i = 0; i < WEFT__COUNT(programs); i++) {
        int status = rig_respawn(programs[i].name, said, sizeof(said));
        const char *rest = engines_skip_notice(said);
        bool ok = ends_as_wanted(&programs[i], status) &&
                  (programs[i].says == NULL ? rest[0] == '\0'
                                            : strstr(rest, programs[i].says) != NULL);
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): status %x \"%s\"\n", i, programs[i].name,
                          (unsigned)status, said);
        CU_ASSERT_TRUE(ok);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_main_returns_and_says),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be(argc, argv);
    return unit_run(argc, argv, "main", tests, WEFT__COUNT(tests));
}

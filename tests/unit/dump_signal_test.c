/* Dumps at a signal: of a program whose workers are all stuck, by a call and by the environment. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "runtime/base/atomic.h"
#include "runtime/sched/options.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { workers = 2, patience_s = 60 };

static char said[1 << 20];

static bool says(const char *what)
{
    bool found = strstr(said, what) != NULL;

    if (!found)
        (void)fprintf(stderr, "no \"%s\" in:\n%s\n", what, said);
    return found;
}

static _Atomic uint32_t stuck; /* how many are; more than there are: they may go */

/* No call of weft, for as long as it takes. */
static int be_stuck(void *argument)
{
    (void)argument;
    weft__add_relaxed(&stuck, 1);
    while (weft__load_relaxed(&stuck) <= workers)
        continue;
    return 0;
}

static int spawn_stuck(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (uint32_t i = 0; i < workers; i++)
        (void)weft_spawn(scope, be_stuck, NULL,
                         &WEFT_SPAWN_OPTIONS(.name = "stuck", .place = weft_place_worker(i)));
    return weft_scope_close(scope);
}

/* Calls into the runtime from a thread that takes no signals. */
static void *call_stuck(void *argument)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    return weft_call(*(const weft_runtime *)argument, spawn_stuck, NULL) == 0 ? NULL : argument;
}

static bool await_stuck(void)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    while (weft__load_relaxed(&stuck) < workers)
        if (sched_yield() != 0 || weft_clock() > until_ns)
            return false;
    return true;
}

/* What the fresh process does: hangs with all workers, is sent the signal, and ends well. */
static int hang(bool by_environment)
{
    pthread_t caller;
    void *failed = &caller;

    if (by_environment)
        (void)setenv("WEFT_DUMP", "SIGUSR2", 1);
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = workers), NULL);
    if (runtime < 0 || (!by_environment && weft_dump_on(SIGQUIT) != 0) ||
        pthread_create(&caller, NULL, call_stuck, &runtime) != 0 || !await_stuck())
        return 3;
    errno = EXDEV;
    (void)kill(getpid(), by_environment ? SIGUSR2 : SIGQUIT); /* only this thread takes it */
    bool kept = errno == EXDEV;
    weft__store_relaxed(&stuck, workers + 1);
    (void)pthread_join(caller, &failed);
    return kept && failed == NULL && weft_stop(runtime, WEFT_NEVER) == 0 ? 0 : 4;
}

static void expect_dump(const char *how)
{
    CU_ASSERT_EQUAL(rig_respawn(how, said, sizeof(said)), 0);
    CU_ASSERT_TRUE(says("weft dump of process "));
    CU_ASSERT_TRUE(says("\"stuck\": runs"));
    CU_ASSERT_TRUE(says("; on worker 0; spawned at 0x"));
    CU_ASSERT_TRUE(says("; on worker 1; spawned at 0x"));
    CU_ASSERT_TRUE(WEFT__TSAN || says("stack 1, ")); /* it delivers signals in calls alone */
    CU_ASSERT_TRUE(says("weft dump ends: 3 tasks\n"));
}

static void test_a_stuck_program_dumps_at_the_signal_and_goes_on(void)
{
    expect_dump("call");
}

static void test_the_environment_asks_for_the_same(void)
{
    expect_dump("environment");
}

static void test_a_signal_that_can_not_be_caught_is_an_error(void)
{
    CU_ASSERT_EQUAL(weft_dump_on(SIGKILL), -EINVAL);
    CU_ASSERT_EQUAL(weft_dump_on(SIGSTOP), -EINVAL);
    CU_ASSERT_EQUAL(weft_dump_on(0), -EINVAL);
    CU_ASSERT_EQUAL(weft_dump_on(-1), -EINVAL);
    CU_ASSERT_EQUAL(weft_dump_on(1000), -EINVAL);
}

static void test_names_of_signals_table(void)
{
    static const struct {
        const char *value;
        int wanted; /* negative: refused */
    } rows[] = {
        { "SIGQUIT", SIGQUIT }, { "QUIT", SIGQUIT }, { "USR1", SIGUSR1 },  { "", 0 },
        { "off", 0 },           { "quit", -1 },      { "3", -1 },          { "SIGKILL", -1 },
        { "STOP", -1 },         { "SIG", -1 },       { "SIGSIGQUIT", -1 },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__options options = { .dump_signal = 77 };
        char text[256] = "";
        (void)setenv("WEFT_DUMP", rows[i].value, 1);
        int rc = weft__options_resolve(NULL, &options, text, sizeof(text));
        bool ok = rows[i].wanted < 0 ? rc == -EINVAL && options.dump_signal == 77 &&
                                           strncmp(text, "WEFT_DUMP is \"", 14) == 0
                                     : rc == 0 && options.dump_signal == rows[i].wanted;
        if (!ok)
            (void)fprintf(stderr, "row %s: %d, \"%s\"\n", rows[i].value, rc, text);
        CU_ASSERT_TRUE(ok);
    }
    (void)unsetenv("WEFT_DUMP");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_stuck_program_dumps_at_the_signal_and_goes_on),
        UNIT_TEST(test_the_environment_asks_for_the_same),
        UNIT_TEST(test_a_signal_that_can_not_be_caught_is_an_error),
        UNIT_TEST(test_names_of_signals_table),
    };
    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return hang(strcmp(argv[2], "environment") == 0);
    return unit_run(argc, argv, "dump_signal", tests, WEFT__COUNT(tests));
}

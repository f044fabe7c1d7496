/* Stopping a runtime whose tasks refuse to end: what is said, and how many are left behind. Each in
 * a process of its own, because the tasks stay. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/lock.h"
#include "runtime/sched/census.h"
#include "runtime/sched/handle.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { spinners = 5, deep = 3 };

static _Atomic bool stubborn_runs;

static int refuse(void *argument)
{
    (void)argument;
    weft__store_relaxed(&stubborn_runs, true);
    while (weft__load_relaxed(&stubborn_runs))
        (void)weft_yield();
    return 0;
}

static int go_refuse(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "stubborn");

    (void)argument;
    if (weft_spawn(WEFT_DETACHED, refuse, NULL, &options) < 0)
        return -ENOMEM;
    while (!weft__load_relaxed(&stubborn_runs))
        (void)weft_yield();
    return 0;
}

static void print_notice(void *context, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n", (const char *)context, text);
}

/* Exits with how many were left behind. */
static int stop_the_stubborn(weft_deadline until)
{
    static char context[] = "notice";
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .report = print_notice,
                                                        .report_context = context);
    weft_runtime runtime = weft_start(&options, NULL);

    if (runtime < 0 || weft_call(runtime, go_refuse, NULL) < 0)
        return unit_broken;
    int left = weft_stop(runtime, until);
    return weft_stop(runtime, until) == -ESRCH ? left : unit_broken;
}

/* ---- tasks that refuse, in a scope below a scope ... of a detached task ---- */

static _Atomic int spinning;

static int spin(void *argument)
{
    (void)argument;
    weft__add_relaxed(&spinning, 1);
    while (weft__load_relaxed(&spinning) > 0)
        (void)weft_yield();
    return 0;
}

static int own_spinners(void *argument)
{
    int left = *(const int *)argument - 1;
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < spinners && left == 0; i++)
        (void)weft_spawn(scope, spin, NULL, &WEFT_SPAWN_OPTIONS(.name = "spinner"));
    if (left > 0)
        (void)weft_spawn(scope, own_spinners, &left,
                         &WEFT_SPAWN_OPTIONS(.name = "parent", .copy_bytes = sizeof(left)));
    return weft_scope_close(scope);
}

static int go_spin(void *argument)
{
    int levels = deep;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "parent", .copy_bytes = sizeof(levels));

    (void)argument;
    if (weft_spawn(WEFT_DETACHED, own_spinners, &levels, &options) < 0)
        return -ENOMEM;
    while (weft__load_relaxed(&spinning) < spinners)
        (void)weft_yield();
    return 0;
}

static int stop_the_spinners(void)
{
    static char context[] = "notice";
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .report = print_notice,
                                                        .report_context = context);
    weft_runtime runtime = weft_start(&options, NULL);

    if (runtime < 0 || weft_call(runtime, go_spin, NULL) < 0)
        return unit_broken;
    return weft_stop(runtime, WEFT_NOW);
}

static int act(const char *what)
{
    if (strcmp(what, "spinners") == 0)
        _exit(stop_the_spinners());
    if (strcmp(what, "stubborn soon") == 0)
        _exit(stop_the_stubborn(weft_after(20 * WEFT_MILLISECOND)));
    if (strcmp(what, "stubborn now") == 0)
        _exit(stop_the_stubborn(WEFT_NOW));
    _exit(stop_the_stubborn((weft_deadline){ -1 }));
}

static void test_stop_names_a_task_that_refuses_and_leaves_it(void)
{
    static const char *const ways[] = { "stubborn soon", "stubborn now", "stubborn before" };
    static char said[1024];

    for (size_t i = 0; i < WEFT__COUNT(ways); i++) {
        int status = rig_respawn(ways[i], said, sizeof(said));
        CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(said, "notice: weft: stop: 1 task did not end in time and is left behind: "));
        CU_ASSERT_PTR_NOT_NULL(strstr(said, "stubborn (spawned at "));
        CU_ASSERT_PTR_NULL(strstr(said, "more"));
    }
}

static uint32_t count_words(const char *text, const char *word)
{
    uint32_t count = 0;

    while ((text = strstr(text, word)) != NULL) {
        text++;
        count++;
    }
    return count;
}

static void test_stop_counts_all_levels_and_names_the_lowest(void)
{
    static char said[1024];
    int status = rig_respawn("spinners", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == deep + spinners);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "stop: 8 tasks did not end in time and are left behind"));
    CU_ASSERT_PTR_NULL(strstr(said, "parent"));
    uint32_t named = count_words(said, "spinner (spawned at ");
    char rest[32];
    (void)snprintf(rest, sizeof(rest), " and %u more\n", deep + spinners - named);
    CU_ASSERT_TRUE(named >= 1 && named <= WEFT__CENSUS_NAMED);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, rest));
}

/* ---- what the census says of tasks at rest ---- */

static weft_fd ends[2];

static int read_pipe(void *argument)
{
    char byte;

    (void)argument;
    return (int)weft_read(ends[0], &byte, 1, WEFT_NEVER);
}

static int sleep_long(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

/* Whether the census says @wanted; taken from a task, which is alive too. */
static void expect_census(const char *wanted, uint32_t live)
{
    int rc = 0;
    char text[400];
    struct weft__runtime *runtime = weft__runtime_find(0, &rc);

    EXPECT_EQ(weft__census_take(runtime, text, sizeof(text)), live);
    if (!EXPECT(strstr(text, wanted) != NULL))
        (void)fprintf(stderr, "wanted \"%s\" in \"%s\"\n", wanted, text);
    weft__runtime_found(runtime);
}

static int take_census(void *argument)
{
    char wanted[64];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    expect_census("(unnamed) (spawned at ", 1);
    expect_census(" runs on worker 0", 1);
    weft_task reader = weft_spawn(scope, read_pipe, NULL, &WEFT_SPAWN_OPTIONS(.name = "reader"));
    expect_census(" has not started", 2);
    rig_await(reader, WEFT_TASK_WAITING);
    (void)snprintf(wanted, sizeof(wanted), " waits for read on descriptor %d",
                   weft_fd_number(ends[0]));
    expect_census(wanted, 2);
    weft_task sleeper = weft_go(scope, sleep_long, NULL);
    rig_await(sleeper, WEFT_TASK_WAITING);
    expect_census(" waits for a point in time", 3);
    EXPECT_EQ(weft_cancel(sleeper), 0);
    EXPECT_EQ(weft_wait(sleeper, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    expect_census(" runs on worker 0", 1); /* an ended task does not count */
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_census_says_what_each_task_does(void)
{
    /* This thread has a record from here on, and is no task. */
    CU_ASSERT_EQUAL(weft_sleep(weft_after(1)), 0);
    rig_run(1, take_census);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_stop_names_a_task_that_refuses_and_leaves_it),
        UNIT_TEST(test_stop_counts_all_levels_and_names_the_lowest),
        UNIT_TEST(test_census_says_what_each_task_does),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return act(argv[2]);
    return unit_run(argc, argv, "stop", tests, WEFT__COUNT(tests));
}

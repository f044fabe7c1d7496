/* The watchdog: which looks amount to an offence, whom it names, when it sleeps. */
#include <CUnit/CUnit.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/lock.h"
#include "runtime/sched/capture.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/watchdog.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { sleepers = 16, hogs = WEFT__TSAN || WEFT__ASAN ? 50 : 300, patience_s = 60 };

/* What the callback heard; one call at a time, read when the runtime has stopped or by count. */
static struct {
    _Atomic uint32_t count;
    char first[512];
    uint32_t ill_named;  /* not "task hog" */
    _Atomic bool placed; /* a notice has named a place in hog; not each does, see capture.c */
} heard;

static int hog(void *argument);

/* Whether a notice names a place in hog: the program is linked to no fixed address, or to none. */
static bool has_frame_in_hog(const char *frames)
{
    enum { function_most = 1024 };
    static const char name[] = "watchdog_test+0x";
    Dl_info program = { 0 };

    if (frames == NULL || dladdr((const void *)(uintptr_t)hog, &program) == 0)
        return false;
    uintptr_t begin = (uintptr_t)hog - (uintptr_t)program.dli_fbase;
    for (const char *at = strstr(frames, name); at != NULL; at = strstr(at + 1, name)) {
        uintptr_t offset = strtoull(at + sizeof(name) - 1, NULL, 16);
        if (offset > begin && offset - begin < function_most)
            return true;
    }
    return false;
}

static void hear(void *context, const char *text)
{
    (void)context;
    if (engines_skip_notice(text) != text)
        return;
    if (weft__load_relaxed(&heard.count) == 0)
        (void)snprintf(heard.first, sizeof(heard.first), "%s", text);
    if (strstr(text, " has been in task hog (spawned at ") == NULL)
        heard.ill_named++;
    if (WEFT__TSAN || has_frame_in_hog(strstr(text, "; it is at ")))
        weft__store_relaxed(&heard.placed, true);
    weft__add_acqrel(&heard.count, 1); /* pairs with the acquire in hog */
}

static weft_runtime start(uint32_t workers, uint32_t watchdog_ms)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = workers,
                                                        .watchdog_ms = watchdog_ms, .report = hear);

    weft__store_relaxed(&heard.count, 0);
    heard.ill_named = 0;
    weft__store_relaxed(&heard.placed, false);
    heard.first[0] = '\0';
    weft_runtime runtime = weft_start(&options, &error);
    if (runtime < 0)
        (void)fprintf(stderr, "no runtime: %s\n", error.text);
    CU_ASSERT_TRUE_FATAL(runtime > 0);
    return runtime;
}

/* Without the gap between two notices of a site. */
static void let_all_be_said(weft_runtime runtime)
{
    int rc = 0;
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);

    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    weft__store_relaxed(&found->watch.gap_ns, 0);
    weft__handle_unpin(runtime);
}

static void test_judge_table(void)
{
    enum { limit = 100 };
    static const struct {
        const char *label;
        int task; /* 0: none */
        uint64_t switches;
        int64_t elapsed;
        int64_t wanted;
    } rows[] = {
        { "first sight", 1, 7, 500, 0 },
        { "below the limit", 1, 7, 60, 0 },
        { "at the limit", 1, 7, 40, 100 },
        { "said, not doubled", 1, 7, 60, 0 },
        { "doubled", 1, 7, 60, 220 },
        { "not yet four times", 1, 7, 219, 0 },
        { "four times", 1, 7, 1, 440 },
        { "it has switched and runs again", 1, 8, 900, 0 },
        { "counts anew", 1, 8, 99, 0 },
        { "another task runs", 2, 8, 900, 0 },
        { "counts anew for the other", 2, 8, 99, 0 },
        { "the loop runs", 0, 8, 900, 0 },
        { "nobody runs for long", 0, 8, 900, 0 },
        { "first sight again", 2, 8, 900, 0 },
        { "at once over the limit", 2, 8, 300, 300 },
    };
    static struct weft__task tasks[2];
    struct weft__watch_slot slot = { 0 };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        const struct weft__task *task = rows[i].task == 0 ? NULL : &tasks[rows[i].task - 1];
        int64_t got = weft__watchdog_judge(&slot, task, rows[i].switches, rows[i].elapsed, limit);
        if (got != rows[i].wanted)
            (void)fprintf(stderr, "row %zu (%s): %lld\n", i, rows[i].label, (long long)got);
        CU_ASSERT_EQUAL(got, rows[i].wanted);
    }
}

/* weft_poll would help; a machine that is short of CPUs is no offence. */
static void test_excuses_table(void)
{
    static const struct {
        const char *label;
        int64_t limit;
        int64_t used;
        int call;
        bool wanted;
    } rows[] = {
        { "has computed for all of it", 100, 100, WEFT__CALL_NONE, false },
        { "has computed for half the limit", 100, 50, WEFT__CALL_NONE, false },
        { "gets no CPU", 100, 49, WEFT__CALL_NONE, true },
        { "gets none at all", 100, 0, WEFT__CALL_NONE, true },
        { "sits in a call", 100, 0, 35, false },
        { "sits in call 0, a read", 100, 1, 0, false },
        { "nobody knows", 100, 0, WEFT__CALL_UNKNOWN, false },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        bool got = weft__watchdog_excuses(rows[i].limit, rows[i].used, rows[i].call);
        if (got != rows[i].wanted)
            (void)fprintf(stderr, "row %zu (%s)\n", i, rows[i].label);
        CU_ASSERT_EQUAL(got, rows[i].wanted);
    }
}

static void test_each_site_is_named_once_in_a_gap(void)
{
    static const char sites[WEFT__WATCH_SITES + 1];
    struct weft__watch watch = { .gap_ns = 100 };

    for (int i = 0; i < WEFT__WATCH_SITES; i++) {
        CU_ASSERT_TRUE(weft__watchdog_may_say(&watch, &sites[i], 1000 + i));
        CU_ASSERT_FALSE(weft__watchdog_may_say(&watch, &sites[i], 1000 + i));
    }
    /* no room for a ninth before the first has been said long ago; then it takes that place */
    CU_ASSERT_FALSE(weft__watchdog_may_say(&watch, &sites[WEFT__WATCH_SITES], 1099));
    CU_ASSERT_FALSE(weft__watchdog_may_say(&watch, &sites[0], 1099));
    CU_ASSERT_TRUE(weft__watchdog_may_say(&watch, &sites[WEFT__WATCH_SITES], 1100));
    CU_ASSERT_FALSE(weft__watchdog_may_say(&watch, &sites[1], 1100));
    CU_ASSERT_TRUE(weft__watchdog_may_say(&watch, &sites[1], 1101));
    CU_ASSERT_FALSE(weft__watchdog_may_say(&watch, &sites[1], 1200));
    CU_ASSERT_TRUE(weft__watchdog_may_say(&watch, &sites[1], 1201));
}

static int sleep_long(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

/* Computes until so many more notices have come, and one of all has named a place here. */
static int hog(void *argument)
{
    uint32_t wanted = weft__load_relaxed(&heard.count) + *(const uint32_t *)argument;
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    while (weft__load_acquire(&heard.count) < wanted || /* pairs with hear */
           !weft__load_relaxed(&heard.placed))
        if (weft_clock() > until_ns)
            return -ETIMEDOUT;
    return 0;
}

/* Pinned, or a thief might take it to where it is alone and holds nobody up. */
static weft_task start_hog(weft_scope scope, uint32_t notices)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "hog", .pinned = 1,
                                                    .copy_bytes = sizeof(notices));
    return weft_spawn(scope, hog, &notices, &options);
}

static int hold_up_many(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < sleepers; i++)
        rig_await(weft_go(scope, sleep_long, NULL), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_wait(start_hog(scope, 2), WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_a_task_that_holds_its_worker_up_is_named_and_again(void)
{
    weft_runtime runtime = start(1, 20);

    let_all_be_said(runtime);
    CU_ASSERT_EQUAL(weft_call(runtime, hold_up_many, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_TRUE(weft__load_relaxed(&heard.count) >= 2);
    CU_ASSERT_EQUAL(heard.ill_named, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.first, "weft: worker 0 has been in task hog (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.first, "watchdog_test+0x"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.first, " s without a wait ("));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.first, " s of CPU time): its 17 other tasks, their I/O and "
                                               "timers wait; call weft_poll()"));
    CU_ASSERT_TRUE(weft__load_relaxed(&heard.placed));
    expect_assert();
}

/* Each record is reused by the next hog at once, while the watchdog looks four times a millisecond:
 * what it names must be a hog all the same, and a sanitizer must find nothing. */
static int hog_in_turn(void *argument)
{
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.forget = 1));

    (void)argument;
    for (int i = 0; i < hogs; i++) {
        weft_task task = start_hog(scope, 1);
        EXPECT(task > 0);
        while (weft_task_state_of(task) > 0)
            (void)weft_yield();
    }
    return weft_scope_close(scope);
}

static void test_records_are_reused_under_the_eyes_of_the_watchdog(void)
{
    weft_runtime runtime = start(2, 1);

    let_all_be_said(runtime); /* they all have one site */
    CU_ASSERT_EQUAL(weft_call(runtime, hog_in_turn, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_TRUE(weft__load_relaxed(&heard.count) >= hogs);
    expect_assert();
}

static int ends[2];

/* Holds its worker up in a call that is not weft's, until it is named. */
static int sit_in_read(void *argument)
{
    char byte = 0;

    (void)argument;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    return 0;
}

static int hold_up_by_a_call(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "hog", .pinned = 1);

    (void)argument;
    int rc = weft_wait(weft_spawn(scope, sit_in_read, NULL, &options), WEFT_NEVER);
    (void)weft_scope_close(scope);
    return rc;
}

static void *write_when_named(void *argument)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    (void)argument;
    while (weft__load_acquire(&heard.count) < 1 && weft_clock() < until_ns) /* pairs with hear */
        (void)sched_yield();
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    return NULL;
}

static void test_a_task_in_a_blocking_call_is_named_and_not_disturbed(void)
{
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    weft_runtime runtime = start(1, 5);
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, write_when_named, NULL), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, hold_up_by_a_call, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(heard.ill_named, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.first, " s of CPU time, in system call "));
    (void)close(ends[0]);
    (void)close(ends[1]);
    expect_assert();
}

static bool await_state(struct weft__watch *watch, enum weft__watch_state state)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    while (weft__load_relaxed(&watch->state) != (uint32_t)state)
        if (sched_yield() != 0 || weft_clock() > until_ns)
            return false;
    return true;
}

static bool await_looks(struct weft__watch *watch, uint64_t looks)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    while (weft__load_relaxed(&watch->looks) < looks)
        if (sched_yield() != 0 || weft_clock() > until_ns)
            return false;
    return true;
}

static void test_it_sleeps_with_the_workers_and_wakes_with_them(void)
{
    int rc = 0;
    weft_runtime runtime = start(2, 4);
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);

    for (int round = 0; round < 20; round++) {
        CU_ASSERT_TRUE(await_state(&found->watch, WEFT__WATCH_ASLEEP));
        uint64_t looks = weft__load_relaxed(&found->watch.looks);
        CU_ASSERT_EQUAL(weft_call(runtime, end_well, NULL), 0);
        CU_ASSERT_TRUE(await_looks(&found->watch, looks + 1));
    }
    weft__handle_unpin(runtime);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
}

static void test_off_or_with_nobody_to_tell_it_has_no_thread(void)
{
    int rc = 0;
    weft_runtime runtimes[2] = {
        start(1, WEFT_WATCHDOG_OFF),
        weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL),
    };

    for (size_t i = 0; i < WEFT__COUNT(runtimes); i++) {
        struct weft__runtime *found = weft__handle_pin(runtimes[i], &rc);
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_FALSE(found->watch.started);
        weft__handle_unpin(runtimes[i]);
        CU_ASSERT_EQUAL(weft_stop(runtimes[i], WEFT_NEVER), 0);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_judge_table),
        UNIT_TEST(test_excuses_table),
        UNIT_TEST(test_each_site_is_named_once_in_a_gap),
        UNIT_TEST(test_a_task_in_a_blocking_call_is_named_and_not_disturbed),
        UNIT_TEST(test_a_task_that_holds_its_worker_up_is_named_and_again),
        UNIT_TEST(test_records_are_reused_under_the_eyes_of_the_watchdog),
        UNIT_TEST(test_it_sleeps_with_the_workers_and_wakes_with_them),
        UNIT_TEST(test_off_or_with_nobody_to_tell_it_has_no_thread),
    };
    return unit_run(argc, argv, "watchdog", tests, WEFT__COUNT(tests));
}

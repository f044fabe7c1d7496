/* The counters: each by a scenario of which the number is known. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/sched/handle.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 7, rounds = 100, helpers_most = 16, queue_most = 1024 };

static _Atomic uint32_t heard;
static _Atomic uint32_t flag;
static _Atomic uint32_t held; /* calls that helper threads are in */
static weft_chan chan;

WEFT__NOIPA static weft_counters read_of(int worker)
{
    weft_counters counters = WEFT_COUNTERS_INIT;

    EXPECT_EQ(weft_counters_read(0, worker, &counters), 0);
    return counters;
}

/* One counter of a worker, or of all (-1). Not inlined: a task's frame has no room for many. */
WEFT__NOIPA static uint64_t member_of(int worker, size_t offset)
{
    weft_counters counters = read_of(worker);
    uint64_t value = 0;

    memcpy(&value, (const char *)&counters + offset, sizeof(value));
    return value;
}

#define AT(worker, member) member_of((worker), offsetof(weft_counters, member))
#define NOW(member) AT(-1, member)

/* Waits until a counter is @wanted or more. */
static void await_member(size_t offset, uint64_t wanted)
{
    while (member_of(-1, offset) < wanted)
        (void)weft_yield();
}

#define AWAIT(member, wanted) await_member(offsetof(weft_counters, member), (wanted))

/* ---- tasks ---- */

static int take_one(void *argument)
{
    int message = 0;

    (void)argument;
    return weft_chan_take(chan, &message, WEFT_NEVER);
}

static int count_tasks(void *argument)
{
    weft_task tasks[some];

    (void)argument;
    chan = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(&run_all);
    weft_counters before = read_of(-1);
    for (int i = 0; i < some; i++)
        tasks[i] = weft_go(scope, take_one, NULL);
    EXPECT_EQ(NOW(spawned) - before.spawned, some);
    EXPECT_EQ(NOW(live) - before.live, some);
    EXPECT_EQ(NOW(ended), before.ended);
    for (int i = 0; i < some; i++)
        rig_await(tasks[i], WEFT_TASK_WAITING);
    EXPECT_EQ(NOW(live) - before.live, some);
    EXPECT_EQ(NOW(waits) - before.waits, some); /* a yield is no wait */
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    weft_counters after = read_of(-1);
    EXPECT_EQ(after.ended - before.ended, some);
    EXPECT_EQ(after.live, before.live);
    EXPECT_EQ(after.spawned - before.spawned, some);
    weft_chan_release(chan);
    return 0;
}

static void test_spawned_ended_live_and_waits(void)
{
    rig_each(count_tasks);
}

/* One worker: what is at home there is all that lives. */
static int compare_worker(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < some; i++)
        (void)weft_go(scope, end_well, NULL);
    weft_counters all = read_of(-1);
    weft_counters one = read_of(0);
    EXPECT_EQ(one.live, all.live);
    EXPECT_EQ(one.switches, all.switches);
    EXPECT_EQ(one.spawned + 1, all.spawned); /* this task was spawned by a thread outside */
    EXPECT_EQ(one.stacks_made, 0);
    EXPECT(all.stacks_made > 0 && all.stack_bytes >= all.stacks_made * 16384);
    return weft_scope_close(scope);
}

static void test_one_worker_against_all(void)
{
    rig_run(1, compare_worker);
}

static int yield_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < rounds; i++)
        EXPECT_EQ(weft_yield(), 0);
    return 0;
}

/* Two tasks that yield to each other: each yield is a switch; and to start the other, and back. */
static int count_switches(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    weft_counters before = read_of(-1);
    (void)weft_go(scope, yield_often, NULL);
    (void)weft_go(scope, yield_often, NULL);
    int rc = weft_scope_close(scope);
    EXPECT_EQ(NOW(switches) - before.switches, 2 * rounds + 3);
    EXPECT_EQ(NOW(waits) - before.waits, 1); /* of the close */
    return rc;
}

static void test_switches(void)
{
    rig_run(1, count_switches);
}

/* ---- from outside ---- */

static uint64_t outside(weft_runtime runtime, int worker, size_t offset)
{
    weft_counters counters = WEFT_COUNTERS_INIT;
    uint64_t value = 0;

    CU_ASSERT_EQUAL(weft_counters_read(runtime, worker, &counters), 0);
    memcpy(&value, (const char *)&counters + offset, sizeof(value));
    return value;
}

#define OUTSIDE(worker, member) outside(runtime, (worker), offsetof(weft_counters, member))

static int hold_worker(void *argument)
{
    (void)argument;
    while (weft__load_acquire(&flag) == 0) /* pairs with the release below */
        (void)sched_yield();
    return 0;
}

struct errand {
    weft_runtime runtime;
    weft_task_fn fn;
    pthread_t thread;
};

static void *run_errand(void *argument)
{
    const struct errand *errand = argument;

    EXPECT_EQ(weft_call(errand->runtime, errand->fn, NULL), 0);
    return NULL;
}

static void test_live_counts_what_no_worker_has_taken(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    struct errand errands[] = { { .runtime = runtime, .fn = hold_worker },
                                { .runtime = runtime, .fn = end_well } };

    weft__store_relaxed(&flag, 0);
    for (size_t i = 0; i < WEFT__COUNT(errands); i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&errands[i].thread, NULL, run_errand, &errands[i]), 0);
        while (OUTSIDE(-1, spawned) != i + 1 || OUTSIDE(0, switches) == 0)
            (void)sched_yield();
    }
    CU_ASSERT_EQUAL(OUTSIDE(-1, live), 2);
    CU_ASSERT_EQUAL(OUTSIDE(0, live), 1);
    CU_ASSERT_EQUAL(OUTSIDE(0, spawned), 0);
    weft__store_release(&flag, 1); /* pairs with the acquire in hold_worker */
    for (size_t i = 0; i < WEFT__COUNT(errands); i++)
        CU_ASSERT_EQUAL(pthread_join(errands[i].thread, NULL), 0);
    CU_ASSERT_EQUAL(OUTSIDE(-1, live), 0);
    CU_ASSERT_EQUAL(OUTSIDE(0, ended), 2);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    expect_assert();
}

/* Each worker goes to sleep when nothing is to be done, and again after it was woken. */
static void test_parks_and_spins(void)
{
    static const uint32_t spin_us[] = { WEFT_SPIN_NONE, 1 };
    int rc = 0;

    for (size_t way = 0; way < WEFT__COUNT(spin_us); way++) {
        weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 1, .spin_us = spin_us[way]);
        weft_runtime runtime = weft_start(&options, NULL);
        struct weft__runtime *found = weft__handle_pin(runtime, &rc);
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        for (uint64_t i = 0; i < some; i++) {
            while (OUTSIDE(0, parks) <= i)
                (void)sched_yield();
            CU_ASSERT_EQUAL(weft_call(runtime, end_well, NULL), 0);
        }
        CU_ASSERT_EQUAL(OUTSIDE(0, spins) > 0, found->workers[0]->spins);
        CU_ASSERT_EQUAL(OUTSIDE(-1, rescued_wakes), 0);
        weft__handle_unpin(runtime);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    }
}

/* ---- timers ---- */

static int rest(void *argument)
{
    return weft_sleep(weft_after(*(const int *)argument * WEFT_SECOND));
}

static int count_timers(void *argument)
{
    static const int long_time = 3600;
    weft_task tasks[some];

    (void)argument;
    weft_counters before = read_of(-1);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    EXPECT_EQ(NOW(timers) - before.timers, some);
    EXPECT_EQ(NOW(timers_pending), before.timers_pending);
    weft_scope scope = weft_scope_open(&run_all);
    for (int i = 0; i < some; i++)
        tasks[i] = weft_go(scope, rest, (void *)(uintptr_t)&long_time);
    for (int i = 0; i < some; i++)
        rig_await(tasks[i], WEFT_TASK_WAITING);
    EXPECT_EQ(NOW(timers_pending) - before.timers_pending, some);
    EXPECT_EQ(weft_cancel(tasks[0]), 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(NOW(timers_pending) - before.timers_pending, some - 1);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    (void)weft_scope_close(scope);
    EXPECT_EQ(NOW(timers_pending), before.timers_pending);
    EXPECT_EQ(NOW(timers) - before.timers, some); /* those did not fire */
    return 0;
}

static void test_timers_fired_and_pending(void)
{
    rig_each(count_timers);
}

/* ---- between workers ---- */

static int count_remote_wakes(void *argument)
{
    weft_spawn_options there = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(1));

    (void)argument;
    chan = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(NULL);
    uint64_t first = AT(1, remote_wakes);
    uint64_t own = AT(0, remote_wakes);
    for (int i = 0; i < some; i++) {
        weft_task task = weft_spawn(scope, take_one, NULL, &there);
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
        while (weft_task_state_of(task) != WEFT_TASK_ENDED)
            (void)weft_yield();
        EXPECT_EQ(weft_release(task), 0);
    }
    EXPECT_EQ(AT(1, remote_wakes) - first, some); /* counted where the task runs */
    EXPECT_EQ(AT(0, remote_wakes), own);
    weft_chan_release(chan);
    return weft_scope_close(scope);
}

static int run_pinned(weft_task_fn body)
{
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0));
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, body, NULL, &here);
    return weft_scope_close(scope);
}

static int count_remote_wakes_from_worker_0(void *argument)
{
    (void)argument;
    return run_pinned(count_remote_wakes);
}

static void test_remote_wakes(void)
{
    rig_run(2, count_remote_wakes_from_worker_0);
}

static int raise_flag(void *argument)
{
    (void)argument;
    weft__store_release(&flag, 1); /* pairs with the acquire in count_steals */
    return 0;
}

/* The parent does not let its worker go on: only another worker can run the child. */
static int count_steals(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    for (uint32_t i = 0; i < some; i++) {
        uint64_t before = AT(1, steals);
        weft__store_relaxed(&flag, 0);
        (void)weft_go(scope, raise_flag, NULL);
        while (weft__load_acquire(&flag) == 0) /* pairs with the release in raise_flag */
            (void)weft_poll();
        if (AT(0, ended) == 0)
            EXPECT_EQ(AT(1, steals) - before, 1);
    }
    return weft_scope_close(scope);
}

static int count_steals_from_worker_0(void *argument)
{
    (void)argument;
    return run_pinned(count_steals);
}

static void test_steals(void)
{
    rig_run(2, count_steals_from_worker_0);
}

/* ---- the kernel ---- */

static int count_operations(void *argument)
{
    char byte;

    (void)argument;
    weft_fd file = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER); /* no cache */
    weft_counters before = read_of(-1);
    for (int i = 0; i < some; i++)
        EXPECT_EQ(weft_pread(file, &byte, 1, (int64_t)i * 512, WEFT_NEVER), 1);
    weft_counters after = read_of(-1);
    EXPECT_EQ(after.submissions - before.submissions, some);
    EXPECT_EQ(after.completions - before.completions, some);
    EXPECT(after.system_calls > before.system_calls);
    EXPECT_EQ(after.overflows, 0);
    return weft_close(file);
}

static void test_submissions_and_completions(void)
{
    rig_run(1, count_operations);
}

/* ---- helper threads ---- */

static int64_t hold(void *argument)
{
    (void)argument;
    weft__add_acqrel(&held, 1);            /* pairs with nobody: a count */
    while (weft__load_acquire(&flag) == 0) /* pairs with the release in raise_flag */
        (void)sched_yield();
    return 0;
}

static int call_helper(void *argument)
{
    return (int)weft_blocking_call(hold, argument, NULL, WEFT_NEVER);
}

static int count_helpers(void *argument)
{
    enum { queued = 3 };

    (void)argument;
    weft_counters before = read_of(-1);
    weft__store_relaxed(&flag, 0);
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < helpers_most + queued; i++)
        (void)weft_go(scope, call_helper, NULL);
    AWAIT(helper_calls, before.helper_calls + helpers_most + queued);
    while (weft__load_relaxed(&held) < helpers_most)
        (void)weft_yield();
    weft_counters now = read_of(-1);
    EXPECT_EQ(now.helper_threads, helpers_most);
    EXPECT_EQ(now.helper_threads_started - before.helper_threads_started, helpers_most);
    EXPECT_EQ(now.helper_queue, queued);
    EXPECT_EQ(now.helper_refusals, 0);
    for (int i = queued; i < queue_most; i++)
        (void)weft_go(scope, call_helper, NULL);
    AWAIT(helper_queue, queue_most);
    (void)raise_flag(NULL);
    int rc = weft_scope_close(scope);
    now = read_of(-1);
    EXPECT_EQ(now.helper_queue, 0);
    EXPECT_EQ(now.helper_calls - before.helper_calls, helpers_most + queue_most);
    EXPECT_EQ(now.helper_refusals, 0);
    EXPECT_EQ(now.helper_threads_started - before.helper_threads_started, helpers_most);
    return rc;
}

static void test_helpers(void)
{
    weft__store_relaxed(&held, 0);
    rig_run(1, count_helpers);
}

/* ---- the watchdog ---- */

static void hear(void *context, const char *text)
{
    (void)context;
    if (strstr(text, " has been in task ") != NULL)
        weft__add_acqrel(&heard, 1); /* pairs with the acquire in hog */
}

static int hog(void *argument)
{
    (void)argument;
    while (weft__load_acquire(&heard) < 2) /* pairs with the add in hear */
        (void)sched_yield();
    return 0;
}

static int count_reports(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    weft_task waits = weft_go(scope, take_one, NULL);
    rig_await(waits, WEFT_TASK_WAITING);
    weft_task busy = weft_go(scope, hog, NULL);
    EXPECT_EQ(weft_wait(busy, WEFT_NEVER), 0);
    AWAIT(watchdog_reports, 2);
    while (NOW(watchdog_reports) != weft__load_relaxed(&heard))
        (void)weft_yield(); /* one is on its way */
    EXPECT_EQ(AT(0, watchdog_reports), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    return 0;
}

static void test_watchdog_reports(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 1, .watchdog_ms = 1,
                                                        .report = hear);

    chan = weft_chan_create(sizeof(int), 1);
    weft_runtime runtime = weft_start(&options, NULL);
    CU_ASSERT_EQUAL(weft_call(runtime, count_reports, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    weft_chan_release(chan);
    expect_assert();
}

/* ---- at any time ---- */

static bool is_now(size_t offset)
{
    return offset == offsetof(weft_counters, live) ||
           offset == offsetof(weft_counters, timers_pending) ||
           offset == offsetof(weft_counters, helper_threads) ||
           offset == offsetof(weft_counters, helper_queue);
}

/* Reads until the runtime has gone: each counter grows. */
static void *watch(void *argument)
{
    weft_runtime runtime = *(const weft_runtime *)argument;
    weft_counters last = WEFT_COUNTERS_INIT;
    weft_counters now = WEFT_COUNTERS_INIT;
    int rc;

    while ((rc = weft_counters_read(runtime, -1, &now)) == 0) {
        for (size_t at = sizeof(size_t); at < sizeof(now); at += sizeof(uint64_t)) {
            uint64_t before = 0;
            uint64_t after = 0;
            memcpy(&before, (const char *)&last + at, sizeof(before));
            memcpy(&after, (const char *)&now + at, sizeof(after));
            EXPECT(is_now(at) || after >= before);
        }
        last = now;
    }
    EXPECT_EQ(rc, -ESRCH);
    return NULL;
}

static int read_while_stopping(void *argument)
{
    (void)argument;
    while (!weft_canceled())
        (void)weft_yield();
    weft_counters counters = read_of(-1); /* a task of the runtime itself still can */
    EXPECT(counters.live >= 1);
    return 0;
}

static void test_counters_grow_until_the_end(void)
{
    for (int round = 0; round < some; round++) {
        pthread_t watcher;
        weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);
        CU_ASSERT_TRUE_FATAL(runtime > 0);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&watcher, NULL, watch, &runtime), 0);
        for (int i = 0; i < rounds; i++)
            CU_ASSERT_EQUAL(weft_call(runtime, yield_often, NULL), 0);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
        CU_ASSERT_EQUAL(pthread_join(watcher, NULL), 0);
    }
    expect_assert();
}

static int leave_a_reader(void *argument)
{
    (void)argument;
    return weft_go(WEFT_DETACHED, read_while_stopping, NULL) > 0 ? 0 : -ENOMEM;
}

static void test_own_tasks_read_while_the_runtime_stops(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    CU_ASSERT_EQUAL(weft_call(runtime, leave_a_reader, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_spawned_ended_live_and_waits),
        UNIT_TEST(test_one_worker_against_all),
        UNIT_TEST(test_switches),
        UNIT_TEST(test_live_counts_what_no_worker_has_taken),
        UNIT_TEST(test_parks_and_spins),
        UNIT_TEST(test_timers_fired_and_pending),
        UNIT_TEST(test_remote_wakes),
        UNIT_TEST(test_steals),
        UNIT_TEST(test_submissions_and_completions),
        UNIT_TEST(test_helpers),
        UNIT_TEST(test_watchdog_reports),
        UNIT_TEST(test_counters_grow_until_the_end),
        UNIT_TEST(test_own_tasks_read_while_the_runtime_stops),
    };

    return unit_run(argc, argv, "counters", tests, WEFT__COUNT(tests));
}

/*
 * Scheduling policies: what comes with weft does what it says, a policy of a test's own is asked
 * for everything that it may say, and one that breaks the rules is named.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 2000, few = 6 };

/* ---- what comes with weft -------------------------------------------------------------------- */

static _Atomic uint32_t ran;

static int give_way(void *argument)
{
    (void)argument;
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MICROSECOND)), 0);
    weft__add_relaxed(&ran, 1);
    return 0;
}

static int spawn_many(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = { .size = sizeof(options), .place = weft_place_spread() };

    (void)argument;
    weft__store_relaxed(&ran, 0);
    for (int i = 0; i < many; i++) {
        options.migratable = i % 3 == 0;
        options.pinned = i % 5 == 0;
        weft_task task = i % 2 == 0 ? weft_go(scope, give_way, NULL)
                                    : weft_spawn(scope, give_way, NULL, &options);
        EXPECT(task > 0);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&ran), many);
    return 0;
}

static int tell_policy(void *argument)
{
    char about[512];

    (void)argument;
    EXPECT(weft_runtime_about(0, about, sizeof(about)) > 0);
    EXPECT(strstr(about, "; policy sharded") != NULL);
    return 0;
}

static void run_under(const weft_policy *policy, uint32_t workers, weft_task_fn body)
{
    weft_runtime_options options = { .size = sizeof(options), .workers = workers };

    options.policy = policy;
    rig_run_with(&options, body);
}

static void test_each_policy_runs_all_tasks(void)
{
    static const char *const names[] = { "default", "sharded", "global", "deadline" };

    for (size_t i = 0; i < WEFT__COUNT(names); i++)
        for (uint32_t workers = 1; workers <= 4; workers *= 2)
            run_under(weft_policy_named(names[i]), workers, spawn_many);
    CU_ASSERT_PTR_NULL(weft_policy_named("fastest"));
    expect_assert();
}

static int is_at(void *argument)
{
    EXPECT_EQ(weft_worker_self(), *(const int *)argument);
    return 0;
}

/* Its children would be taken by the idle workers, for they lie still for long. */
static int keep_children(void *argument)
{
    int here = weft_worker_self();
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < many; i++)
        EXPECT(weft_go(scope, is_at, &here) > 0);
    weft_deadline until = weft_after(2 * WEFT_MILLISECOND);
    while (weft_clock() < until.ns)
        EXPECT_EQ(weft_poll(), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_sharded_tasks_stay_where_they_are_spawned(void)
{
    run_under(weft_policy_named("sharded"), 4, keep_children);
    run_under(weft_policy_named("sharded"), 1, tell_policy);
    expect_assert();
}

static _Atomic uint32_t met;

static int come(void *argument)
{
    (void)argument;
    weft__store_relaxed(&met, 1);
    return 0;
}

/* Never ends unless another worker runs the child: this one gives no way. */
static int meet_child(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&met, 0);
    EXPECT(weft_go(scope, come, NULL) > 0);
    while (weft__load_relaxed(&met) == 0)
        weft__pause();
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_global_idle_worker_takes_what_a_busy_one_spawns(void)
{
    run_under(weft_policy_named("global"), 2, meet_child);
    expect_assert();
}

/* ---- the order of deadlines ------------------------------------------------------------------ */

static int order[many];
static int order_count;

static int note(void *argument)
{
    order[order_count++] = *(const int *)argument;
    return 0;
}

/* Each in a scope of its own, with a deadline or none; all are fresh when the first one runs. */
static int spawn_with_deadlines(void *argument)
{
    static const int hours[few] = { 5, 0, 2, 9, 2, 1 }; /* 0: none */
    static const int indices[few] = { 0, 1, 2, 3, 4, 5 };
    static const int wanted[few] = { 5, 2, 4, 0, 3, 1 };
    int64_t now = weft_clock();
    weft_scope scopes[few];

    (void)argument;
    order_count = 0;
    for (int i = 0; i < few; i++) {
        weft_scope_options options = { .size = sizeof(options) };
        if (hours[i] != 0)
            options.until.ns = now + hours[i] * 3600 * WEFT_SECOND;
        scopes[i] = weft_scope_open(&options);
        (void)weft_go(scopes[i], note, (void *)(uintptr_t)&indices[i]);
    }
    for (int i = few - 1; i >= 0; i--)
        EXPECT_EQ(weft_scope_close(scopes[i]), 0);
    EXPECT_EQ(order_count, few);
    for (int i = 0; i < few; i++) /* equal ones as they came */
        EXPECT_EQ(order[i], wanted[i]);
    return 0;
}

static void test_deadline_earliest_runs_first(void)
{
    run_under(weft_policy_named("deadline"), 1, spawn_with_deadlines);
    expect_assert();
}

/* ---- a policy of the test's own: last in, first out ------------------------------------------ */

static struct stack {
    weft_runnable *top;
    uint32_t puts, picks, places, starts, stops, lost;
} stack;

static void *start(uint32_t workers)
{
    stack = (struct stack){ .starts = 1 };
    return workers == 1 ? &stack : NULL;
}

static void stop(void *state)
{
    ((struct stack *)state)->stops++;
}

static int place(void *state, const weft_policy_task *task, int spawner)
{
    ((struct stack *)state)->places += task->fresh && task->task == 0 && spawner <= 0 ? 1 : 0;
    return 0;
}

static void put(void *state, int worker, weft_runnable *runnable, const weft_policy_task *task)
{
    struct stack *own = state;

    own->puts += worker == 0 && task->task > 0 && !task->shared ? 1 : 0;
    runnable->next = own->top;
    own->top = runnable;
}

static weft_runnable *pick(void *state, uint32_t worker)
{
    struct stack *own = state;
    weft_runnable *top = own->top;

    if (top == NULL || worker != 0)
        return NULL;
    own->top = top->next;
    own->picks++;
    return top;
}

static weft_policy last_first(void)
{
    return (weft_policy){ .size = sizeof(weft_policy),
                          .name = "last first",
                          .start = start,
                          .stop = stop,
                          .place = place,
                          .put = put,
                          .pick = pick };
}

static int spawn_in_order(void *argument)
{
    static const int indices[few] = { 0, 1, 2, 3, 4, 5 };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    order_count = 0;
    for (int i = 0; i < few; i++)
        (void)weft_go(scope, note, (void *)(uintptr_t)&indices[i]);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(order_count, few);
    return 0;
}

static void test_own_policy_decides_the_order(void)
{
    const weft_policy policy = last_first();

    run_under(&policy, 1, spawn_in_order);
    for (int i = 0; i < few; i++)
        CU_ASSERT_EQUAL(order[i], few - 1 - i);
    CU_ASSERT_TRUE(stack.picks == stack.puts && stack.puts >= few + 1);
    CU_ASSERT_TRUE(stack.places == few + 1);
    CU_ASSERT_TRUE(stack.starts == 1 && stack.stops == 1);
    expect_assert();
}

static void test_own_policy_without_memory_does_not_start(void)
{
    const weft_policy policy = last_first();
    weft_runtime_options options = { .size = sizeof(options), .workers = 2 };
    weft_error error = WEFT_ERROR_INIT;

    options.policy = &policy;
    CU_ASSERT_EQUAL(weft_start(&options, &error), -ENOMEM);
    CU_ASSERT_EQUAL(stack.stops, 0);
}

/* ---- when a forked child is due -------------------------------------------------------------- */

static struct {
    weft_task forker;
    int64_t due_ns;  /* the forker's */
    int64_t seen_ns; /* the child's, as the policy sees it */
    bool watch;
} forks;

static void put_watched(void *state, int worker, weft_runnable *runnable,
                        const weft_policy_task *task)
{
    if (forks.watch && task->task != forks.forker)
        forks.seen_ns = task->due.ns;
    put(state, worker, runnable, task);
}

static int give_way_as_child(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    forks.watch = true;
    EXPECT_EQ(weft_yield(), 0);
    forks.watch = false;
    return 0;
}

/* Its child runs when its worker has taken it as a task of its own, and not before. */
static int fork_one(weft_strand *strand, void *argument)
{
    weft_fork(strand, give_way_as_child, argument);
    do
        EXPECT_EQ(weft_sleep(weft_after(WEFT_MICROSECOND)), 0);
    while (forks.seen_ns == 0);
    return weft_fork_join(strand);
}

static int fork_by_deadline(void *argument)
{
    forks.forker = weft_self();
    return weft_fork_run(fork_one, argument);
}

static int spawn_forker(void *argument)
{
    weft_scope_options options = { .size = sizeof(options), .until = weft_after(WEFT_SECOND) };

    forks.due_ns = options.until.ns += 3600 * WEFT_SECOND;
    forks.seen_ns = 0;
    weft_scope scope = weft_scope_open(&options);
    EXPECT(weft_go(scope, fork_by_deadline, argument) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(forks.seen_ns, forks.due_ns);
    return 0;
}

static void test_forked_child_is_due_when_its_forker_is(void)
{
    weft_policy policy = last_first();

    policy.put = put_watched;
    run_under(&policy, 1, spawn_forker);
    expect_assert();
}

/* ---- whom to wake ---------------------------------------------------------------------------- */

static _Atomic uint32_t asked;

/* The last worker, and if it is awake nobody else. */
static int wake_last(void *state, int worker, uint32_t attempt)
{
    (void)state;
    weft__add_relaxed(&asked, 1);
    EXPECT(worker < 4);
    return attempt == 0 ? 3 : WEFT_POLICY_ENOUGH;
}

static int is_last(void *argument)
{
    (void)argument;
    weft__store_relaxed(&met, 1 + (uint32_t)weft_worker_self());
    return 0;
}

/* Until the one that was to be woken has run the child. Mostly all others sleep, and none else can;
 * but one may be awake by chance. */
static int wake_for_child(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    do {
        EXPECT_EQ(weft_sleep(weft_after(5 * WEFT_MILLISECOND)), 0);
        weft__store_relaxed(&met, 0);
        weft__store_relaxed(&asked, 0);
        EXPECT(weft_go(scope, is_last, NULL) > 0);
        while (weft__load_relaxed(&met) == 0)
            weft__pause();
    } while (weft__load_relaxed(&asked) == 0 || weft__load_relaxed(&met) != 4);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

/* From a worker that is not to be woken. */
static int wake_from_first(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = { .size = sizeof(options), .place = weft_place_worker(0) };

    EXPECT(weft_spawn(scope, wake_for_child, argument, &options) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_own_policy_says_whom_to_wake(void)
{
    weft_policy policy = *weft_policy_named("global");

    policy.wake = wake_last;
    run_under(&policy, 4, wake_from_first);
    expect_assert();
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static weft_runnable *pick_none(void *state, uint32_t worker)
{
    (void)state;
    (void)worker;
    return NULL;
}

/* The second time what it gave the first time. */
static weft_runnable *pick_again(void *state, uint32_t worker)
{
    static weft_runnable *before;
    weft_runnable *given = before != NULL ? before : pick(state, worker);

    before = given;
    return given;
}

static int place_nowhere(void *state, const weft_policy_task *task, int spawner)
{
    (void)state;
    (void)task;
    (void)spawner;
    return 7;
}

static int run_policy(const weft_policy *policy)
{
    weft_runtime_options options = { .size = sizeof(options), .workers = 1, .overflow_off = 1 };

    options.policy = policy;
    weft_runtime runtime = weft_start(&options, NULL);
    return runtime > 0 ? weft_call(runtime, spawn_in_order, NULL) : 1;
}

static int lose(void *argument)
{
    weft_policy policy = last_first();

    (void)argument;
    policy.pick = pick_none;
    return run_policy(&policy);
}

static int repeat(void *argument)
{
    weft_policy policy = last_first();

    (void)argument;
    policy.pick = pick_again;
    return run_policy(&policy);
}

static int misplace(void *argument)
{
    weft_policy policy = last_first();

    (void)argument;
    policy.place = place_nowhere;
    return run_policy(&policy);
}

static void test_policy_that_breaks_a_rule_is_named(void)
{
    static const struct {
        int (*body)(void *argument);
        const char *wanted;
    } rows[] = {
        { lose, "the scheduling policy last first picks nothing for worker 0" },
        { repeat,
          "the scheduling policy last first gave worker 0 a task that it had given before" },
        { misplace, "the scheduling policy last first places a task on worker 7 of 1" },
    };
    static char text[1024];

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        CU_ASSERT_NOT_EQUAL(rig_fork(rows[i].body, NULL, text, sizeof(text)), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, rows[i].wanted));
        if (strstr(text, rows[i].wanted) == NULL)
            (void)printf("# got \"%s\"\n", text);
    }
}

static void check_refused(const weft_policy *policy, const char *wanted)
{
    weft_runtime_options options = { .size = sizeof(options), .workers = 1 };
    weft_error error = WEFT_ERROR_INIT;

    options.policy = policy;
    CU_ASSERT_EQUAL(weft_start(&options, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, wanted));
}

static void test_policy_that_is_none_is_refused(void)
{
    weft_policy policy = last_first();

    policy.size--;
    check_refused(&policy, "wrong size");
    policy = last_first();
    policy.pick = NULL;
    check_refused(&policy, "both put and pick");
    policy = last_first();
    policy.pick = NULL;
    policy.put = NULL;
    check_refused(&policy, "place, steal, wake or start needs put and pick");
    policy = (weft_policy){ .size = sizeof(policy), .name = "wakes", .wake = wake_last };
    check_refused(&policy, "place, steal, wake or start needs put and pick");
    CU_ASSERT_EQUAL(setenv("WEFT_POLICY", "fastest", 1), 0);
    check_refused(NULL, "must be default, sharded, global or deadline");
    CU_ASSERT_EQUAL(unsetenv("WEFT_POLICY"), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_policy_that_breaks_a_rule_is_named), /* forks: before any runtime */
        UNIT_TEST(test_each_policy_runs_all_tasks),
        UNIT_TEST(test_sharded_tasks_stay_where_they_are_spawned),
        UNIT_TEST(test_global_idle_worker_takes_what_a_busy_one_spawns),
        UNIT_TEST(test_deadline_earliest_runs_first),
        UNIT_TEST(test_own_policy_decides_the_order),
        UNIT_TEST(test_own_policy_without_memory_does_not_start),
        UNIT_TEST(test_forked_child_is_due_when_its_forker_is),
        UNIT_TEST(test_own_policy_says_whom_to_wake),
        UNIT_TEST(test_policy_that_is_none_is_refused),
    };

    return unit_run(argc, argv, "policy", tests, WEFT__COUNT(tests));
}

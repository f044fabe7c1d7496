/* Forks: what is run where, that children may wait, and who they are. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

struct fib {
    int n;
    long value;
};

static int fib(weft_strand *strand, void *argument)
{
    struct fib *self = argument;

    if (self->n < 2) {
        self->value = self->n;
        return 0;
    }
    struct fib left = { self->n - 1, 0 };
    struct fib right = { self->n - 2, 0 };
    weft_fork(strand, fib, &left);
    int rc = fib(strand, &right);
    int joined = weft_fork_join(strand);
    self->value = left.value + right.value;
    return rc < 0 ? rc : joined;
}

/* The same through the functions. */
static int fib_by_functions(weft_strand *strand, void *argument)
{
    struct fib *self = argument;

    if (self->n < 2) {
        self->value = self->n;
        return 0;
    }
    struct fib left = { self->n - 1, 0 };
    struct fib right = { self->n - 2, 0 };
    (weft_fork)(strand, fib_by_functions, &left);
    (void)fib_by_functions(strand, &right);
    int joined = (weft_fork_join)(strand);
    self->value = left.value + right.value;
    return joined;
}

static int count_rabbits(void *argument)
{
    struct fib by_macros = { 22, 0 };
    struct fib by_functions = { 22, 0 };

    (void)argument;
    EXPECT_EQ(weft_fork_run(fib, &by_macros), 0);
    EXPECT_EQ(by_macros.value, 17711);
    EXPECT_EQ(weft_fork_run(fib_by_functions, &by_functions), 0);
    EXPECT_EQ(by_functions.value, 17711);
    return 0;
}

static void test_fork_join_counts_a_tree(void)
{
    rig_each(count_rabbits);
    CU_ASSERT_EQUAL(count_rabbits(NULL), 0); /* of a thread: every child at its join */
    expect_assert();
}

/* ---- stacks ---- */

struct branch {
    uint32_t depth;
    const weft_strand *forker;
};

static _Atomic uint32_t taken; /* children that are under way on a stack of their own */
static _Atomic uint32_t most_taken;
static _Atomic uint32_t all_taken;

static void note_taken(void)
{
    uint32_t now = weft__add_acqrel(&taken, 1) + 1;
    uint32_t most = weft__load_relaxed(&most_taken);

    weft__add_relaxed(&all_taken, 1);
    while (most < now && !weft__cas_relaxed(&most_taken, &most, now))
        continue;
}

static int branch_out(weft_strand *strand, void *argument)
{
    const struct branch *branch = argument;
    struct branch twigs[3];
    bool own_stack = strand != branch->forker;
    uint32_t count = branch->depth > 0 ? (uint32_t)WEFT__COUNT(twigs) : 0;

    if (own_stack)
        note_taken();
    for (uint32_t i = 0; i < count; i++) {
        twigs[i] = (struct branch){ branch->depth - 1, strand };
        weft_fork(strand, branch_out, &twigs[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        EXPECT_EQ(weft_fork_join(strand), 0);
    if (own_stack)
        weft__add_acqrel(&taken, -1u);
    return 0;
}

enum { tree_depth = 9 };

/* share.c, BOUND stacks: bodies that wait for nothing but their joins. */
static int count_stacks(void *argument)
{
    struct branch root = { tree_depth, NULL };
    uint32_t workers = (uint32_t)weft_worker_count(0);

    (void)argument;
    weft__store_relaxed(&most_taken, 0);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(weft_fork_run(branch_out, &root), 0);
    EXPECT(weft__load_relaxed(&most_taken) <= workers * tree_depth + 1); /* and the root */
    EXPECT_EQ(weft__load_relaxed(&taken), 0);
    return 0;
}

static void test_fork_takes_few_stacks(void)
{
    weft__store_relaxed(&all_taken, 0);
    rig_each(count_stacks);
    CU_ASSERT_TRUE(weft__load_relaxed(&all_taken) > 3 * 20); /* more than the roots: some were */
    expect_assert();
}

/* ---- many descriptors ---- */

enum { many = 20000 };

static uint32_t order[many];
static _Atomic uint32_t order_count;

static int note(weft_strand *strand, void *argument)
{
    (void)strand;
    order[weft__add_relaxed(&order_count, 1)] = *(const uint32_t *)argument;
    return 0;
}

static int fork_many(weft_strand *strand, void *argument)
{
    static uint32_t numbers[many];

    (void)argument;
    for (int round = 0; round < 2; round++) { /* the second in chunks that are there already */
        weft__store_relaxed(&order_count, 0);
        for (uint32_t i = 0; i < many; i++) {
            numbers[i] = i;
            weft_fork(strand, note, &numbers[i]);
        }
        for (uint32_t i = 0; i < many; i++)
            EXPECT_EQ(weft_fork_join(strand), 0);
        EXPECT_EQ(weft__load_relaxed(&order_count), many);
    }
    return 0;
}

static int fork_many_in_task(void *argument)
{
    return weft_fork_run(fork_many, argument);
}

static void test_fork_of_many_runs_each_once(void)
{
    static bool seen[many];

    rig_each(fork_many_in_task);
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < many; i++)
        seen[order[i]] = true;
    for (uint32_t i = 0; i < many; i++)
        CU_ASSERT_TRUE(seen[i]);
    CU_ASSERT_EQUAL(fork_many_in_task(NULL), 0);
    for (uint32_t i = 0; i < many; i++)
        CU_ASSERT_EQUAL(order[i], many - 1 - i); /* a thread's: the last one first */
    expect_assert();
}

/* Without memory for descriptors children run at their forks, and none is lost. */
static void test_fork_without_memory_runs_the_child_at_once(void)
{
    for (uint32_t nth = 1; nth <= 12; nth++) {
        weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
        int rc = weft_fork_run(fork_many, NULL);
        weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
        CU_ASSERT_EQUAL(rc, nth == 1 ? -ENOMEM : 0);
        CU_ASSERT_EQUAL(weft__load_relaxed(&order_count), many);
    }
    expect_assert();
}

/* ---- children that wait ---- */

static weft_chan chan;

static int send_one(weft_strand *strand, void *argument)
{
    int message = 7;

    (void)strand;
    (void)argument;
    return weft_chan_put(chan, &message, WEFT_NEVER);
}

static int wait_for_message(weft_strand *strand, void *argument)
{
    int message = 0;

    (void)strand;
    (void)argument;
    EXPECT_EQ(weft_chan_take(chan, &message, WEFT_NEVER), 0);
    return message;
}

/* The forker waits for what its child sends. */
static int wait_for_child(weft_strand *strand, void *argument)
{
    weft_fork(strand, send_one, argument);
    EXPECT_EQ(wait_for_message(strand, argument), 7);
    return weft_fork_join(strand);
}

/* A child that is run by its join waits for what its elder brother sends, who has not begun. */
static int wait_for_brother(weft_strand *strand, void *argument)
{
    weft_fork(strand, send_one, argument);
    weft_fork(strand, wait_for_message, argument);
    EXPECT_EQ(weft_fork_join(strand), 7);
    return weft_fork_join(strand);
}

/* The same from deep within: the message comes from a child of a forker far below. */
static int wait_for_uncle(weft_strand *strand, void *argument)
{
    int *depth = argument;

    if (*depth == 40)
        return wait_for_message(strand, NULL) - 7;
    ++*depth;
    weft_fork(strand, wait_for_uncle, argument);
    return weft_fork_join(strand);
}

static int send_to_nephew(weft_strand *strand, void *argument)
{
    int depth = 0;

    weft_fork(strand, send_one, argument);
    EXPECT_EQ(wait_for_uncle(strand, &depth), 0);
    return weft_fork_join(strand);
}

static int wait_for_relatives(void *argument)
{
    chan = weft_chan_create(sizeof(int), 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(weft_fork_run(wait_for_child, argument), 0);
        EXPECT_EQ(weft_fork_run(wait_for_brother, argument), 0);
        EXPECT_EQ(weft_fork_run(send_to_nephew, argument), 0);
    }
    return weft_chan_release(chan);
}

static void test_fork_of_children_that_wait_for_each_other_ends(void)
{
    rig_each(wait_for_relatives); /* with one worker too */
    expect_assert();
}

/*
 * A joiner whose worker takes other work meanwhile, which waits for what the joiner does after its
 * join: it must not stand on the joiner's stack.
 */
static weft_event after_join;
static weft_event other_begun;

static int wait_for_other(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    return weft_event_wait(&other_begun, WEFT_NEVER);
}

static int wait_for_joiner(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    weft_event_set(&other_begun);
    return weft_event_wait(&after_join, WEFT_NEVER);
}

static int join_and_tell(weft_strand *strand, void *argument)
{
    weft_fork(strand, wait_for_other, argument);
    (void)weft_yield();
    int rc = weft_fork_join(strand);
    weft_event_set(&after_join);
    return rc;
}

static int fork_the_other(weft_strand *strand, void *argument)
{
    weft_fork(strand, wait_for_joiner, argument);
    EXPECT_EQ(weft_event_wait(&after_join, WEFT_NEVER), 0);
    return weft_fork_join(strand);
}

static int run_join_and_tell(void *argument)
{
    return weft_fork_run(join_and_tell, argument);
}

static int run_fork_the_other(void *argument)
{
    return weft_fork_run(fork_the_other, argument);
}

static int run_both(void *argument)
{
    for (int i = 0; i < 100; i++) {
        weft_event_init(&after_join, 0);
        weft_event_init(&other_begun, 0);
        weft_scope scope = weft_scope_open(NULL);
        (void)weft_go(scope, run_join_and_tell, argument);
        (void)weft_go(scope, run_fork_the_other, argument);
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    return 0;
}

static void test_join_runs_nothing_but_its_child_on_its_stack(void)
{
    rig_each(run_both);
    expect_assert();
}

/* ---- poll points ---- */

static _Atomic uint32_t turns;

static int take_turns(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++) {
        weft__add_relaxed(&turns, 1);
        (void)weft_yield();
    }
    return 0;
}

static int fork_until_the_other_is_done(weft_strand *strand, void *argument)
{
    (void)argument;
    while (weft__load_relaxed(&turns) < 20) {
        struct fib some = { 5, 0 };
        weft_fork(strand, fib, &some);
        EXPECT_EQ(weft_fork_join(strand), 0);
    }
    return 0;
}

static int compute_beside(void *argument)
{
    weft__store_relaxed(&turns, 0);
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_spawn(scope, take_turns, NULL, &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    EXPECT_EQ(weft_fork_run(fork_until_the_other_is_done, argument), 0);
    return weft_scope_close(scope);
}

static void test_fork_lets_other_tasks_of_its_worker_run(void)
{
    rig_each(compute_beside);
    expect_assert();
}

/* A child that is never joined before its forker's loop ends runs all the same. */
static _Atomic uint32_t was_run;

static int set_flag(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    weft__store_relaxed(&was_run, 1);
    return 0;
}

static int yield_until_run(weft_strand *strand, void *argument)
{
    weft__store_relaxed(&was_run, 0);
    weft_fork(strand, set_flag, argument);
    while (weft__load_relaxed(&was_run) == 0)
        (void)weft_yield();
    return weft_fork_join(strand);
}

static int yield_in_task(void *argument)
{
    return weft_fork_run(yield_until_run, argument);
}

static int yield_back(void *argument)
{
    (void)argument;
    while (weft__load_relaxed(&was_run) == 0)
        (void)weft_yield();
    return 0;
}

static int hand_over_until_run(weft_strand *strand, void *argument)
{
    weft_task other = *(const weft_task *)argument;

    weft_fork(strand, set_flag, NULL);
    while (weft__load_relaxed(&was_run) == 0)
        EXPECT_EQ(weft_yield_to(other), 0);
    return weft_fork_join(strand);
}

static int hand_over_in_task(void *argument)
{
    (void)argument;
    weft__store_relaxed(&was_run, 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_task other = weft_spawn(scope, yield_back, NULL,
                                 &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    EXPECT_EQ(weft_fork_run(hand_over_until_run, &other), 0);
    return weft_scope_close(scope);
}

static void test_child_of_a_forker_that_yields_runs(void)
{
    rig_each(yield_in_task);
    rig_each(hand_over_in_task);
    expect_assert();
}

/* ---- what only a wrong program does ---- */

static int leave_without_join(weft_strand *strand, void *argument)
{
    weft_fork(strand, fib, argument);
    return 0;
}

static int leave_in_child(weft_strand *strand, void *argument)
{
    weft_fork(strand, leave_without_join, argument);
    return weft_fork_join(strand);
}

static int join_too_often(weft_strand *strand, void *argument)
{
    (void)argument;
    return weft_fork_join(strand);
}

static int join_of_forker(weft_strand *strand, void *argument)
{
    weft_fork(strand, fib, argument);
    weft_fork(strand, join_too_often, argument);
    return weft_fork_join(strand) + weft_fork_join(strand);
}

static int no_function(weft_strand *strand, void *argument)
{
    (weft_fork)(strand, NULL, argument);
    return 0;
}

static int fork_often(void *argument)
{
    struct fib some = { 1, 0 };

    for (int i = 0; i < 20; i++) /* until one of them looks */
        weft_fork((weft_strand *)argument, fib, &some);
    return 0;
}

static int lend_strand(weft_strand *strand, void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_go(scope, fork_often, strand);
    return weft_scope_close(scope);
}

static const struct {
    char name[16];
    weft_fork_fn fn;
    const char *said;
} misuses[] = {
    { "leave", leave_without_join, "returned before it had joined what it forked" },
    { "child", leave_in_child, "returned before it had joined what it forked" },
    { "join", join_too_often, "weft_fork_join: task culprit has forked no child" },
    { "forker", join_of_forker, "weft_fork_join: task culprit has forked no child" },
    { "lend", lend_strand, "and by no other task or thread" },
    { "null", no_function, "weft_fork: its argument fn is NULL" },
};

static int do_wrong(void *name)
{
    struct fib some = { 3, 0 };

    for (size_t i = 0; i < WEFT__COUNT(misuses); i++)
        if (strcmp(misuses[i].name, name) == 0)
            return weft_fork_run(misuses[i].fn, &some);
    return unit_broken;
}

static int own_the_wrong(void *name)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, do_wrong, name, &WEFT_SPAWN_OPTIONS(.name = "culprit"));
    return weft_scope_close(scope);
}

static int be_wrong(char *name)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_wrong, name);
}

static void test_forks_and_joins_that_do_not_match_end_the_program(void)
{
    for (size_t i = 0; i < WEFT__COUNT(misuses); i++)
        CU_ASSERT_TRUE(rig_aborts(misuses[i].name, misuses[i].said));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_fork_join_counts_a_tree),
        UNIT_TEST(test_fork_takes_few_stacks),
        UNIT_TEST(test_fork_of_many_runs_each_once),
        UNIT_TEST(test_fork_without_memory_runs_the_child_at_once),
        UNIT_TEST(test_fork_of_children_that_wait_for_each_other_ends),
        UNIT_TEST(test_join_runs_nothing_but_its_child_on_its_stack),
        UNIT_TEST(test_fork_lets_other_tasks_of_its_worker_run),
        UNIT_TEST(test_child_of_a_forker_that_yields_runs),
        UNIT_TEST(test_forks_and_joins_that_do_not_match_end_the_program),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be_wrong(argv[2]);
    return unit_run(argc, argv, "fork_join", tests, WEFT__COUNT(tests));
}

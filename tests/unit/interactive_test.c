/*
 * Interactive workers: what is spawned for them never stands behind tasks that compute, and takes
 * turns among its own; no work goes from one team to the other by itself.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { normal = 2, interactive = 2, many = 500, members = 8 };

static _Atomic uint32_t over;
static _Atomic uint32_t met;

static void run_with(uint32_t workers, uint32_t beside, weft_task_fn body)
{
    weft_runtime_options options = { .size = sizeof(options), .workers = workers };

    options.interactive = beside;
    weft__store_relaxed(&over, 0);
    weft__store_relaxed(&met, 0);
    rig_run_with(&options, body);
}

static weft_task go_interactive(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = { .size = sizeof(options), .place = weft_place_interactive() };

    return weft_spawn(scope, fn, argument, &options);
}

static bool is_interactive(void)
{
    return weft_worker_self() >= weft_worker_count(0) - weft_interactive_count(0);
}

/* ---- who runs where -------------------------------------------------------------------------- */

static int stays_normal(void *argument)
{
    EXPECT(!is_interactive());
    return argument != NULL ? weft_yield() : 0;
}

static int stays_interactive(void *argument)
{
    EXPECT(is_interactive());
    return argument != NULL ? weft_yield() : 0;
}

static int each_normal(uint32_t worker, void *argument)
{
    _Atomic uint32_t *calls = argument;

    EXPECT(worker < normal && (int)worker == weft_worker_self());
    weft__add_relaxed(&calls[worker], 1);
    return 0;
}

static int piece_normal(size_t begin, size_t end, void *argument)
{
    EXPECT(!is_interactive());
    return loop_well(begin, end, argument);
}

static int piece_interactive(size_t begin, size_t end, void *argument)
{
    EXPECT(is_interactive());
    return loop_well(begin, end, argument);
}

static void run_on_all(void)
{
    _Atomic uint32_t calls[normal];

    for (int i = 0; i < normal; i++)
        weft__store_relaxed(&calls[i], 0);
    EXPECT_EQ(weft_run_on_all(each_normal, calls), 0);
    for (int i = 0; i < normal; i++)
        EXPECT_EQ(weft__load_relaxed(&calls[i]), 1);
}

static int spawn_from_interactive(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options spread = { .size = sizeof(spread), .place = weft_place_spread() };

    EXPECT(is_interactive());
    for (int i = 0; i < many; i++) {
        EXPECT(weft_go(scope, stays_interactive, &spread) > 0);
        EXPECT(weft_spawn(scope, stays_normal, argument, &spread) > 0);
    }
    EXPECT_EQ(weft_for(0, many, piece_interactive, NULL, NULL), 0);
    run_on_all();
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int spawn_from_normal(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_worker_count(0), normal + interactive);
    EXPECT_EQ(weft_interactive_count(0), interactive);
    char about[512];
    EXPECT(weft_runtime_about(0, about, sizeof(about)) > 0);
    EXPECT(strstr(about, "; 2 interactive; ") != NULL);
    EXPECT(!is_interactive());
    for (int i = 0; i < many; i++) {
        EXPECT(weft_go(scope, stays_normal, argument) > 0);
        EXPECT(go_interactive(scope, stays_interactive, argument) > 0);
    }
    EXPECT(go_interactive(scope, spawn_from_interactive, argument) > 0);
    EXPECT_EQ(weft_for(0, many, piece_normal, NULL, NULL), 0);
    run_on_all();
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_no_work_goes_to_the_other_team(void)
{
    run_with(normal, interactive, spawn_from_normal);
    expect_assert();
}

static int spawn_for_none(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_interactive_count(0), 0);
    for (int i = 0; i < many; i++)
        EXPECT(go_interactive(scope, stays_normal, argument) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_without_interactive_workers_all_are_normal(void)
{
    run_with(normal, 0, spawn_for_none);
    expect_assert();
}

/* ---- nobody stands behind the other team ----------------------------------------------------- */

/* Keeps its worker until the others are done: whoever stood behind it would wait for ever. */
static int compute(void *argument)
{
    (void)argument;
    weft__add_relaxed(&met, 1);
    while (weft__load_acquire(&over) == 0) /* pairs with the release in end_computing */
        weft__pause();
    return 0;
}

static void end_computing(void)
{
    weft__store_release(&over, 1);
}

static int answer(void *argument)
{
    const weft_chan *chans = argument;
    int question = 0;

    while (weft_chan_take(chans[0], &question, WEFT_NEVER) == 0)
        EXPECT_EQ(weft_chan_put(chans[1], &question, WEFT_NEVER), 0);
    return 0;
}

static int ask(void *argument)
{
    const weft_chan *chans = argument;

    for (int i = 0; i < many; i++) {
        int reply = -1;
        EXPECT_EQ(weft_chan_put(chans[0], &i, WEFT_NEVER), 0);
        EXPECT_EQ(weft_chan_take(chans[1], &reply, WEFT_NEVER), 0);
        EXPECT_EQ(reply, i);
        if (i % 50 == 0)
            EXPECT_EQ(weft_sleep(weft_after(100 * WEFT_MICROSECOND)), 0);
    }
    weft_chan_close(chans[0], 0);
    end_computing();
    return 0;
}

/* Its own worker computes, too: the last normal one. */
static int compute_everywhere(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = { .size = sizeof(options) };
    const weft_chan chans[2] = { weft_chan_create(sizeof(int), 0),
                                 weft_chan_create(sizeof(int), 0) };

    (void)argument;
    for (uint32_t i = 0; i < normal; i++) {
        options.place = weft_place_worker(i);
        EXPECT(weft_spawn(scope, compute, NULL, &options) > 0);
    }
    EXPECT(go_interactive(scope, answer, (void *)(uintptr_t)chans) > 0);
    EXPECT(go_interactive(scope, ask, (void *)(uintptr_t)chans) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&met), normal);
    weft_chan_release(chans[0]);
    weft_chan_release(chans[1]);
    return 0;
}

static void test_interactive_tasks_do_not_stand_behind_computing(void)
{
    for (uint32_t count = 1; count <= interactive; count++)
        run_with(normal, count, compute_everywhere);
    expect_assert();
}

static int yield_much(void *argument)
{
    (void)argument;
    for (int i = 0; i < many; i++)
        EXPECT_EQ(weft_yield(), 0);
    return 0;
}

/* The other way round: interactive tasks that never give way keep no normal one. */
static int compute_interactively(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_scope inner = weft_scope_open(NULL);

    for (int i = 0; i < interactive; i++)
        EXPECT(go_interactive(scope, compute, argument) > 0);
    for (int i = 0; i < members; i++)
        EXPECT(weft_go(inner, yield_much, NULL) > 0);
    EXPECT_EQ(weft_scope_close(inner), 0);
    end_computing();
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_normal_tasks_do_not_stand_behind_interactive_ones(void)
{
    run_with(normal, interactive, compute_interactively);
    expect_assert();
}

/* ---- the bound among interactive tasks ------------------------------------------------------- */

static uint64_t turns; /* of all members, who have one worker */

/* Between two turns of a task each other one of its worker has one, or two where it has just
 * begun. */
static int take_turns(void *argument)
{
    (void)argument;
    for (int i = 0; i < many; i++) {
        uint64_t before = turns++;
        EXPECT_EQ(weft_yield(), 0);
        EXPECT(turns - before <= 2 * members);
    }
    return 0;
}

static int spawn_members(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    turns = 0;
    for (int i = 0; i < members; i++)
        EXPECT(go_interactive(scope, take_turns, argument) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(turns, (uint64_t)many * members);
    return 0;
}

static void test_interactive_tasks_take_turns(void)
{
    run_with(normal, 1, spawn_members);
    expect_assert();
}

/* ---- an idle interactive worker helps the others --------------------------------------------- */

static int come(void *argument)
{
    (void)argument;
    EXPECT(is_interactive());
    end_computing();
    return 0;
}

/* Never ends unless another worker runs a child: its own one gives no way. */
static int meet_child(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    while (weft__load_acquire(&over) == 0) { /* pairs with the release in end_computing */
        int64_t until_ns = weft_clock() + 2 * WEFT_MICROSECOND;
        EXPECT(weft_go(scope, come, argument) > 0);
        while (weft_clock() < until_ns)
            weft__pause();
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int spawn_meeting(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    EXPECT(go_interactive(scope, meet_child, argument) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_interactive_workers_take_from_each_other(void)
{
    run_with(normal, interactive, spawn_meeting);
    expect_assert();
}

/* ---- loops over channels --------------------------------------------------------------------- */

/* Comes to an end when there is a call on each normal worker. */
static int meet_all(void *message, void *argument)
{
    (void)message;
    (void)argument;
    EXPECT(!is_interactive());
    weft__add_relaxed(&met, 1);
    while (weft__load_relaxed(&met) < normal)
        EXPECT_EQ(weft_yield(), 0);
    return 0;
}

static int loop_over_channel(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), normal);

    EXPECT(is_interactive());
    for (int i = 0; i < normal; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    weft_chan_close(chan, 0);
    EXPECT_EQ(weft_for_each(chan, meet_all, argument, NULL), 0);
    weft_chan_release(chan);
    return 0;
}

static int spawn_loop(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    EXPECT(go_interactive(scope, loop_over_channel, argument) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&met), normal);
    return 0;
}

static void test_loop_over_a_channel_has_a_task_for_each_normal_worker(void)
{
    run_with(normal, 1, spawn_loop);
    expect_assert();
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void check_refused(const weft_runtime_options *options, const char *wanted)
{
    weft_error error = WEFT_ERROR_INIT;

    CU_ASSERT_EQUAL(weft_start(options, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, wanted));
}

static void test_wrong_options_are_named(void)
{
    weft_runtime_options options = { .size = sizeof(options), .interactive = 1025 };

    check_refused(&options, "interactive must be 0 to 1024");
    options.interactive = 1;
    options.policy = weft_policy_named("global");
    check_refused(&options, "interactive workers and a scheduling policy do not go together");
    CU_ASSERT_EQUAL(weft_interactive_count(0), -EPERM);
    CU_ASSERT_EQUAL(weft_interactive_count(-3), -ESRCH);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_no_work_goes_to_the_other_team),
        UNIT_TEST(test_without_interactive_workers_all_are_normal),
        UNIT_TEST(test_interactive_tasks_do_not_stand_behind_computing),
        UNIT_TEST(test_normal_tasks_do_not_stand_behind_interactive_ones),
        UNIT_TEST(test_interactive_tasks_take_turns),
        UNIT_TEST(test_interactive_workers_take_from_each_other),
        UNIT_TEST(test_loop_over_a_channel_has_a_task_for_each_normal_worker),
        UNIT_TEST(test_wrong_options_are_named),
    };

    return unit_run(argc, argv, "interactive", tests, WEFT__COUNT(tests));
}

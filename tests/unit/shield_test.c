/* Shields: what a cancel does not end, what it ends all the same, and when it is heard. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { deep = 81 }; /* deeper than a record counts */

struct party {
    weft_chan chan;
    weft_fd ends[2];
    int depth; /* of the shields */
};

/* Hears of the cancel in the outermost end, and not before. */
static int wait_shielded(void *argument)
{
    const struct party *party = argument;
    int value = 0;

    for (int i = 0; i < party->depth; i++)
        EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_chan_take(party->chan, &value, WEFT_NEVER), 0);
    EXPECT_EQ(weft_canceled(), 0);
    EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_chan_take(party->chan, &value, weft_after(WEFT_MICROSECOND)), -ETIMEDOUT);
    for (int i = 1; i < party->depth; i++)
        EXPECT_EQ(weft_shield_end(), 0);
    EXPECT_EQ(weft_canceled(), 0);
    EXPECT_EQ(weft_shield_end(), -ECANCELED);
    EXPECT_EQ(weft_canceled(), 1);
    EXPECT_EQ(weft_yield(), -ECANCELED);
    EXPECT_EQ(weft_chan_take(party->chan, &value, WEFT_NEVER), -ECANCELED);
    return value;
}

static int cancel_shielded(void *argument)
{
    struct party party = { .chan = weft_chan_create(sizeof(int), 0) };
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (party.depth = 1; party.depth <= deep; party.depth *= 3) {
        weft_task task = weft_go(scope, wait_shielded, &party);
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_yield(), 0);
        EXPECT_EQ(weft_chan_put(party.chan, &(int){ 5 }, WEFT_NEVER), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 5);
    }
    party.depth = 1;
    weft_task fresh = weft_go(scope, wait_shielded, &party);
    EXPECT_EQ(weft_cancel(fresh), 0); /* before its first statement */
    EXPECT_EQ(weft_chan_put(party.chan, &(int){ 6 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(fresh, WEFT_NEVER), 6);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(party.chan), 0);
    return 0;
}

static void test_a_cancel_is_heard_when_the_outermost_shield_ends(void)
{
    rig_each(cancel_shielded);
}

static int read_shielded(void *argument)
{
    const struct party *party = argument;
    char letter = 0;

    EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_read(party->ends[0], &letter, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_read(party->ends[0], &letter, 1, weft_after(WEFT_MICROSECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_shield_end(), -ECANCELED);
    EXPECT_EQ(weft_read(party->ends[0], &letter, 1, WEFT_NEVER), -ECANCELED);
    return letter;
}

static int cancel_reader(void *argument)
{
    struct party party;
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_pipe(party.ends), 0);
    weft_task task = weft_go(scope, read_shielded, &party);
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_write(party.ends[1], "x", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 'x');
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(party.ends[0]), 0);
    EXPECT_EQ(weft_close(party.ends[1]), 0);
    return 0;
}

static void test_an_operation_in_a_shield_is_not_ended_by_a_cancel(void)
{
    rig_each(cancel_reader);
}

/* The scope before the shield is cancelled, that in the shield when it ends. */
static int own_scopes(void *argument)
{
    const struct party *party = argument;
    weft_scope before = weft_scope_open(&run_all);
    weft_task outer = start_end_on_message(before, party->chan);

    EXPECT_EQ(weft_shield_begin(), 0);
    weft_scope within = weft_scope_open(&run_all);
    weft_task inner = start_end_on_message(within, party->chan);
    EXPECT_EQ(weft_wait(outer, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_task_state_of(inner), WEFT_TASK_WAITING);
    weft_scope late = weft_scope_open(&run_all); /* not born cancelled */
    weft_task third = start_end_on_message(late, party->chan);
    EXPECT_EQ(weft_chan_put(party->chan, &(int){ 3 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(inner, WEFT_NEVER), 3);
    EXPECT_EQ(weft_scope_close(within), 0);
    EXPECT_EQ(weft_task_state_of(third), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_shield_end(), -ECANCELED);
    EXPECT_EQ(weft_scope_close(late), -ECANCELED);
    EXPECT_EQ(weft_scope_close(before), -ECANCELED);
    return 0;
}

static int cancel_owner(void *argument)
{
    struct party party = { .chan = weft_chan_create(sizeof(int), 0) };
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, own_scopes, &party);

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(party.chan), 0);
    return 0;
}

static void test_scopes_opened_in_a_shield_are_shielded_with_it(void)
{
    rig_each(cancel_owner);
}

/* A scope of an earlier shield is open to a cancel in a later one. */
static int shield_twice(void *argument)
{
    const struct party *party = argument;

    EXPECT_EQ(weft_shield_begin(), 0);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task child = start_end_on_message(scope, party->chan);
    EXPECT_EQ(weft_shield_end(), 0);
    EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_wait(child, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_shield_end(), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static int see_it_twice(void *argument)
{
    struct party party = { .chan = weft_chan_create(sizeof(int), 0) };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_go(scope, shield_twice, &party), WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(party.chan), 0);
    return 0;
}

static void test_scopes_of_an_earlier_shield_are_cancelled_in_a_later_one(void)
{
    rig_each(see_it_twice);
}

static int outlast_scope(void *argument)
{
    struct party party = { .chan = weft_chan_create(sizeof(int), 0), .depth = 1 };
    weft_chan never = weft_chan_create(sizeof(int), 0);
    weft_scope_options options = run_all;
    options.until = weft_after(WEFT_MILLISECOND);
    weft_scope scope = weft_scope_open(&options);
    weft_task open = weft_go_copy(scope, end_on_message, &never, sizeof(never));
    weft_task shielded = weft_go(scope, wait_shielded, &party);

    (void)argument;
    EXPECT_EQ(weft_wait(open, WEFT_NEVER), -ECANCELED); /* so the scope's deadline has passed */
    EXPECT_EQ(weft_chan_put(party.chan, &(int){ 7 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(shielded, WEFT_NEVER), 7);
    EXPECT_EQ(weft_scope_close(scope), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_release(party.chan), 0);
    EXPECT_EQ(weft_chan_release(never), 0);
    return 0;
}

static void test_the_deadline_of_a_scope_does_not_end_a_shielded_wait(void)
{
    rig_each(outlast_scope);
}

/* As deferred: in a section of its own, whatever the body has left open. */
static void nest_again(void *argument)
{
    (void)argument;
    for (int i = 0; i < deep; i++)
        EXPECT_EQ(weft_shield_begin(), 0);
    for (int i = 0; i < deep; i++)
        EXPECT_EQ(weft_shield_end(), 0);
}

static int return_shielded(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_defer(nest_again, NULL), 0);
    for (int i = 0; i < deep; i++)
        EXPECT_EQ(weft_shield_begin(), 0);
    return 4;
}

static int see_it_end(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_go(scope, return_shielded, NULL), WEFT_NEVER), 4);
    return weft_scope_close(scope);
}

static void test_a_shield_ends_with_the_body(void)
{
    rig_each(see_it_end);
}

static void test_a_shield_in_a_thread_does_nothing(void)
{
    CU_ASSERT_EQUAL(weft_shield_begin(), 0);
    CU_ASSERT_EQUAL(weft_shield_begin(), 0);
    CU_ASSERT_EQUAL(weft_shield_end(), 0);
    CU_ASSERT_EQUAL(weft_shield_end(), 0);
}

/* ---- what only a wrong program does ---- */

static int be_wrong(void *argument)
{
    if (strcmp(argument, "end") == 0)
        return weft_shield_end();
    for (int i = 0; i < deep; i++)
        (void)weft_shield_begin();
    for (int i = 0; i <= deep; i++)
        (void)weft_shield_end();
    return unit_broken;
}

static void check_death(const char *what, const char *wanted)
{
    static char said[1024];
    int status = rig_respawn(what, said, sizeof(said));

    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, wanted));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "in task (unnamed) (running"));
}

static void test_unbalanced_shields_end_the_program_with_a_sentence(void)
{
    check_death("end", "weft_shield_end: no section was begun");
    check_death("one too many", "weft_shield_end: no section was begun");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_cancel_is_heard_when_the_outermost_shield_ends),
        UNIT_TEST(test_an_operation_in_a_shield_is_not_ended_by_a_cancel),
        UNIT_TEST(test_scopes_opened_in_a_shield_are_shielded_with_it),
        UNIT_TEST(test_scopes_of_an_earlier_shield_are_cancelled_in_a_later_one),
        UNIT_TEST(test_the_deadline_of_a_scope_does_not_end_a_shielded_wait),
        UNIT_TEST(test_a_shield_ends_with_the_body),
        UNIT_TEST(test_a_shield_in_a_thread_does_nothing),
        UNIT_TEST(test_unbalanced_shields_end_the_program_with_a_sentence),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0) {
        weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
        return runtime < 0 ? unit_broken : weft_call(runtime, be_wrong, argv[2]);
    }
    return unit_run(argc, argv, "shield", tests, WEFT__COUNT(tests));
}

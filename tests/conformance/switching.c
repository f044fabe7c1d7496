/* Section 1.2 of the features: when tasks run, and where. */
#include <CUnit/CUnit.h>

#include "tests/support/conformance.h"

struct turns {
    char text[16];
    int count;
};

struct player {
    struct turns *turns;
    char letter;
};

static int play_twice(void *argument)
{
    const struct player *player = argument;

    for (int i = 0; i < 2; i++) {
        player->turns->text[player->turns->count++] = player->letter;
        (void)weft_yield();
    }
    return 0;
}

static weft_task start_player(weft_scope scope, struct turns *turns, char letter, weft_task_fn fn)
{
    struct player player = { turns, letter };

    return weft_spawn(
        scope, fn, &player,
        &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(player), .place = weft_place_together()));
}

static bool are(const struct turns *turns, const char *wanted)
{
    int i = 0;

    while (wanted[i] != '\0' && turns->text[i] == wanted[i])
        i++;
    return wanted[i] == '\0' && turns->count == i;
}

CONFORMANCE(yield_goes_to_the_tail)
{
    struct turns turns = { "", 0 };
    weft_scope scope = weft_scope_open(NULL);

    (void)start_player(scope, &turns, 'a', play_twice);
    (void)start_player(scope, &turns, 'b', play_twice);
    (void)start_player(scope, &turns, 'c', play_twice);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(are(&turns, "abcabc"));
    return 0;
}

CONFORMANCE(yield_with_nobody_else_goes_on_at_once)
{
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(weft_yield(), 0);
    return 0;
}

static int play_once(void *argument)
{
    const struct player *player = argument;

    player->turns->text[player->turns->count++] = player->letter;
    return 0;
}

/* weft has no raw switch past the scheduler, after which the caller belongs to nobody: yield_to
 * runs the other one next and queues the caller. Of tasks that have ended, or that wait, it says
 * so. */
CONFORMANCE(yieldto_runs_a_given_task_next)
{
    struct turns turns = { "", 0 };
    weft_scope scope = weft_scope_open(NULL);

    weft_task a = start_player(scope, &turns, 'a', play_once);
    weft_task b = start_player(scope, &turns, 'b', play_once);
    EXPECT_EQ(weft_yield_to(b), 0);
    EXPECT_EQ(weft_wait(a, WEFT_NEVER), 0);
    EXPECT(are(&turns, "ba"));
    EXPECT_EQ(weft_yield_to(b), -ESRCH);
    EXPECT_EQ(weft_yield_to(weft_self()), -EDEADLK);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int park_and_count(void *argument)
{
    int rc = weft_park(WEFT_NEVER);

    ++**(int **)argument;
    return rc;
}

CONFORMANCE(wait_without_an_argument_parks_until_somebody_schedules)
{
    int count = 0;
    int *place = &count;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go_copy(scope, park_and_count, &place, sizeof(place));

    rig_await(task, WEFT_TASK_WAITING);
    for (int i = 0; i < 10; i++)
        (void)weft_yield();
    EXPECT_EQ(weft_wait(task, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_unpark(task), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int pin_and_sleep(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_pin(), 0);
    int home = weft_worker_self();
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(weft_sleep(weft_after(1000)), 0);
        EXPECT_EQ(weft_worker_self(), home);
    }
    return weft_unpin();
}

CONFORMANCE(migration_is_held_off_by_a_pin)
{
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 8; i++)
        (void)weft_spawn(scope, pin_and_sleep, NULL, &WEFT_SPAWN_OPTIONS(.migratable = 1));
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static int stop_clock(void *argument)
{
    *(int *)argument = 1;
    return 0;
}

/* A negative time is no error but a point in the past, as a deadline that has passed is. */
CONFORMANCE(sleep_is_never_early_and_lets_others_run)
{
    int ran = 0;
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, stop_clock, &ran, &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    int64_t until_ns = weft_clock() + 2 * WEFT_MILLISECOND;
    EXPECT_EQ(weft_sleep((weft_deadline){ until_ns }), 0);
    EXPECT(weft_clock() >= until_ns);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(weft_sleep(weft_after(-WEFT_SECOND)), 0);
    EXPECT_EQ(weft_sleep(weft_after(1)), 0); /* no least sleep */
    EXPECT_EQ(weft_sleep(WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

CONFORMANCE(scheduling_order_is_fifo_for_pinned_tasks)
{
    struct turns turns = { "", 0 };
    weft_scope scope = weft_scope_open(NULL);

    for (char letter = 'a'; letter < 'k'; letter++)
        (void)start_player(scope, &turns, letter, play_once);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(are(&turns, "abcdefghij"));
    return 0;
}

static int meet_without_a_switch(void *argument)
{
    _Atomic int *here = *(_Atomic int **)argument;

    (*here)++;
    while (*here < 2) {
    }
    return 0;
}

/* Julia began with one thread for all tasks. */
CONFORMANCE(tasks_run_on_several_threads_at_the_same_time)
{
    _Atomic int here = 0;
    _Atomic int *place = &here;
    weft_scope scope = weft_scope_open(NULL);

    if (weft_worker_count(0) < 2)
        here = 1;
    for (uint32_t i = 0; i < 2 && i < (uint32_t)weft_worker_count(0); i++)
        (void)weft_spawn(
            scope, meet_without_a_switch, &place,
            &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place), .place = weft_place_worker(i)));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(here, 2);
    return 0;
}

static int sleep_and_tell(void *argument)
{
    int rc = weft_sleep(weft_after(WEFT_MILLISECOND));

    **(_Atomic int **)argument = 1;
    return rc;
}

static int compute_until_told(void *argument)
{
    _Atomic int *told = *(_Atomic int **)argument;

    while (*told == 0)
        (void)weft_poll(); /* with one worker the sleeper needs this */
    return 0;
}

static int compute_without_a_call(void *argument)
{
    _Atomic int *told = *(_Atomic int **)argument;

    while (*told == 0) {
    }
    return 0;
}

/* There is none; but timers of tasks at home on other workers do not hang on the one that
 * computes, and where it calls weft_poll those of its own do not either. */
CONFORMANCE(preemption_there_is_none_and_others_are_not_held_up)
{
    _Atomic int told = 0;
    _Atomic int *place = &told;
    weft_scope scope = weft_scope_open(NULL);
    uint32_t last = (uint32_t)weft_worker_count(0) - 1;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place));

    options.place = weft_place_worker(last);
    (void)weft_spawn(scope, sleep_and_tell, &place, &options);
    options.place = weft_place_worker(0);
    (void)weft_spawn(scope, last > 0 ? compute_without_a_call : compute_until_told, &place,
                     &options);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

/* Tasks stay where they have started. Julia's may move unless they are sticky. */
CONFORMANCE(migration_is_for_tasks_that_ask_for_it)
{
    weft_scope scope = weft_scope_open(NULL);
    int home = weft_worker_self();

    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(weft_wait(weft_go(scope, end_well, NULL), WEFT_NEVER), 0);
        EXPECT_EQ(weft_worker_self(), home);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

struct pair {
    int inside; /* plain: the two never run at once */
    int wrong;
};

static int enter_often(void *argument)
{
    struct pair *pair = *(struct pair **)argument;

    for (int i = 0; i < 100; i++) {
        pair->wrong += pair->inside++ != 0;
        pair->inside--;
        (void)weft_yield();
    }
    return 0;
}

static int spawn_together_from_a_migratable(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    weft_task child = weft_spawn(scope, end_well, NULL,
                                 &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    EXPECT_EQ(child, -EINVAL);
    EXPECT_EQ(weft_scope_close(scope), -EINVAL);
    return 0;
}

/* Being together is asked for, and makes nobody sticky as a side effect: a migratable parent is
 * refused. */
CONFORMANCE(sticky_children_never_run_at_the_same_time_as_their_parent)
{
    struct pair pair = { 0, 0 };
    struct pair *place = &pair;
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 3; i++)
        (void)weft_spawn(
            scope, enter_often, &place,
            &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place), .place = weft_place_together()));
    EXPECT_EQ(enter_often(&place), 0);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);
    EXPECT_EQ(pair.wrong, 0);
    (void)weft_spawn(scope, spawn_together_from_a_migratable, NULL,
                     &WEFT_SPAWN_OPTIONS(.migratable = 1));
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

/* ---- when the main task returns ---- */

static _Atomic int ended_with;

static int sleep_for_good(void *argument)
{
    (void)argument;
    ended_with = weft_sleep(weft_after(1000 * WEFT_SECOND));
    return 0;
}

static int leave_a_task_behind(void *argument)
{
    (void)argument;
    return weft_go(WEFT_DETACHED, sleep_for_good, NULL) > 0 ? 0 : -EIO;
}

static int shield_until_told(void *argument)
{
    (void)argument;
    (void)weft_shield_begin();
    while (ended_with == 0)
        (void)weft_yield();
    return 0;
}

static int leave_a_stubborn_task_behind(void *argument)
{
    (void)argument;
    return weft_go(WEFT_DETACHED, shield_until_told, NULL) > 0 ? 0 : -EIO;
}

/* Drain: close the scopes before the stop. Cancel: what weft_stop does. Abandon: what it does at
 * its deadline, and says so; here the task is let go, so that its worker ends with the process. */
static void test_conformance_root_task_exit_drains_cancels_or_abandons(void)
{
    static const struct {
        weft_task_fn body;
        int left;
    } rows[] = { { leave_a_task_behind, 0 }, { leave_a_stubborn_task_behind, 1 } };

    for (int i = 0; i < 2; i++) {
        weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
        CU_ASSERT_TRUE_FATAL(runtime > 0);
        ended_with = 0;
        CU_ASSERT_EQUAL(weft_call(runtime, rows[i].body, NULL), 0);
        weft_deadline until = rows[i].left > 0 ? WEFT_NOW : weft_after(20 * WEFT_SECOND);
        CU_ASSERT_EQUAL(weft_stop(runtime, until), rows[i].left);
        CU_ASSERT_EQUAL(ended_with, rows[i].left > 0 ? 0 : -ECANCELED);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NOW), -ESRCH);
        ended_with = 1;
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(yield_goes_to_the_tail),
        CONFORMANCE_TEST(yield_with_nobody_else_goes_on_at_once),
        CONFORMANCE_TEST(yieldto_runs_a_given_task_next),
        CONFORMANCE_TEST(wait_without_an_argument_parks_until_somebody_schedules),
        CONFORMANCE_TEST(sleep_is_never_early_and_lets_others_run),
        CONFORMANCE_TEST(scheduling_order_is_fifo_for_pinned_tasks),
        CONFORMANCE_TEST(tasks_run_on_several_threads_at_the_same_time),
        CONFORMANCE_TEST(preemption_there_is_none_and_others_are_not_held_up),
        CONFORMANCE_TEST(migration_is_for_tasks_that_ask_for_it),
        CONFORMANCE_TEST(migration_is_held_off_by_a_pin),
        CONFORMANCE_TEST(sticky_children_never_run_at_the_same_time_as_their_parent),
        CONFORMANCE_TEST(root_task_exit_drains_cancels_or_abandons),
    };
    return CONFORMANCE_RUN(argc, argv, "switching", tests);
}

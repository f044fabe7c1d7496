/* Semaphores, events, barriers, latches, once: who is let through, and what errors leave. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { crowd = 6, rounds = 200 };

static weft_semaphore semaphore;
static weft_event event;
static weft_barrier barrier;
static weft_latch latch;
static weft_once once;
static _Atomic int through;

/* Each waits once, and ends with the place in which it came through, or its error. */
static int place(int rc)
{
    return rc < 0 ? rc : weft__add_relaxed(&through, 1);
}

static int acquire(void *argument)
{
    return place(weft_semaphore_acquire(&semaphore, *(const weft_deadline *)argument));
}

static int wait_event(void *argument)
{
    return place(weft_event_wait(&event, *(const weft_deadline *)argument));
}

static int wait_latch(void *argument)
{
    return place(weft_latch_wait(&latch, *(const weft_deadline *)argument));
}

static int wait_barrier(void *argument)
{
    return weft_barrier_wait(&barrier, *(const weft_deadline *)argument);
}

static weft_task start(weft_scope scope, weft_task_fn fn, weft_deadline until)
{
    return weft_go_copy(scope, fn, &until, sizeof(until));
}

static weft_task waiting(weft_scope scope, weft_task_fn fn)
{
    weft_task task = start(scope, fn, WEFT_NEVER);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static void start_crowd(weft_scope scope, weft_task_fn fn, weft_task tasks[crowd])
{
    weft__store_relaxed(&through, 0);
    for (int i = 0; i < crowd; i++)
        tasks[i] = waiting(scope, fn);
}

/* A wait that runs into its deadline, one that is cancelled, and one of a cancelled task. */
static int cancel_then(void *argument)
{
    weft_task_fn fn = *(weft_task_fn *)argument;
    weft_deadline never = WEFT_NEVER;

    EXPECT_EQ(weft_cancel(weft_self()), 0);
    return fn(&never);
}

static void expect_errors(weft_task_fn fn)
{
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(weft_wait(start(scope, fn, WEFT_NOW), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(start(scope, fn, weft_after(100000)), WEFT_NEVER), -ETIMEDOUT);
    weft_task task = waiting(scope, fn);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    (void)weft_scope_close(scope);
}

static void expect_canceled_before(weft_task_fn fn)
{
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(weft_wait(weft_go_copy(scope, cancel_then, &fn, sizeof(fn)), WEFT_NEVER), -ECANCELED);
    (void)weft_scope_close(scope);
}

/* ---- semaphores ---- */

static int semaphore_counts(void *argument)
{
    static weft_semaphore made = WEFT_SEMAPHORE_INIT(1, 2);
    weft_task tasks[crowd];

    (void)argument;
    EXPECT_EQ(weft_semaphore_init(&semaphore, 0, 0), -EINVAL);
    EXPECT_EQ(weft_semaphore_init(&semaphore, 3, 2), -EINVAL);
    EXPECT_EQ(weft_semaphore_init(&semaphore, 2, crowd), 0);
    expect_canceled_before(acquire);
    EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), 0);
    EXPECT_EQ(weft_semaphore_acquire(&semaphore, WEFT_NOW), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), -EAGAIN);
    expect_errors(acquire);
    weft_scope scope = weft_scope_open(NULL);
    start_crowd(scope, acquire, tasks);
    for (int i = 0; i < crowd; i++) {
        EXPECT_EQ(weft_semaphore_release(&semaphore), 0);
        EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), -EAGAIN); /* it was handed over */
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), i);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < crowd; i++)
        EXPECT_EQ(weft_semaphore_release(&semaphore), 0);
    for (int i = 0; i < crowd; i++)
        EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), 0);
    weft_semaphore_fini(&semaphore);
    weft_semaphore_fini(NULL);
    EXPECT_EQ(weft_semaphore_release(&made), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&made), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&made), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&made), -EAGAIN);
    EXPECT_EQ(weft_semaphore_release(&made), 0);
    return 0;
}

static void test_semaphore_hands_permits_out_in_order(void)
{
    rig_each(semaphore_counts);
}

/* ---- events ---- */

static int event_by_hand(void *argument)
{
    weft_task tasks[crowd];

    (void)argument;
    weft_event_init(&event, 0);
    EXPECT_EQ(weft_event_is_set(&event), 0);
    expect_errors(wait_event);
    weft_scope scope = weft_scope_open(NULL);
    start_crowd(scope, wait_event, tasks);
    EXPECT_EQ(weft_event_set(&event), crowd);
    EXPECT_EQ(weft_event_set(&event), 0);
    EXPECT_EQ(weft_event_is_set(&event), 1);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NEVER), 0); /* it stays set */
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), 0);
    expect_canceled_before(wait_event);
    EXPECT_EQ(weft_event_reset(&event), 1);
    EXPECT_EQ(weft_event_reset(&event), 0);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_scope_close(scope), 0); /* let through before the reset */
    EXPECT_EQ(weft__load_relaxed(&through), crowd);
    weft_event_fini(&event);
    weft_event_fini(NULL);
    return 0;
}

static int event_that_resets_itself(void *argument)
{
    weft_task tasks[crowd];

    (void)argument;
    weft_event_init(&event, 1);
    expect_errors(wait_event);
    for (int i = 0; i < 3; i++) /* remembered, and only once */
        EXPECT_EQ(weft_event_set(&event), 0);
    expect_canceled_before(wait_event); /* takes nothing */
    EXPECT_EQ(weft_event_is_set(&event), 1);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), -ETIMEDOUT);
    weft_scope scope = weft_scope_open(NULL);
    start_crowd(scope, wait_event, tasks);
    for (int i = 0; i < crowd; i++) {
        EXPECT_EQ(weft_event_set(&event), 1);
        EXPECT_EQ(weft_event_is_set(&event), 0);
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), i);
        if (i + 1 < crowd)
            EXPECT_EQ(weft_task_state_of(tasks[i + 1]), WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_event_set(&event), 0);
    EXPECT_EQ(weft_event_reset(&event), 1);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), -ETIMEDOUT);
    weft_event_fini(&event);
    return 0;
}

static int event_initialisers(void *argument)
{
    static weft_event hand = WEFT_EVENT_INIT;
    static weft_event automatic = WEFT_EVENT_AUTO_INIT;

    (void)argument;
    (void)weft_event_set(&hand);
    (void)weft_event_set(&automatic);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_event_wait(&hand, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_wait(&automatic, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_wait(&automatic, WEFT_NOW), -ETIMEDOUT);
    (void)weft_event_reset(&hand);
    return 0;
}

static void test_event_stays_set_or_lets_one_through(void)
{
    rig_each(event_by_hand);
    rig_each(event_that_resets_itself);
    rig_run(1, event_initialisers);
}

/* ---- barriers ---- */

static _Atomic int arrived;
static _Atomic int leaders;

static int meet_often(void *argument)
{
    int count = *(const int *)argument;

    for (int i = 1; i <= rounds; i++) {
        weft__add_relaxed(&arrived, 1);
        int rc = weft_barrier_wait(&barrier, WEFT_NEVER);
        EXPECT(rc == 0 || rc == 1);
        EXPECT(weft__load_relaxed(&arrived) >= i * count); /* all of this round have come */
        EXPECT(weft__load_relaxed(&arrived) <= (i + 1) * count);
        if (rc == 1)
            EXPECT_EQ(weft__add_relaxed(&leaders, 1), i - 1);
    }
    return 0;
}

static int rounds_are_whole(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_barrier_init(&barrier, 0), -EINVAL);
    for (int count = 1; count <= crowd; count += 2) {
        EXPECT_EQ(weft_barrier_init(&barrier, (uint32_t)count), 0);
        weft__store_relaxed(&arrived, 0);
        weft__store_relaxed(&leaders, 0);
        weft_scope scope = weft_scope_open(NULL);
        for (int i = 0; i < count; i++)
            (void)weft_spawn(scope, meet_often, &count,
                             &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(weft__load_relaxed(&leaders), rounds);
        weft_barrier_fini(&barrier);
    }
    weft_barrier_fini(NULL);
    return 0;
}

static int one_that_gives_up_is_not_counted(void *argument)
{
    static weft_barrier made = WEFT_BARRIER_INIT(1);

    (void)argument;
    EXPECT_EQ(weft_barrier_wait(&made, WEFT_NOW), 1);
    EXPECT_EQ(weft_barrier_init(&barrier, 2), 0);
    expect_errors(wait_barrier);
    expect_canceled_before(wait_barrier);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task first = waiting(scope, wait_barrier); /* were one of them counted, it would lead */
    EXPECT_EQ(weft_barrier_wait(&barrier, WEFT_NOW), 1);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    weft_barrier_fini(&barrier);
    return 0;
}

static int wait_on_lent_barrier(void *argument)
{
    return weft_barrier_wait(argument, WEFT_NEVER);
}

struct loan {
    weft_barrier *barrier;
    weft_task late;
    bool ready;
};

/* Stands in the queue before the one whose wait the loop ends. */
static int complete_and_end(void *argument)
{
    struct loan *loan = argument;

    loan->ready = true;
    EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_task_state_of(loan->late), WEFT_TASK_READY);
    EXPECT_EQ(weft_barrier_wait(loan->barrier, WEFT_NOW), 1);
    weft_barrier_fini(loan->barrier);
    memset(loan->barrier, -1, sizeof(*loan->barrier)); /* whoever locks it now, never returns */
    return 0;
}

/* The round is complete before one whose wait a cancel has ended has looked; the barrier's memory
 * goes at once. */
static int ends_before_all_have_returned(void *argument)
{
    struct loan loan = { .barrier = malloc(sizeof(*loan.barrier)) };
    weft_scope scope = weft_scope_open(&run_all);
    const weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_together());

    (void)argument;
    if (loan.barrier == NULL)
        return -ENOMEM;
    EXPECT_EQ(weft_barrier_init(loan.barrier, 2), 0);
    loan.late = weft_spawn(scope, wait_on_lent_barrier, loan.barrier, &here);
    rig_await(loan.late, WEFT_TASK_WAITING);
    weft_task ender = weft_spawn(scope, complete_and_end, &loan, &here);
    while (!loan.ready)
        EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_cancel(loan.late), 0);
    EXPECT_EQ(weft_poll(), 0);                      /* the loop ends its wait */
    EXPECT_EQ(weft_wait(loan.late, WEFT_NEVER), 0); /* it was counted */
    EXPECT_EQ(weft_wait(ender, WEFT_NEVER), 0);
    free(loan.barrier);
    return weft_scope_close(scope);
}

static void test_barrier_opens_when_all_have_come(void)
{
    rig_each(rounds_are_whole);
    rig_each(one_that_gives_up_is_not_counted);
    rig_each(ends_before_all_have_returned);
}

/* ---- latches ---- */

static int latch_opens_once(void *argument)
{
    static weft_latch made = WEFT_LATCH_INIT(1);
    weft_task tasks[crowd];

    (void)argument;
    weft_latch_init(&latch, 3);
    expect_errors(wait_latch);
    weft_scope scope = weft_scope_open(NULL);
    start_crowd(scope, wait_latch, tasks);
    EXPECT_EQ(weft_latch_count(&latch), 0);
    EXPECT_EQ(weft_latch_count(&latch), 0);
    EXPECT_EQ(weft_latch_wait(&latch, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft__load_relaxed(&through), 0);
    EXPECT_EQ(weft_latch_count(&latch), 1);
    EXPECT_EQ(weft_latch_wait(&latch, WEFT_NOW), 0);
    EXPECT_EQ(weft_latch_wait(&latch, WEFT_NEVER), 0);
    expect_canceled_before(wait_latch);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&through), crowd);
    weft_latch_fini(&latch);
    weft_latch_fini(NULL);
    weft_latch_init(&latch, 0);
    EXPECT_EQ(weft_latch_wait(&latch, WEFT_NOW), 0);
    EXPECT_EQ(weft_latch_wait(&made, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_latch_count(&made), 1);
    made = (weft_latch)WEFT_LATCH_INIT(1); /* for the next round of the rig */
    return 0;
}

static int count_it(void *argument)
{
    return weft_latch_count(argument);
}

/* The waiter ends the storage at once, although the last count may be on another worker. */
static int latch_may_go_at_once(void *argument)
{
    (void)argument;
    for (int i = 0; i < rounds; i++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_latch here = WEFT_LATCH_INIT(2);
        for (int k = 0; k < 2; k++)
            (void)weft_spawn(scope, count_it, &here,
                             &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
        if (i % 2 == 0)
            (void)weft_yield();
        EXPECT_EQ(weft_latch_wait(&here, WEFT_NEVER), 0);
        memset(&here, 0xFF, sizeof(here));
        EXPECT_EQ(weft_scope_close(scope), 0);
        for (size_t word = 0; word < sizeof(here) / sizeof(here.opaque[0]); word++)
            EXPECT_EQ(here.opaque[word], -1);
    }
    return 0;
}

static void test_latch_opens_once_and_may_go_then(void)
{
    rig_each(latch_opens_once);
    rig_each(latch_may_go_at_once);
}

/* ---- once ---- */

static weft_once fresh = WEFT_ONCE_INIT;
static _Atomic int runs;
static uint64_t table;

static int make_table(void *argument)
{
    (void)argument;
    weft__add_relaxed(&runs, 1);
    (void)weft_yield();
    table = 42;
    return 7; /* any result that is no error will do */
}

static int use_table(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_once_run(&fresh, make_table, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(table, 42);
    return 0;
}

static int runs_once(void *argument)
{
    (void)argument;
    weft_once_init(&fresh);
    weft__store_relaxed(&runs, 0);
    table = 0;
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < crowd; i++)
        (void)weft_spawn(scope, use_table, NULL, &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&runs), 1);
    weft_once_fini(&fresh);
    weft_once_fini(NULL);
    return 0;
}

static int come_back(void *argument)
{
    (void)argument;
    return weft_once_run(&once, make_table, NULL, WEFT_NEVER);
}

struct visit {
    weft_chan come; /* its function waits for a result here */
    weft_deadline until;
};

static int fail_on_message(void *argument)
{
    const struct visit *visit = argument;
    return end_on_message((void *)(uintptr_t)&visit->come);
}

static int visit_once(void *argument)
{
    const struct visit *visit = argument;
    return weft_once_run(&once, fail_on_message, argument, visit->until);
}

static weft_task start_visit(weft_scope scope, weft_chan chan, weft_deadline until)
{
    struct visit visit = { chan, until };
    return weft_go_copy(scope, visit_once, &visit, sizeof(visit));
}

static weft_task waiting_visit(weft_scope scope, weft_chan chan)
{
    weft_task task = start_visit(scope, chan, WEFT_NEVER);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int failure_passes_the_turn_on(void *argument)
{
    weft_task tasks[3];
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan chan = weft_chan_create(sizeof(int), 0);

    (void)argument;
    weft_once_init(&once);
    EXPECT_EQ(weft_once_run(&once, come_back, NULL, WEFT_NEVER), -EDEADLK); /* and so it failed */
    for (int i = 0; i < 3; i++)
        tasks[i] = waiting_visit(scope, chan);
    EXPECT_EQ(weft_wait(start_visit(scope, chan, WEFT_NOW), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(start_visit(scope, chan, weft_after(100000)), WEFT_NEVER), -ETIMEDOUT);
    weft_task canceled = waiting_visit(scope, chan);
    EXPECT_EQ(weft_cancel(canceled), 0);
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), -ECANCELED);
    for (int i = 0; i < 2; i++) { /* each in its own task, in order */
        EXPECT_EQ(weft_chan_put(chan, &(int){ -EIO - i }, WEFT_NEVER), 0);
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EIO - i);
    }
    EXPECT_EQ(weft_chan_put(chan, &(int){ 1 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(tasks[2], WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(start_visit(scope, chan, WEFT_NOW), WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_release(chan), 0);
    weft_once_fini(&once);
    return 0;
}

static void test_once_runs_until_it_has_gone_well(void)
{
    rig_each(runs_once);
    rig_each(failure_passes_the_turn_on);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_semaphore_hands_permits_out_in_order),
        UNIT_TEST(test_event_stays_set_or_lets_one_through),
        UNIT_TEST(test_barrier_opens_when_all_have_come),
        UNIT_TEST(test_latch_opens_once_and_may_go_then),
        UNIT_TEST(test_once_runs_until_it_has_gone_well),
    };
    return unit_run(argc, argv, "event", tests, WEFT__COUNT(tests));
}

/* Handing over to a given task: order, queues that stay whole, fairness, what is refused. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "runtime/sched/worker.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 5, most_turns = 1000 };

/* Who ran when; all on one worker. */
static struct {
    char text[256];
    size_t length;
} order;

static void note(char name)
{
    if (order.length + 1 < sizeof(order.text))
        order.text[order.length++] = name;
    order.text[order.length] = '\0';
}

static bool order_is(const char *wanted)
{
    bool same = strcmp(order.text, wanted) == 0;

    EXPECT(same);
    memset(&order, 0, sizeof(order));
    return same;
}

static int run_once(void *argument)
{
    note(*(const char *)argument);
    return 0;
}

static int run_twice(void *argument)
{
    note(*(const char *)argument);
    EXPECT_EQ(weft_yield(), 0);
    note(*(const char *)argument);
    return 0;
}

static weft_task spawn_named(weft_scope scope, weft_task_fn fn, char name)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together(),
                                                    .copy_bytes = sizeof(name));
    return weft_spawn(scope, fn, &name, &options);
}

static int hand_over_in_order(void *argument)
{
    weft_task tasks[some];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < some; i++)
        tasks[i] = spawn_named(scope, run_once, (char)('a' + i));
    EXPECT_EQ(weft_yield_to(tasks[2]), 0); /* out of the middle; the others keep their order */
    EXPECT(order_is("cabde"));
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);

    tasks[0] = spawn_named(scope, run_twice, 'a');
    tasks[1] = spawn_named(scope, run_twice, 'b');
    EXPECT_EQ(weft_yield_to(tasks[1]), 0); /* the last one; what is queued next comes behind */
    EXPECT(order_is("ba"));
    EXPECT_EQ(weft_yield_to(tasks[0]), 0); /* started ones */
    EXPECT(order_is("ab"));
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);

    tasks[0] = spawn_named(scope, run_once, 'a'); /* the only one */
    EXPECT_EQ(weft_yield_to(tasks[0]), 0);
    (void)spawn_named(scope, run_once, 'b');
    EXPECT_EQ(weft_yield(), 0);
    EXPECT(order_is("ab"));
    return weft_scope_close(scope);
}

static void test_yield_to_runs_the_named_task_next(void)
{
    rig_each(hand_over_in_order);
}

static int end_with_note(void *argument)
{
    int rc = end_on_message(argument);

    note('m');
    return rc;
}

/* Not yet started and free to be taken by others, of which there are none; and just woken. */
static int hand_over_to_others(void *argument)
{
    char a = 'a';
    char b = 'b';
    struct weft__worker *worker = weft__self_worker();
    weft_scope scope = weft_scope_open(NULL);
    weft_chan chan = weft_chan_create(sizeof(int), 0);

    (void)argument;
    (void)weft_go(scope, run_once, &a);
    weft_task fresh = weft_go(scope, run_once, &b);
    worker->fresh_aged = 2; /* as if both had waited for 20 us */
    EXPECT_EQ(weft_yield_to(fresh), 0);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);
    EXPECT(order_is("ba"));
    EXPECT_EQ(worker->fresh_count, 0);
    EXPECT_EQ(worker->fresh_aged, 0);

    weft_task woken = weft_go_copy(scope, end_with_note, &chan, sizeof(chan));
    rig_await(woken, WEFT_TASK_WAITING);
    (void)spawn_named(scope, run_once, 'a');
    EXPECT_EQ(weft_chan_put(chan, &(int){ 3 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_yield_to(woken), 0);
    EXPECT_EQ(weft_wait(woken, WEFT_NEVER), 3);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(order_is("ma"));
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_yield_to_takes_fresh_and_woken_tasks(void)
{
    rig_run(1, hand_over_to_others);
}

struct pair {
    weft_task tasks[2];
    int turns;
    int next;
    bool others_ran;
};

static int set_flag(void *argument)
{
    *(bool *)argument = true;
    return 0;
}

/* Goes on until a third task has run, or it is clear that it never will. */
static int hand_back(void *argument)
{
    struct pair *pair = argument;

    while (!pair->others_ran && pair->turns < most_turns) {
        weft_task other = pair->tasks[pair->tasks[0] == weft_self()];
        int rc = weft_yield_to(other);
        if (rc < 0)
            return rc == -ESRCH ? 0 : rc; /* it has seen the end first */
        pair->turns++;
    }
    return 0;
}

static int hand_over_for_ever(void *argument)
{
    struct pair pair = { 0 };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together());
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < 2; i++)
        pair.tasks[i] = weft_spawn(scope, hand_back, &pair, &options);
    (void)weft_spawn(scope, set_flag, &pair.others_ran, &options);
    EXPECT_EQ(weft_yield_to(pair.tasks[0]), 0); /* this task waits for its turn, too */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(pair.others_ran);
    EXPECT(pair.turns < most_turns);
    return 0;
}

static void test_yield_to_for_ever_does_not_starve_the_others(void)
{
    rig_each(hand_over_for_ever);
}

/* Until the one that waits for its turn has run. */
static int hand_back_noting(void *argument)
{
    while (strchr(order.text, 'a') == NULL && order.length < 200) {
        note('p');
        int rc = weft_yield_to(*(const weft_task *)argument);
        note('p');
        if (rc < 0)
            return -EPROTO;
    }
    return 0;
}

/* When the overdue one has run the named one is next, before another that is ready. */
static int let_the_oldest_go_first(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together());
    weft_task self = weft_self();
    weft_scope scope = weft_scope_open(NULL);
    weft_task partner = weft_spawn(scope, hand_back_noting, &self, &options);

    (void)argument;
    (void)spawn_named(scope, run_once, 'a');
    (void)spawn_named(scope, run_once, 'b');
    while (strchr(order.text, 'a') == NULL && order.length < 200) {
        note('m');
        EXPECT_EQ(weft_yield_to(partner), 0);
        note('m');
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    const char *a = strchr(order.text, 'a');
    if (EXPECT(a != NULL && strchr(a, 'b') != NULL))
        EXPECT(a[1] != 'b');
    memset(&order, 0, sizeof(order));
    return 0;
}

static void test_yield_to_goes_on_with_the_named_task_after_an_overdue_one(void)
{
    rig_run(1, let_the_oldest_go_first);
}

static int refuse(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_task waiting = start_end_on_message(scope, chan);
    weft_task ended = start_return(scope, 0);

    (void)argument;
    EXPECT_EQ(weft_yield_to(weft_self()), -EDEADLK);
    EXPECT_EQ(weft_wait(ended, WEFT_NEVER), 0);
    EXPECT_EQ(weft_yield_to(ended), -ESRCH);
    EXPECT_EQ(weft_release(ended), 0);
    EXPECT_EQ(weft_yield_to(ended), -ESRCH);
    EXPECT_EQ(weft_yield_to(-EIO), -EIO);
    EXPECT_EQ(weft_yield_to(scope), -ESRCH);
    EXPECT_EQ(weft_yield_to(waiting), -EAGAIN);
    for (uint32_t i = 0; i < (uint32_t)weft_worker_count(0); i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(i));
        if ((int)i == weft_worker_self())
            continue;
        weft_task far = weft_spawn(scope, end_on_message, &chan, &options);
        EXPECT_EQ(weft_yield_to(far), -EXDEV);
        EXPECT_EQ(weft_chan_put(chan, &(int){ 0 }, WEFT_NEVER), 0);
    }
    EXPECT_EQ(weft_chan_put(chan, &(int){ 0 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_yield_to_what_can_not_run_here_is_refused(void)
{
    CU_ASSERT_EQUAL(weft_yield_to(1), -EPERM);
    rig_each(refuse);
}

static int hand_over_canceled(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = spawn_named(scope, run_once, 'a');

    (void)argument;
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_yield_to(task), -ECANCELED);
    EXPECT(order_is("a"));
    return weft_scope_close(scope);
}

static void test_yield_to_tells_of_a_cancel_and_hands_over_all_the_same(void)
{
    rig_each(hand_over_canceled);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_yield_to_runs_the_named_task_next),
        UNIT_TEST(test_yield_to_takes_fresh_and_woken_tasks),
        UNIT_TEST(test_yield_to_for_ever_does_not_starve_the_others),
        UNIT_TEST(test_yield_to_goes_on_with_the_named_task_after_an_overdue_one),
        UNIT_TEST(test_yield_to_what_can_not_run_here_is_refused),
        UNIT_TEST(test_yield_to_tells_of_a_cancel_and_hands_over_all_the_same),
    };

    return unit_run(argc, argv, "handover", tests, WEFT__COUNT(tests));
}

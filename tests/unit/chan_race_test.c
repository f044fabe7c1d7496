/* Channels: cancels and deadlines that race with messages. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/turns.h"
#include "tests/support/unit.h"

enum { many = 200, some = 5 };

/* A waiter in the middle of the line gives up; the line closes behind it. */
static int leave_the_line(void *argument)
{
    int got[3] = { 0 };
    weft_task takers[3];
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int leaver = 0; leaver < 3; leaver++) {
        for (int i = 0; i < 3; i++)
            takers[i] = turn_await_take(scope, chan, &got[i]);
        EXPECT_EQ(weft_cancel(takers[leaver]), 0);
        EXPECT_EQ(weft_wait(takers[leaver], WEFT_NEVER), -ECANCELED);
        for (int i = 0; i < 3; i++) {
            if (i == leaver)
                continue;
            EXPECT_EQ(weft_chan_try_put(chan, &(int){ i }), 0);
            EXPECT_EQ(weft_wait(takers[i], WEFT_NEVER), 0);
            EXPECT_EQ(got[i], i);
        }
        EXPECT_EQ(weft_chan_try_put(chan, &(int){ 9 }), -EAGAIN);
    }
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_cancel_takes_a_waiter_out_of_the_line(void)
{
    rig_each(leave_the_line);
}

/* A taker is cancelled while a message is on its way: it gets it, or the channel keeps it. */
static int cancel_against_put(void *argument)
{
    (void)argument;
    for (int i = 0; i < many; i++) {
        int got = -1;
        weft_chan chan = weft_chan_create(sizeof(int), 1);
        weft_scope scope = weft_scope_open(&run_all);
        weft_task taker = turn_start_take(scope, chan, &got);
        if (i % 2 == 0)
            rig_await(taker, WEFT_TASK_WAITING);
        weft_task putter = turn_start_put(scope, chan, i);
        (void)weft_cancel(taker);
        int rc = weft_wait(taker, WEFT_NEVER);
        EXPECT_EQ(weft_wait(putter, WEFT_NEVER), 0);
        if (rc == 0)
            EXPECT_EQ(got, i);
        else
            EXPECT(rc == -ECANCELED && got == -1 && turn_take_now(chan) == i);
        EXPECT_EQ(weft_chan_try_take(chan, &got), -EAGAIN);
        (void)weft_scope_close(scope);
        EXPECT_EQ(weft_chan_release(chan), 0);
    }
    return 0;
}

static void test_cancel_against_put_loses_no_message(void)
{
    rig_each(cancel_against_put);
}

/* The same with a deadline that passes at about the moment of the put. */
static int deadline_against_put(void *argument)
{
    (void)argument;
    for (int i = 0; i < 100; i++) {
        int got = -1;
        weft_chan chan = weft_chan_create(sizeof(int), 1);
        weft_scope scope = weft_scope_open(&run_all);
        weft_deadline moment = weft_after(300 * WEFT_MICROSECOND);
        struct turn turn = { chan, 0, moment, &got };
        weft_task taker = weft_go_copy(scope, turn_take, &turn, sizeof(turn));
        EXPECT_EQ(weft_sleep(moment), 0);
        EXPECT_EQ(weft_chan_try_put(chan, &i), 0);
        int rc = weft_wait(taker, WEFT_NEVER);
        if (rc == 0)
            EXPECT_EQ(got, i);
        else
            EXPECT(rc == -ETIMEDOUT && got == -1 && turn_take_now(chan) == i);
        (void)weft_scope_close(scope);
        EXPECT_EQ(weft_chan_release(chan), 0);
    }
    return 0;
}

static void test_deadline_against_put_loses_no_message(void)
{
    rig_each(deadline_against_put);
}

/* Two threads: one fills an unbounded channel, the other releases it meanwhile and makes a bounded
 * one, which gets the same record. */
struct heir {
    weft_chan first;        /* published by the round */
    _Atomic uint32_t round; /* the filler works in it */
    _Atomic uint32_t over;  /* the filler is done with it */
};

enum { heir_rounds = 10000, heir_bytes = 64 * 1024 };

static void *fill(void *argument)
{
    static char message[heir_bytes];
    struct heir *heir = argument;

    for (uint32_t round = 1; round <= heir_rounds; round++) {
        int rc = 0;
        while (weft__load_acquire(&heir->round) != round) /* pairs with the store of the heir */
            (void)sched_yield();
        while (rc == 0)
            rc = weft_chan_put(heir->first, message, WEFT_NEVER);
        EXPECT_EQ(rc, -ESRCH);
        weft__store_release(&heir->over, round); /* pairs with the load of the heir */
    }
    return NULL;
}

static void release_and_make(struct heir *heir, uint32_t round)
{
    static char message[heir_bytes];

    heir->first = weft_chan_create(heir_bytes, WEFT_UNBOUNDED);
    weft__store_release(&heir->round, round); /* pairs with the load of fill */
    for (uint32_t i = 0; i < round * 7919 % 2000; i++)
        weft__pause();
    EXPECT_EQ(weft_chan_release(heir->first), 0);
    weft_chan second = weft_chan_create(heir_bytes, 1);
    while (weft__load_acquire(&heir->over) != round) /* pairs with the store of fill */
        (void)sched_yield();
    EXPECT_EQ(weft_chan_put(second, message, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_count(heir->first), -ESRCH);
    EXPECT_EQ(weft_chan_release(second), 0);
}

static void test_a_put_that_grows_leaves_the_next_channel_alone(void)
{
    pthread_t thread;
    static struct heir heir;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fill, &heir), 0);
    for (uint32_t round = 1; round <= heir_rounds; round++)
        release_and_make(&heir, round);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_cancel_takes_a_waiter_out_of_the_line),
        UNIT_TEST(test_cancel_against_put_loses_no_message),
        UNIT_TEST(test_deadline_against_put_loses_no_message),
        UNIT_TEST(test_a_put_that_grows_leaves_the_next_channel_alone),
    };
    return unit_run(argc, argv, "chan_race", tests, WEFT__COUNT(tests));
}

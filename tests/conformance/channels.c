/* Section 1.5 of the features: channels within a process. */
#include <pthread.h>
#include <string.h>

#include "tests/support/conformance.h"

enum { one = 1, two = 2, three = 3 };

/* A put or take as a task of its own: what it is to do, and where a take leaves its message. */
struct turn {
    weft_chan chan;
    int value;
    int *out;
};

static int put_value(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_put(turn->chan, &turn->value, WEFT_NEVER);
}

static int take_value(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_take(turn->chan, turn->out, WEFT_NEVER);
}

static int fetch_value(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_fetch(turn->chan, turn->out, WEFT_NEVER);
}

static int wait_for_value(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_wait(turn->chan, WEFT_NEVER);
}

/* Starts @fn and returns when it waits. */
static weft_task waiting(weft_scope scope, weft_task_fn fn, struct turn turn)
{
    weft_task task = weft_go_copy(scope, fn, &turn, sizeof(turn));
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int put_now(weft_chan chan, int value)
{
    return weft_chan_put(chan, &value, WEFT_NOW);
}

/* The next message, or a negative error. */
static int take_now(weft_chan chan)
{
    int value = 0;
    int rc = weft_chan_take(chan, &value, WEFT_NOW);
    return rc < 0 ? rc : value;
}

CONFORMANCE(channel_of_n_is_fifo_and_holds_n)
{
    weft_chan chan = weft_chan_create(sizeof(int), three);

    for (int i = 1; i <= three; i++)
        EXPECT_EQ(put_now(chan, i), 0);
    EXPECT_EQ(put_now(chan, three + 1), -ETIMEDOUT);
    for (int i = 1; i <= three; i++)
        EXPECT_EQ(take_now(chan), i);
    EXPECT_EQ(take_now(chan), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* A negative or fractional depth is no size_t; what a negative one becomes is out of range. */
CONFORMANCE(channel_of_negative_size_is_refused)
{
    EXPECT_EQ(weft_chan_create(sizeof(int), (size_t)-1), -EINVAL);
    EXPECT_EQ(weft_chan_create(sizeof(int), (size_t)-three), -EINVAL);
    EXPECT_EQ(weft_chan_create((size_t)-1, 1), -EINVAL);
    return 0;
}

CONFORMANCE(channel_of_infinite_size_never_makes_a_put_wait)
{
    enum { many = 10000 };
    weft_chan chan = weft_chan_create(sizeof(int), WEFT_UNBOUNDED);

    for (int i = 0; i < many; i++)
        EXPECT_EQ(put_now(chan, i), 0);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(take_now(chan), i);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(channel_of_0_is_a_rendezvous)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(put_now(chan, one), -ETIMEDOUT); /* nobody takes */
    EXPECT_EQ(weft_chan_count(chan), 0);       /* and nothing stays behind */
    weft_task taker = waiting(scope, take_value, (struct turn){ chan, 0, &got });
    EXPECT_EQ(put_now(chan, two), 0); /* somebody waits */
    EXPECT_EQ(weft_wait(taker, WEFT_NEVER), 0);
    EXPECT_EQ(got, two);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* In C the type of a message is its size, and its conversion the compiler's: a channel of a struct
 * gives back each byte of it. */
CONFORMANCE(channel_is_typed_by_the_size_of_its_messages)
{
    struct wide {
        char text[100];
        double number;
    } in = { "whole", 0.5 }, out = { "", 0 };
    weft_chan chan = weft_chan_create(sizeof(in), 1);

    EXPECT_EQ(weft_chan_put(chan, &in, WEFT_NOW), 0);
    memset(in.text, 'x', sizeof(in.text)); /* by value: the copy does not change */
    EXPECT_EQ(weft_chan_take(chan, &out, WEFT_NOW), 0);
    EXPECT(strcmp(out.text, "whole") == 0 && out.number > 0.4 && out.number < 0.6);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(put_blocks_while_the_channel_is_full)
{
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(put_now(chan, one), 0);
    weft_task putter = waiting(scope, put_value, (struct turn){ chan, two, NULL });
    EXPECT_EQ(take_now(chan), one);
    EXPECT_EQ(weft_wait(putter, WEFT_NEVER), 0);
    EXPECT_EQ(take_now(chan), two);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(put_blocked_at_the_close_fails_and_is_not_delivered)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan chans[] = { weft_chan_create(sizeof(int), 0), weft_chan_create(sizeof(int), one) };

    EXPECT_EQ(put_now(chans[1], one), 0);
    for (int i = 0; i < 2; i++) {
        weft_task putter = waiting(scope, put_value, (struct turn){ chans[i], two, NULL });
        EXPECT_EQ(weft_chan_close(chans[i], 0), 0);
        EXPECT_EQ(weft_wait(putter, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(put_now(chans[i], three), -EPIPE);
    }
    EXPECT_EQ(take_now(chans[0]), -EPIPE);
    EXPECT_EQ(take_now(chans[1]), one);
    EXPECT_EQ(take_now(chans[1]), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    EXPECT_EQ(weft_chan_release(chans[0]), 0);
    EXPECT_EQ(weft_chan_release(chans[1]), 0);
    return 0;
}

CONFORMANCE(put_says_closed_canceled_and_timed_out_apart)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(put_now(chan, one), -ETIMEDOUT);
    weft_task putter = waiting(scope, put_value, (struct turn){ chan, one, NULL });
    EXPECT_EQ(weft_cancel(putter), 0);
    EXPECT_EQ(weft_wait(putter, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(put_now(chan, one), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(take_blocks_while_the_channel_is_empty)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(NULL);

    weft_task taker = waiting(scope, take_value, (struct turn){ chan, 0, &got });
    EXPECT_EQ(put_now(chan, two), 0);
    EXPECT_EQ(weft_wait(taker, WEFT_NEVER), 0);
    EXPECT_EQ(got, two);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(take_of_a_closed_channel_gives_what_is_left_then_the_error)
{
    weft_chan chan = weft_chan_create(sizeof(int), three);
    weft_chan unbuffered = weft_chan_create(sizeof(int), 0);

    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(put_now(chan, two), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(take_now(chan), one);
    EXPECT_EQ(take_now(chan), two);
    EXPECT_EQ(take_now(chan), -EPIPE);
    EXPECT_EQ(weft_chan_close(unbuffered, 0), 0);
    EXPECT_EQ(take_now(unbuffered), -EPIPE);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_release(unbuffered), 0);
    return 0;
}

CONFORMANCE(fetch_shows_the_head_and_leaves_it)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), two);
    weft_chan unbuffered = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    weft_task fetcher = waiting(scope, fetch_value, (struct turn){ chan, 0, &got });
    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(weft_wait(fetcher, WEFT_NEVER), 0);
    EXPECT_EQ(got, one);
    EXPECT_EQ(weft_chan_count(chan), 1);
    EXPECT_EQ(take_now(chan), one);
    EXPECT_EQ(weft_chan_fetch(unbuffered, &got, WEFT_NOW), -EOPNOTSUPP);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_release(unbuffered), 0);
    return 0;
}

CONFORMANCE(isready_tells_of_a_message_or_a_putter_that_waits)
{
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_chan unbuffered = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_chan_ready(chan), 0);
    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(weft_chan_ready(chan), 1);
    EXPECT_EQ(weft_chan_ready(unbuffered), 0);
    weft_task putter = waiting(scope, put_value, (struct turn){ unbuffered, two, NULL });
    EXPECT_EQ(weft_chan_ready(unbuffered), 1);
    EXPECT_EQ(take_now(unbuffered), two);
    EXPECT_EQ(weft_wait(putter, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_release(unbuffered), 0);
    return 0;
}

CONFORMANCE(n_avail_counts_messages_and_putters_until_they_are_gone)
{
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(weft_chan_count(chan), 0);
    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(weft_chan_count(chan), 1);
    weft_task first = waiting(scope, put_value, (struct turn){ chan, two, NULL });
    weft_task second = waiting(scope, put_value, (struct turn){ chan, three, NULL });
    EXPECT_EQ(weft_chan_count(chan), 3);
    EXPECT_EQ(weft_cancel(first), 0);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_chan_count(chan), 2);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_chan_count(chan), 1);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(isfull_of_an_unbuffered_channel_is_always_true)
{
    weft_chan chans[] = { weft_chan_create(sizeof(int), 0), weft_chan_create(sizeof(int), one),
                          weft_chan_create(sizeof(int), WEFT_UNBOUNDED) };

    EXPECT_EQ(weft_chan_full(chans[0]), 1);
    for (int i = 0; i < 200; i++)
        EXPECT_EQ(put_now(chans[2], i) + weft_chan_full(chans[2]), 0);
    EXPECT_EQ(weft_chan_full(chans[1]), 0);
    EXPECT_EQ(put_now(chans[1], one), 0);
    EXPECT_EQ(weft_chan_full(chans[1]), 1);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_chan_release(chans[i]), 0);
    return 0;
}

CONFORMANCE(wait_for_a_channel_takes_nothing)
{
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(NULL);

    weft_task waiter = waiting(scope, wait_for_value, (struct turn){ chan, 0, NULL });
    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(weft_wait(waiter, WEFT_NEVER), 0);
    EXPECT_EQ(take_now(chan), one);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_chan_wait(chan, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* Julia keeps the last error that a close gives; weft the first, which says what happened. */
CONFORMANCE(close_wakes_all_who_wait_and_may_be_repeated)
{
    int got = 0;
    weft_chan full = weft_chan_create(sizeof(int), one);
    weft_chan empty = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task waiters[4];

    EXPECT_EQ(weft_chan_closed(full), 0);
    EXPECT_EQ(put_now(full, one), 0);
    waiters[0] = waiting(scope, put_value, (struct turn){ full, two, NULL });
    waiters[1] = waiting(scope, take_value, (struct turn){ empty, 0, &got });
    waiters[2] = waiting(scope, fetch_value, (struct turn){ empty, 0, &got });
    waiters[3] = waiting(scope, wait_for_value, (struct turn){ empty, 0, NULL });
    EXPECT_EQ(weft_chan_close(full, -EIO), 0);
    EXPECT_EQ(weft_chan_close(empty, -EIO), 0);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(weft_wait(waiters[i], WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_chan_closed(full), 1);
    EXPECT_EQ(weft_chan_close(full, -ENODEV), 0);
    EXPECT_EQ(put_now(full, two), -EIO);
    EXPECT_EQ(weft_chan_ready(full), 1); /* leftovers are seen after the close */
    EXPECT_EQ(take_now(full), one);
    EXPECT_EQ(take_now(full), -EIO);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_chan_release(full), 0);
    EXPECT_EQ(weft_chan_release(empty), 0);
    return 0;
}

CONFORMANCE(bind_closes_the_channel_with_the_first_task_that_ends)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_chan gate = weft_chan_create(sizeof(int), two);
    weft_chan chans[] = { weft_chan_create(sizeof(int), one), weft_chan_create(sizeof(int), one) };
    weft_task tasks[] = { start_end_on_message(scope, gate), start_end_on_message(scope, gate) };

    for (int chan = 0; chan < 2; chan++)
        for (int task = 0; task < 2; task++)
            EXPECT_EQ(weft_chan_bind(chans[chan], tasks[task]), 0);
    EXPECT_EQ(put_now(gate, -EIO), 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -EIO);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_chan_wait(chans[i], WEFT_NEVER), -EIO); /* the task's own error */
    EXPECT_EQ(put_now(gate, 0), 0);
    EXPECT_EQ(weft_wait(tasks[1], WEFT_NEVER), 0);
    EXPECT_EQ(put_now(chans[0], one), -EIO); /* the second end changes nothing */
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_chan_release(chans[i]), 0);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

CONFORMANCE(bind_after_a_close_of_ones_own_is_fine)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_chan gate = weft_chan_create(sizeof(int), one);
    weft_task task = start_end_on_message(scope, gate);

    EXPECT_EQ(weft_chan_bind(chan, task), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(put_now(gate, 0), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    EXPECT_EQ(put_now(chan, one), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_release(gate), 0);
    return 0;
}

static int produce_three(weft_chan chan, void *result)
{
    for (int i = 1; i <= three; i++) {
        int rc = weft_chan_put(chan, &i, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return *(const int *)result;
}

/* Julia's creator switches to the producer at once; weft's goes on. */
CONFORMANCE(channel_with_a_producer_ends_with_it)
{
    static int results[] = { 0, -EIO };
    int got = 0;
    int sum = 0;
    int rc;
    weft_task producer = 0;
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < 2; i++, sum = 0) {
        weft_chan chan = weft_chan_produce(scope, produce_three, &results[i], sizeof(int), 0,
                                           &producer);
        while ((rc = weft_chan_next(chan, &got, WEFT_NEVER)) > 0)
            sum += got;
        EXPECT_EQ(rc, results[i]);
        EXPECT_EQ(weft_wait(producer, WEFT_NEVER), results[i]);
        EXPECT_EQ(sum, one + two + three);
        EXPECT_EQ(weft_chan_release(chan), 0);
    }
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

struct crowd {
    weft_chan chan;
    _Atomic int taken[100];
};

static int iterate(void *argument)
{
    struct crowd *crowd = *(struct crowd **)argument;
    int index = 0;
    int rc;

    while ((rc = weft_chan_next(crowd->chan, &index, WEFT_NEVER)) > 0)
        crowd->taken[index]++;
    return rc;
}

CONFORMANCE(iteration_by_several_gives_each_message_to_one)
{
    struct crowd crowd = { weft_chan_create(sizeof(int), two), { 0 } };
    struct crowd *place = &crowd;
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 5; i++)
        (void)weft_go_copy(scope, iterate, &place, sizeof(place));
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(weft_chan_put(crowd.chan, &i, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_close(crowd.chan, 0), 0);
    EXPECT_EQ(weft_scope_close(scope), 0); /* a plain close just ends the loops */
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(crowd.taken[i], 1);
    EXPECT_EQ(weft_chan_release(crowd.chan), 0);
    return 0;
}

CONFORMANCE(iteration_ends_with_the_error_of_the_close)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), two);

    EXPECT_EQ(put_now(chan, one), 0);
    EXPECT_EQ(weft_chan_close(chan, -ENODEV), 0);
    EXPECT_EQ(weft_chan_next(chan, &got, WEFT_NEVER), 1);
    EXPECT_EQ(got, one);
    EXPECT_EQ(weft_chan_next(chan, &got, WEFT_NEVER), -ENODEV);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(batch_take_of_a_closed_channel_gives_the_rest)
{
    static const int messages[] = { one, two, three };
    int got[5] = { 0 };
    weft_chan chan = weft_chan_create(sizeof(int), three);

    EXPECT_EQ(weft_chan_put_many(chan, messages, 3, WEFT_NOW), 3);
    EXPECT_EQ(weft_chan_put_many(chan, messages, 3, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_chan_take_many(chan, got, 5, 5, WEFT_NEVER), 3);
    EXPECT_EQ(memcmp(got, messages, sizeof(messages)), 0);
    EXPECT_EQ(weft_chan_take_many(chan, got, 5, 5, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

CONFORMANCE(try_put_and_try_take_never_wait)
{
    int value = one;
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), one);

    EXPECT_EQ(weft_chan_try_take(chan, &got), -EAGAIN);
    EXPECT_EQ(weft_chan_try_put(chan, &value), 0);
    EXPECT_EQ(weft_chan_try_put(chan, &value), -EAGAIN);
    EXPECT_EQ(weft_chan_take(chan, &got, weft_after(WEFT_SECOND)), 0);
    EXPECT_EQ(got, one);
    EXPECT_EQ(weft_chan_take(chan, &got, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

/* Beyond Julia, where a running task may overtake one that was woken. */
CONFORMANCE(order_is_fifo_for_messages_and_for_those_who_wait)
{
    int got[three] = { 0 };
    weft_chan chan = weft_chan_create(sizeof(int), one);
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < three; i++)
        (void)waiting(scope, take_value, (struct turn){ chan, 0, &got[i] });
    for (int i = 0; i < three; i++) {
        EXPECT_EQ(put_now(chan, i + 1), 0); /* handed over: nobody can come between */
        EXPECT_EQ(take_now(chan), -ETIMEDOUT);
    }
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), 0);
    for (int i = 0; i < three; i++)
        EXPECT_EQ(got[i], i + 1);
    EXPECT_EQ(put_now(chan, 0), 0);
    for (int i = 1; i <= three; i++)
        (void)waiting(scope, put_value, (struct turn){ chan, i, NULL });
    for (int i = 0; i <= three; i++) {
        EXPECT_EQ(put_now(chan, two), -ETIMEDOUT); /* behind those who wait */
        EXPECT_EQ(take_now(chan), i);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void *echo_in_a_thread(void *argument)
{
    weft_chan *ends = argument;
    int value = 0;

    while (weft_chan_next(ends[0], &value, WEFT_NEVER) > 0)
        if (weft_chan_put(ends[1], &value, WEFT_NEVER) < 0)
            return NULL;
    return argument;
}

CONFORMANCE(thread_safety_includes_plain_threads)
{
    int got = 0;
    void *result = NULL;
    pthread_t thread;
    weft_chan ends[] = { weft_chan_create(sizeof(int), 0), weft_chan_create(sizeof(int), 0) };

    if (!EXPECT_EQ(pthread_create(&thread, NULL, echo_in_a_thread, ends), 0))
        return 0;
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(weft_chan_put(ends[0], &i, WEFT_NEVER), 0);
        EXPECT_EQ(weft_chan_take(ends[1], &got, WEFT_NEVER), 0);
        EXPECT_EQ(got, i);
    }
    EXPECT_EQ(weft_chan_close(ends[0], 0), 0);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT(result == ends);
    EXPECT_EQ(weft_chan_release(ends[0]), 0);
    EXPECT_EQ(weft_chan_release(ends[1]), 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(channel_of_n_is_fifo_and_holds_n),
        CONFORMANCE_TEST(channel_of_negative_size_is_refused),
        CONFORMANCE_TEST(channel_of_infinite_size_never_makes_a_put_wait),
        CONFORMANCE_TEST(channel_of_0_is_a_rendezvous),
        CONFORMANCE_TEST(channel_is_typed_by_the_size_of_its_messages),
        CONFORMANCE_TEST(put_blocks_while_the_channel_is_full),
        CONFORMANCE_TEST(put_blocked_at_the_close_fails_and_is_not_delivered),
        CONFORMANCE_TEST(put_says_closed_canceled_and_timed_out_apart),
        CONFORMANCE_TEST(take_blocks_while_the_channel_is_empty),
        CONFORMANCE_TEST(take_of_a_closed_channel_gives_what_is_left_then_the_error),
        CONFORMANCE_TEST(fetch_shows_the_head_and_leaves_it),
        CONFORMANCE_TEST(isready_tells_of_a_message_or_a_putter_that_waits),
        CONFORMANCE_TEST(n_avail_counts_messages_and_putters_until_they_are_gone),
        CONFORMANCE_TEST(isfull_of_an_unbuffered_channel_is_always_true),
        CONFORMANCE_TEST(wait_for_a_channel_takes_nothing),
        CONFORMANCE_TEST(close_wakes_all_who_wait_and_may_be_repeated),
        CONFORMANCE_TEST(bind_closes_the_channel_with_the_first_task_that_ends),
        CONFORMANCE_TEST(bind_after_a_close_of_ones_own_is_fine),
        CONFORMANCE_TEST(channel_with_a_producer_ends_with_it),
        CONFORMANCE_TEST(iteration_by_several_gives_each_message_to_one),
        CONFORMANCE_TEST(iteration_ends_with_the_error_of_the_close),
        CONFORMANCE_TEST(batch_take_of_a_closed_channel_gives_the_rest),
        CONFORMANCE_TEST(try_put_and_try_take_never_wait),
        CONFORMANCE_TEST(order_is_fifo_for_messages_and_for_those_who_wait),
        CONFORMANCE_TEST(thread_safety_includes_plain_threads),
    };
    return CONFORMANCE_RUN(argc, argv, "channels", tests);
}

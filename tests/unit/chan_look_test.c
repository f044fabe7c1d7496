/* Channels: fetch, wait, next, counts, many at a time, and those without a bound. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 150, some = 5 };

struct look {
    weft_chan chan;
    int value;
    int rc;
};

static int fetch_one(void *argument)
{
    struct look *look = argument;
    look->rc = weft_chan_fetch(look->chan, &look->value, WEFT_NEVER);
    return 0;
}

static int take_one(void *argument)
{
    struct look *look = argument;
    look->rc = weft_chan_take(look->chan, &look->value, WEFT_NEVER);
    return 0;
}

static int put_one(void *argument)
{
    struct look *look = argument;
    look->rc = weft_chan_put(look->chan, &look->value, WEFT_NEVER);
    return 0;
}

static int wait_one(void *argument)
{
    struct look *look = argument;
    look->rc = weft_chan_wait(look->chan, WEFT_NEVER);
    return 0;
}

static weft_task start_waiting(weft_scope scope, weft_task_fn fn, struct look *look)
{
    weft_task task = weft_go(scope, fn, look);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int fetch_leaves_the_message(void *unused)
{
    int value = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 2);

    (void)unused;
    EXPECT_EQ(weft_chan_fetch(chan, &value, WEFT_NOW), -ETIMEDOUT);
    for (int i = 7; i < 9; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(weft_chan_fetch(chan, &value, WEFT_NOW), 0);
        EXPECT_EQ(value, 7);
    }
    EXPECT_EQ(weft_chan_count(chan), 2);
    EXPECT_EQ(weft_chan_close(chan, -EIO), 0);
    EXPECT_EQ(weft_chan_fetch(chan, &value, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_take(chan, &value, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_take(chan, &value, WEFT_NOW), 0);
    EXPECT_EQ(value, 8);
    EXPECT_EQ(weft_chan_fetch(chan, &value, WEFT_NOW), -EIO);
    return weft_chan_release(chan);
}

static void test_chan_fetch_leaves_the_message(void)
{
    rig_each(fetch_leaves_the_message);
}

/* All who wait in fetch see the message, and it still goes to the one who waits in take. */
static int fetch_shows_what_comes(void *unused)
{
    struct look looks[some];
    struct look taker = { .chan = weft_chan_create(sizeof(int), 1), .rc = 1 };
    weft_scope scope = weft_scope_open(NULL);
    int message = 42;

    (void)unused;
    for (int i = 0; i < some; i++) {
        looks[i] = (struct look){ taker.chan, 0, 1 };
        (void)start_waiting(scope, fetch_one, &looks[i]);
    }
    (void)start_waiting(scope, take_one, &taker);
    EXPECT_EQ(weft_chan_put(taker.chan, &message, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(taker.rc, 0);
    EXPECT_EQ(taker.value, 42);
    for (int i = 0; i < some; i++) {
        EXPECT_EQ(looks[i].rc, 0);
        EXPECT_EQ(looks[i].value, 42);
    }
    EXPECT_EQ(weft_chan_count(taker.chan), 0);
    return weft_chan_release(taker.chan);
}

static void test_chan_fetch_shows_what_comes(void)
{
    rig_each(fetch_shows_what_comes);
}

static int looks_end(void *unused)
{
    struct look looks[4];
    weft_task tasks[4];
    weft_chan chans[] = { weft_chan_create(sizeof(int), 1), weft_chan_create(sizeof(int), 0) };
    weft_scope scope = weft_scope_open(&run_all);
    int value = 9;

    (void)unused;
    EXPECT_EQ(weft_chan_fetch(chans[1], &value, WEFT_NEVER), -EOPNOTSUPP);
    for (int i = 0; i < 4; i++) {
        looks[i] = (struct look){ chans[i == 3], 0, 1 };
        tasks[i] = start_waiting(scope, i < 2 ? fetch_one : wait_one, &looks[i]);
    }
    EXPECT_EQ(weft_cancel(tasks[0]), 0);
    EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), 0);
    EXPECT_EQ(looks[0].rc, -ECANCELED);
    EXPECT_EQ(weft_chan_close(chans[0], -EIO), 0);
    EXPECT_EQ(weft_chan_release(chans[1]), 0);
    (void)weft_scope_close(scope);
    EXPECT_EQ(looks[1].rc, -EIO);
    EXPECT_EQ(looks[2].rc, -EIO);
    EXPECT_EQ(looks[3].rc, -EPIPE);
    EXPECT_EQ(value, 9);
    EXPECT_EQ(weft_chan_wait(chans[0], WEFT_NEVER), -EIO);
    return weft_chan_release(chans[0]);
}

static void test_chan_fetch_ends_by_cancel_close_and_release(void)
{
    rig_each(looks_end);
}

/* A wait sees a putter of an unbuffered channel, and leaves his message to others. */
static int wait_sees_a_putter(void *unused)
{
    struct look look = { .chan = weft_chan_create(sizeof(int), 0), .rc = 1 };
    struct look putter = { .chan = look.chan, .value = 5, .rc = 1 };
    weft_scope scope = weft_scope_open(NULL);
    int value = 0;

    (void)unused;
    weft_task looks = start_waiting(scope, wait_one, &look);
    EXPECT_EQ(weft_chan_try_put(look.chan, &value), -EAGAIN);
    EXPECT_EQ(weft_task_state_of(looks), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_chan_ready(look.chan), 0);
    (void)start_waiting(scope, put_one, &putter);
    EXPECT_EQ(weft_wait(looks, WEFT_NEVER), 0);
    EXPECT_EQ(look.rc, 0);
    EXPECT_EQ(weft_chan_ready(look.chan), 1);
    EXPECT_EQ(weft_chan_count(look.chan), 1);
    EXPECT_EQ(weft_chan_wait(look.chan, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_take(look.chan, &value, WEFT_NOW), 0);
    EXPECT_EQ(value, 5);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_ready(look.chan), 0);
    return weft_chan_release(look.chan);
}

static void test_chan_wait_sees_a_putter(void)
{
    rig_each(wait_sees_a_putter);
}

/* A putter that gives up is subtracted again. */
static int count_follows(void *unused)
{
    struct look looks[3];
    weft_task tasks[3];
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(&run_all);

    (void)unused;
    for (int i = 0; i < 3; i++) {
        looks[i] = (struct look){ chan, i, 1 };
        tasks[i] = weft_go(scope, put_one, &looks[i]);
        rig_await(tasks[i], i == 0 ? WEFT_TASK_ENDED : WEFT_TASK_WAITING);
        EXPECT_EQ(weft_chan_count(chan), i + 1);
    }
    EXPECT_EQ(weft_cancel(tasks[1]), 0);
    EXPECT_EQ(weft_wait(tasks[1], WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_count(chan), 2);
    EXPECT_EQ(weft_chan_closed(chan), 0);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_chan_closed(chan), 1);
    EXPECT_EQ(weft_chan_count(chan), 1);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_count(chan), -ESRCH);
    EXPECT_EQ(weft_chan_ready(chan), -ESRCH);
    EXPECT_EQ(weft_chan_closed(chan), -ESRCH);
    return 0;
}

static void test_chan_count_follows_putters(void)
{
    rig_each(count_follows);
}

static int next_ends(void *unused)
{
    static const struct {
        int close_error;
        int last;
    } rows[] = { { 0, 0 }, { -EPIPE, 0 }, { -EIO, -EIO }, { -EAGAIN, -EAGAIN } };
    int value = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        weft_chan chan = weft_chan_create(sizeof(int), some);
        for (int n = 0; n < some; n++)
            EXPECT_EQ(weft_chan_put(chan, &n, WEFT_NEVER), 0);
        EXPECT_EQ(weft_chan_close(chan, rows[i].close_error), 0);
        for (int n = 0; n < some; n++) {
            EXPECT_EQ(weft_chan_next(chan, &value, WEFT_NEVER), 1);
            EXPECT_EQ(value, n);
        }
        EXPECT_EQ(weft_chan_next(chan, &value, WEFT_NEVER), rows[i].last);
        EXPECT_EQ(weft_chan_release(chan), 0);
        EXPECT_EQ(weft_chan_next(chan, &value, WEFT_NEVER), -ESRCH);
    }
    return 0;
}

static void test_chan_next_ends_with_the_channel(void)
{
    rig_each(next_ends);
}

/* The error of a close may be the number that says "would wait": nobody may wait for ever then. */
static int closed_with_eagain(void *unused)
{
    int value = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 1);

    (void)unused;
    EXPECT_EQ(weft_chan_close(chan, -EAGAIN), 0);
    EXPECT_EQ(weft_chan_put(chan, &value, WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_chan_take(chan, &value, WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_chan_fetch(chan, &value, WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_chan_put_many(chan, &value, 1, WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_chan_take_many(chan, &value, 1, 1, WEFT_NEVER), -EAGAIN);
    return weft_chan_release(chan);
}

static void test_chan_closed_with_eagain_does_not_wait(void)
{
    rig_each(closed_with_eagain);
}

struct stream {
    weft_chan chan;
    int count;
    ssize_t rc;
};

static int put_stream(void *argument)
{
    struct stream *stream = argument;
    int values[many];

    for (int i = 0; i < many; i++)
        values[i] = i;
    stream->rc = weft_chan_put_many(stream->chan, values, (size_t)stream->count, WEFT_NEVER);
    return 0;
}

static void expect_stream(int depth, size_t least, size_t most)
{
    struct stream stream = { weft_chan_create(sizeof(int), (size_t)depth), many, 0 };
    weft_scope scope = weft_scope_open(NULL);
    int got[many + 1];
    int next = 0;

    (void)weft_go(scope, put_stream, &stream);
    while (next < many) {
        size_t left = (size_t)(many - next);
        size_t room = most < left ? most : left;
        ssize_t count = weft_chan_take_many(stream.chan, got, least < room ? least : room, room,
                                            WEFT_NEVER);
        if (!EXPECT(count >= (ssize_t)(least < room ? least : room) && count <= (ssize_t)room))
            break;
        for (ssize_t i = 0; i < count; i++)
            EXPECT_EQ(got[i], next++);
        if (count == 0)
            (void)weft_yield();
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(stream.rc, many);
    EXPECT_EQ(weft_chan_release(stream.chan), 0);
}

static int many_in_order(void *unused)
{
    static const int depths[] = { 0, 1, 7, 128, many };

    (void)unused;
    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        expect_stream(depths[i], 1, 1);
        expect_stream(depths[i], 1, 64);
        expect_stream(depths[i], many, many);
        expect_stream(depths[i], 0, 3);
    }
    return 0;
}

static void test_chan_many_keep_order(void)
{
    rig_each(many_in_order);
}

/* What an end in the middle leaves: the count of what was done, then the error. */
static int many_end_early(void *unused)
{
    weft_chan chan = weft_chan_create(sizeof(int), 3);
    struct stream stream = { chan, many, 0 };
    weft_scope scope = weft_scope_open(&run_all);
    int values[some] = { 0, 1, 2, 3, 4 };

    (void)unused;
    EXPECT_EQ(weft_chan_put_many(chan, values, 0, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_put_many(chan, values, some, WEFT_NOW), 3);
    EXPECT_EQ(weft_chan_put_many(chan, values, some, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_take_many(chan, values, some, some, WEFT_NOW), 3);
    EXPECT_EQ(weft_chan_take_many(chan, values, some, some, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_take_many(chan, values, 0, some, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take_many(chan, values, 2, 1, WEFT_NEVER), -EINVAL);
    weft_task task = weft_go(scope, put_stream, &stream);
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_chan_take_many(chan, values, 2, 2, WEFT_NEVER), 2);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    (void)weft_scope_close(scope);
    EXPECT(stream.rc >= 3 && stream.rc <= 5);
    EXPECT_EQ(weft_chan_take_many(chan, values, some, some, WEFT_NEVER), stream.rc - 2);
    EXPECT_EQ(weft_chan_take_many(chan, values, some, some, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_chan_take_many(chan, values, 0, some, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_chan_put_many(chan, values, 1, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_chan_take_many(chan, values, 1, 1, WEFT_NEVER), -ESRCH);
    return 0;
}

static void test_chan_many_end_early_with_a_count(void)
{
    rig_each(many_end_early);
}

static void expect_unbounded(size_t bytes, int count)
{
    char message[64] = { 0 };
    weft_chan chan = weft_chan_create(bytes, WEFT_UNBOUNDED);

    for (int i = 0; i < count; i++) {
        memcpy(message, &i, bytes < sizeof(i) ? bytes : sizeof(i));
        if (i % 3 == 2) { /* so that the buffer wraps before it grows */
            int oldest = 0;
            EXPECT_EQ(weft_chan_take(chan, message, WEFT_NOW), 0);
            memcpy(&oldest, message, bytes < sizeof(i) ? bytes : sizeof(i));
            EXPECT_EQ(oldest, bytes < sizeof(i) ? 0 : i / 3);
            memcpy(message, &i, bytes < sizeof(i) ? bytes : sizeof(i));
        }
        EXPECT_EQ(i % 2 == 0 ? weft_chan_put(chan, message, WEFT_NOW)
                             : weft_chan_try_put(chan, message),
                  0);
    }
    EXPECT_EQ(weft_chan_count(chan), count - count / 3);
    EXPECT_EQ(weft_chan_release(chan), 0);
}

static int unbounded_grows(void *unused)
{
    int many_values[many];
    weft_chan chan = weft_chan_create(sizeof(int), WEFT_UNBOUNDED);

    (void)unused;
    expect_unbounded(0, 999);
    expect_unbounded(sizeof(int), 999);
    expect_unbounded(64, 999);
    for (int i = 0; i < many; i++)
        many_values[i] = i;
    EXPECT_EQ(weft_chan_put_many(chan, many_values, many, WEFT_NOW), many);
    EXPECT_EQ(weft_chan_take_many(chan, many_values, many, many, WEFT_NOW), many);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(many_values[i], i);
    EXPECT_EQ(weft_chan_close(chan, 0), 0);
    EXPECT_EQ(weft_chan_put(chan, many_values, WEFT_NOW), -EPIPE);
    return weft_chan_release(chan);
}

static void test_chan_unbounded_grows(void)
{
    rig_each(unbounded_grows);
}

static int unbounded_with_large_messages(void *unused)
{
    static char message[64 * 1024];
    weft_chan chan = weft_chan_create(0, WEFT_UNBOUNDED);
    int rc = 0;
    int puts = 0;

    (void)unused;
    EXPECT_EQ(weft_chan_release(chan), 0);
    chan = weft_chan_create(sizeof(message), WEFT_UNBOUNDED);
    while (puts <= some * 100 && (rc = weft_chan_try_put(chan, message)) == 0)
        puts++;
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(weft_chan_count(chan), some * 100 + 1);
    return weft_chan_release(chan);
}

static void test_chan_unbounded_takes_large_messages(void)
{
    rig_run(1, unbounded_with_large_messages);
}

static int unbounded_without_bytes(void *unused)
{
    weft_chan chan = weft_chan_create(0, WEFT_UNBOUNDED);

    (void)unused;
    EXPECT_EQ(weft_chan_put_many(chan, NULL, (1u << 24) + 1, WEFT_NEVER), 1u << 24);
    EXPECT_EQ(weft_chan_put_many(chan, NULL, 1, WEFT_NEVER), -ENOBUFS);
    EXPECT_EQ(weft_chan_put(chan, NULL, WEFT_NEVER), -ENOBUFS);
    EXPECT_EQ(weft_chan_try_put(chan, NULL), -ENOBUFS);
    EXPECT_EQ(weft_chan_try_take(chan, NULL), 0);
    EXPECT_EQ(weft_chan_put(chan, NULL, WEFT_NEVER), 0);
    return weft_chan_release(chan);
}

static void test_chan_unbounded_has_a_limit(void)
{
    rig_run(1, unbounded_without_bytes);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_chan_fetch_leaves_the_message),
        UNIT_TEST(test_chan_fetch_shows_what_comes),
        UNIT_TEST(test_chan_fetch_ends_by_cancel_close_and_release),
        UNIT_TEST(test_chan_wait_sees_a_putter),
        UNIT_TEST(test_chan_count_follows_putters),
        UNIT_TEST(test_chan_next_ends_with_the_channel),
        UNIT_TEST(test_chan_closed_with_eagain_does_not_wait),
        UNIT_TEST(test_chan_many_keep_order),
        UNIT_TEST(test_chan_many_end_early_with_a_count),
        UNIT_TEST(test_chan_unbounded_grows),
        UNIT_TEST(test_chan_unbounded_takes_large_messages),
        UNIT_TEST(test_chan_unbounded_has_a_limit),
    };
    return unit_run(argc, argv, "chan_look", tests, WEFT__COUNT(tests));
}

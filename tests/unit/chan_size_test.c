/* Channels: messages of any size, limits, and threads that are no tasks. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/lock.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 200 };

struct sized {
    weft_chan chan;
    size_t bytes;
    int rounds;
};

static int put_patterns(void *argument)
{
    const struct sized *sized = argument;
    unsigned char *message = malloc(sized->bytes + 1);
    int rc = message != NULL ? 0 : -ENOMEM;

    for (int i = 0; i < sized->rounds && rc == 0; i++) {
        memset(message, 'a' + i, sized->bytes);
        rc = weft_chan_put(sized->chan, sized->bytes > 0 ? message : NULL, WEFT_NEVER);
    }
    free(message);
    return rc;
}

static bool is_filled(const unsigned char *bytes, size_t count, int with)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != (unsigned char)with)
            return false;
    return true;
}

static int sizes(void *argument)
{
    static const size_t bytes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 4096, 65536 };
    static unsigned char got[65536 + 1];

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(bytes); i++)
        for (size_t depth = 0; depth <= 3; depth += 3) {
            weft_chan chan = weft_chan_create(bytes[i], depth);
            struct sized sized = { chan, bytes[i], 8 };
            weft_scope scope = weft_scope_open(NULL);
            (void)weft_go_copy(scope, put_patterns, &sized, sizeof(sized));
            for (int j = 0; j < sized.rounds; j++) {
                memset(got, '.', sizeof(got));
                EXPECT_EQ(weft_chan_take(chan, bytes[i] > 0 ? got : NULL, WEFT_NEVER), 0);
                EXPECT(is_filled(got, bytes[i], 'a' + j));
                EXPECT_EQ(got[bytes[i]], '.');
            }
            EXPECT_EQ(weft_scope_close(scope), 0);
            EXPECT_EQ(weft_chan_release(chan), 0);
        }
    return 0;
}

static void test_messages_of_any_size_come_whole(void)
{
    rig_each(sizes);
}

static void test_create_limits(void)
{
    static const struct {
        size_t bytes;
        size_t depth;
        bool fits;
    } rows[] = {
        { 65536, 0, true },
        { 65537, 0, false },
        { 0, 1 << 24, true },
        { 0, (1 << 24) + 1, false },
        { 1, 1 << 24, true },
        { 65, 1 << 24, false },
        { 65536, 1 << 14 | 1, false },
        { SIZE_MAX, 0, false },
        { 1, SIZE_MAX, false },
        { 65536, SIZE_MAX, false },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        weft_chan chan = weft_chan_create(rows[i].bytes, rows[i].depth);
        if (rows[i].fits)
            CU_ASSERT_EQUAL(weft_chan_release(chan), 0)
        else
            CU_ASSERT_EQUAL(chan, -EINVAL);
    }
}

/* Messages whose first buffer is no power of two: the limit is met all the same, and kept. */
static void test_an_unbounded_channel_grows_to_its_limit_and_no_further(void)
{
    enum { bytes = 3, limit = 1 << 24, batch = 1 << 12 };
    static const char messages[batch * bytes];
    size_t put = 0;
    ssize_t rc = 0;
    weft_chan chan = weft_chan_create(bytes, WEFT_UNBOUNDED);

    while (put <= limit && (rc = weft_chan_put_many(chan, messages, batch, WEFT_NEVER)) > 0)
        put += (size_t)rc;
    CU_ASSERT_EQUAL(rc, -ENOBUFS);
    CU_ASSERT_EQUAL(put, limit);
    CU_ASSERT_EQUAL(weft_chan_count(chan), limit);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
}

/* Up to 64 bytes need no allocation, says weft_chan_create: 16 messages of 4 bytes. */
static void test_a_thread_puts_and_takes(void)
{
    int got = 77;
    weft_chan chan = weft_chan_create(sizeof(int), 16);

    CU_ASSERT_EQUAL(weft_chan_take(chan, &got, WEFT_NOW), -ETIMEDOUT);
    for (int i = 0; i < 16; i++)
        CU_ASSERT_EQUAL(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(weft_chan_put(chan, &got, weft_after(1000)), -ETIMEDOUT);
    CU_ASSERT_EQUAL(weft_chan_put(chan, &got, WEFT_NOW), -ETIMEDOUT);
    CU_ASSERT_EQUAL(got, 77);
    for (int i = 0; i < 16; i++) {
        CU_ASSERT_EQUAL(weft_chan_take(chan, &got, WEFT_NEVER), 0);
        CU_ASSERT_EQUAL(got, i);
    }
    CU_ASSERT_EQUAL(weft_chan_close(chan, -EIO), 0);
    CU_ASSERT_EQUAL(weft_chan_take(chan, &got, WEFT_NEVER), -EIO);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
    CU_ASSERT_EQUAL(weft_chan_release(chan), -ESRCH);
}

enum { threads = 3 };

static weft_chan shared_chan;
static _Atomic int threads_left;

/* Puts pointers to memory of its own: the channel must order what is behind them, too. */
static void *put_from_thread(void *argument)
{
    (void)argument;
    for (int i = 0; i < many; i++) {
        int *number = malloc(sizeof(*number));
        if (number == NULL)
            break;
        *number = i;
        while (weft_chan_try_put(shared_chan, &number) == -EAGAIN)
            weft__lock_backoff(UINT32_MAX);
    }
    if (weft__sub_acqrel(&threads_left, 1) == 1) /* pairs with the other threads' */
        EXPECT_EQ(weft_chan_close(shared_chan, 0), 0);
    return NULL;
}

static int take_pointers(void *argument)
{
    int sum = 0;
    int *number;

    (void)argument;
    while (weft_chan_take(shared_chan, &number, WEFT_NEVER) == 0) {
        sum += *number;
        free(number);
    }
    return sum;
}

static int threads_and_tasks(void *argument)
{
    weft_task takers[2];
    pthread_t putters[threads];
    int sum = 0;
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    shared_chan = weft_chan_create(sizeof(int *), 4);
    weft__store_relaxed(&threads_left, threads);
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_create(&putters[i], NULL, put_from_thread, NULL), 0);
    for (int i = 0; i < 2; i++)
        takers[i] = weft_go(scope, take_pointers, NULL);
    for (int i = 0; i < 2; i++)
        sum += weft_wait(takers[i], WEFT_NEVER);
    EXPECT_EQ(sum, threads * (many * (many - 1) / 2));
    for (int i = 0; i < threads; i++)
        EXPECT_EQ(pthread_join(putters[i], NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(shared_chan), 0);
    return 0;
}

static void test_threads_may_put_and_what_is_behind_a_message_is_seen(void)
{
    rig_each(threads_and_tasks);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_messages_of_any_size_come_whole),
        UNIT_TEST(test_create_limits),
        UNIT_TEST(test_an_unbounded_channel_grows_to_its_limit_and_no_further),
        UNIT_TEST(test_a_thread_puts_and_takes),
        UNIT_TEST(test_threads_may_put_and_what_is_behind_a_message_is_seen),
    };
    return unit_run(argc, argv, "chan_size", tests, WEFT__COUNT(tests));
}

/* Threads that are no workers wait for what tasks wait for: messages, ends of tasks, time. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#include <weft.h>

#include "runtime/base/atomic.h"
#include "runtime/task/record.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { rounds = 2000, crowd = 4 };

struct line {
    weft_chan there;
    weft_chan back;
};

/* Sends each message back, one larger, until the line is closed. */
static int echo(void *argument)
{
    const struct line *line = argument;
    uint64_t value;
    int rc;

    while ((rc = weft_chan_take(line->there, &value, WEFT_NEVER)) == 0) {
        value++;
        rc = weft_chan_put(line->back, &value, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return rc == -EPIPE ? 0 : rc;
}

static void *echo_in_thread(void *argument)
{
    EXPECT_EQ(echo(argument), 0);
    return NULL;
}

static void talk(const struct line *line)
{
    uint64_t value = 0;

    for (int i = 0; i < rounds; i++) {
        EXPECT_EQ(weft_chan_put(line->there, &value, WEFT_NEVER), 0);
        EXPECT_EQ(weft_chan_take(line->back, &value, WEFT_NEVER), 0);
    }
    EXPECT_EQ(value, rounds);
    EXPECT_EQ(weft_chan_close(line->there, 0), 0);
}

static int talk_in_task(void *argument)
{
    talk(argument);
    return 0;
}

static struct line make_line(size_t depth)
{
    return (struct line){ weft_chan_create(sizeof(uint64_t), depth),
                          weft_chan_create(sizeof(uint64_t), depth) };
}

static void release_line(const struct line *line)
{
    CU_ASSERT_EQUAL(weft_chan_release(line->there), 0);
    CU_ASSERT_EQUAL(weft_chan_release(line->back), 0);
}

static weft_runtime start(uint32_t workers)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = workers), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    return runtime;
}

static void stop(weft_runtime runtime)
{
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

static void test_thread_and_task_talk(void)
{
    weft_runtime runtime = start(2);
    pthread_t thread;

    for (size_t depth = 0; depth < 3; depth++) {
        struct line line = make_line(depth);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, echo_in_thread, &line), 0);
        CU_ASSERT_EQUAL(weft_call(runtime, talk_in_task, &line), 0);
        (void)pthread_join(thread, NULL);
        release_line(&line);
    }
    stop(runtime);
}

static void test_threads_talk_without_a_runtime(void)
{
    struct line line = make_line(0);
    uint64_t records = rig_records();
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, echo_in_thread, &line), 0);
    talk(&line);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(rig_records(), records + 1); /* this thread's own; the other's went with it */
    release_line(&line);
    expect_assert();
}

/* Puts and takes that run into deadlines of nothing to a fifth of a millisecond: a message that a
 * call has given is taken exactly once, whatever the deadline did. */
struct market {
    weft_chan chan;
    _Atomic uint64_t put;
    _Atomic uint64_t taken;
    _Atomic uint32_t putters; /* still at work */
};

static void *put_with_deadlines(void *argument)
{
    struct market *market = argument;

    for (uint64_t i = 1; i <= rounds; i++) {
        int rc = weft_chan_put(market->chan, &i, weft_after((int64_t)(i % 7) * 30000));
        EXPECT(rc == 0 || rc == -ETIMEDOUT);
        if (rc == 0)
            weft__add_relaxed(&market->put, i);
    }
    weft__sub_acqrel(&market->putters, 1); /* pairs with itself */
    return NULL;
}

static void *take_with_deadlines(void *argument)
{
    struct market *market = argument;
    uint64_t value;
    int rc;

    do {
        value = UINT64_MAX;
        rc = weft_chan_take(market->chan, &value, weft_after(100000));
        EXPECT(rc == 0 || (rc == -ETIMEDOUT && value == UINT64_MAX));
        if (rc == 0)
            weft__add_relaxed(&market->taken, value);
    } while (rc == 0 || weft__load_acquire(&market->putters) != 0); /* pairs with the release */
    return NULL;
}

static void test_deadlines_of_threads_lose_nothing(void)
{
    struct market market = { .chan = weft_chan_create(sizeof(uint64_t), 0), .putters = crowd };
    pthread_t threads[2 * crowd];

    for (int i = 0; i < 2 * crowd; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL,
                                             i % 2 == 0 ? put_with_deadlines : take_with_deadlines,
                                             &market),
                              0);
    for (int i = 0; i < 2 * crowd; i++)
        (void)pthread_join(threads[i], NULL);
    CU_ASSERT_TRUE(market.taken > 0);
    CU_ASSERT_EQUAL(market.taken, market.put);
    CU_ASSERT_EQUAL(weft_chan_release(market.chan), 0);
    expect_assert();
}

static int give(void *argument)
{
    uint64_t value = 42;
    uint64_t ignored;

    EXPECT_EQ(weft_chan_take(*(const weft_chan *)argument, &ignored, WEFT_NEVER), -EPIPE);
    return weft_result_give(&value, sizeof(value));
}

struct errand {
    weft_chan chan;
    _Atomic weft_task task;
    uint64_t got;
};

static int spawn_giver(void *argument)
{
    struct errand *errand = argument;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.result_bytes = sizeof(uint64_t));
    weft_scope scope = weft_scope_open(NULL);

    weft__store_release(&errand->task, /* pairs with fetch_in_thread */
                        weft_spawn(scope, give, &errand->chan, &options));
    return weft_scope_close(scope);
}

static void *fetch_in_thread(void *argument)
{
    struct errand *errand = argument;
    weft_task task;

    while ((task = weft__load_acquire(&errand->task)) == 0) /* pairs with spawn_giver */
        EXPECT_EQ(weft_sleep(weft_after(10000)), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(task, weft_after(100000)), -ETIMEDOUT);
    EXPECT_EQ(weft_chan_close(errand->chan, 0), 0);
    int rc = weft_fetch(task, &errand->got, sizeof(errand->got), WEFT_NEVER);
    EXPECT(rc == 0 || rc == -ESRCH); /* its scope may have closed meanwhile */
    if (rc == -ESRCH)
        errand->got = 42;
    return NULL;
}

static void test_thread_waits_for_a_task(void)
{
    weft_runtime runtime = start(2);
    pthread_t thread;

    for (int i = 0; i < 50; i++) {
        struct errand errand = { .chan = weft_chan_create(4, 0) };
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fetch_in_thread, &errand), 0);
        CU_ASSERT_EQUAL(weft_call(runtime, spawn_giver, &errand), 0);
        (void)pthread_join(thread, NULL);
        CU_ASSERT_EQUAL(errand.got, 42);
        CU_ASSERT_EQUAL(weft_chan_release(errand.chan), 0);
    }
    stop(runtime);
}

static void *take_until_closed(void *argument)
{
    uint64_t value = 7;

    EXPECT_EQ(weft_chan_take(*(const weft_chan *)argument, &value, WEFT_NEVER), -ECONNRESET);
    EXPECT_EQ(value, 7);
    return NULL;
}

static void test_close_wakes_threads_with_its_error(void)
{
    pthread_t threads[crowd];
    weft_chan chan = weft_chan_create(sizeof(uint64_t), 0);

    for (int i = 0; i < crowd; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_until_closed, &chan), 0);
    CU_ASSERT_EQUAL(weft_sleep(weft_after(2 * WEFT_MILLISECOND)), 0); /* some wait by now, or not */
    CU_ASSERT_EQUAL(weft_chan_close(chan, -ECONNRESET), 0);
    for (int i = 0; i < crowd; i++)
        (void)pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
    expect_assert();
}

/* Waits, and has a record for it. */
static void *wait_once(void *argument)
{
    uint64_t *most = argument;
    uint64_t records;

    EXPECT_EQ(weft_sleep(weft_after(1)), 0);
    records = weft__record_in_use(WEFT__KIND_TASK, NULL);
    if (records > *most)
        *most = records;
    return NULL;
}

static void test_threads_one_after_another_leave_no_records(void)
{
    CU_ASSERT_EQUAL(weft_sleep(weft_after(1)), 0); /* this thread has its record */
    uint64_t before = weft__record_in_use(WEFT__KIND_TASK, NULL);
    uint64_t most = 0;
    pthread_t thread;

    for (int i = 0; i < (WEFT__TSAN || WEFT__ASAN ? 1000 : 10000); i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wait_once, &most), 0);
        (void)pthread_join(thread, NULL);
    }
    CU_ASSERT_EQUAL(most, before + 1); /* there was one, and it was the present thread's */
    CU_ASSERT_EQUAL(weft__record_in_use(WEFT__KIND_TASK, NULL), before);
    expect_assert();
}

static pthread_key_t late_key;

/* Runs at the thread's end, when weft has taken its record back, or will. */
static void wait_at_the_end(void *argument)
{
    weft_chan chan = *(const weft_chan *)argument;
    uint64_t value = 5;

    EXPECT_EQ(weft_sleep(weft_after(1)), 0);
    EXPECT_EQ(weft_chan_put(chan, &value, WEFT_NEVER), 0);
}

static void *wait_then_end(void *argument)
{
    EXPECT_EQ(weft_sleep(weft_after(1)), 0);
    EXPECT_EQ(pthread_setspecific(late_key, argument), 0);
    return NULL;
}

/* A destructor of the program's may wait, whichever order the destructors run in. */
static void test_a_destructor_of_a_thread_may_wait(void)
{
    weft_chan chan = weft_chan_create(sizeof(uint64_t), 0);
    uint64_t records = rig_records();
    uint64_t value = 0;
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_key_create(&late_key, wait_at_the_end), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wait_then_end, &chan), 0);
    CU_ASSERT_EQUAL(weft_chan_take(chan, &value, WEFT_NEVER), 0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(value, 5);
    CU_ASSERT_EQUAL(rig_records(), records);
    CU_ASSERT_EQUAL(pthread_key_delete(late_key), 0);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
    expect_assert();
}

static int wait_in_child(void *argument)
{
    uint64_t value;
    int rc = weft_chan_take(*(const weft_chan *)argument, &value, WEFT_NEVER);

    return rc == -EOWNERDEAD && weft_sleep(weft_after(1000)) == -EOWNERDEAD ? 0 : 1;
}

static void test_thread_that_forked_waits_no_more(void)
{
    weft_chan chan = weft_chan_create(sizeof(uint64_t), 0);
    char said[64];

    CU_ASSERT_EQUAL(weft_sleep(weft_after(1000)), 0); /* this thread has its record */
    int status = rig_fork(wait_in_child, &chan, said, sizeof(said));
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_threads_talk_without_a_runtime),
        UNIT_TEST(test_thread_and_task_talk),
        UNIT_TEST(test_threads_one_after_another_leave_no_records),
        UNIT_TEST(test_a_destructor_of_a_thread_may_wait),
        UNIT_TEST(test_deadlines_of_threads_lose_nothing),
        UNIT_TEST(test_thread_waits_for_a_task),
        UNIT_TEST(test_close_wakes_threads_with_its_error),
        UNIT_TEST(test_thread_that_forked_waits_no_more),
    };
    return unit_run(argc, argv, "thread", tests, WEFT__COUNT(tests));
}

/* The queues that hold what waits for a worker: inbox, inject queue and FIFO. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdlib.h>

#include "runtime/base/compiler.h"
#include "runtime/sched/inbox.h"
#include "runtime/sched/inject.h"
#include "tests/support/expect.h"
#include "tests/support/unit.h"

enum { pushers = 4, each = 20000 };

struct letter {
    struct weft__message message;
    int from;
    int number;
};

static struct weft__inbox inbox;

static void *push_all(void *argument)
{
    struct letter *letters = argument;

    for (int i = 0; i < each; i++)
        weft__inbox_push(&inbox, &letters[i].message);
    return NULL;
}

/* Looks at one batch; the letters of each pusher must go on where they stopped. */
static int take_batch(int next[pushers])
{
    struct weft__message *message = weft__inbox_take(&inbox);
    int count = 0;

    while (message != NULL) {
        struct letter *letter = WEFT__CONTAINER(message, struct letter, message);
        message = message->next; /* before the letter may be pushed again */
        EXPECT_EQ(letter->number, next[letter->from]);
        next[letter->from] = letter->number + 1;
        count++;
    }
    return count;
}

static void test_inbox_keeps_the_order_of_each_pusher(void)
{
    static struct letter letters[pushers][each];
    pthread_t threads[pushers];
    int next[pushers] = { 0 };
    int count = 0;

    CU_ASSERT_TRUE(weft__inbox_empty(&inbox));
    CU_ASSERT_PTR_NULL(weft__inbox_take(&inbox));
    for (int i = 0; i < pushers; i++) {
        for (int j = 0; j < each; j++)
            letters[i][j] = (struct letter){ .from = i, .number = j };
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, push_all, letters[i]), 0);
    }
    while (count < pushers * each) { /* a letter that is lost makes this a matter of the watchdog */
        bool empty = weft__inbox_empty(&inbox);
        int taken = take_batch(next);
        EXPECT(empty || taken > 0); /* not empty stays not empty until the owner takes */
        count += taken;
        if (taken == 0)
            weft__lock_backoff(UINT32_MAX);
    }
    for (int i = 0; i < pushers; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(count, pushers * each);
    CU_ASSERT_TRUE(weft__inbox_empty(&inbox));
    expect_assert();
}

static struct weft__inject inject;
static _Atomic int taken_sum;
static _Atomic int taken_count;

/* Only the link and this number of a task matter here. */
static void *put_tasks(void *argument)
{
    struct weft__task *tasks = argument;

    for (int i = 0; i < each / 10; i++)
        weft__inject_put(&inject, &tasks[i]);
    return NULL;
}

static void *take_tasks(void *argument)
{
    (void)argument;
    while (weft__load_relaxed(&taken_count) < 2 * (each / 10)) {
        struct weft__task *task = weft__inject_take(&inject);
        if (task == NULL) {
            weft__lock_backoff(UINT32_MAX);
            continue;
        }
        weft__add_relaxed(&taken_sum, (int)task->copy_bytes);
        weft__add_relaxed(&taken_count, 1);
    }
    return NULL;
}

static void test_inject_gives_each_task_to_one_taker(void)
{
    struct weft__task *tasks = calloc(2 * (each / 10), sizeof(*tasks));
    pthread_t threads[4];
    int sum = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(tasks);
    for (int i = 0; i < 2 * (each / 10); i++) {
        tasks[i].copy_bytes = (uint32_t)i;
        sum += i;
    }
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, put_tasks, &tasks[i * (each / 10)]),
                              0);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[2 + i], NULL, take_tasks, NULL), 0);
    }
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&taken_sum), sum);
    CU_ASSERT_EQUAL(weft__load_relaxed(&inject.length), 0);
    CU_ASSERT_PTR_NULL(weft__inject_take(&inject));
    free(tasks);
}

static void test_fifo_first_in_is_first_out(void)
{
    static struct weft__task tasks[5];
    struct weft__fifo fifo = { 0 };

    CU_ASSERT_PTR_NULL(weft__queue_take(&fifo));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++)
            weft__queue_append(&fifo, &tasks[i]);
        CU_ASSERT_PTR_EQUAL(weft__queue_take(&fifo), &tasks[0]);
        weft__queue_append(&fifo, &tasks[0]); /* in again behind the others */
        for (int i = 1; i <= 5; i++)
            CU_ASSERT_PTR_EQUAL(weft__queue_take(&fifo), &tasks[i % 5]);
        CU_ASSERT_PTR_NULL(weft__queue_take(&fifo));
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_inbox_keeps_the_order_of_each_pusher),
        UNIT_TEST(test_inject_gives_each_task_to_one_taker),
        UNIT_TEST(test_fifo_first_in_is_first_out),
    };
    return unit_run(argc, argv, "inbox", tests, WEFT__COUNT(tests));
}

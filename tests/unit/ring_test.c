/* The stealable ring: order, room, thefts, and an owner against thieves. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdlib.h>

#include "runtime/sched/ring.h"
#include "tests/support/unit.h"

enum { many = 200000, thieves = 2 };

static struct weft__ring ring;
static struct weft__ring other;
static struct weft__task *tasks; /* many of them; copy_bytes counts how often each was taken */
static _Atomic uint32_t taken_in_all;

static void restart(uint32_t position)
{
    weft__store_relaxed(&ring.head, (uint64_t)position << 32 | position);
    weft__store_relaxed(&ring.tail, position);
    weft__store_relaxed(&other.head, 0);
    weft__store_relaxed(&other.tail, 0);
}

static void test_ring_is_first_in_first_out(void)
{
    restart(UINT32_MAX - 100); /* the indices wrap on the way */
    for (uint32_t i = 0; i < WEFT__RING_SLOTS; i++)
        CU_ASSERT_TRUE(weft__ring_push(&ring, &tasks[i]));
    CU_ASSERT_FALSE(weft__ring_push(&ring, &tasks[0]));
    CU_ASSERT_EQUAL(weft__ring_count(&ring), WEFT__RING_SLOTS);
    for (uint32_t i = 0; i < WEFT__RING_SLOTS; i++)
        CU_ASSERT_PTR_EQUAL(weft__ring_pop(&ring), &tasks[i]);
    CU_ASSERT_PTR_NULL(weft__ring_pop(&ring));
}

static void test_ring_steal_takes_the_older_half(void)
{
    uint32_t count = 0;

    restart(5);
    CU_ASSERT_PTR_NULL(weft__ring_steal(&ring, &other, 128, &count));
    for (uint32_t i = 0; i < 9; i++)
        CU_ASSERT_TRUE(weft__ring_push(&ring, &tasks[i]));
    CU_ASSERT_PTR_EQUAL(weft__ring_steal(&ring, &other, 128, &count), &tasks[4]);
    CU_ASSERT_EQUAL(count, 5);
    for (uint32_t i = 0; i < 4; i++)
        CU_ASSERT_PTR_EQUAL(weft__ring_pop(&other), &tasks[i]);
    for (uint32_t i = 5; i < 9; i++)
        CU_ASSERT_PTR_EQUAL(weft__ring_pop(&ring), &tasks[i]);
}

static void test_ring_steal_obeys_the_limit(void)
{
    uint32_t count = 0;

    restart(0);
    for (uint32_t i = 0; i < 100; i++)
        CU_ASSERT_TRUE(weft__ring_push(&ring, &tasks[i]));
    CU_ASSERT_PTR_EQUAL(weft__ring_steal(&ring, &other, 3, &count), &tasks[2]);
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_EQUAL(weft__ring_count(&ring), 97);
}

static void take(struct weft__task *task)
{
    task->copy_bytes++; /* whoever took it owns it */
    weft__add_relaxed(&taken_in_all, 1);
}

static void *steal_until_all_taken(void *argument)
{
    struct weft__ring *own = argument;
    uint32_t count = 0;

    while (weft__load_relaxed(&taken_in_all) < many) {
        struct weft__task *task = weft__ring_steal(&ring, own, 128, &count);
        for (; task != NULL; task = weft__ring_pop(own))
            take(task);
    }
    return NULL;
}

static void test_ring_owner_and_thieves_take_each_task_once(void)
{
    static struct weft__ring own[thieves];
    pthread_t threads[thieves];
    struct weft__task *task;

    restart(UINT32_MAX - 1000);
    for (int i = 0; i < thieves; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, steal_until_all_taken, &own[i]), 0);
    for (uint32_t i = 0; i < many;) {
        if (weft__ring_push(&ring, &tasks[i]))
            i++;
        else if ((task = weft__ring_pop(&ring)) != NULL)
            take(task);
    }
    while ((task = weft__ring_pop(&ring)) != NULL)
        take(task);
    for (int i = 0; i < thieves; i++)
        (void)pthread_join(threads[i], NULL);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < many; i++)
        wrong += tasks[i].copy_bytes != 1;
    CU_ASSERT_EQUAL(wrong, 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_ring_is_first_in_first_out),
        UNIT_TEST(test_ring_steal_takes_the_older_half),
        UNIT_TEST(test_ring_steal_obeys_the_limit),
        UNIT_TEST(test_ring_owner_and_thieves_take_each_task_once),
    };
    tasks = calloc(many, sizeof(*tasks));
    if (tasks == NULL)
        return unit_broken;
    int status = unit_run(argc, argv, "ring", tests, WEFT__COUNT(tests));
    free(tasks);
    return status;
}

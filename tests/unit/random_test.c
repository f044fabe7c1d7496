/* Random numbers: seeds, splits, and the generators of tasks and threads. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { draws = 4096, family = 64 };

static void test_seed_gives_the_same_numbers_each_time(void)
{
    weft_random one;
    weft_random same;
    weft_random other;
    int equal = 0;

    weft_random_seed(&one, 7);
    weft_random_seed(&same, 7);
    weft_random_seed(&other, 8);
    for (int i = 0; i < draws; i++) {
        uint64_t number = weft_random_next(&one);
        CU_ASSERT_EQUAL(weft_random_next(&same), number);
        equal += weft_random_next(&other) == number;
    }
    CU_ASSERT_EQUAL(equal, 0);
}

/* Each bit is set about half the time: within six standard deviations, for a given seed. */
static void test_next_sets_each_bit_as_often_as_not(void)
{
    int counts[64] = { 0 };
    weft_random random;

    weft_random_seed(&random, 1);
    for (int i = 0; i < draws; i++) {
        uint64_t number = weft_random_next(&random);
        for (int bit = 0; bit < 64; bit++)
            counts[bit] += (number >> bit & 1) != 0;
    }
    for (int bit = 0; bit < 64; bit++)
        CU_ASSERT_TRUE(abs(counts[bit] - draws / 2) < 192);
}

static void test_split_and_next_do_not_disturb_each_other(void)
{
    weft_random one;
    weft_random other;
    weft_random child;
    weft_random same_child;

    weft_random_seed(&one, 5);
    weft_random_seed(&other, 5);
    for (int i = 0; i < 100; i++) {
        uint64_t number = weft_random_next(&one); /* one draws and splits in turn */
        weft_random_split(&one, &child);
        weft_random_split(&other, &same_child); /* the other splits first */
        CU_ASSERT_EQUAL(weft_random_next(&child), weft_random_next(&same_child));
        CU_ASSERT_NOT_EQUAL(weft_random_next(&child), number);
    }
    weft_random_seed(&one, 5);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(weft_random_next(&other), weft_random_next(&one));
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Children and their children: no two give the same. */
static void test_split_gives_others_than_those_before(void)
{
    static uint64_t numbers[family * family];
    weft_random parent;

    weft_random_seed(&parent, 3);
    for (int i = 0; i < family; i++) {
        weft_random child;
        weft_random_split(&parent, &child);
        for (int j = 0; j < family; j++) {
            weft_random grandchild;
            weft_random_split(&child, &grandchild);
            numbers[i * family + j] = weft_random_next(&grandchild);
        }
    }
    qsort(numbers, WEFT__COUNT(numbers), sizeof(numbers[0]), compare);
    for (size_t i = 1; i < WEFT__COUNT(numbers); i++)
        CU_ASSERT_NOT_EQUAL(numbers[i], numbers[i - 1]);
}

static int draw_one(void *argument)
{
    **(uint64_t **)argument = weft_random_next(weft_random_self());
    return 0;
}

static uint64_t draw_in_a_task(weft_scope scope)
{
    uint64_t number = 0;
    uint64_t *place = &number;

    EXPECT_EQ(weft_wait(weft_go_copy(scope, draw_one, &place, sizeof(place)), WEFT_NEVER), 0);
    return number;
}

static int use_own(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    uint64_t first = draw_in_a_task(scope); /* of parents without one: each has its own seed */

    (void)argument;
    EXPECT(draw_in_a_task(scope) != first);
    weft_random *own = weft_random_self();
    EXPECT(own != NULL && weft_random_self() == own);
    weft_random_seed(own, 11);
    first = draw_in_a_task(scope);
    uint64_t second = draw_in_a_task(scope);
    EXPECT(first != second);
    weft_random_seed(own, 11);
    EXPECT(draw_in_a_task(scope) == first);
    (void)weft_random_next(own); /* changes nothing for the next child */
    EXPECT(draw_in_a_task(scope) == second);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_self_is_split_from_the_spawner(void)
{
    rig_each(use_own);
}

static weft_random *in_the_callback;

static void *ask_in_a_callback(void *value)
{
    in_the_callback = weft_random_self();
    return value;
}

static int spawn_with_a_callback(void *argument)
{
    weft_local key = weft_local_create(&WEFT_LOCAL_OPTIONS(.inherit = ask_in_a_callback));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_local_set(key, &in_the_callback), 0);
    in_the_callback = (weft_random *)&in_the_callback;
    (void)draw_in_a_task(scope);
    EXPECT(in_the_callback == NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_local_release(key), 0);
    return 0;
}

static void test_self_in_a_callback_is_none(void)
{
    rig_run(1, spawn_with_a_callback);
}

static void *draw_in_a_thread(void *argument)
{
    weft_random *own = weft_random_self();

    *(uint64_t *)argument = weft_random_next(own);
    return own == weft_random_self() ? argument : NULL;
}

static void test_self_of_threads_differ(void)
{
    uint64_t numbers[2] = { 0 };
    void *kept = NULL;
    pthread_t thread;

    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, draw_in_a_thread, &numbers[i]), 0);
        CU_ASSERT_EQUAL(pthread_join(thread, &kept), 0);
        CU_ASSERT_PTR_EQUAL(kept, &numbers[i]);
    }
    CU_ASSERT_NOT_EQUAL(numbers[0], numbers[1]);
}

/* Once in a process; the thread gives back what else it makes. */
static void *make_key(void *unused)
{
    (void)unused;
    return weft_random_self();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_seed_gives_the_same_numbers_each_time),
        UNIT_TEST(test_next_sets_each_bit_as_often_as_not),
        UNIT_TEST(test_split_and_next_do_not_disturb_each_other),
        UNIT_TEST(test_split_gives_others_than_those_before),
        UNIT_TEST(test_self_is_split_from_the_spawner),
        UNIT_TEST(test_self_in_a_callback_is_none),
        UNIT_TEST(test_self_of_threads_differ),
    };

    rig_on_thread(make_key);
    return unit_run(argc, argv, "random", tests, WEFT__COUNT(tests));
}

/* Maps: order, how many at a time, errors, cancel, deadline. */
#include <CUnit/CUnit.h>
#include <errno.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 300, few = 8 };

static int items[some];
static int64_t squares[some];
static int codes[some];
static _Atomic int begun;
static _Atomic int inside;
static _Atomic int most_inside;

static void reset(void)
{
    for (int i = 0; i < some; i++) {
        items[i] = i * 7 % some;
        squares[i] = -1;
        codes[i] = 1;
    }
    begun = 0;
    inside = 0;
    most_inside = 0;
}

static int square(void *context, size_t index, const void *item, void *out_result)
{
    int number = *(const int *)item;

    EXPECT(context == items);
    EXPECT_EQ(number, items[index]);
    for (int i = 0; i < number % 5; i++)
        (void)weft_yield(); /* they end in another order */
    *(int64_t *)out_result = (int64_t)number * number;
    return number;
}

static int map_squares(void *argument)
{
    size_t index = 77;
    weft_map map = WEFT_MAP(.fn = square, .context = items, .count = some, .items = items,
                            .item_bytes = sizeof(items[0]), .out_results = squares,
                            .result_bytes = sizeof(squares[0]), .out_codes = codes);

    (void)argument;
    for (map.concurrency = 0; map.concurrency <= 2 * some; map.concurrency += 150) {
        reset();
        EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), 0);
        for (int i = 0; i < some; i++) {
            EXPECT_EQ(squares[i], (int64_t)items[i] * items[i]);
            EXPECT_EQ(codes[i], items[i]);
        }
    }
    map.count = 0;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NOW), 0);
    EXPECT_EQ(index, 77); /* untouched */
    return 0;
}

static void test_results_stand_in_the_order_of_the_items(void)
{
    rig_each(map_squares);
}

/* Goes on when as many are inside as @context says, or it is one of the last. */
static int meet(void *context, size_t index, const void *item, void *out_result)
{
    int wanted = *(const int *)context;
    int now = weft__add_acqrel(&inside, 1) + 1; /* pairs with itself */
    int most = weft__load_relaxed(&most_inside);

    EXPECT(item == NULL && out_result == NULL);
    while (now > most && !weft__cas_acqrel(&most_inside, &most, now)) /* with itself */
        continue;
    while (index < (size_t)wanted && weft__load_relaxed(&most_inside) < wanted)
        if (weft_yield() < 0)
            return -EPROTO;
    weft__sub_acqrel(&inside, 1); /* pairs with the addition */
    return 0;
}

static int map_at_a_time(void *argument)
{
    int wanted = 0;
    weft_map map = WEFT_MAP(.fn = meet, .context = &wanted, .count = some);

    (void)argument;
    for (uint32_t concurrency = 0; concurrency < 8; concurrency += 2) {
        reset();
        map.concurrency = concurrency;
        wanted = concurrency == 0 ? 100 : (int)concurrency;
        EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), 0);
        EXPECT_EQ(most_inside, wanted); /* reached, and never more */
    }
    return 0;
}

static void test_so_many_items_are_worked_on_at_a_time_and_no_more(void)
{
    rig_each(map_at_a_time);
}

/* Items of number 3 and above wait for ever; 2 fails when those that can have begun. */
static int fail_second(void *context, size_t index, const void *item, void *out_result)
{
    (void)item;
    (void)out_result;
    weft__add_acqrel(&begun, 1); /* pairs with the load */
    if (index < 2)
        return (int)index;
    if (index > 2)
        return weft_sleep(weft_after(1000 * WEFT_SECOND));
    while (weft__load_acquire(&begun) < *(const int *)context) /* pairs with the addition */
        if (weft_yield() < 0)
            return -EPROTO;
    return -EDOM;
}

static int map_to_first_error(void *argument)
{
    size_t index = 0;
    int wanted = 2 + 3;
    weft_map map = WEFT_MAP(.fn = fail_second, .context = &wanted, .count = few, .out_codes = codes,
                            .concurrency = 3);

    (void)argument;
    reset();
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EDOM);
    EXPECT_EQ(index, 2);
    EXPECT_EQ(begun, 5); /* the two before it, it, and the two beside it */
    EXPECT_EQ(codes[0], 0);
    EXPECT_EQ(codes[1], 1);
    EXPECT_EQ(codes[2], -EDOM);
    for (int i = 3; i < few; i++)
        EXPECT_EQ(codes[i], -ECANCELED);
    EXPECT_EQ(codes[few], 1); /* untouched */
    return 0;
}

static void test_the_first_error_ends_the_map(void)
{
    rig_each(map_to_first_error);
}

static int fail_some(void *context, size_t index, const void *item, void *out_result)
{
    (void)context;
    (void)item;
    (void)out_result;
    for (size_t i = index; i < few; i++) /* the last ones fail first */
        (void)weft_yield();
    weft__add_relaxed(&begun, 1);
    return index == 2 ? -ECANCELED : index % 3 == 0 && index > 0 ? -(int)index : 0;
}

static int map_all(void *argument)
{
    size_t index = 0;
    weft_map map = WEFT_MAP(.fn = fail_some, .count = few, .out_codes = codes,
                            .policy = WEFT_RUN_ALL);

    (void)argument;
    reset();
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -3);
    EXPECT_EQ(index, 3); /* before 6, and before 2, which was merely cancelled */
    EXPECT_EQ(begun, few);
    for (int i = 0; i < few; i++)
        EXPECT_EQ(codes[i], i == 2 ? -ECANCELED : i % 3 == 0 && i > 0 ? -i : 0);
    map.count = 3;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(index, 2);
    return 0;
}

static void test_run_all_does_every_item_and_tells_all_codes(void)
{
    rig_each(map_all);
}

static int sleep_on(void *context, size_t index, const void *item, void *out_result)
{
    (void)index;
    (void)item;
    (void)out_result;
    weft__add_relaxed(&begun, 1);
    return context != NULL ? *(const int *)context : weft_sleep(weft_after(1000 * WEFT_SECOND));
}

static int run_map(void *argument)
{
    return weft_map_run(argument, NULL, WEFT_NEVER);
}

static int end_maps_early(void *argument)
{
    size_t index = 0;
    int timed_out = -ETIMEDOUT;
    weft_map map = WEFT_MAP(.fn = sleep_on, .count = few, .concurrency = 3);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < 2; i++) {
        map.policy = i == 0 ? WEFT_FIRST_ERROR : WEFT_RUN_ALL;
        reset();
        EXPECT_EQ(weft_map_run(&map, &index, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
        EXPECT_EQ(index, few); /* no item's */
        EXPECT(begun <= 3);    /* a busy machine may begin none within the time */
        reset();
        EXPECT_EQ(weft_map_run(&map, &index, WEFT_NOW), -ETIMEDOUT);
        EXPECT_EQ(begun, 0);
        weft_task task = weft_go(scope, run_map, &map);
        while (weft__load_relaxed(&begun) < 3)
            (void)weft_yield();
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(begun, 3);
        task = weft_go(scope, run_map, &map);
        EXPECT_EQ(weft_cancel(task), 0); /* before it began */
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(begun, 3);
    }
    map.context = &timed_out; /* an item's own */
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(index, 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_deadline_and_cancel_end_the_map(void)
{
    rig_each(end_maps_early);
}

static int refuse(void *argument)
{
    weft_map map = WEFT_MAP(.fn = sleep_on, .count = few);

    (void)argument;
    map.size--;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EINVAL);
    map.size++;
    map.policy = (weft_scope_policy)7;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EINVAL);
    return 0;
}

static void test_a_map_that_makes_no_sense_is_refused(void)
{
    weft_map map = WEFT_MAP(.fn = sleep_on, .count = few);

    CU_ASSERT_EQUAL(weft_map_run(&map, NULL, WEFT_NEVER), -EPERM);
    rig_run(1, refuse);
}

/* ---- batches ---- */

static int square_batch(void *context, size_t first, size_t count, const void *batch_items,
                        void *out_results)
{
    size_t batch = *(const size_t *)context;
    const int *numbers = batch_items;
    int64_t *results = out_results;

    EXPECT(numbers == items + first && results == squares + first && first % batch == 0);
    EXPECT_EQ(count, batch < some - first ? batch : some - first);
    weft__add_relaxed(&begun, 1);
    for (size_t i = 0; i < count; i++)
        results[i] = (int64_t)numbers[i] * numbers[i];
    return first == batch ? -EIO : (int)(first / batch);
}

static void check_codes(size_t batch)
{
    for (size_t i = 0; i < some; i++) {
        EXPECT_EQ(squares[i], (int64_t)items[i] * items[i]);
        EXPECT_EQ(codes[i], i / batch == 1 ? -EIO : (int)(i / batch));
    }
}

static int map_batches(void *argument)
{
    static const size_t batches[] = { 1, 7, 100, some - 1, some, SIZE_MAX };
    weft_map map = WEFT_MAP(.batch_fn = square_batch, .count = some, .items = items,
                            .item_bytes = sizeof(items[0]), .out_results = squares,
                            .result_bytes = sizeof(squares[0]), .out_codes = codes,
                            .policy = WEFT_RUN_ALL, .concurrency = 3, .context = &map.batch);

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(batches); i++) {
        size_t index = 77;
        reset();
        map.batch = batches[i];
        EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), map.batch < some ? -EIO : 0);
        EXPECT_EQ(index, map.batch < some ? map.batch : 77);
        EXPECT_EQ(begun, (some - 1) / map.batch + 1);
        check_codes(map.batch);
    }
    map.batch = 0;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EINVAL);
    map.batch = 2;
    map.fn = square;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EINVAL);
    map.batch_fn = NULL;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EINVAL);
    return 0;
}

static void test_batches_have_so_many_items_and_one_code(void)
{
    rig_each(map_batches);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_results_stand_in_the_order_of_the_items),
        UNIT_TEST(test_so_many_items_are_worked_on_at_a_time_and_no_more),
        UNIT_TEST(test_the_first_error_ends_the_map),
        UNIT_TEST(test_run_all_does_every_item_and_tells_all_codes),
        UNIT_TEST(test_deadline_and_cancel_end_the_map),
        UNIT_TEST(test_a_map_that_makes_no_sense_is_refused),
        UNIT_TEST(test_batches_have_so_many_items_and_one_code),
    };

    return unit_run(argc, argv, "map", tests, WEFT__COUNT(tests));
}

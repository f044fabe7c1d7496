/* Sorting: each order of the input, each size of item, comparisons that lie, a cancel. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { most = 60000 };

static inline int is_less(const uint32_t *a, const uint32_t *b)
{
    return *a < *b;
}

WEFT_SORT(sort_numbers, uint32_t, is_less);

typedef struct item {
    uint32_t key;
    uint32_t twice; /* of key: what belongs together stays together */
    char padding[20];
} item;

#define COMES_LATER(a, b) ((a)->key > (b)->key)

WEFT_SORT(sort_items, item, COMES_LATER);

static uint32_t numbers[most];
static item items[most];

static uint32_t at_random(size_t i, size_t count)
{
    (void)count;
    return (uint32_t)((i + 1) * 2654435761u) >> 3;
}

static uint32_t in_order(size_t i, size_t count)
{
    (void)count;
    return (uint32_t)i;
}

static uint32_t reversed(size_t i, size_t count)
{
    return (uint32_t)(count - i);
}

static uint32_t all_equal(size_t i, size_t count)
{
    (void)i;
    (void)count;
    return 7;
}

static uint32_t of_four(size_t i, size_t count)
{
    return at_random(i, count) % 4;
}

static uint32_t up_and_down(size_t i, size_t count)
{
    return (uint32_t)(i < count / 2 ? i : count - i);
}

static const struct {
    const char *label;
    uint32_t (*number)(size_t i, size_t count);
} orders[] = {
    { "at random", at_random }, { "in order", in_order }, { "reversed", reversed },
    { "all equal", all_equal }, { "of four", of_four },   { "up and down", up_and_down },
};

static const size_t counts[] = { 0, 1, 2, 3, 16, 17, 100, 4095, 10000, most };

static int sort_one(size_t order, size_t count)
{
    uint64_t sum = 0;
    uint64_t sum_after = 0;

    for (size_t i = 0; i < count; i++) {
        numbers[i] = orders[order].number(i, count);
        sum += numbers[i];
        items[i] = (item){ .key = numbers[i], .twice = 2 * numbers[i] };
    }
    EXPECT_EQ(sort_numbers(numbers, count), 0);
    EXPECT_EQ(sort_items(items, count), 0);
    for (size_t i = 0; i < count; i++) {
        sum_after += numbers[i];
        if (!EXPECT(i == 0 || numbers[i - 1] <= numbers[i]) ||
            !EXPECT(items[i].key == numbers[count - 1 - i]) ||
            !EXPECT(items[i].twice == 2 * items[i].key))
            return 0;
    }
    EXPECT_EQ(sum_after, sum);
    return 0;
}

static int sort_all(void *argument)
{
    (void)argument;
    for (size_t order = 0; order < WEFT__COUNT(orders); order++) {
        expect_about(orders[order].label);
        for (size_t i = 0; i < WEFT__COUNT(counts); i++)
            (void)sort_one(order, counts[i]);
    }
    return 0;
}

static void test_sort_of_each_order(void)
{
    rig_each(sort_all);
    CU_ASSERT_EQUAL(sort_all(NULL), 0); /* on a thread */
    expect_assert();
}

/* ---- the function ---- */

static int bytes_before(const void *a, const void *b, const void *context)
{
    return memcmp(a, b, *(const size_t *)context) < 0;
}

static int sort_each_size(void *argument)
{
    static const size_t sizes[] = { 1, 2, 3, 4, 7, 8, 15, 16, 24, 100, 1000 };
    static unsigned char room[most * sizeof(uint32_t)];
    static size_t tally[256];

    (void)argument;
    for (size_t s = 0; s < WEFT__COUNT(sizes); s++) {
        size_t bytes = sizes[s];
        size_t count = sizeof(room) / bytes < 20000 ? sizeof(room) / bytes : 20000;
        memset(tally, 0, sizeof(tally));
        for (size_t i = 0; i < count * bytes; i++) {
            room[i] = (unsigned char)at_random(i, 0);
            tally[room[i]]++;
        }
        EXPECT_EQ(weft_sort(room, count, bytes, bytes_before, &bytes), 0);
        for (size_t i = 1; i < count; i++)
            if (!EXPECT(memcmp(room + (i - 1) * bytes, room + i * bytes, bytes) <= 0))
                break;
        for (size_t i = 0; i < count * bytes; i++)
            tally[room[i]]--;
        for (size_t i = 0; i < WEFT__COUNT(tally); i++)
            EXPECT_EQ(tally[i], 0);
    }
    EXPECT_EQ(weft_sort(NULL, 0, 4, bytes_before, NULL), 0);
    EXPECT_EQ(weft_sort(room, 1, 0, bytes_before, NULL), -EINVAL);
    EXPECT_EQ(weft_sort(room, 1, 65537, bytes_before, NULL), -EINVAL);
    return 0;
}

static void test_sort_of_each_size(void)
{
    rig_each(sort_each_size);
    CU_ASSERT_EQUAL(sort_each_size(NULL), 0);
    expect_assert();
}

/* ---- the worst ---- */

/* McIlroy's adversary: decides what is less as late as it can, so that each pivot is a bad one. */
struct adversary {
    uint32_t values[10000];
    uint32_t next;
    uint32_t candidate;
    uint64_t asked;
};

static int decide_late(const void *a, const void *b, const void *context)
{
    struct adversary *self = (struct adversary *)(uintptr_t)context;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    self->asked++;
    if (self->values[x] == UINT32_MAX && self->values[y] == UINT32_MAX)
        self->values[x == self->candidate ? x : y] = self->next++;
    if (self->values[x] == UINT32_MAX)
        self->candidate = x;
    else if (self->values[y] == UINT32_MAX)
        self->candidate = y;
    return self->values[x] < self->values[y];
}

static int sort_against_adversary(void *argument)
{
    enum { count = 10000, log_count = 14 };
    static struct adversary adversary;

    (void)argument;
    memset(&adversary, 0, sizeof(adversary));
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = i;
        adversary.values[i] = UINT32_MAX;
    }
    EXPECT_EQ(weft_sort(numbers, count, sizeof(uint32_t), decide_late, &adversary), 0);
    for (size_t i = 1; i < count; i++)
        if (!EXPECT(adversary.values[numbers[i - 1]] <= adversary.values[numbers[i]]))
            break;
    EXPECT(adversary.asked < (uint64_t)5 * count * log_count); /* not count^2 */
    return 0;
}

static _Atomic uint64_t lies;

static int lie(const void *a, const void *b, const void *context)
{
    (void)a;
    (void)b;
    (void)context;
    return at_random(weft__add_relaxed(&lies, 1), 0) & 1;
}

static int always(const void *a, const void *b, const void *context)
{
    (void)a;
    (void)b;
    (void)context;
    return 1;
}

/* In what order they come then is nobody's promise, but all of them are there. */
static int sort_by_lies(void *argument)
{
    static weft_before_fn liars[] = { lie, always };
    static bool seen[most];

    (void)argument;
    for (size_t l = 0; l < WEFT__COUNT(liars); l++) {
        for (uint32_t i = 0; i < most; i++)
            numbers[i] = i;
        memset(seen, 0, sizeof(seen));
        EXPECT_EQ(weft_sort(numbers, 20000, sizeof(uint32_t), liars[l], NULL), 0);
        for (size_t i = 0; i < 20000; i++)
            if (!EXPECT(numbers[i] < 20000) || !EXPECT(!seen[numbers[i]]))
                break;
            else
                seen[numbers[i]] = true;
    }
    return 0;
}

static void test_sort_of_the_worst_inputs_ends(void)
{
    rig_run(1, sort_against_adversary);
    rig_each(sort_by_lies);
    expect_assert();
}

/* ---- cancel ---- */

static int cancel_when_asked(const void *a, const void *b, const void *context)
{
    (void)context;
    if (weft__add_relaxed(&lies, 1) == 1000)
        EXPECT_EQ(weft_cancel(weft_self()), 0);
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

static int sort_until_canceled(void *argument)
{
    uint64_t sum = 0;

    (void)argument;
    weft__store_relaxed(&lies, 0);
    for (uint32_t i = 0; i < most; i++)
        numbers[i] = most - i;
    EXPECT_EQ(weft_sort(numbers, most, sizeof(uint32_t), cancel_when_asked, NULL), -ECANCELED);
    for (uint32_t i = 0; i < most; i++)
        sum += numbers[i];
    EXPECT_EQ(sum, (uint64_t)most * (most + 1) / 2);
    EXPECT(weft__load_relaxed(&lies) < (uint64_t)4 * most);
    return 0;
}

static void test_sort_ends_when_its_task_is_canceled(void)
{
    rig_run(1, sort_until_canceled);
    rig_run(4, sort_until_canceled);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_sort_of_each_order),
        UNIT_TEST(test_sort_of_each_size),
        UNIT_TEST(test_sort_of_the_worst_inputs_ends),
        UNIT_TEST(test_sort_ends_when_its_task_is_canceled),
    };

    return unit_run(argc, argv, "sort", tests, WEFT__COUNT(tests));
}

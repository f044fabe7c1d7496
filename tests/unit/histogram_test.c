/* The log-linear histogram: what it states of its error, against sorted values. */
#include "tools/common/histogram.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "runtime/base/random.h"
#include "tests/support/unit.h"

enum { value_count = 20000 };

static struct weft__histogram histogram;
static struct weft__histogram other;
static uint64_t values[value_count];

static void clear(void)
{
    memset(&histogram, 0, sizeof(histogram));
    memset(&other, 0, sizeof(other));
}

/* Not below @exact, and above it by less than 1/128. */
static bool is_near(uint64_t got, uint64_t exact)
{
    return got >= exact && got - exact <= exact / 128;
}

static void test_one_value_comes_back_within_the_error(void)
{
    for (int bit = 0; bit < 64; bit++) {
        for (int64_t step = -2; step <= 2; step++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)step;

            clear();
            weft__histogram_record(&histogram, value);
            weft__histogram_record(&histogram, UINT64_MAX); /* or the largest would hide the slot */
            uint64_t got = weft__histogram_at(&histogram, 0.5);
            if (!is_near(got, value))
                (void)fprintf(stderr, "%" PRIu64 " came back as %" PRIu64 "\n", value, got);
            CU_ASSERT_TRUE(is_near(got, value));
        }
    }
}

static void test_small_values_are_exact(void)
{
    clear();
    for (uint64_t value = 0; value < 256; value++)
        weft__histogram_record(&histogram, value);
    for (uint64_t value = 1; value <= 256; value++)
        CU_ASSERT_EQUAL(weft__histogram_at(&histogram, (double)value / 256), value - 1);
    CU_ASSERT_EQUAL(histogram.least, 0);
    CU_ASSERT_EQUAL(histogram.largest, 255);
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void fill(void)
{
    struct weft__random random;

    weft__random_init(&random, 2026);
    for (size_t i = 0; i < value_count; i++)
        values[i] = weft__random_next(&random) >> (weft__random_next(&random) % 64);
}

static void test_shares_are_those_of_sorted_values(void)
{
    static const double shares[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };

    clear();
    fill();
    for (size_t i = 0; i < value_count; i++)
        weft__histogram_record(&histogram, values[i]);
    qsort(values, value_count, sizeof(values[0]), compare);
    for (size_t i = 0; i < WEFT__COUNT(shares); i++) {
        size_t rank = (size_t)(shares[i] * value_count + 0.5);
        uint64_t exact = values[rank == 0 ? 0 : rank - 1];
        CU_ASSERT_TRUE(is_near(weft__histogram_at(&histogram, shares[i]), exact));
    }
    CU_ASSERT_EQUAL(weft__histogram_at(&histogram, 1), values[value_count - 1]);
    CU_ASSERT_EQUAL(histogram.least, values[0]);
}

static void test_merge_is_as_if_one_had_recorded_all(void)
{
    static struct weft__histogram whole;

    clear();
    fill();
    memset(&whole, 0, sizeof(whole));
    for (size_t i = 0; i < value_count; i++) {
        weft__histogram_record(i % 3 == 0 ? &histogram : &other, values[i]);
        weft__histogram_record(&whole, values[i]);
    }
    weft__histogram_merge(&histogram, &other);
    CU_ASSERT_EQUAL(histogram.count, whole.count);
    CU_ASSERT_EQUAL(histogram.least, whole.least);
    CU_ASSERT_EQUAL(histogram.largest, whole.largest);
    for (size_t i = 0; i < WEFT__HISTOGRAM_SLOTS; i++)
        if (histogram.slots[i] != whole.slots[i])
            CU_FAIL("a slot differs");
    clear();
    weft__histogram_merge(&histogram, &other);
    CU_ASSERT_EQUAL(histogram.count, 0);
    CU_ASSERT_EQUAL(weft__histogram_at(&histogram, 0.5), 0);
}

static void test_rows_count_each_value_once(void)
{
    uint64_t sum = 0;

    clear();
    fill();
    for (size_t i = 0; i < value_count; i++)
        weft__histogram_record(&histogram, values[i] >> 8); /* bounds end below 2^64 */
    uint64_t low = weft__histogram_first_bound(&histogram);
    CU_ASSERT_TRUE(low <= histogram.least);
    while (low <= histogram.largest) {
        uint64_t high = weft__histogram_next_bound(low);
        sum += weft__histogram_between(&histogram, low, high);
        low = high;
    }
    CU_ASSERT_EQUAL(sum, histogram.count);
}

static void test_bounds_are_one_two_five(void)
{
    static const uint64_t bounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };

    for (size_t i = 1; i < WEFT__COUNT(bounds); i++)
        CU_ASSERT_EQUAL(weft__histogram_next_bound(bounds[i - 1]), bounds[i]);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_one_value_comes_back_within_the_error),
        UNIT_TEST(test_small_values_are_exact),
        UNIT_TEST(test_shares_are_those_of_sorted_values),
        UNIT_TEST(test_merge_is_as_if_one_had_recorded_all),
        UNIT_TEST(test_rows_count_each_value_once),
        UNIT_TEST(test_bounds_are_one_two_five),
    };

    return unit_run(argc, argv, "histogram", tests, sizeof(tests) / sizeof(tests[0]));
}

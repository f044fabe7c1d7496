#include "tools/bench/statistics.h"

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/support/unit.h"

/* Table of the binomial sign interval: ranks are those of the textbooks (Conover, table A3). */
static const struct {
    const char *label;
    size_t count;
    size_t low_rank;
    size_t high_rank;
    double confidence;
} interval_rows[] = {
    { "one value is its own interval", 1, 1, 1, 0.0 },
    { "three values give three quarters", 3, 1, 3, 0.75 },
    { "five do not reach 95 %", 5, 1, 5, 0.9375 },
    { "six are the first that do", 6, 1, 6, 0.96875 },
    { "eight still need all", 8, 1, 8, 0.9921875 },
    { "nine can spare the ends", 9, 2, 8, 0.9609375 },
    { "fifteen pairs", 15, 4, 12, 0.96484375 },
    { "thirty samples", 30, 10, 21, 0.9572260 },
    { "a hundred", 100, 40, 61, 0.9647998 },
    { "the most there may be", 1000, 469, 532, 0.9537088 },
};

static bool close_to(double got, double want)
{
    return got - want < 1e-6 && want - got < 1e-6;
}

static void test_describe_interval_has_the_ranks_of_the_table(void)
{
    for (size_t row = 0; row < sizeof(interval_rows) / sizeof(interval_rows[0]); row++) {
        static double values[weft__statistics_values_max];
        size_t count = interval_rows[row].count;
        for (size_t i = 0; i < count; i++)
            values[i] = (double)(count - i); /* falling, so that sorting matters */

        struct weft__statistics got;
        weft__statistics_describe(values, count, &got);

        bool ok = close_to(got.low, (double)interval_rows[row].low_rank) &&
                  close_to(got.high, (double)interval_rows[row].high_rank) &&
                  close_to(got.confidence, interval_rows[row].confidence);
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %g to %g with %.7f\n", row,
                          interval_rows[row].label, got.low, got.high, got.confidence);
        CU_ASSERT_TRUE(ok);
    }
}

static const struct {
    const char *label;
    double values[6];
    size_t count;
    double median;
    double min;
    double max;
} median_rows[] = {
    { "single", { 7 }, 1, 7, 7, 7 },
    { "even: mean of the middle two", { 4, 1, 3, 2 }, 4, 2.5, 1, 4 },
    { "odd", { 9, -1, 5 }, 3, 5, -1, 9 },
    { "equal values", { 2, 2, 2, 2, 2 }, 5, 2, 2, 2 },
    { "an outlier moves no median", { 1, 2, 3, 4, 1e9, 0 }, 6, 2.5, 0, 1e9 },
};

static void test_describe_median_and_ends(void)
{
    for (size_t row = 0; row < sizeof(median_rows) / sizeof(median_rows[0]); row++) {
        double values[6];
        for (size_t i = 0; i < median_rows[row].count; i++)
            values[i] = median_rows[row].values[i];

        struct weft__statistics got;
        weft__statistics_describe(values, median_rows[row].count, &got);

        bool ok = close_to(got.median, median_rows[row].median) &&
                  close_to(got.min, median_rows[row].min) &&
                  close_to(got.max, median_rows[row].max);
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %g in %g to %g\n", row, median_rows[row].label,
                          got.median, got.min, got.max);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_quantile_stays_inside(void)
{
    static double sorted[100];
    for (size_t i = 0; i < 100; i++)
        sorted[i] = (double)i;

    CU_ASSERT_DOUBLE_EQUAL(weft__statistics_quantile(sorted, 100, 0.0), 0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(weft__statistics_quantile(sorted, 100, 0.5), 50, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(weft__statistics_quantile(sorted, 100, 0.99), 99, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(weft__statistics_quantile(sorted, 100, 1.0), 99, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(weft__statistics_quantile(sorted, 1, 0.99), 0, 1e-9);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_describe_interval_has_the_ranks_of_the_table),
        UNIT_TEST(test_describe_median_and_ends),
        UNIT_TEST(test_quantile_stays_inside),
    };

    return unit_run(argc, argv, "statistics", tests, sizeof(tests) / sizeof(tests[0]));
}

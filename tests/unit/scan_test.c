/* Running sums: as a plain loop works them out, the same on every number of workers. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { length = 30000 };

struct columns {
    bool exclusive;
    int64_t out[length];
};

static struct columns columns;

static int add_squares(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    struct columns *self = argument;
    int64_t s = *(int64_t *)sum;

    EXPECT(begin < end);
    for (size_t i = begin; i < end; i++) {
        if (writes && self->exclusive)
            self->out[i] = s;
        s += (int64_t)(i * i);
        if (writes && !self->exclusive)
            self->out[i] = s;
    }
    *(int64_t *)sum = s;
    if (begin % 7 == 0)
        (void)weft_yield();
    return 0;
}

static const struct {
    const char *label;
    size_t begin;
    size_t end;
    weft_schedule schedule;
    size_t grain;
} ranges[] = {
    { "all", 0, length, WEFT_DYNAMIC, 0 },   { "one", 5, 6, WEFT_DYNAMIC, 0 },
    { "some", 17, 1234, WEFT_DYNAMIC, 10 },  { "parts", 0, length, WEFT_STATIC, 0 },
    { "shares", 3, length, WEFT_GUIDED, 0 }, { "one block", 0, 100, WEFT_DYNAMIC, 1000 },
    { "none", 9, 9, WEFT_DYNAMIC, 0 },       { "reversed", 10, 9, WEFT_DYNAMIC, 0 },
};

static void expect_sums(size_t begin, size_t end, int64_t sum)
{
    for (size_t i = begin; i < end; i++) {
        int64_t before = sum;
        sum += (int64_t)(i * i);
        if (!EXPECT_EQ(columns.out[i], columns.exclusive ? before : sum))
            break;
    }
}

static int scan_each(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < 2 * WEFT__COUNT(ranges); i++) {
        size_t row = i / 2;
        int64_t sum = 1000;
        expect_about(ranges[row].label);
        memset(columns.out, 0, sizeof(columns.out));
        columns.exclusive = i % 2 != 0;
        EXPECT_EQ(weft_scan(ranges[row].begin, ranges[row].end, add_squares, &columns, &sum,
                            sizeof(sum), weft_add_integer,
                            &WEFT_FOR_OPTIONS(.schedule = ranges[row].schedule,
                                              .grain = ranges[row].grain)),
                  0);
        expect_sums(ranges[row].begin, ranges[row].end, 1000);
        int64_t all = 1000;
        for (size_t j = ranges[row].begin; j < ranges[row].end; j++)
            all += (int64_t)(j * j);
        EXPECT_EQ(sum, all);
    }
    return 0;
}

static void test_scan_is_what_a_plain_loop_does(void)
{
    rig_each(scan_each);
    CU_ASSERT_EQUAL(scan_each(NULL), 0); /* on a thread */
    expect_assert();
}

/* ---- order, and rounding ---- */

/* Of two indices the one behind remains: whoever combines in another order gets another one. */
static void keep_last(void *into, const void *from)
{
    if (*(const size_t *)from != 0)
        *(size_t *)into = *(const size_t *)from;
}

static size_t last_before[length]; /* the last multiple of 1,000 at or before each, and one */

static int find_last(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    size_t last = *(size_t *)sum;

    (void)argument;
    for (size_t i = begin; i < end; i++) {
        if (i % 1000 == 0)
            last = i + 1;
        if (writes)
            last_before[i] = last;
    }
    *(size_t *)sum = last;
    return 0;
}

static int scan_in_order(void *argument)
{
    size_t last = 0;

    (void)argument;
    EXPECT_EQ(weft_scan(0, length, find_last, NULL, &last, sizeof(last), keep_last, NULL), 0);
    EXPECT_EQ(last, 29001);
    for (size_t i = 0; i < length; i++)
        if (!EXPECT_EQ(last_before[i], i / 1000 * 1000 + 1))
            break;
    return 0;
}

static void test_scan_combines_in_order(void)
{
    rig_each(scan_in_order);
    expect_assert();
}

static double harmonic[4][length]; /* with 1, 2, 4 workers, on a thread */
static int harmonic_count;

static int add_inverses(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    double *out = argument;
    double s = *(double *)sum;

    for (size_t i = begin; i < end; i++) {
        s += 1.0 / (double)(i + 1);
        if (writes)
            out[i] = s;
    }
    *(double *)sum = s;
    return 0;
}

static int scan_inverses(void *argument)
{
    double sum = 0;

    (void)argument;
    EXPECT_EQ(weft_scan(0, length, add_inverses, harmonic[harmonic_count], &sum, sizeof(sum),
                        weft_add_double, NULL),
              0);
    EXPECT(sum > 10.8 && sum < 10.9); /* ln 30000 and Euler's constant */
    harmonic_count++;
    return 0;
}

static void test_scan_is_the_same_for_every_number_of_workers(void)
{
    harmonic_count = 0;
    rig_each(scan_inverses);
    CU_ASSERT_EQUAL(scan_inverses(NULL), 0);
    for (int i = 1; i < harmonic_count; i++)
        CU_ASSERT_TRUE(memcmp(harmonic[0], harmonic[i], sizeof(harmonic[0])) == 0);
    expect_assert();
}

/* ---- failures ---- */

static int fail_to(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    (void)sum;
    return begin <= 5500 && 5500 < end && writes == *(const int *)argument ? -EDOM : 0;
}

static int scan_and_fail(void *argument)
{
    (void)argument;
    for (int writes = 0; writes < 2; writes++) {
        int64_t sum = 3;
        size_t failed = 0;
        weft_for_failure failure = { 0, 0, 0 };
        EXPECT_EQ(weft_scan(0, 8000, fail_to, &writes, &sum, sizeof(sum), weft_add_integer,
                            &WEFT_FOR_OPTIONS(.grain = 1000, .failures = &failure,
                                              .failures_room = 1, .out_count = &failed)),
                  -EDOM);
        EXPECT_EQ(sum, 3);
        EXPECT_EQ(failed, 1);
        EXPECT_EQ(failure.begin, 5000);
        EXPECT_EQ(failure.end, 6000);
    }
    return 0;
}

static int scan_wrongly(void *argument)
{
    int64_t sum = 3;
    weft_for_options wrong = WEFT_FOR_OPTIONS_INIT;

    (void)argument;
    EXPECT_EQ(weft_scan(0, 9, add_squares, &columns, &sum, 0, weft_add_integer, NULL), -EINVAL);
    EXPECT_EQ(weft_scan(9, 0, add_squares, &columns, &sum, 65537, weft_add_integer, NULL), -EINVAL);
    wrong.size = 1;
    EXPECT_EQ(weft_scan(0, 9, add_squares, &columns, &sum, 8, weft_add_integer, &wrong), -EINVAL);
    EXPECT_EQ(weft_scan(0, 0, add_squares, &columns, &sum, 8, weft_add_integer,
                        &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)9)),
              -EINVAL);
    EXPECT_EQ(sum, 3);
    return 0;
}

static void test_scan_reports_failures(void)
{
    rig_each(scan_and_fail);
    rig_run(1, scan_wrongly);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_scan_is_what_a_plain_loop_does),
        UNIT_TEST(test_scan_combines_in_order),
        UNIT_TEST(test_scan_is_the_same_for_every_number_of_workers),
        UNIT_TEST(test_scan_reports_failures),
    };

    return unit_run(argc, argv, "scan", tests, WEFT__COUNT(tests));
}

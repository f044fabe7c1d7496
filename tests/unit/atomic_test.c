/* Atomic operations of <weft/atomic.h>: what they return and leave, and that none is lost. */
#include <CUnit/CUnit.h>
#include <math.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* An operation on @before with @value returns @before, and leaves @after. */
#define OPERATION(verb, name, type, before, value, after)                                        \
    do {                                                                                         \
        type object = (before);                                                                  \
        CU_ASSERT_TRUE(weft_atomic_##verb##_##name(&object, (value)) == (type)(before));         \
        CU_ASSERT_TRUE(object == (type)(after));                                                 \
    } while (0)

#define INTEGER(name, type, least, most)                                                         \
    do {                                                                                         \
        OPERATION(max, name, type, 3, 5, 5);                                                     \
        OPERATION(max, name, type, 5, 3, 5);                                                     \
        OPERATION(max, name, type, least, most, most);                                           \
        OPERATION(min, name, type, 3, 5, 3);                                                     \
        OPERATION(min, name, type, 5, 3, 3);                                                     \
        OPERATION(min, name, type, most, least, least);                                          \
        OPERATION(nand, name, type, 12, 10, ~8);                                                 \
        OPERATION(nand, name, type, 0, 0, ~0);                                                   \
    } while (0)

#define FLOAT(name, type)                                                                        \
    do {                                                                                         \
        OPERATION(max, name, type, 1, 2, 2);                                                     \
        OPERATION(max, name, type, 2, -INFINITY, 2);                                             \
        OPERATION(max, name, type, 2, (type)NAN, 2);                                             \
        OPERATION(min, name, type, 1, -2, -2);                                                   \
        OPERATION(min, name, type, 1, INFINITY, 1);                                              \
        OPERATION(min, name, type, 1, (type)NAN, 1);                                             \
        OPERATION(add, name, type, 1, 2.5f, 3.5f);                                               \
        OPERATION(sub, name, type, 1, 2.5f, -1.5f);                                              \
        type number = (type)NAN;                                                                 \
        CU_ASSERT_TRUE(isnan(weft_atomic_max_##name(&number, 7)));                               \
        CU_ASSERT_TRUE(number >= 7);                                                             \
        number = (type)NAN;                                                                      \
        CU_ASSERT_TRUE(isnan(weft_atomic_min_##name(&number, 7)));                               \
        CU_ASSERT_TRUE(number <= 7);                                                             \
    } while (0)

static void test_atomic_integers(void)
{
    INTEGER(i8, int8_t, INT8_MIN, INT8_MAX);
    INTEGER(i16, int16_t, INT16_MIN, INT16_MAX);
    INTEGER(i32, int32_t, INT32_MIN, INT32_MAX);
    INTEGER(i64, int64_t, INT64_MIN, INT64_MAX);
}

static void test_atomic_numbers_without_sign(void)
{
    INTEGER(u8, uint8_t, 0, UINT8_MAX);
    INTEGER(u16, uint16_t, 0, UINT16_MAX);
    INTEGER(u32, uint32_t, 0, UINT32_MAX);
    INTEGER(u64, uint64_t, 0, UINT64_MAX);
}

static void test_atomic_floats(void)
{
    FLOAT(f32, float);
    FLOAT(f64, double);
}

static void test_atomic_two_words(void)
{
    weft_u128 object = { 1, 2 };
    weft_u128 expected = { 1, 3 };
    const weft_u128 wanted = { 5, 6 };

    CU_ASSERT_EQUAL(weft_atomic_cas_u128(&object, &expected, wanted), 0);
    CU_ASSERT_TRUE(object.low == 1 && object.high == 2);
    CU_ASSERT_TRUE(expected.low == 1 && expected.high == 2);
    expected.low = 7;
    CU_ASSERT_EQUAL(weft_atomic_cas_u128(&object, &expected, wanted), 0);
    CU_ASSERT_TRUE(expected.low == 1 && expected.high == 2);
    CU_ASSERT_EQUAL(weft_atomic_cas_u128(&object, &expected, wanted), 1);
    CU_ASSERT_TRUE(object.low == 5 && object.high == 6);
    CU_ASSERT_TRUE(expected.low == 1 && expected.high == 2);
}

/* ---- by many ---- */

enum { members = 4, rounds = 20000 };

static struct {
    double sum;
    int64_t most;
    weft_u128 pair;
    uint64_t guarded; /* whose pair.high is odd may count here */
} shared;

static void count_pair(void)
{
    weft_u128 before = { 0, 0 };
    weft_u128 after;

    do {
        before.high &= ~UINT64_C(1);
        after.low = before.low + 1;
        after.high = before.high + 1;
    } while (!weft_atomic_cas_u128(&shared.pair, &before, after));
    shared.guarded++;
    before = after;
    after.high++;
    EXPECT_EQ(weft_atomic_cas_u128(&shared.pair, &before, after), 1);
}

static int work(void *argument)
{
    int64_t number = *(const int64_t *)argument;

    for (int64_t i = 0; i < rounds; i++) {
        (void)weft_atomic_add_f64(&shared.sum, 0.5);
        (void)weft_atomic_max_i64(&shared.most, i * members + number);
        if (i % 8 == 0)
            count_pair();
        if (i % 256 == 0)
            (void)weft_yield();
    }
    return 0;
}

static int work_together(void *argument)
{
    static int64_t numbers[members] = { 0, 1, 2, 3 };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    memset(&shared, 0, sizeof(shared));
    for (int i = 0; i < members; i++)
        (void)weft_go(scope, work, &numbers[i]);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(shared.sum >= members * rounds * 0.5 && shared.sum <= members * rounds * 0.5);
    EXPECT_EQ(shared.most, (int64_t)rounds * members - 1);
    EXPECT_EQ(shared.guarded, members * rounds / 8);
    EXPECT_EQ(shared.pair.low, members * rounds / 8);
    EXPECT_EQ(shared.pair.high, members * rounds / 4);
    return 0;
}

static void test_atomic_operations_lose_nothing(void)
{
    rig_each(work_together);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_atomic_integers),
        UNIT_TEST(test_atomic_numbers_without_sign),
        UNIT_TEST(test_atomic_floats),
        UNIT_TEST(test_atomic_two_words),
        UNIT_TEST(test_atomic_operations_lose_nothing),
    };

    return unit_run(argc, argv, "atomic", tests, WEFT__COUNT(tests));
}

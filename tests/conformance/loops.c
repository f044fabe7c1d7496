/* Sections 3.2 and 3.3 of the features: parallel loops, and atomics. */
#include "tests/support/conformance.h"

enum { length = 1003, most_workers = 16 };

static _Atomic int visits[length];
static _Atomic int calls;

static void clear(void)
{
    calls = 0;
    for (size_t i = 0; i < length; i++)
        visits[i] = 0;
}

static void expect_once(size_t count)
{
    for (size_t i = 0; i < length; i++)
        EXPECT_EQ(visits[i], i < count ? 1 : 0);
}

static int visit(size_t begin, size_t end, void *argument)
{
    (void)argument;
    calls++;
    for (size_t i = begin; i < end; i++)
        visits[i]++;
    return 0;
}

/* No chunks are promised but by WEFT_STATIC; there is a result: weft_reduce. */
CONFORMANCE(threads_for_does_each_index_once_and_joins)
{
    clear();
    EXPECT_EQ(weft_for(0, length, visit, NULL, NULL), 0);
    expect_once(length);
    clear();
    EXPECT_EQ(weft_for(5, 5, visit, NULL, NULL), 0);
    EXPECT_EQ(calls, 0);
    return 0;
}

static weft_range chunks[most_workers];

static int note_chunk(size_t begin, size_t end, void *argument)
{
    uint32_t worker = (uint32_t)weft_worker_self();

    (void)argument;
    calls++;
    chunks[worker] = (weft_range){ begin, end };
    (void)weft_yield();
    EXPECT_EQ(weft_worker_self(), worker); /* constant in a chunk */
    return 0;
}

static int loop_within(size_t begin, size_t end, void *argument)
{
    (void)begin;
    (void)end;
    return weft_for(0, 10, visit, argument, &WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC));
}

/* Nested use is no error: the inner loop is divided as well. */
CONFORMANCE(static_schedule_gives_each_worker_its_contiguous_chunk)
{
    size_t workers = (size_t)weft_worker_count(0);
    size_t next = 0;

    clear();
    EXPECT_EQ(weft_for(0, length, note_chunk, NULL, &WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC)), 0);
    EXPECT_EQ(calls, workers);
    for (size_t i = 0; i < workers; i++) { /* as equal as possible, the first ones longer */
        EXPECT_EQ(chunks[i].begin, next);
        next += length / workers + (i < length % workers ? 1 : 0);
        EXPECT_EQ(chunks[i].end, next);
    }
    EXPECT_EQ(next, length);
    clear();
    EXPECT_EQ(weft_for(0, 1, loop_within, NULL, &WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC)), 0);
    expect_once(10);
    return 0;
}

static int visit_a_square(size_t begin, size_t end, void *argument)
{
    for (size_t i = begin; i < end; i++)
        EXPECT_EQ(weft_for(i * 30, i * 30 + 30, visit, argument, NULL), 0);
    return 0;
}

CONFORMANCE(nested_parallelism_composes)
{
    clear();
    EXPECT_EQ(weft_for(0, 30, visit_a_square, NULL, &WEFT_FOR_OPTIONS(.grain = 1)), 0);
    expect_once(900);
    return 0;
}

static int fail_in_two(size_t begin, size_t end, void *argument)
{
    (void)visit(begin, end, argument);
    return begin == 200 ? -EDOM : begin == 700 ? -ERANGE : 0;
}

/* A list in place of a CompositeException; the first error may also end the loop. */
CONFORMANCE(loop_error_is_reported_and_other_chunks_run_on)
{
    weft_for_failure failures[4];
    size_t failed = 0;

    clear();
    EXPECT_EQ(
        weft_for(0, 1000, fail_in_two, NULL,
                 &WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC, .grain = 1, .policy = WEFT_RUN_ALL,
                                   .failures = failures, .failures_room = 4, .out_count = &failed)),
        -EDOM);
    expect_once(1000);
    EXPECT_EQ(failed, 2);
    EXPECT_EQ(failures[0].begin, 200);
    EXPECT_EQ(failures[0].code, -EDOM);
    EXPECT_EQ(failures[1].begin, 700);
    EXPECT_EQ(failures[1].code, -ERANGE);
    return 0;
}

static int visit_message(void *message, void *argument)
{
    (void)argument;
    visits[*(const uint32_t *)message]++;
    return 0;
}

static int put_numbers(void *argument)
{
    weft_chan chan = *(const weft_chan *)argument;

    for (uint32_t i = 0; i < 500; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    return weft_chan_close(chan, 0);
}

/* A task that waits for a message is freed by a failure, too, and not only by the close. */
CONFORMANCE(threads_foreach_drains_a_channel)
{
    weft_chan chan = weft_chan_create(sizeof(uint32_t), 4);
    weft_scope scope = weft_scope_open(NULL);

    clear();
    (void)weft_go_copy(scope, put_numbers, &chan, sizeof(chan));
    EXPECT_EQ(weft_for_each(chan, visit_message, NULL, NULL), 0);
    expect_once(500);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return weft_chan_release(chan);
}

/* ---- atomics ---- */

struct sums {
    int64_t most;
    double sum;
};

static int change_all(size_t begin, size_t end, void *argument)
{
    struct sums *sums = argument;

    for (size_t i = begin; i < end; i++) {
        (void)weft_atomic_max_i64(&sums->most, (int64_t)i);
        (void)weft_atomic_add_f64(&sums->sum, 1);
    }
    return 0;
}

CONFORMANCE(atomic_operations_return_the_old_value)
{
    int8_t small = -5;
    uint16_t positive = 0xFFF0;
    double number = 1.5;
    struct sums sums = { -1, 0 };

    EXPECT_EQ(weft_atomic_max_i8(&small, 3), -5); /* signedness is respected */
    EXPECT_EQ(small, 3);
    EXPECT_EQ(weft_atomic_min_u16(&positive, 7), 0xFFF0);
    EXPECT_EQ(positive, 7);
    EXPECT_EQ(weft_atomic_nand_u16(&positive, 5), 7);
    EXPECT_EQ(positive, 0xFFFA);
    EXPECT(weft_atomic_sub_f64(&number, 0.5) >= 1.5);
    EXPECT(number <= 1.0);
    EXPECT_EQ(weft_for(0, 10000, change_all, &sums, NULL), 0);
    EXPECT_EQ(sums.most, 9999);
    EXPECT(sums.sum >= 10000 && sums.sum <= 10000);
    return 0;
}

CONFORMANCE(atomic_cas_succeeds_when_all_128_bits_are_the_same)
{
    weft_u128 pair = { 1, 2 };
    weft_u128 expected = { 1, 0 };

    EXPECT_EQ(weft_atomic_cas_u128(&pair, &expected, (weft_u128){ 3, 4 }), 0);
    EXPECT(expected.low == 1 && expected.high == 2); /* what was there */
    EXPECT_EQ(weft_atomic_cas_u128(&pair, &expected, (weft_u128){ 3, 4 }), 1);
    EXPECT(pair.low == 3 && pair.high == 4);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(threads_for_does_each_index_once_and_joins),
        CONFORMANCE_TEST(static_schedule_gives_each_worker_its_contiguous_chunk),
        CONFORMANCE_TEST(nested_parallelism_composes),
        CONFORMANCE_TEST(loop_error_is_reported_and_other_chunks_run_on),
        CONFORMANCE_TEST(threads_foreach_drains_a_channel),
        CONFORMANCE_TEST(atomic_operations_return_the_old_value),
        CONFORMANCE_TEST(atomic_cas_succeeds_when_all_128_bits_are_the_same),
    };
    return CONFORMANCE_RUN(argc, argv, "loops", tests);
}

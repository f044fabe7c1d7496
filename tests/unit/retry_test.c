/* Delays between tries, and when there is no further one. */
#include <CUnit/CUnit.h>
#include <errno.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 1000 };

static void test_delays_without_jitter_grow_up_to_the_largest(void)
{
    static const int64_t wanted_ms[] = { 50, 250, 1250, 6250, 10000, 10000 };
    weft_delays delays;
    weft_delay_options options = WEFT_DELAY_OPTIONS(.count = 6, .jitter = WEFT_JITTER_NONE);

    CU_ASSERT_EQUAL(weft_delays_init(&delays, &options), 0);
    for (size_t i = 0; i < WEFT__COUNT(wanted_ms); i++)
        CU_ASSERT_EQUAL(weft_delays_next(&delays), wanted_ms[i] * WEFT_MILLISECOND);
    CU_ASSERT_EQUAL(weft_delays_next(&delays), -ENODATA);
    CU_ASSERT_EQUAL(weft_delays_next(&delays), -ENODATA);
    options.first_ns = INT64_MAX; /* cut from the start */
    CU_ASSERT_EQUAL(weft_delays_init(&delays, &options), 0);
    CU_ASSERT_EQUAL(weft_delays_next(&delays), 10 * WEFT_SECOND);
    options.max_ns = INT64_MAX; /* and no sum runs over */
    CU_ASSERT_EQUAL(weft_delays_init(&delays, &options), 0);
    for (size_t i = 0; i < WEFT__COUNT(wanted_ms); i++)
        CU_ASSERT_EQUAL(weft_delays_next(&delays), INT64_MAX);
}

static void test_delays_by_default_are_four_from_50_ms_on(void)
{
    weft_delays delays;
    weft_delay_options options = WEFT_DELAY_OPTIONS_INIT;

    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(weft_delays_init(&delays, i == 0 ? NULL : &options), 0);
        CU_ASSERT_EQUAL(weft_delays_next(&delays), 50 * WEFT_MILLISECOND);
        int64_t second = weft_delays_next(&delays);
        CU_ASSERT_TRUE(second >= 225 * WEFT_MILLISECOND && second <= 275 * WEFT_MILLISECOND);
        CU_ASSERT_TRUE(weft_delays_next(&delays) > 0);
        CU_ASSERT_TRUE(weft_delays_next(&delays) <= 10 * WEFT_SECOND);
        CU_ASSERT_EQUAL(weft_delays_next(&delays), -ENODATA);
    }
}

static void test_delays_are_spread_by_the_jitter(void)
{
    weft_delays delays;
    weft_delays same;
    weft_delays other;
    weft_delay_options options = WEFT_DELAY_OPTIONS(.count = many, .first_ns = 1000000,
                                                    .max_ns = INT64_MAX, .factor = 1,
                                                    .jitter = 0.25, .seed = 7);
    int64_t last = options.first_ns;
    int equal = 0;

    CU_ASSERT_EQUAL(weft_delays_init(&delays, &options), 0);
    CU_ASSERT_EQUAL(weft_delays_init(&same, &options), 0);
    options.seed = 0;
    CU_ASSERT_EQUAL(weft_delays_init(&other, &options), 0);
    CU_ASSERT_EQUAL(weft_delays_next(&delays), last);
    CU_ASSERT_EQUAL(weft_delays_next(&same), last);
    CU_ASSERT_EQUAL(weft_delays_next(&other), last);
    for (int i = 0; i < 20; i++) {
        int64_t next = weft_delays_next(&delays);
        CU_ASSERT_TRUE(next >= last * 3 / 4 - 1 && next <= last * 5 / 4 + 1);
        CU_ASSERT_EQUAL(weft_delays_next(&same), next);
        equal += weft_delays_next(&other) == next;
        last = next;
    }
    CU_ASSERT_TRUE(equal < 20);
}

static void test_delays_that_make_no_sense_are_refused(void)
{
    static const weft_delay_options wrong[] = {
        { .size = 0, .factor = 1 },
        { .size = sizeof(wrong[0]), .first_ns = -1, .factor = 1 },
        { .size = sizeof(wrong[0]), .max_ns = -1, .factor = 1 },
        { .size = sizeof(wrong[0]), .factor = 0.9 },
        { .size = sizeof(wrong[0]), .factor = 1, .jitter = -0.1 },
        { .size = sizeof(wrong[0]), .factor = 1, .jitter = 1.1 },
        { .size = sizeof(wrong[0]), .factor = __builtin_nan("") },
    };
    weft_delays delays = { .left = 77 };
    weft_delay_options right = WEFT_DELAY_OPTIONS(.jitter = 1.0, .factor = 1.0);
    weft_retry_options options = WEFT_RETRY_OPTIONS_INIT;
    int value = 1;

    for (size_t i = 0; i < WEFT__COUNT(wrong); i++) {
        CU_ASSERT_EQUAL(weft_delays_init(&delays, &wrong[i]), -EINVAL);
        CU_ASSERT_EQUAL(delays.left, 77);
        options.delays = &wrong[i];
        CU_ASSERT_EQUAL(weft_retry(return_value, &value, &options, WEFT_NEVER), -EINVAL);
    }
    CU_ASSERT_EQUAL(weft_delays_init(&delays, &right), 0);
    options.delays = NULL;
    options.size--;
    CU_ASSERT_EQUAL(weft_retry(return_value, &value, &options, WEFT_NEVER), -EINVAL);
}

/* ---- retries ---- */

struct work {
    int tries;
    int good_at; /* the try that does not fail */
    int failure;
    int asked; /* times that should_retry was */
    int last;  /* what it was told */
    int final_at;
};

static int fail_for_a_while(void *argument)
{
    struct work *work = argument;

    return ++work->tries == work->good_at ? 100 + work->tries : work->failure - work->tries;
}

static int fail_alike(void *argument)
{
    struct work *work = argument;

    work->tries++;
    return work->failure;
}

static int ask(void *context, int failure, uint32_t tries)
{
    struct work *work = context;

    work->asked++;
    work->last = failure;
    EXPECT_EQ(tries, work->tries);
    return work->tries != work->final_at;
}

static const weft_delay_options quick = { sizeof(quick), 5, 1000, 4000, 2.0, 0.1, 0 };

static int retry_some(void *argument)
{
    weft_retry_options options = WEFT_RETRY_OPTIONS(.delays = &quick);
    struct work work = { .good_at = 4, .failure = -10 };

    (void)argument;
    EXPECT_EQ(weft_retry(fail_for_a_while, &work, &options, WEFT_NEVER), 104);
    EXPECT_EQ(work.tries, 4);
    work = (struct work){ .good_at = 99, .failure = -10 };
    EXPECT_EQ(weft_retry(fail_for_a_while, &work, &options, WEFT_NEVER), -16);
    EXPECT_EQ(work.tries, 6); /* one, and one after each delay */
    options.should_retry = ask;
    options.context = &work;
    work = (struct work){ .good_at = 99, .failure = -10, .final_at = 3 };
    EXPECT_EQ(weft_retry(fail_for_a_while, &work, &options, WEFT_NEVER), -13);
    EXPECT_EQ(work.asked, 3);
    EXPECT_EQ(work.last, -13);
    work = (struct work){ .failure = -ECANCELED };
    EXPECT_EQ(weft_retry(fail_alike, &work, &options, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(work.tries, 1);
    EXPECT_EQ(work.asked, 0);
    return 0;
}

static void test_retry_goes_on_until_there_is_no_reason_to(void)
{
    rig_each(retry_some);
    CU_ASSERT_EQUAL(retry_some(NULL), 0); /* in a thread */
    expect_assert();
}

static int retry_late(void *argument)
{
    weft_delay_options far = WEFT_DELAY_OPTIONS(.first_ns = 1000 * WEFT_SECOND,
                                                .max_ns = 1000 * WEFT_SECOND);
    weft_retry_options options = WEFT_RETRY_OPTIONS(.delays = &far);
    struct work work = { .failure = -EIO };

    (void)argument;
    EXPECT_EQ(weft_retry(fail_alike, &work, &options, WEFT_NOW), -EIO);
    EXPECT_EQ(work.tries, 1); /* made although the deadline has passed */
    EXPECT_EQ(weft_retry(fail_alike, &work, &options, weft_after(500 * WEFT_SECOND)), -EIO);
    EXPECT_EQ(work.tries, 2); /* and it did not wait for 500 seconds */
    far.first_ns = INT64_MAX;
    far.max_ns = INT64_MAX;
    EXPECT_EQ(weft_retry(fail_alike, &work, &options, WEFT_NEVER),
              -EIO); /* there is no such time */
    return 0;
}

static void test_retry_makes_no_try_that_would_come_after_the_deadline(void)
{
    rig_run(1, retry_late);
}

static int retry_far(void *argument)
{
    weft_delay_options far = WEFT_DELAY_OPTIONS(.first_ns = 1000 * WEFT_SECOND,
                                                .max_ns = 1000 * WEFT_SECOND);
    weft_retry_options options = WEFT_RETRY_OPTIONS(.delays = &far);

    return weft_retry(fail_alike, argument, &options, WEFT_NEVER);
}

static int cancel_retry(void *argument)
{
    struct work work = { .failure = -EIO };
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, retry_far, &work);

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(work.tries, 1);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_a_cancel_ends_a_delay_and_the_tries(void)
{
    rig_each(cancel_retry);
}

/* ---- looks ---- */

/* Gives the answers one after the other that @context points to. */
static int answer_next(void *context)
{
    const int **answers = context;
    return *(*answers)++;
}

static void look(void)
{
    static const int ever[] = { 0, 0, 0, 7, -1 };
    static const int fails[] = { 0, -EIO, 1 };
    const int *answers = ever;

    EXPECT_EQ(weft_wait_until(answer_next, &answers, WEFT_MILLISECOND, WEFT_NEVER), 7);
    EXPECT(answers == ever + 4);
    answers = fails;
    EXPECT_EQ(weft_wait_until(answer_next, &answers, WEFT_MILLISECOND, WEFT_NEVER), -EIO);
    EXPECT(answers == fails + 2);
    answers = ever;
    EXPECT_EQ(weft_wait_until(answer_next, &answers, WEFT_MILLISECOND, WEFT_NOW), -ETIMEDOUT);
    EXPECT(answers == ever + 1);
    answers = ever; /* however far the next look is: one more at the deadline */
    EXPECT_EQ(weft_wait_until(answer_next, &answers, INT64_MAX, weft_after(WEFT_MILLISECOND)),
              -ETIMEDOUT);
    EXPECT(answers == ever + 2);
    EXPECT_EQ(weft_wait_until(answer_next, &answers, WEFT_MILLISECOND - 1, WEFT_NEVER), -EINVAL);
    EXPECT(answers == ever + 2);
}

static int look_in_task(void *argument)
{
    (void)argument;
    look();
    return 0;
}

static int holds_not(void *context)
{
    (void)context;
    return 0;
}

static int look_for_ever(void *argument)
{
    (void)argument;
    return weft_wait_until(holds_not, NULL, 1000 * WEFT_SECOND, WEFT_NEVER);
}

static int cancel_look(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, look_for_ever, NULL);

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_a_look_goes_on_until_it_holds_fails_or_times_out(void)
{
    rig_each(look_in_task);
    rig_each(cancel_look);
    look(); /* a thread */
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_delays_without_jitter_grow_up_to_the_largest),
        UNIT_TEST(test_delays_by_default_are_four_from_50_ms_on),
        UNIT_TEST(test_delays_are_spread_by_the_jitter),
        UNIT_TEST(test_delays_that_make_no_sense_are_refused),
        UNIT_TEST(test_retry_goes_on_until_there_is_no_reason_to),
        UNIT_TEST(test_retry_makes_no_try_that_would_come_after_the_deadline),
        UNIT_TEST(test_a_cancel_ends_a_delay_and_the_tries),
        UNIT_TEST(test_a_look_goes_on_until_it_holds_fails_or_times_out),
    };

    return unit_run(argc, argv, "retry", tests, WEFT__COUNT(tests));
}

#include <CUnit/CUnit.h>
#include <errno.h>

#include "runtime/base/clock.h"
#include "tests/support/engine_log.h"
#include "tests/support/fake_engine.h"
#include "tests/support/unit.h"

static struct engine_log engine_log;
static struct weft__engine *engine;
static char marks[8]; /* their addresses stand for waiters */

static void open_fake(uint32_t credits)
{
    engine_log = (struct engine_log){ 0 };
    CU_ASSERT_EQUAL_FATAL(fake_engine_open(credits, &engine_log, &engine), 0);
}

static weft__op_id submit(int mark, bool multishot)
{
    struct weft__request request = { .opcode = multishot ? WEFT__OP_POLL : WEFT__OP_READ,
                                     .bytes = 100,
                                     .multishot = multishot };
    weft__op_id op = 0;

    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, &marks[mark], &op), 0);
    return op;
}

static void test_script_short_and_failed_results_in_order(void)
{
    static const struct fake_engine_rule rules[] = { { .result = 3 },
                                                     { .result = -EINTR },
                                                     { .result = -ENOBUFS } };
    static const int32_t expect[] = { 3, -EINTR, -ENOBUFS, 100 };

    open_fake(8);
    fake_engine_script(engine, rules, WEFT__COUNT(rules));
    for (int i = 0; i < 4; i++)
        (void)submit(i, false);
    CU_ASSERT_FALSE(weft__engine_has_events(engine)); /* staged, not flushed */
    CU_ASSERT_EQUAL(weft__engine_poll(engine, 64), 4);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(engine_log.entries[i].result, expect[i]);
        CU_ASSERT_PTR_EQUAL(engine_log.entries[i].waiter, &marks[i]);
    }
    CU_ASSERT_EQUAL(engine->in_flight, 0);
    weft__engine_close(engine);
}

static void test_script_delays_reorder_and_wait_moves_the_clock(void)
{
    static const struct fake_engine_rule rules[] = { { .result = 1, .delay_ns = 300 },
                                                     { .result = 2, .delay_ns = 100 } };

    open_fake(8);
    int64_t start_ns = weft__clock_now();
    fake_engine_script(engine, rules, WEFT__COUNT(rules));
    (void)submit(0, false);
    (void)submit(1, false);
    CU_ASSERT_EQUAL(weft__engine_wait(engine, start_ns + 50), 0);
    CU_ASSERT_EQUAL(weft__clock_now(), start_ns + 50);
    CU_ASSERT_EQUAL(weft__engine_wait(engine, INT64_MAX), 1);
    CU_ASSERT_EQUAL(weft__clock_now(), start_ns + 100);
    CU_ASSERT_PTR_EQUAL(engine_log.entries[0].waiter, &marks[1]);
    CU_ASSERT_EQUAL(weft__engine_wait(engine, INT64_MAX), 1);
    CU_ASSERT_EQUAL(weft__clock_now(), start_ns + 300);
    weft__engine_close(engine);
    CU_ASSERT_NOT_EQUAL(weft__clock_now(), start_ns + 300); /* the real clock is back */
}

static void test_script_multishot_ends_early(void)
{
    static const struct fake_engine_rule rule = { .result = 1, .delay_ns = 10, .shots = 2 };

    open_fake(8);
    fake_engine_script(engine, &rule, 1);
    (void)submit(0, true);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(weft__engine_wait(engine, INT64_MAX), 1);
    CU_ASSERT_EQUAL(engine_log.entries[0].flags, WEFT__COMPLETION_MORE);
    CU_ASSERT_EQUAL(engine_log.entries[1].flags, WEFT__COMPLETION_MORE);
    CU_ASSERT_EQUAL(engine_log.entries[2].flags, 0);
    CU_ASSERT_EQUAL(engine->in_flight, 0);
    weft__engine_close(engine);
}

static void test_cancel_obeyed_or_too_late(void)
{
    static const struct fake_engine_rule rules[] = {
        { .result = 5, .delay_ns = INT64_MAX },
        { .result = 5, .delay_ns = 10, .ignores_cancel = true },
    };

    open_fake(8);
    fake_engine_script(engine, rules, WEFT__COUNT(rules));
    weft__op_id obeys = submit(0, false), loses = submit(1, false);
    CU_ASSERT_EQUAL(weft__engine_flush(engine), 0);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, obeys), 0);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, loses), 0);
    CU_ASSERT_EQUAL(fake_engine_cancels(engine), 2);
    CU_ASSERT_EQUAL(weft__engine_poll(engine, 64), 1);
    CU_ASSERT_EQUAL(engine_log.entries[0].result, -ECANCELED);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, obeys), -ENOENT);
    CU_ASSERT_EQUAL(weft__engine_wait(engine, INT64_MAX), 1);
    CU_ASSERT_EQUAL(engine_log.entries[1].result, 5);
    weft__engine_close(engine);
}

static void test_submit_without_credit_is_refused_then_told_of_room(void)
{
    struct weft__request request = { .opcode = WEFT__OP_NOP };
    weft__op_id op = 0;

    open_fake(1);
    fake_engine_script_rest(engine, (struct fake_engine_rule){ .delay_ns = INT64_MAX });
    weft__op_id held = submit(0, false);
    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, NULL, &op), -EAGAIN);
    CU_ASSERT_EQUAL(op, 0);
    CU_ASSERT_EQUAL(weft__engine_poll(engine, 64), 0);
    CU_ASSERT_EQUAL(engine_log.rooms, 0);
    CU_ASSERT_EQUAL(fake_engine_request(engine, held)->bytes, 100);
    CU_ASSERT_EQUAL(fake_engine_complete(engine, held, 9), 0);
    CU_ASSERT_EQUAL(weft__engine_poll(engine, 64), 1);
    CU_ASSERT_EQUAL(engine_log.entries[0].result, 9);
    CU_ASSERT_EQUAL(engine_log.rooms, 1);
    CU_ASSERT_EQUAL(fake_engine_complete(engine, held, 9), -ENOENT);
    weft__engine_close(engine);
}

static void test_doorbell_is_sticky_and_counted(void)
{
    struct weft__engine *other;

    open_fake(4);
    CU_ASSERT_EQUAL_FATAL(fake_engine_open(4, NULL, &other), 0);
    CU_ASSERT_EQUAL(weft__engine_doorbell(other, engine), 0);
    CU_ASSERT_EQUAL(weft__engine_notify(engine), 0);
    CU_ASSERT_TRUE(weft__engine_has_events(engine));
    CU_ASSERT_EQUAL(weft__engine_wait(engine, INT64_MAX), 2);
    CU_ASSERT_FALSE(weft__engine_has_events(engine));
    CU_ASSERT_EQUAL(other->counters.doorbells_sent, 1);
    CU_ASSERT_EQUAL(engine->counters.doorbells_received, 2);
    weft__engine_close(other);
    weft__engine_close(engine);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_script_short_and_failed_results_in_order),
        UNIT_TEST(test_script_delays_reorder_and_wait_moves_the_clock),
        UNIT_TEST(test_script_multishot_ends_early),
        UNIT_TEST(test_cancel_obeyed_or_too_late),
        UNIT_TEST(test_submit_without_credit_is_refused_then_told_of_room),
        UNIT_TEST(test_doorbell_is_sticky_and_counted),
    };
    return unit_run(argc, argv, "fake_engine", tests, WEFT__COUNT(tests));
}

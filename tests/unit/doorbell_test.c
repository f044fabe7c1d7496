/* Doorbells of the kernel engine on the running kernel: delivery, overflow, forgery, failure. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>

#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "tests/support/bed.h"
#include "tests/support/unit.h"
#include "uring/kernel.h"

static struct engine_log seen;
static struct weft__engine *engine;
static char marks[64]; /* their addresses stand for waiters */

static weft__op_id submit(struct weft__request request, int mark)
{
    return bed_submit(engine, request, &marks[mark]);
}

static bool has_messages(void)
{
    return !bed_variant->compat && (bed_variant->hidden & BED_WITHOUT(MSG_RING)) == 0;
}

/* Waits until @one has received @count doorbells. */
static bool wait_bells(struct weft__engine *one, uint64_t count)
{
    int64_t until_ns = weft__clock_now() + 5 * WEFT__NS_PER_S;

    while (bed_count(&one->counters.doorbells_received) < count && weft__clock_now() < until_ns)
        (void)weft__engine_wait(one, until_ns);
    return bed_count(&one->counters.doorbells_received) >= count;
}

static void ring_around(void)
{
    struct weft__engine *other = bed_open(0, 0, NULL);

    CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    CHECK(wait_bells(engine, 1));
    CHECK(weft__engine_doorbell(engine, engine) == 0); /* itself */
    CHECK(!has_messages() || weft__engine_poll(engine, 64) == 1);
    CHECK(wait_bells(engine, 2));
    CHECK(weft__engine_notify(engine) == 0);
    CHECK(wait_bells(engine, 3));
    CHECK(weft__engine_wait(engine, weft__clock_now() + 1000) == 0);
    CHECK(bed_count(&engine->counters.doorbells_received) == 3 && seen.count == 0);
    CHECK(bed_count(&other->counters.doorbells_sent) == 1);
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(bed_count(&other->counters.doorbells_failed) == 0);
    weft__engine_close(other);
}

static void test_doorbell_reaches_a_target_that_sleeps_later(void)
{
    bed_each(0, 0, &engine, &seen, ring_around);
}

/* A CQ of 8 gets 100 doorbells and six multishot polls fire. */
static void flood(void)
{
    struct weft__engine *other = bed_open(0, 0, NULL);
    int ends[6][2];

    for (int i = 0; i < 6; i++) {
        bed_pipe(ends[i]);
        (void)submit(bed_poll_in(ends[i][0], true), i);
    }
    CHECK(weft__engine_flush(engine) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    for (int i = 0; i < 6; i++)
        bed_write_byte(ends[i][1]);
    CHECK(wait_bells(engine, has_messages() ? 100 : 1));
    CHECK(engine_log_wait(engine, &seen, 6));
    for (int i = 0; i < 6; i++)
        CHECK(engine_log_of(&seen, &marks[i]) >= 1);
    if (has_messages()) {
        CHECK(bed_count(&engine->counters.doorbells_received) == 100);
        CHECK(bed_count(&engine->counters.overflowed) > 0);
    }
    (void)weft__engine_cancel_all(engine);
    bed_drain(engine);
    CHECK(engine->in_flight == 0);
    for (int i = 0; i < 6; i++)
        bed_pipe_close(ends[i]);
    weft__engine_close(other);
}

static void test_overflow_is_drained_counted_and_loses_nothing(void)
{
    bed_each(8, 8, &engine, &seen, flood);
}

static void poll_budget(void)
{
    struct weft__engine *other = bed_open(0, 0, NULL);

    for (int i = 0; i < 60; i++)
        CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    CHECK(weft__engine_has_events(engine));
    if (has_messages()) {
        CHECK(weft__engine_poll(engine, 10) == 10);
        CHECK(weft__engine_has_events(engine));
        CHECK(weft__engine_poll(engine, 256) == 50); /* more than one enter delivers */
    } else {
        CHECK(weft__engine_poll(engine, 256) >= 1);
    }
    CHECK(!weft__engine_has_events(engine));
    weft__engine_close(other);
}

static void test_poll_keeps_its_budget_and_goes_on_past_one_enter(void)
{
    bed_each(0, 0, &engine, &seen, poll_budget);
}

/* Posts a completion with any user_data to the engine's ring, as a foreign program could. */
static void forge(struct weft__engine *from, uint64_t user_data)
{
    struct weft__kernel *sender = weft__kernel_of(from);
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(sender);

    io_uring_prep_msg_ring(sqe, weft__kernel_of(engine)->ring_fd, 7, user_data, 0);
    sqe->user_data = weft__op_user_data(WEFT__TAG_CANCEL, 0, 1);
    CHECK(weft__engine_flush(from) == 0);
}

static void test_reap_forged_completions_are_ignored(void)
{
    int ends[2];

    if (!bed_has_ring())
        return;
    seen = (struct engine_log){ 0 };
    engine = bed_open(0, 0, &seen);
    struct weft__engine *other = bed_open(0, 0, NULL);
    bed_pipe(ends);
    weft__op_id op = submit(bed_poll_in(ends[0], false), 1);
    CHECK(weft__engine_flush(engine) == 0);
    const uint64_t forged[] = {
        0,
        UINT64_MAX,
        UINT64_C(0x00007FFFA4567890), /* looks like an address */
        op,                           /* no tag */
        weft__op_user_data(WEFT__TAG_OP, weft__op_index(op), weft__op_generation(op) + 1),
        weft__op_user_data(WEFT__TAG_OP, weft__op_index(op) + 1, 1),
        weft__op_user_data(WEFT__TAG_OP, WEFT__OP_INDEX_MASK, 1),
        weft__op_user_data(WEFT__TAG_INTERNAL, 99, 1),
    };
    for (size_t i = 0; i < WEFT__COUNT(forged); i++)
        forge(other, forged[i]);
    CHECK(weft__engine_poll(engine, 64) == 0);
    CHECK(bed_count(&engine->counters.ignored) == WEFT__COUNT(forged));
    CHECK(seen.count == 0 && engine->in_flight == 1);
    bed_write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 1));
    CHECK(seen.entries[0].waiter == &marks[1]);
    bed_pipe_close(ends);
    weft__engine_close(other);
    weft__engine_close(engine);
}

static void test_doorbell_that_fails_rings_the_bell(void)
{
    if (!bed_has_ring())
        return;
    engine = bed_open(0, 0, NULL);
    struct weft__engine *other = bed_open(0, 0, NULL);
    struct weft__kernel *target = weft__kernel_of(engine);
    int ring_fd = target->ring_fd;

    target->ring_fd = target->bell_fd; /* not a ring: the kernel refuses */
    CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    target->ring_fd = ring_fd;
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(bed_count(&other->counters.doorbells_failed) == 1);
    CHECK(wait_bells(engine, 1));
    weft__engine_close(other);
    weft__engine_close(engine);
}

static void test_doorbell_to_a_closed_target_is_counted(void)
{
    if (!bed_has_ring())
        return;
    engine = bed_open(0, 0, NULL);
    struct weft__engine *other = bed_open(0, 0, NULL);

    CHECK(weft__engine_doorbell(other, engine) == 0);
    weft__engine_close(engine);
    CHECK(weft__engine_flush(other) == 0);
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(bed_count(&other->counters.doorbells_failed) == 1);
    weft__engine_close(other);
}

static void test_notify_uses_the_bell_when_the_message_fails(void)
{
    if (!bed_has_ring())
        return;
    engine = bed_open(0, 0, NULL);
    struct weft__kernel *target = weft__kernel_of(engine);
    int ring_fd = target->ring_fd;

    target->ring_fd = target->bell_fd; /* not a ring: the kernel refuses */
    errno = EXDEV;
    CHECK(weft__engine_notify(engine) == 0);
    CHECK(errno == EXDEV);
    target->ring_fd = ring_fd;
    CHECK(wait_bells(engine, 1));
    weft__engine_close(engine);
}

/* Ends the poll on the event descriptor from within, as a kernel short of memory may do. */
static void end_bell(void)
{
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(weft__kernel_of(engine));

    io_uring_prep_cancel64(sqe, weft__op_user_data(WEFT__TAG_INTERNAL, WEFT__INTERNAL_BELL, 1), 0);
    sqe->user_data = weft__op_user_data(WEFT__TAG_CANCEL, 0, 1);
    CHECK(weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS) == 0);
    weft__fault_arm(WEFT__FAULT_RING_REGISTER, 1, -ENOMEM); /* so that notify needs the bell */
    CHECK(weft__engine_notify(engine) == 0);
    weft__fault_arm(WEFT__FAULT_RING_REGISTER, 0, 0);
    CHECK(wait_bells(engine, 1));
}

static void test_bell_that_ended_is_armed_again(void)
{
    bed_each_ring(0, 0, &engine, &seen, end_bell);
}

static void notify_from_handler(int signal_number)
{
    (void)signal_number;
    (void)weft__engine_notify(engine);
}

static void wake_by_signal(void)
{
    struct sigaction action = { .sa_handler = notify_from_handler }, before;

    CU_ASSERT_EQUAL_FATAL(sigaction(SIGUSR1, &action, &before), 0);
    errno = EXDEV;
    CHECK(raise(SIGUSR1) == 0);
    CHECK(errno == EXDEV);
    CHECK(wait_bells(engine, 1));
    (void)sigaction(SIGUSR1, &before, NULL);
}

static void test_notify_from_a_signal_handler_wakes(void)
{
    bed_each(0, 0, &engine, &seen, wake_by_signal);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_doorbell_reaches_a_target_that_sleeps_later),
        UNIT_TEST(test_overflow_is_drained_counted_and_loses_nothing),
        UNIT_TEST(test_poll_keeps_its_budget_and_goes_on_past_one_enter),
        UNIT_TEST(test_reap_forged_completions_are_ignored),
        UNIT_TEST(test_doorbell_that_fails_rings_the_bell),
        UNIT_TEST(test_doorbell_to_a_closed_target_is_counted),
        UNIT_TEST(test_notify_uses_the_bell_when_the_message_fails),
        UNIT_TEST(test_bell_that_ended_is_armed_again),
        UNIT_TEST(test_notify_from_a_signal_handler_wakes),
    };
    return unit_run(argc, argv, "doorbell", tests, WEFT__COUNT(tests));
}

/* The kernel engine on the running kernel: ops, cancels, credits, waits. Doorbells have their own.
 * */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

/* Submits one request and returns how it ended. */
static int32_t run_one(struct weft__request request)
{
    uint32_t before = seen.count;

    (void)submit(request, 0);
    CHECK(engine_log_wait(engine, &seen, before + 1));
    return seen.count > before ? seen.entries[before].result : -ETIMEDOUT;
}

static struct weft__request read_from(int fd, char *buffer, uint32_t bytes)
{
    return (struct weft__request){
        .opcode = WEFT__OP_READ, .fd = fd, .address = buffer, .bytes = bytes, .offset = -1
    };
}

static void check_file(int fd, const char *path)
{
    char back[8] = "";
    struct statx status;

    CHECK(run_one((struct weft__request){
              .opcode = WEFT__OP_WRITE, .fd = fd, .address = "woven", .bytes = 5 }) == 5);
    CHECK(run_one((struct weft__request){ .opcode = WEFT__OP_FSYNC, .fd = fd }) == 0);
    CHECK(run_one((struct weft__request){
              .opcode = WEFT__OP_READ, .fd = fd, .address = back, .bytes = 7, .offset = 1 }) == 4);
    CHECK(strcmp(back, "oven") == 0);
    CHECK(run_one((struct weft__request){ .opcode = WEFT__OP_STATX,
                                          .fd = AT_FDCWD,
                                          .address = path,
                                          .bytes = STATX_SIZE,
                                          .second = &status }) == 0);
    CHECK(status.stx_size == 5);
    CHECK(run_one((struct weft__request){ .opcode = WEFT__OP_CLOSE, .fd = fd }) == 0);
    CHECK(fcntl(fd, F_GETFD) == -1);
}

static void use_file(void)
{
    char path[] = "/tmp/weft-engine-XXXXXX";
    int made = mkstemp(path);

    CU_ASSERT_TRUE_FATAL(made >= 0);
    (void)close(made);
    int fd = run_one((struct weft__request){
        .opcode = WEFT__OP_OPENAT, .fd = AT_FDCWD, .address = path, .flags = O_RDWR | O_CLOEXEC });
    CHECK(fd >= 0);
    if (fd >= 0)
        check_file(fd, path);
    (void)unlink(path);
    CHECK(run_one((struct weft__request){
              .opcode = WEFT__OP_OPENAT, .fd = AT_FDCWD, .address = path, .flags = O_RDONLY }) ==
          -ENOENT);
    CHECK(run_one((struct weft__request){ .opcode = WEFT__OP_NOP }) == 0);
    CHECK(engine->in_flight == 0 && engine->staged == 0);
    CHECK(bed_count(&engine->counters.submitted) == bed_count(&engine->counters.completed));
    CHECK(bed_count(&engine->counters.ignored) == 0);
}

static void test_submit_file_ops_work(void)
{
    bed_each(0, 0, &engine, &seen, use_file);
}

static void wait_for_pipe(void)
{
    int ends[2];
    char buffer[4];

    bed_pipe(ends);
    (void)submit(bed_poll_in(ends[0], false), 1);
    (void)submit(read_from(ends[0], buffer, 4), 2);
    CHECK(weft__engine_flush(engine) == 0);
    CHECK(weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS) == 0);
    bed_write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 2));
    CHECK(engine_log_of(&seen, &marks[1]) == 1 && engine_log_of(&seen, &marks[2]) == 1);
    bed_pipe_close(ends);
}

static void test_wait_returns_zero_at_its_time_then_the_completion(void)
{
    bed_each(0, 0, &engine, &seen, wait_for_pipe);
}

static void wait_past(void)
{
    (void)submit((struct weft__request){ .opcode = WEFT__OP_NOP }, 0);
    int got = weft__engine_wait(engine, 0);
    CHECK(got == 0 || got == 1);
    CHECK(engine->staged == 0);
    CHECK(engine_log_wait(engine, &seen, 1));
    CHECK(weft__engine_wait(engine, weft__clock_now() + 1000) == 0);
}

static void test_wait_with_a_past_time_still_submits(void)
{
    bed_each(0, 0, &engine, &seen, wait_past);
}

static void wait_longer_and_shorter(void)
{
    /* As if an earlier wait had been woken long before its time. */
    if (!bed_variant->compat && !weft__kernel_has(weft__kernel_of(engine), WEFT__FEATURE_EXT_ARG))
        CHECK(
            weft__timeout_stage(weft__kernel_of(engine), weft__clock_now() + 60 * WEFT__NS_PER_S));
    for (int i = 0; i < 3; i++) {
        int64_t until_ns = weft__clock_now() + (3 - i) * WEFT__NS_PER_MS;
        CHECK(weft__engine_wait(engine, until_ns) == 0);
        CHECK(weft__clock_now() >= until_ns);
    }
    CHECK(weft__engine_notify(engine) == 0);
    CHECK(weft__engine_wait(engine, INT64_MAX) == 1);
}

static void test_wait_each_has_its_own_time(void)
{
    bed_each(0, 0, &engine, &seen, wait_longer_and_shorter);
}

static void poll_many_times(void)
{
    int ends[2];

    bed_pipe(ends);
    weft__op_id op = submit(bed_poll_in(ends[0], true), 1);
    for (uint32_t i = 0; i < 3; i++) {
        bed_write_byte(ends[1]);
        CHECK(engine_log_wait(engine, &seen, i + 1));
        CHECK(seen.entries[i].flags == WEFT__COMPLETION_MORE && seen.entries[i].result == POLLIN);
    }
    CHECK(engine->in_flight == 1);
    CHECK(weft__engine_cancel(engine, op) == 0);
    CHECK(engine_log_wait(engine, &seen, 4));
    CHECK(seen.entries[3].flags == 0 && seen.entries[3].result == -ECANCELED);
    CHECK(engine->in_flight == 0);
    bed_pipe_close(ends);
}

static void test_multishot_goes_on_until_cancelled(void)
{
    bed_each(0, 0, &engine, &seen, poll_many_times);
}

/* A listener with an address that the kernel chooses, in @at. */
static int listen_unix(struct sockaddr_un *at)
{
    socklen_t bytes = sizeof(*at);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *at = (struct sockaddr_un){ .sun_family = AF_UNIX };
    CHECK(bind(listener, (struct sockaddr *)at, sizeof(at->sun_family)) == 0);
    CHECK(listen(listener, 8) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)at, &bytes) == 0);
    return listener;
}

static void accept_many_times(void)
{
    enum { times = 3 };
    struct sockaddr_un at;
    int clients[times];
    int listener = listen_unix(&at);
    weft__op_id op = submit(
        (struct weft__request){
            .opcode = WEFT__OP_ACCEPT, .fd = listener, .flags = SOCK_CLOEXEC, .multishot = true },
        1);

    for (uint32_t i = 0; i < times; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(connect(clients[i], (struct sockaddr *)&at, sizeof(at.sun_family) + 6) == 0);
        CHECK(engine_log_wait(engine, &seen, i + 1));
        CHECK(seen.entries[i].flags == WEFT__COMPLETION_MORE && seen.entries[i].result >= 0);
        (void)close(seen.entries[i].result);
    }
    CHECK(weft__engine_cancel(engine, op) == 0);
    CHECK(engine_log_wait(engine, &seen, times + 1));
    CHECK(seen.entries[times].flags == 0 && seen.entries[times].result == -ECANCELED);
    CHECK(engine->in_flight == 0);
    for (int i = 0; i < times; i++)
        (void)close(clients[i]);
    (void)close(listener);
}

static void test_multishot_accept_goes_on_until_cancelled(void)
{
    bed_each_ring(0, 0, &engine, &seen, accept_many_times);
}

static void poll_idle(void)
{
    uint64_t enters = bed_count(&engine->counters.enters);

    CHECK(!weft__engine_has_events(engine));
    for (int i = 0; i < 100; i++)
        CHECK(weft__engine_poll(engine, 64) == 0);
    CHECK(bed_count(&engine->counters.enters) == enters);
}

static void test_poll_idle_makes_no_system_call(void)
{
    bed_each(0, 0, &engine, &seen, poll_idle);
}

static void cancel_in_each_state(void)
{
    int ends[2];
    char buffer[4];

    bed_pipe(ends);
    weft__op_id staged = submit(read_from(ends[0], buffer, 4), 1);
    CHECK(weft__engine_cancel(engine, staged) == 0); /* both in one batch */
    CHECK(engine_log_wait(engine, &seen, 1));
    CHECK(seen.entries[0].result == -ECANCELED);

    weft__op_id running = submit(read_from(ends[0], buffer, 4), 2);
    CHECK(weft__engine_flush(engine) == 0);
    CHECK(weft__engine_cancel(engine, running) == 0);
    CHECK(weft__engine_cancel(engine, running) == 0); /* twice harms nothing */
    CHECK(engine_log_wait(engine, &seen, 2));
    CHECK(seen.entries[1].result == -ECANCELED);

    weft__op_id racing = submit(read_from(ends[0], buffer, 4), 3);
    CHECK(weft__engine_flush(engine) == 0);
    bed_write_byte(ends[1]);
    CHECK(weft__engine_cancel(engine, racing) == 0);
    CHECK(engine_log_wait(engine, &seen, 3));
    CHECK(seen.entries[2].result == 1 || seen.entries[2].result == -ECANCELED);
    CHECK(weft__engine_cancel(engine, racing) == -ENOENT);
    CHECK(weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS) == 0);
    CHECK(seen.count == 3 && engine->in_flight == 0);
    bed_pipe_close(ends);
}

static void test_cancel_in_each_state_ends_the_op_once(void)
{
    bed_each(0, 0, &engine, &seen, cancel_in_each_state);
}

static void cancel_many(void)
{
    int ends[2];
    char text[64];

    bed_pipe(ends);
    for (int i = 0; i < 20; i++) /* more than the SQ holds */
        (void)submit(bed_poll_in(ends[0], i % 2 == 0), i);
    CHECK(weft__engine_describe(engine, text, sizeof(text)) == 20);
    CHECK(strcmp(text, "20 poll") == 0);
    CHECK(weft__engine_cancel_all(engine) == 20);
    CHECK(engine_log_wait(engine, &seen, 20));
    for (uint32_t i = 0; i < seen.count; i++)
        CHECK(seen.entries[i].result == -ECANCELED);
    CHECK(weft__engine_describe(engine, text, sizeof(text)) == 0);
    CHECK(weft__engine_notify(engine) == 0); /* the bell was not cancelled with the rest */
    CHECK(weft__engine_wait(engine, weft__clock_now() + 5 * WEFT__NS_PER_S) == 1);
    bed_pipe_close(ends);
}

static void test_cancel_all_ends_every_op_and_nothing_else(void)
{
    bed_each(8, 64, &engine, &seen, cancel_many);
}

/* All of them end at once, and five times as many as the CQ holds: the kernel keeps the rest. */
static void end_more_than_fit(void)
{
    enum { many = 40 };
    int ends[2];
    struct weft__request request;
    struct weft__engine *first = engine;

    engine = bed_open_for(many, 8, 8, &seen);
    bed_pipe(ends);
    request = bed_poll_in(ends[0], false);
    for (int i = 0; i < many; i++)
        (void)submit(request, i);
    CHECK(engine->in_flight == many);
    CHECK(weft__engine_poll(engine, 64) == 0);
    bed_write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, many));
    CHECK(seen.count == many && engine->in_flight == 0);
    bed_pipe_close(ends);
    weft__engine_close(engine);
    engine = first;
}

static void test_more_ops_than_the_cq_holds_all_end(void)
{
    bed_each(8, 8, &engine, &seen, end_more_than_fit);
}

static void use_up_credits(void)
{
    int ends[2];
    weft__op_id op = 0;
    struct weft__request request;

    bed_pipe(ends);
    request = bed_poll_in(ends[0], false);
    for (int i = 0; i < 6; i++) /* 8 less the reserve of 2 */
        (void)submit(request, i);
    CHECK(weft__engine_submit(engine, &request, NULL, &op) == -EAGAIN);
    CHECK(op == 0 && engine->in_flight == 6);
    CHECK(bed_count(&engine->counters.refused) == 1);
    CHECK(weft__engine_poll(engine, 64) == 0 && seen.rooms == 0);
    bed_write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 6));
    CHECK(seen.count == 6 && seen.rooms == 1);
    CHECK(bed_count(&engine->counters.overflowed) == 0);
    (void)submit(request, 7);
    bed_drain(engine);
    CHECK(seen.count == 7 && seen.rooms == 1);
    bed_pipe_close(ends);
}

static void test_submit_beyond_the_credits_is_refused_until_room(void)
{
    bed_each(8, 8, &engine, &seen, use_up_credits);
}

/* The SQ can stay full only when the kernel refuses to take entries: a fault stands for that. */
static void fill_queue(void)
{
    int ends[2];
    weft__op_id op = 0;
    struct weft__request request;

    bed_pipe(ends);
    request = bed_poll_in(ends[0], false);
    weft__op_id first = submit(request, 0);
    CHECK(weft__engine_flush(engine) == 0);
    for (int i = 1; i < 5; i++)
        (void)submit(request, i);
    weft__fault_arm(WEFT__FAULT_RING_ENTER, 1, -EIO);
    CHECK(weft__engine_submit(engine, &request, NULL, &op) == -EAGAIN);
    CHECK(op == 0 && engine->in_flight == 5);
    weft__fault_arm(WEFT__FAULT_RING_ENTER, 1, -EIO);
    CHECK(weft__engine_cancel(engine, first) == -EAGAIN); /* noted */
    CHECK(weft__engine_cancel(engine, first) == -EAGAIN); /* noted once */
    CHECK(seen.rooms == 0);
    CHECK(engine_log_wait(engine, &seen, 1));
    CHECK(seen.rooms == 1);
    CHECK(seen.entries[0].waiter == &marks[0] && seen.entries[0].result == -ECANCELED);
    bed_write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 5));
    bed_pipe_close(ends);
}

static void test_submit_full_queue_is_refused_and_a_cancel_is_noted(void)
{
    bed_each_ring(4, 64, &engine, &seen, fill_queue);
}

static void stumble(void)
{
    static const int errors[] = { -EINTR, -EAGAIN, -EBUSY };

    for (size_t i = 0; i < WEFT__COUNT(errors); i++) {
        uint32_t before = seen.count;
        (void)submit((struct weft__request){ .opcode = WEFT__OP_NOP }, 0);
        weft__fault_arm(WEFT__FAULT_RING_ENTER, 1, errors[i]);
        CHECK(engine_log_wait(engine, &seen, before + 1));
        (void)submit((struct weft__request){ .opcode = WEFT__OP_NOP }, 0);
        weft__fault_arm(WEFT__FAULT_RING_ENTER, 1, errors[i]);
        CHECK(weft__engine_flush(engine) == 0 && engine->staged == 0);
        CHECK(engine_log_wait(engine, &seen, before + 2));
    }
    (void)submit((struct weft__request){ .opcode = WEFT__OP_NOP }, 0);
    weft__fault_arm(WEFT__FAULT_RING_ENTER, 1, -EIO);
    CHECK(weft__engine_flush(engine) == -EIO);
    CHECK(engine_log_wait(engine, &seen, 7));
}

static void test_enter_interrupted_or_starved_goes_on(void)
{
    bed_each_ring(0, 0, &engine, &seen, stumble);
}

static void test_submit_what_is_missing_or_wrong_is_an_error(void)
{
    struct weft__engine_config config = { .hidden_ops = 1u << WEFT__OP_STATX };
    struct weft__request request = { .opcode = WEFT__OP_STATX };
    weft__op_id op = 0;

    if (!bed_has_ring())
        return;
    CU_ASSERT_EQUAL_FATAL(weft__engine_open_kernel(&config, NULL, &engine, NULL), 0);
    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, NULL, &op), -EOPNOTSUPP);
    request = (struct weft__request){ .opcode = WEFT__OP_READ, .multishot = true };
    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, NULL, &op), -EINVAL);
    request.opcode = WEFT__OP_COUNT;
    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, NULL, &op), -EINVAL);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, 0), -ENOENT);
    CU_ASSERT_EQUAL(op, 0);
    CU_ASSERT_EQUAL(engine->in_flight, 0);
    weft__engine_close(engine);
}

static void test_open_impossible_config_says_why(void)
{
    static const struct weft__engine_config configs[] = {
        { .sq_entries = 3 },        { .cq_entries = 100 },
        { .cq_entries = 2 },        { .op_entries = (1u << 20) + 1 },
        { .sq_entries = 1u << 20 }, { .hidden_features = BED_WITHOUT(NODROP) },
    };
    struct weft__engine *opened = NULL;

    for (size_t i = 0; i < WEFT__COUNT(configs) && bed_has_ring(); i++) {
        struct weft__setup_error error = { 0 };
        int rc = weft__engine_open_kernel(&configs[i], NULL, &opened, &error);
        CU_ASSERT_EQUAL(rc, configs[i].hidden_features != 0 ? -EOPNOTSUPP : -EINVAL);
        CU_ASSERT_EQUAL(error.code, rc);
        CU_ASSERT_NOT_EQUAL(error.text[0], '\0');
        CU_ASSERT_PTR_NULL(opened);
    }
    weft__engine_close(NULL);
}

static void abandon(void)
{
    static char buffer[4]; /* stays valid: the kernel may still write to it */
    int ends[2];

    bed_pipe(ends);
    (void)submit(read_from(ends[0], buffer, 4), 0);
    CHECK(weft__engine_flush(engine) == 0);
    (void)submit(read_from(ends[0], buffer, 4), 0);
    bed_pipe_close(ends);
    if (bed_variant->compat)
        return;
    CHECK(fcntl(weft__kernel_of(engine)->ring_fd, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(weft__kernel_of(engine)->bell_fd, F_GETFD) == FD_CLOEXEC);
}

static void test_close_with_ops_in_flight_abandons_them(void)
{
    bed_each(0, 0, &engine, &seen, abandon);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_submit_file_ops_work),
        UNIT_TEST(test_wait_returns_zero_at_its_time_then_the_completion),
        UNIT_TEST(test_wait_with_a_past_time_still_submits),
        UNIT_TEST(test_wait_each_has_its_own_time),
        UNIT_TEST(test_multishot_goes_on_until_cancelled),
        UNIT_TEST(test_multishot_accept_goes_on_until_cancelled),
        UNIT_TEST(test_poll_idle_makes_no_system_call),
        UNIT_TEST(test_cancel_in_each_state_ends_the_op_once),
        UNIT_TEST(test_cancel_all_ends_every_op_and_nothing_else),
        UNIT_TEST(test_more_ops_than_the_cq_holds_all_end),
        UNIT_TEST(test_submit_beyond_the_credits_is_refused_until_room),
        UNIT_TEST(test_submit_full_queue_is_refused_and_a_cancel_is_noted),
        UNIT_TEST(test_enter_interrupted_or_starved_goes_on),
        UNIT_TEST(test_submit_what_is_missing_or_wrong_is_an_error),
        UNIT_TEST(test_open_impossible_config_says_why),
        UNIT_TEST(test_close_with_ops_in_flight_abandons_them),
    };
    return unit_run(argc, argv, "engine", tests, WEFT__COUNT(tests));
}

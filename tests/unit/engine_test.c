/*
 * The kernel engine on the running kernel. Each test of what must work everywhere runs once per row
 * of variants, so that every fallback passes the same test as the feature that it stands for.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "tests/support/engine_log.h"
#include "tests/support/unit.h"
#include "uring/kernel.h"

#define WITHOUT(name) (UINT32_C(1) << WEFT__FEATURE_##name)

static const struct variant {
    const char *label;
    uint32_t hidden;
} variants[] = {
    { "all features", 0 },
    { "no DEFER_TASKRUN", WITHOUT(DEFER_TASKRUN) },
    { "no SUBMIT_ALL", WITHOUT(SUBMIT_ALL) },
    { "no MSG_RING", WITHOUT(MSG_RING) },
    { "no MSG_RING_SYNC", WITHOUT(MSG_RING_SYNC) },
    { "no messages", WITHOUT(MSG_RING) | WITHOUT(MSG_RING_SYNC) },
    { "no EXT_ARG", WITHOUT(EXT_ARG) },
    { "no CQE_SKIP", WITHOUT(CQE_SKIP) },
    { "no NO_IOWAIT", WITHOUT(NO_IOWAIT) },
    { "no REGISTERED_RING", WITHOUT(REGISTERED_RING) },
    { "nothing but NODROP", ~WITHOUT(NODROP) },
};

static const struct variant *variant;
static struct engine_log seen;
static struct weft__engine *engine;
static char marks[64]; /* their addresses stand for waiters */

/* An assertion that names the variant that broke it. */
#define CHECK(condition)                                                                 \
    do {                                                                                 \
        bool check_ok = (condition);                                                     \
        if (!check_ok)                                                                   \
            fprintf(stderr, "line %d, %s: %s\n", __LINE__, variant->label, #condition);  \
        CU_ASSERT_TRUE(check_ok);                                                        \
    } while (0)

static struct weft__engine *open_engine(uint32_t sq, uint32_t cq, struct engine_log *log)
{
    struct weft__engine_config config = { .sq_entries = sq,
                                          .cq_entries = cq,
                                          .hidden_features = variant->hidden };
    struct weft__setup_error error = { 0 };
    struct weft__engine *opened = NULL;

    int rc = weft__engine_open_kernel(&config, log, &opened, &error);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", variant->label, error.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return opened;
}

static void for_each_variant(uint32_t sq, uint32_t cq, void (*body)(void))
{
    for (size_t i = 0; i < WEFT__COUNT(variants); i++) {
        variant = &variants[i];
        seen = (struct engine_log){ 0 };
        engine = open_engine(sq, cq, &seen);
        body();
        weft__engine_close(engine);
    }
    variant = &variants[0];
}

static uint64_t count_of(_Atomic uint64_t *counter)
{
    return weft__load_relaxed(counter);
}

static weft__op_id submit(struct weft__request request, int mark)
{
    weft__op_id op = 0;

    CHECK(weft__engine_submit(engine, &request, &marks[mark], &op) == 0);
    return op;
}

/* Submits one request and returns how it ended. */
static int32_t run_one(struct weft__request request)
{
    uint32_t before = seen.count;

    (void)submit(request, 0);
    CHECK(engine_log_wait(engine, &seen, before + 1));
    return seen.count > before ? seen.entries[before].result : -ETIMEDOUT;
}

static void make_pipe(int ends[2])
{
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
}

static void close_pipe(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void write_byte(int fd)
{
    CHECK(write(fd, "x", 1) == 1);
}

static void drain(struct weft__engine *one)
{
    while (one->in_flight > 0 && weft__engine_wait(one, weft__clock_now() + WEFT__NS_PER_S) > 0)
        continue;
}

static struct weft__request poll_in(int fd, bool multishot)
{
    return (struct weft__request){
        .opcode = WEFT__OP_POLL, .fd = fd, .flags = POLLIN, .multishot = multishot
    };
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
    CHECK(count_of(&engine->counters.submitted) == count_of(&engine->counters.completed));
    CHECK(count_of(&engine->counters.ignored) == 0);
}

static void test_submit_file_ops_work(void)
{
    for_each_variant(0, 0, use_file);
}

static void wait_for_pipe(void)
{
    int ends[2];
    char buffer[4];

    make_pipe(ends);
    (void)submit(poll_in(ends[0], false), 1);
    (void)submit(read_from(ends[0], buffer, 4), 2);
    CHECK(weft__engine_flush(engine) == 0);
    CHECK(weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS) == 0);
    write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 2));
    CHECK(engine_log_of(&seen, &marks[1]) == 1 && engine_log_of(&seen, &marks[2]) == 1);
    close_pipe(ends);
}

static void test_wait_returns_zero_at_its_time_then_the_completion(void)
{
    for_each_variant(0, 0, wait_for_pipe);
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
    for_each_variant(0, 0, wait_past);
}

static void poll_idle(void)
{
    uint64_t enters = count_of(&engine->counters.enters);

    CHECK(!weft__engine_has_events(engine));
    for (int i = 0; i < 100; i++)
        CHECK(weft__engine_poll(engine, 64) == 0);
    CHECK(count_of(&engine->counters.enters) == enters);
}

static void test_poll_idle_makes_no_system_call(void)
{
    for_each_variant(0, 0, poll_idle);
}

static void cancel_in_each_state(void)
{
    int ends[2];
    char buffer[4];

    make_pipe(ends);
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
    write_byte(ends[1]);
    CHECK(weft__engine_cancel(engine, racing) == 0);
    CHECK(engine_log_wait(engine, &seen, 3));
    CHECK(seen.entries[2].result == 1 || seen.entries[2].result == -ECANCELED);
    CHECK(weft__engine_cancel(engine, racing) == -ENOENT);
    CHECK(weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS) == 0);
    CHECK(seen.count == 3 && engine->in_flight == 0);
    close_pipe(ends);
}

static void test_cancel_in_each_state_ends_the_op_once(void)
{
    for_each_variant(0, 0, cancel_in_each_state);
}

static void cancel_many(void)
{
    int ends[2];
    char text[64];

    make_pipe(ends);
    for (int i = 0; i < 20; i++) /* more than the SQ holds */
        (void)submit(poll_in(ends[0], i % 2 == 0), i);
    CHECK(weft__engine_describe(engine, text, sizeof(text)) == 20);
    CHECK(strcmp(text, "20 poll") == 0);
    CHECK(weft__engine_cancel_all(engine) == 20);
    CHECK(engine_log_wait(engine, &seen, 20));
    for (uint32_t i = 0; i < seen.count; i++)
        CHECK(seen.entries[i].result == -ECANCELED);
    CHECK(weft__engine_describe(engine, text, sizeof(text)) == 0);
    CHECK(weft__engine_notify(engine) == 0); /* the bell was not cancelled with the rest */
    CHECK(weft__engine_wait(engine, weft__clock_now() + 5 * WEFT__NS_PER_S) == 1);
    close_pipe(ends);
}

static void test_cancel_all_ends_every_op_and_nothing_else(void)
{
    for_each_variant(8, 64, cancel_many);
}

static void use_up_credits(void)
{
    int ends[2];
    weft__op_id op = 0;
    struct weft__request request;

    make_pipe(ends);
    request = poll_in(ends[0], false);
    for (int i = 0; i < 6; i++) /* 8 less the reserve of 2 */
        (void)submit(request, i);
    CHECK(weft__engine_submit(engine, &request, NULL, &op) == -EAGAIN);
    CHECK(op == 0 && engine->in_flight == 6);
    CHECK(count_of(&engine->counters.refused) == 1);
    CHECK(weft__engine_poll(engine, 64) == 0 && seen.rooms == 0);
    write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 6));
    CHECK(seen.count == 6 && seen.rooms == 1);
    CHECK(count_of(&engine->counters.overflowed) == 0);
    (void)submit(request, 7);
    drain(engine);
    CHECK(seen.count == 7 && seen.rooms == 1);
    close_pipe(ends);
}

static void test_submit_beyond_the_credits_is_refused_until_room(void)
{
    for_each_variant(8, 8, use_up_credits);
}

/* The SQ can stay full only when the kernel refuses to take entries: a fault stands for that. */
static void fill_queue(void)
{
    int ends[2];
    weft__op_id op = 0;
    struct weft__request request;

    make_pipe(ends);
    request = poll_in(ends[0], false);
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
    write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 5));
    close_pipe(ends);
}

static void test_submit_full_queue_is_refused_and_a_cancel_is_noted(void)
{
    for_each_variant(4, 64, fill_queue);
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
    for_each_variant(0, 0, stumble);
}

static bool has_messages(void)
{
    return (variant->hidden & WITHOUT(MSG_RING)) == 0;
}

/* Waits until @one has received @count doorbells. */
static bool wait_bells(struct weft__engine *one, uint64_t count)
{
    int64_t until_ns = weft__clock_now() + 5 * WEFT__NS_PER_S;

    while (count_of(&one->counters.doorbells_received) < count && weft__clock_now() < until_ns)
        (void)weft__engine_wait(one, until_ns);
    return count_of(&one->counters.doorbells_received) >= count;
}

static void ring_around(void)
{
    struct weft__engine *other = open_engine(0, 0, NULL);

    CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    CHECK(wait_bells(engine, 1));
    CHECK(weft__engine_doorbell(engine, engine) == 0); /* itself */
    CHECK(wait_bells(engine, 2));
    CHECK(weft__engine_notify(engine) == 0);
    CHECK(wait_bells(engine, 3));
    CHECK(weft__engine_wait(engine, weft__clock_now() + 1000) == 0);
    CHECK(count_of(&engine->counters.doorbells_received) == 3 && seen.count == 0);
    CHECK(count_of(&other->counters.doorbells_sent) == 1);
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(count_of(&other->counters.doorbells_failed) == 0);
    weft__engine_close(other);
}

static void test_doorbell_reaches_a_target_that_sleeps_later(void)
{
    for_each_variant(0, 0, ring_around);
}

/* A CQ of 8 gets 100 doorbells and six multishot polls fire. */
static void flood(void)
{
    struct weft__engine *other = open_engine(0, 0, NULL);
    int ends[6][2];

    for (int i = 0; i < 6; i++) {
        make_pipe(ends[i]);
        (void)submit(poll_in(ends[i][0], true), i);
    }
    CHECK(weft__engine_flush(engine) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    for (int i = 0; i < 6; i++)
        write_byte(ends[i][1]);
    CHECK(wait_bells(engine, has_messages() ? 100 : 1));
    CHECK(engine_log_wait(engine, &seen, 6));
    for (int i = 0; i < 6; i++)
        CHECK(engine_log_of(&seen, &marks[i]) >= 1);
    if (has_messages()) {
        CHECK(count_of(&engine->counters.doorbells_received) == 100);
        CHECK(count_of(&engine->counters.overflowed) > 0);
    }
    (void)weft__engine_cancel_all(engine);
    drain(engine);
    CHECK(engine->in_flight == 0);
    for (int i = 0; i < 6; i++)
        close_pipe(ends[i]);
    weft__engine_close(other);
}

static void test_overflow_is_drained_counted_and_loses_nothing(void)
{
    for_each_variant(8, 8, flood);
}

static void poll_budget(void)
{
    struct weft__engine *other = open_engine(0, 0, NULL);

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
    for_each_variant(0, 0, poll_budget);
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

    variant = &variants[0];
    seen = (struct engine_log){ 0 };
    engine = open_engine(0, 0, &seen);
    struct weft__engine *other = open_engine(0, 0, NULL);
    make_pipe(ends);
    weft__op_id op = submit(poll_in(ends[0], false), 1);
    CHECK(weft__engine_flush(engine) == 0);
    const uint64_t forged[] = {
        0,
        UINT64_MAX,
        (uint64_t)(uintptr_t)&seen,
        op, /* no tag */
        weft__op_user_data(WEFT__TAG_OP, weft__op_index(op), weft__op_generation(op) + 1),
        weft__op_user_data(WEFT__TAG_OP, weft__op_index(op) + 1, 1),
        weft__op_user_data(WEFT__TAG_OP, WEFT__OP_INDEX_MASK, 1),
        weft__op_user_data(WEFT__TAG_INTERNAL, 99, 1),
    };
    for (size_t i = 0; i < WEFT__COUNT(forged); i++)
        forge(other, forged[i]);
    CHECK(weft__engine_poll(engine, 64) == 0);
    CHECK(count_of(&engine->counters.ignored) == WEFT__COUNT(forged));
    CHECK(seen.count == 0 && engine->in_flight == 1);
    write_byte(ends[1]);
    CHECK(engine_log_wait(engine, &seen, 1));
    CHECK(seen.entries[0].waiter == &marks[1]);
    close_pipe(ends);
    weft__engine_close(other);
    weft__engine_close(engine);
}

static void test_doorbell_that_fails_rings_the_bell(void)
{
    variant = &variants[0];
    engine = open_engine(0, 0, NULL);
    struct weft__engine *other = open_engine(0, 0, NULL);
    struct weft__kernel *target = weft__kernel_of(engine);
    int ring_fd = target->ring_fd;

    target->ring_fd = target->bell_fd; /* not a ring: the kernel refuses */
    CHECK(weft__engine_doorbell(other, engine) == 0);
    CHECK(weft__engine_flush(other) == 0);
    target->ring_fd = ring_fd;
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(count_of(&other->counters.doorbells_failed) == 1);
    CHECK(wait_bells(engine, 1));
    weft__engine_close(other);
    weft__engine_close(engine);
}

static void test_doorbell_to_a_closed_target_is_counted(void)
{
    variant = &variants[0];
    engine = open_engine(0, 0, NULL);
    struct weft__engine *other = open_engine(0, 0, NULL);

    CHECK(weft__engine_doorbell(other, engine) == 0);
    weft__engine_close(engine);
    CHECK(weft__engine_flush(other) == 0);
    CHECK(weft__engine_poll(other, 64) == 0);
    CHECK(count_of(&other->counters.doorbells_failed) == 1);
    weft__engine_close(other);
}

static void test_notify_uses_the_bell_when_the_message_fails(void)
{
    variant = &variants[0];
    engine = open_engine(0, 0, NULL);
    weft__fault_arm(WEFT__FAULT_RING_REGISTER, 1, -ENOMEM);
    CHECK(weft__engine_notify(engine) == 0);
    weft__fault_arm(WEFT__FAULT_RING_REGISTER, 0, 0);
    CHECK(wait_bells(engine, 1));
    weft__engine_close(engine);
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
    for_each_variant(0, 0, wake_by_signal);
}

static void test_submit_what_is_missing_or_wrong_is_an_error(void)
{
    struct weft__engine_config config = { .hidden_ops = 1u << WEFT__OP_STATX };
    struct weft__request request = { .opcode = WEFT__OP_STATX };
    weft__op_id op = 0;

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
        { .sq_entries = 3 },
        { .cq_entries = 100 },
        { .cq_entries = 2 },
        { .sq_entries = 1u << 20 },
        { .hidden_features = WITHOUT(NODROP) },
    };
    struct weft__engine *opened = NULL;

    for (size_t i = 0; i < WEFT__COUNT(configs); i++) {
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

    make_pipe(ends);
    (void)submit(read_from(ends[0], buffer, 4), 0);
    CHECK(weft__engine_flush(engine) == 0);
    (void)submit(read_from(ends[0], buffer, 4), 0);
    CHECK(fcntl(weft__kernel_of(engine)->ring_fd, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(weft__kernel_of(engine)->bell_fd, F_GETFD) == FD_CLOEXEC);
    close_pipe(ends);
}

static void test_close_with_ops_in_flight_abandons_them(void)
{
    for_each_variant(0, 0, abandon);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_submit_file_ops_work),
        UNIT_TEST(test_wait_returns_zero_at_its_time_then_the_completion),
        UNIT_TEST(test_wait_with_a_past_time_still_submits),
        UNIT_TEST(test_poll_idle_makes_no_system_call),
        UNIT_TEST(test_cancel_in_each_state_ends_the_op_once),
        UNIT_TEST(test_cancel_all_ends_every_op_and_nothing_else),
        UNIT_TEST(test_submit_beyond_the_credits_is_refused_until_room),
        UNIT_TEST(test_submit_full_queue_is_refused_and_a_cancel_is_noted),
        UNIT_TEST(test_enter_interrupted_or_starved_goes_on),
        UNIT_TEST(test_doorbell_reaches_a_target_that_sleeps_later),
        UNIT_TEST(test_overflow_is_drained_counted_and_loses_nothing),
        UNIT_TEST(test_poll_keeps_its_budget_and_goes_on_past_one_enter),
        UNIT_TEST(test_reap_forged_completions_are_ignored),
        UNIT_TEST(test_doorbell_that_fails_rings_the_bell),
        UNIT_TEST(test_doorbell_to_a_closed_target_is_counted),
        UNIT_TEST(test_notify_uses_the_bell_when_the_message_fails),
        UNIT_TEST(test_notify_from_a_signal_handler_wakes),
        UNIT_TEST(test_submit_what_is_missing_or_wrong_is_an_error),
        UNIT_TEST(test_open_impossible_config_says_why),
        UNIT_TEST(test_close_with_ops_in_flight_abandons_them),
    };
    return unit_run(argc, argv, "engine", tests, WEFT__COUNT(tests));
}

/* What is the compat engine's own: rows of waiters, registrations, terminals, full backlogs. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "tests/support/engine_log.h"
#include "tests/support/unit.h"
#include "uring/compat.h"
#include "uring/pool.h"

static struct engine_log seen;
static struct weft__engine *engine;
static struct weft__pool *pool;
static char marks[16]; /* their addresses stand for waiters */

static void with_engine(void (*body)(void))
{
    struct weft__engine_config config = { 0 };

    seen = (struct engine_log){ 0 };
    CU_ASSERT_EQUAL_FATAL(weft__pool_open(NULL, &pool), 0);
    config.pool = pool;
    CU_ASSERT_EQUAL_FATAL(weft__engine_open_compat(&config, &seen, &engine, NULL), 0);
    body();
    CU_ASSERT_EQUAL(engine->in_flight, 0);
    CU_ASSERT_FALSE(engine->blind);
    weft__engine_close(engine);
    weft__pool_close(pool);
}

static weft__op_id submit(enum weft__opcode opcode, int fd, const void *address, uint32_t bytes,
                          int mark)
{
    struct weft__request request = {
        .opcode = opcode, .fd = fd, .address = address, .bytes = bytes, .offset = -1
    };
    weft__op_id op = 0;

    CU_ASSERT_EQUAL(weft__engine_submit(engine, &request, &marks[mark], &op), 0);
    return op;
}

/* Nothing more than @count completions, after a look. */
static void expect_count(uint32_t count)
{
    CU_ASSERT_TRUE(engine_log_wait(engine, &seen, count));
    (void)weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_MS);
    CU_ASSERT_EQUAL(seen.count, count);
}

static void expect_entry(uint32_t at, int mark, int32_t result)
{
    CU_ASSERT_PTR_EQUAL(seen.entries[at].waiter, &marks[mark]);
    CU_ASSERT_EQUAL(seen.entries[at].result, result);
}

static void wait_in_rows(void)
{
    static char large[1 << 20];
    char bytes[3];
    int ends[2];
    int room = 0;

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (int i = 0; i < 3; i++)
        (void)submit(WEFT__OP_RECV, ends[0], &bytes[i], 1, i);
    while (send(ends[0], large, sizeof(large), MSG_DONTWAIT) > 0)
        room = 1;
    CU_ASSERT_EQUAL(room, 1);
    (void)submit(WEFT__OP_SEND, ends[0], large, 10, 3); /* both ways at once */
    expect_count(0);
    CU_ASSERT_EQUAL(write(ends[1], "ab", 2), 2);
    expect_count(2);
    expect_entry(0, 0, 1);
    expect_entry(1, 1, 1);
    CU_ASSERT_TRUE(bytes[0] == 'a' && bytes[1] == 'b');
    while (recv(ends[1], large, sizeof(large), MSG_DONTWAIT) > 0)
        continue;
    expect_count(3);
    expect_entry(2, 3, 10);
    (void)close(ends[1]);
    expect_count(4);
    CU_ASSERT_PTR_EQUAL(seen.entries[3].waiter, &marks[2]);
    (void)close(ends[0]);
}

static void test_waiters_of_one_file_are_served_in_order_and_both_ways(void)
{
    with_engine(wait_in_rows);
}

/* The number becomes another pipe's while the first one lives on under another number. */
static void reuse_number(void)
{
    char byte = 0;
    int first[2], second[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(first, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL_FATAL(pipe2(second, O_CLOEXEC), 0);
    int number = first[0];
    weft__op_id op = submit(WEFT__OP_READ, number, &byte, 1, 0);
    expect_count(0);
    int kept = dup(number);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, op), 0);
    expect_count(1);
    expect_entry(0, 0, -ECANCELED);
    CU_ASSERT_EQUAL(dup2(second[0], number), number);
    (void)submit(WEFT__OP_READ, number, &byte, 1, 1);
    expect_count(1);
    CU_ASSERT_EQUAL(write(first[1], "o", 1), 1); /* for the old file */
    expect_count(1);
    CU_ASSERT_EQUAL(write(second[1], "n", 1), 1);
    expect_count(2);
    expect_entry(1, 1, 1);
    CU_ASSERT_EQUAL(byte, 'n');

    (void)submit(WEFT__OP_READ, number, &byte, 1, 2); /* and once more, behind our back */
    expect_count(2);
    CU_ASSERT_EQUAL(dup2(kept, number), number);
    (void)submit(WEFT__OP_READ, number, &byte, 1, 3); /* finds out, for both */
    expect_count(3);
    expect_entry(2, 2, 1);
    CU_ASSERT_EQUAL(byte, 'o');
    CU_ASSERT_EQUAL(weft__engine_cancel_all(engine), 1);
    expect_count(4);
    expect_entry(3, 3, -ECANCELED);
    (void)close(kept);
    (void)close(number);
    (void)close(first[1]);
    (void)close(second[0]);
    (void)close(second[1]);
}

static void test_a_number_that_is_another_files_now_is_told_apart(void)
{
    with_engine(reuse_number);
}

/* A terminal knows no RWF_NOWAIT: a helper reads, and only when there is a line. */
static void use_terminal(void)
{
    char line[8] = "", other[8] = "";

    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CU_ASSERT_TRUE_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    CU_ASSERT_TRUE_FATAL(slave >= 0);
    (void)submit(WEFT__OP_READ, slave, line, sizeof(line), 0);
    weft__op_id second = submit(WEFT__OP_READ, slave, other, sizeof(other), 1);
    expect_count(0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&weft__pool_counters(pool)->jobs), 0);
    CU_ASSERT_EQUAL(write(master, "one\n", 4), 4);
    expect_count(1);
    expect_entry(0, 0, 4);
    CU_ASSERT_EQUAL(strcmp(line, "one\n"), 0);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, second), 0); /* it does not sit in a call */
    expect_count(2);
    expect_entry(1, 1, -ECANCELED);
    (void)submit(WEFT__OP_WRITE, slave, "two", 3, 2);
    expect_count(3);
    expect_entry(2, 2, 3);
    (void)close(slave);
    (void)close(master);
}

static void test_terminal_is_read_by_a_helper_when_it_has_something(void)
{
    with_engine(use_terminal);
}

/* As on a kernel whose pipes know no RWF_NOWAIT. */
static void use_old_pipe(void)
{
    char bytes[8] = "";
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    weft__fault_arm(WEFT__FAULT_READ, 1, -EOPNOTSUPP);
    (void)submit(WEFT__OP_READ, ends[0], bytes, sizeof(bytes), 0);
    weft__fault_arm(WEFT__FAULT_READ, 0, 0);
    expect_count(0);
    weft__fault_arm(WEFT__FAULT_WRITE, 1, -EOPNOTSUPP);
    static char large[3 * 65536];
    (void)submit(WEFT__OP_WRITE, ends[1], large, sizeof(large), 1);
    weft__fault_arm(WEFT__FAULT_WRITE, 0, 0);
    expect_count(2); /* as much as does not wait */
    CU_ASSERT_EQUAL(engine_log_of(&seen, &marks[0]), 1);
    CU_ASSERT_EQUAL(engine_log_of(&seen, &marks[1]), 1);
    for (uint32_t i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(seen.entries[i].result, seen.entries[i].waiter == &marks[0] ? 8 : 4096);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_pipe_without_nowait_never_holds_a_helper(void)
{
    with_engine(use_old_pipe);
}

static int connect_somewhere(const struct sockaddr_un *name, int mark, weft__op_id *out_op)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *out_op = submit(WEFT__OP_CONNECT, fd, name, sizeof(*name), mark);
    return fd;
}

/* Nothing tells when a full backlog has room, so it is tried again. */
static void fill_backlog(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fds[4];
    weft__op_id ops[4];

    (void)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "weft-compat-%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
    for (int i = 0; i < 4; i++)
        fds[i] = connect_somewhere(&name, i, &ops[i]);
    expect_count(2);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, ops[3]), 0);
    expect_count(3);
    expect_entry(2, 3, -ECANCELED);
    CU_ASSERT_EQUAL(fcntl(fds[2], F_GETFL) & O_NONBLOCK, 0); /* put back */
    (void)submit(WEFT__OP_ACCEPT, listener, NULL, 0, 5);
    expect_count(5);
    CU_ASSERT_EQUAL(engine_log_of(&seen, &marks[2]), 1);
    for (uint32_t i = 0; i < seen.count; i++)
        if (seen.entries[i].waiter == &marks[5])
            (void)close(seen.entries[i].result);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    (void)close(listener);
}

static void test_connect_to_a_full_backlog_is_tried_again(void)
{
    with_engine(fill_backlog);
}

/* After a short recv the next one waits for readiness first; a cancel still takes what has come. */
static void drain(void)
{
    char bytes[8] = "";
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    (void)submit(WEFT__OP_RECV, ends[0], bytes, sizeof(bytes), 0);
    expect_count(0);
    CU_ASSERT_EQUAL(write(ends[1], "ab", 2), 2);
    expect_count(1);
    expect_entry(0, 0, 2);
    CU_ASSERT_EQUAL(write(ends[1], "cd", 2), 2);
    weft__op_id op = submit(WEFT__OP_RECV, ends[0], bytes, sizeof(bytes), 1);
    CU_ASSERT_EQUAL(weft__engine_cancel(engine, op), 0);
    expect_count(2);
    expect_entry(1, 1, 2);
    CU_ASSERT_EQUAL(memcmp(bytes, "cd", 2), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_cancel_takes_what_has_come(void)
{
    with_engine(drain);
}

/* Interest that the kernel refuses ends the ops with its error. */
static void refuse_interest(void)
{
    char byte;
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    (void)submit(WEFT__OP_READ, ends[0], &byte, 1, 0);
    weft__fault_arm(WEFT__FAULT_EPOLL, 1, -ENOSPC);
    expect_count(1);
    expect_entry(0, 0, -ENOMEM);
    (void)submit(WEFT__OP_READ, -1, &byte, 1, 1);
    (void)submit(WEFT__OP_POLL, 1 << 20, NULL, 0, 2);
    expect_count(3);
    expect_entry(1, 1, -EBADF);
    expect_entry(2, 2, -EBADF);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_interest_that_is_refused_ends_the_op(void)
{
    with_engine(refuse_interest);
}

/* A recv that left room makes the next one wait first; but not when the number has become another
 * file's, which would never be ready. */
static void reuse_drained_number(void)
{
    char bytes[4];
    int ends[2];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int plain = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    CU_ASSERT_EQUAL(bind(listener, &(struct sockaddr){ AF_UNIX, "" }, sizeof(sa_family_t)), 0);
    CU_ASSERT_EQUAL(listen(listener, 1), 0);
    (void)submit(WEFT__OP_RECV, ends[0], bytes, sizeof(bytes), 0);
    expect_count(0);
    CU_ASSERT_EQUAL(write(ends[1], "a", 1), 1);
    expect_count(1);
    CU_ASSERT_EQUAL(dup2(listener, ends[0]), ends[0]);
    (void)submit(WEFT__OP_RECV, ends[0], bytes, sizeof(bytes), 1);
    expect_count(2);
    expect_entry(1, 1, -EINVAL);
    CU_ASSERT_EQUAL(dup2(plain, ends[0]), ends[0]);
    (void)submit(WEFT__OP_RECV, ends[0], bytes, sizeof(bytes), 2);
    expect_count(3);
    expect_entry(2, 2, -ENOTSOCK);
    (void)weft__engine_cancel_all(engine);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(listener);
    (void)close(plain);
}

static void test_recv_of_a_number_that_is_another_files_now_is_answered(void)
{
    with_engine(reuse_drained_number);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_waiters_of_one_file_are_served_in_order_and_both_ways),
        UNIT_TEST(test_a_number_that_is_another_files_now_is_told_apart),
        UNIT_TEST(test_terminal_is_read_by_a_helper_when_it_has_something),
        UNIT_TEST(test_pipe_without_nowait_never_holds_a_helper),
        UNIT_TEST(test_connect_to_a_full_backlog_is_tried_again),
        UNIT_TEST(test_cancel_takes_what_has_come),
        UNIT_TEST(test_interest_that_is_refused_ends_the_op),
        UNIT_TEST(test_recv_of_a_number_that_is_another_files_now_is_answered),
    };
    return unit_run(argc, argv, "compat", tests, WEFT__COUNT(tests));
}

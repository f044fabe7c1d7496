/*
 * Each operation of a socket against a cancel at about the moment of its end: it has done what it
 * says, byte for byte, and no descriptor is left over.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { rounds = 60, block_bytes = 3000, parts = 3, small_buffer = 4608 };

/* Of one task that is cancelled. */
struct attempt {
    weft_fd ends[2]; /* the task has the first */
    weft_address at;
    size_t moved; /* bytes that it says it has sent or received */
    ssize_t rc;
};

typedef void (*operation_fn)(struct attempt *attempt);

static char block[block_bytes];
static const struct iovec block_parts[parts] = { { block, 1000 },
                                                 { block + 1000, 1 },
                                                 { block + 1001, block_bytes - 1001 } };

static ssize_t note(struct attempt *attempt, ssize_t rc)
{
    attempt->moved = rc > 0 ? (size_t)rc : 0;
    return rc < 0 ? rc : 0;
}

static void receive(struct attempt *a)
{
    char byte;

    a->rc = note(a, weft_recv(a->ends[0], &byte, 1, WEFT_NEVER));
}

static void receive_exactly(struct attempt *a)
{
    char byte;

    a->rc = weft_recv_exactly(a->ends[0], &byte, 1, &a->moved, WEFT_NEVER);
}

static void receive_vector(struct attempt *a)
{
    char byte;
    struct iovec part = { &byte, 1 };

    a->rc = note(a, weft_recv_vector(a->ends[0], &part, 1, WEFT_NEVER));
}

static void poll_in(struct attempt *a)
{
    ssize_t rc = weft_fd_poll(a->ends[0], POLLIN, WEFT_NEVER);

    EXPECT(rc == POLLIN || rc == -ECANCELED);
    a->rc = rc < 0 ? rc : 0;
}

static void send_some(struct attempt *a)
{
    a->rc = note(a, weft_send(a->ends[0], block, block_bytes, WEFT_NEVER));
}

static void send_all(struct attempt *a)
{
    a->rc = weft_send_all(a->ends[0], block, block_bytes, &a->moved, WEFT_NEVER);
}

static void send_vector(struct attempt *a)
{
    a->rc = note(a, weft_send_vector(a->ends[0], block_parts, parts, WEFT_NEVER));
}

static void send_vector_all(struct attempt *a)
{
    a->rc = weft_send_vector_all(a->ends[0], block_parts, parts, &a->moved, WEFT_NEVER);
}

static const struct {
    const char *name;
    operation_fn run;
    bool sends;
} operations[] = {
    { "recv", receive, false },
    { "recv_exactly", receive_exactly, false },
    { "recv_vector", receive_vector, false },
    { "fd_poll", poll_in, false },
    { "send", send_some, true },
    { "send_all", send_all, true },
    { "send_vector", send_vector, true },
    { "send_vector_all", send_vector_all, true },
};

/* Sends until the kernel has no room, so that the next send waits. */
static size_t fill(weft_fd fd)
{
    size_t bytes = 0;
    ssize_t count;

    while ((count = send(weft_fd_number(fd), block, block_bytes, MSG_DONTWAIT)) > 0)
        bytes += (size_t)count;
    EXPECT(count < 0 && errno == EAGAIN);
    return bytes;
}

/* Receives what is there now; with @to_end until the other end has ended. */
static size_t drain(weft_fd fd, bool to_end)
{
    static char piece[65536]; /* one task at a time drains */
    size_t bytes = 0;
    ssize_t count = 1;

    while (count > 0) {
        count = to_end ? weft_recv(fd, piece, sizeof(piece), WEFT_NEVER)
                       : recv(weft_fd_number(fd), piece, sizeof(piece), MSG_DONTWAIT);
        bytes += count > 0 ? (size_t)count : 0;
    }
    return bytes;
}

/* What ends the operation well: a byte that comes, or room for what it sends. */
static size_t help(const struct attempt *attempt, bool sends)
{
    if (sends)
        return drain(attempt->ends[1], false);
    EXPECT_EQ(weft_send(attempt->ends[1], "x", 1, WEFT_NEVER), 1);
    return 1;
}

static operation_fn chosen;

static int run_chosen(void *argument)
{
    chosen(argument);
    return 0;
}

/* Until it waits, or has ended already: room may have come up by itself. */
static void await_wait(weft_task task)
{
    int state;

    while ((state = weft_task_state_of(task)) == WEFT_TASK_FRESH || state == WEFT_TASK_READY ||
           state == WEFT_TASK_RUNNING)
        (void)weft_yield();
}

/* Starts the operation, and ends it and cancels it in both orders. Returns what helped it. */
static size_t meet(struct attempt *attempt, bool sends, int round)
{
    size_t helped = 0;
    weft_scope scope = weft_scope_open(&run_all);
    weft_spawn_options away = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    weft_task task = weft_spawn(scope, run_chosen, attempt, &away);

    if (round % 2 == 0)
        await_wait(task);
    if (round % 3 == 0)
        (void)weft_cancel(task); /* it may have ended */
    helped = help(attempt, sends);
    if (round % 3 != 0)
        (void)weft_cancel(task);
    (void)!weft_wait(task, WEFT_NEVER);
    (void)weft_scope_close(scope);
    return helped;
}

static void check(const struct attempt *attempt, bool sends, size_t filled, size_t helped)
{
    EXPECT(attempt->rc == 0 || attempt->rc == -ECANCELED);
    if (sends) {
        EXPECT_EQ(weft_shutdown(attempt->ends[0], SHUT_WR), 0);
        EXPECT_EQ(drain(attempt->ends[1], true) + helped, filled + attempt->moved);
    } else {
        EXPECT_EQ(weft_shutdown(attempt->ends[1], SHUT_WR), 0);
        EXPECT_EQ(drain(attempt->ends[0], true) + attempt->moved, helped);
    }
}

static void race(size_t which, int round)
{
    struct attempt attempt = { .rc = 1 };
    bool sends = operations[which].sends;
    size_t filled = 0;

    expect_about(operations[which].name);
    sockets_pair(round % SOCKETS_KINDS, attempt.ends);
    if (sends && round % SOCKETS_KINDS == 2) /* TCP with a tiny window would wait for its timers */
        EXPECT_EQ(weft_socket_set(attempt.ends[0], WEFT_SOCKET_SEND_BUFFER, small_buffer), 0);
    if (sends)
        filled = fill(attempt.ends[0]);
    chosen = operations[which].run;
    size_t helped = meet(&attempt, sends, round);
    check(&attempt, sends, filled, helped);
    EXPECT_EQ(weft_close(attempt.ends[0]), 0);
    EXPECT_EQ(weft_close(attempt.ends[1]), 0);
}

static int race_all(void *argument)
{
    uint32_t before = rig_descriptors();

    (void)argument;
    for (size_t which = 0; which < WEFT__COUNT(operations); which++)
        for (int round = 0; round < rounds; round++)
            race(which, round);
    EXPECT_EQ(rig_descriptors(), before);
    expect_about("");
    return 0;
}

static void test_cancel_against_completion_loses_no_byte(void)
{
    rig_each(race_all);
}

static int dial(void *argument)
{
    struct attempt *attempt = argument;

    attempt->ends[0] = weft_connect(&attempt->at, WEFT_NEVER);
    return 0;
}

/* Whoever was connected has a descriptor, whoever was not has none. */
static int race_connects(void *argument)
{
    uint32_t before = rig_descriptors();

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        struct attempt attempt = { .rc = 0 };
        weft_scope scope = weft_scope_open(&run_all);
        weft_fd listener = sockets_listen(round % SOCKETS_KINDS, &attempt.at);
        weft_task task = weft_spawn(scope, dial, &attempt,
                                    &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
        for (int i = 0; i < round % 4; i++)
            (void)weft_yield();
        (void)weft_cancel(task); /* it may have ended */
        (void)!weft_wait(task, WEFT_NEVER);
        EXPECT(attempt.ends[0] > 0 || attempt.ends[0] == -ECANCELED || attempt.ends[0] == 0);
        if (attempt.ends[0] > 0)
            EXPECT_EQ(weft_close(attempt.ends[0]), 0);
        EXPECT_EQ(weft_close(listener), 0);
        sockets_forget(&attempt.at);
        (void)weft_scope_close(scope);
    }
    EXPECT_EQ(rig_descriptors(), before);
    return 0;
}

static void test_connect_canceled_leaves_no_descriptor(void)
{
    rig_each(race_connects);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_cancel_against_completion_loses_no_byte),
        UNIT_TEST(test_connect_canceled_leaves_no_descriptor),
    };

    return unit_run(argc, argv, "socket_race", tests, WEFT__COUNT(tests));
}

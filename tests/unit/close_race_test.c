/*
 * The races of close, one test for each, in a fixed order of steps, on each engine. What raw
 * io_uring does in each (measured on Linux 6.1 and 6.18) stands beside it; weft must do what it
 * promises. The same at random and in masses: tests/stress/close_races.c.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { block = 60000 };

static weft_task_fn chosen;

static int run_balanced(void *argument)
{
    uint32_t before = rig_descriptors();
    int rc = chosen(argument);

    EXPECT_EQ(rig_descriptors(), before);
    return rc;
}

static void run_chosen(void)
{
    rig_each(run_balanced);
}

static void run(weft_task_fn body)
{
    chosen = body;
    engines_each(run_chosen);
}

static int recv_byte(void *argument)
{
    char byte = 0;
    ssize_t rc = weft_recv(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);

    return rc == 1 ? byte : (int)rc;
}

static int send_for_ever(void *argument)
{
    static char bytes[block];
    int rc;

    do
        rc = weft_send_all(*(const weft_fd *)argument, bytes, block, NULL, WEFT_NEVER);
    while (rc == 0);
    return rc;
}

/* A task that waits in @body on @fd, on a worker of its own where there is one. */
static weft_task start(weft_scope scope, weft_task_fn body, weft_fd fd)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread(),
                                                    .copy_bytes = sizeof(fd));
    weft_task task = weft_spawn(scope, body, &fd, &options);

    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

/* ---- io_uring: a receive stays pending after close(2), and succeeds when the peer writes ---- */

static int late_bytes(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        weft_task task = start(scope, recv_byte, ends[0]);
        EXPECT_EQ(weft_close(ends[0]), 0);
        EXPECT_EQ(weft_task_state_of(task) == WEFT_TASK_WAITING, false); /* close has waited */
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADF);
        ssize_t rc = weft_send(ends[1], "x", 1, WEFT_NEVER); /* nobody is there to get it */
        EXPECT(rc == 1 || rc == -EPIPE || rc == -ECONNRESET);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_ends_a_pending_receive_and_later_bytes_reach_nobody(void)
{
    run(late_bytes);
}

/* ---- io_uring: after the number's reuse the old receive still takes the old file's bytes ---- */

static int reuse(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        char byte = 0;
        weft_fd ends[2], next[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        int number = weft_fd_number(ends[0]);
        weft_task task = start(scope, recv_byte, ends[0]);
        EXPECT_EQ(weft_close(ends[0]), 0);
        int raw[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw), 0);
        EXPECT(raw[0] == number || raw[1] == number); /* the lowest that is free */
        next[0] = weft_fd_adopt(number);
        next[1] = weft_fd_adopt(raw[0] == number ? raw[1] : raw[0]);
        weft_task reader = start(scope, recv_byte, next[0]);
        EXPECT_EQ(weft_recv(ends[0], &byte, 1, WEFT_NEVER), -EBADF); /* the number is another's */
        EXPECT_EQ(weft_close(ends[0]), -EBADF);
        EXPECT_EQ(weft_send(next[1], "n", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_wait(reader, WEFT_NEVER), 'n');
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_close(next[0]) + weft_close(next[1]) + weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_the_next_file_of_a_number_is_not_reached(void)
{
    run(reuse);
}

/* ---- io_uring: a cancel by descriptor finds nothing once the number is closed or reused ---- */

/* The number goes to another file behind weft's back, while the task waits: a cancel, a deadline
 * and a close still find the operation. */
static int swap_behind(void *argument)
{
    (void)argument;
    for (int end = 0; end < 2; end++) {
        int spare[2];
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(0, ends);
        weft_task task = start(scope, recv_byte, ends[0]);
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, spare), 0);
        int number = weft_fd_number(ends[0]), kept = dup(number);
        EXPECT_EQ(dup2(spare[0], number), number);
        if (end == 0)
            EXPECT_EQ(weft_cancel(task), 0);
        else
            EXPECT_EQ(weft_close(ends[0]), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), end == 0 ? -ECANCELED : -EBADF);
        if (end == 0)
            EXPECT_EQ(weft_close(ends[0]), 0); /* the number is still weft's */
        (void)close(kept);
        (void)close(spare[0]);
        (void)close(spare[1]);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_cancel_and_close_find_the_operation_whatever_the_number_is(void)
{
    run(swap_behind);
}

/* ---- io_uring: shutdown(2) ends a pending receive at once, with 0 ---- */

static int shut(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        char byte = 0;
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        weft_task receiver = start(scope, recv_byte, ends[0]);
        weft_task sender = start(scope, send_for_ever, ends[0]);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_RDWR), 0);
        EXPECT_EQ(weft_wait(receiver, WEFT_NEVER), 0);
        EXPECT_EQ(weft_wait(sender, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_recv(ends[0], &byte, 1, WEFT_NEVER), 0); /* the handle lives on */
        EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_shutdown_ends_what_is_pending_and_the_handle_lives_on(void)
{
    run(shut);
}

/* ---- io_uring: a CLOSE linked behind a SEND is not ordered against other operations ---- */

static int close_after_send(void *argument)
{
    static char bytes[block], got[block];

    (void)argument;
    for (size_t i = 0; i < block; i++)
        bytes[i] = (char)(i * 2246822519u >> 13);
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        char byte = 0;
        size_t done = 0;
        weft_fd ends[2];
        sockets_pair(kind, ends);
        int rc = weft_send_all(ends[0], bytes, block, &done, weft_after(WEFT_MILLISECOND));
        EXPECT(rc == 0 || rc == -ETIMEDOUT); /* the kernel may not have room for all */
        EXPECT_EQ(weft_close(ends[0]), 0);
        EXPECT_EQ(weft_recv_exactly(ends[1], got, done, NULL, WEFT_NEVER), 0);
        EXPECT(memcmp(got, bytes, done) == 0);
        EXPECT_EQ(weft_recv(ends[1], &byte, 1, WEFT_NEVER), 0);
        EXPECT_EQ(weft_close(ends[1]), 0);
    }
    return 0;
}

static void test_close_right_after_a_send_loses_no_byte(void)
{
    run(close_after_send);
}

/* ---- io_uring: a cancelled accept, connect or open that succeeds leaves a descriptor ---- */

static int accept_one(void *argument)
{
    weft_fd taken = weft_accept(*(const weft_fd *)argument, NULL, WEFT_NEVER);

    return taken > 0 ? weft_close(taken) : (int)taken;
}

/* The connection is there before the close asks the accept to end. */
static int close_listener(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_address at;
        weft_scope scope = weft_scope_open(&run_all);
        weft_fd listener = sockets_listen(kind, &at);
        weft_task task = start(scope, accept_one, listener);
        weft_fd client = weft_connect(&at, WEFT_NEVER);
        EXPECT_EQ(weft_close(listener), 0);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 0 || rc == -EBADF); /* run_balanced counts the descriptors */
        EXPECT_EQ(weft_close(client), 0);
        sockets_forget(&at);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_of_a_listener_leaves_no_accepted_descriptor(void)
{
    run(close_listener);
}

/* ---- io_uring: a poll that is pending goes on after close(2) ---- */

static int poll_in(void *argument)
{
    return weft_fd_poll(*(const weft_fd *)argument, POLLIN, WEFT_NEVER);
}

static const struct weft__fault_when always = { .first = 1, .last = UINT32_MAX };
static bool starved; /* no memory is to be had while it is closed */

/* All that may be pending on one file, of several tasks on several workers, one close. */
static int all_pending(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        weft_task tasks[4];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        tasks[0] = start(scope, recv_byte, ends[0]);
        tasks[1] = start(scope, recv_byte, ends[0]);
        tasks[2] = start(scope, poll_in, ends[0]);
        tasks[3] = start(scope, send_for_ever, ends[0]);
        weft__fault_plan(WEFT__FAULT_ALLOC, starved ? -ENOMEM : 0, &always);
        EXPECT_EQ(weft_close(ends[0]), 0);
        weft__fault_plan(WEFT__FAULT_ALLOC, 0, NULL);
        for (int i = 0; i < 4; i++)
            EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_ends_all_that_is_pending_on_all_workers(void)
{
    starved = false;
    run(all_pending);
}

static void test_close_ends_all_that_is_pending_without_memory(void)
{
    starved = true;
    run(all_pending);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_close_ends_a_pending_receive_and_later_bytes_reach_nobody),
        UNIT_TEST(test_the_next_file_of_a_number_is_not_reached),
        UNIT_TEST(test_cancel_and_close_find_the_operation_whatever_the_number_is),
        UNIT_TEST(test_shutdown_ends_what_is_pending_and_the_handle_lives_on),
        UNIT_TEST(test_close_right_after_a_send_loses_no_byte),
        UNIT_TEST(test_close_of_a_listener_leaves_no_accepted_descriptor),
        UNIT_TEST(test_close_ends_all_that_is_pending_on_all_workers),
        UNIT_TEST(test_close_ends_all_that_is_pending_without_memory),
    };

    return unit_run(argc, argv, "close_race", tests, WEFT__COUNT(tests));
}

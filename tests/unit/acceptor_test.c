/* The accept that comes again and again: what it takes ahead, who gets it, and what ends it. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "runtime/io/acceptor.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { few = 5, many = 3 * WEFT__ACCEPTOR_QUEUED, takers = 4, talks = 40, knocks = 2000 };

/* Has an accept armed on @listener that goes on when this returns; takes one connection. Engines
 * without such an operation have none, and all else is the same. */
static void arm(weft_fd listener, const weft_address *at)
{
    weft_fd first = weft_connect(at, WEFT_NEVER);
    weft_fd taken = weft__acceptor_accept(listener, NULL, true, WEFT_NEVER);

    EXPECT(taken > 0);
    EXPECT_EQ(weft_close(taken) + weft_close(first), 0);
}

/* Connects, and returns when what is armed has taken so many ahead. */
static void connect_ahead(const weft_address *at, weft_fd *out_ends, uint32_t count, uint32_t ahead)
{
    uint32_t before = rig_descriptors();
    uint32_t wanted = before + count + (engines_use_ring() ? ahead : 0);

    for (uint32_t i = 0; i < count; i++) {
        out_ends[i] = weft_connect(at, WEFT_NEVER);
        EXPECT(out_ends[i] > 0);
    }
    while (rig_descriptors() < wanted)
        (void)weft_yield();
}

static void close_all(weft_fd *ends, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        EXPECT_EQ(weft_close(ends[i]), 0);
}

static int takes_queued(void *argument)
{
    weft_fd ends[few];
    weft_address at, own, peer;

    (void)argument;
    for (int kind = 0; kind < 2; kind++) {
        weft_fd listener = sockets_listen(kind, &at);
        arm(listener, &at);
        connect_ahead(&at, ends, few, few);
        EXPECT_EQ(weft_fd_poll(listener, POLLIN, WEFT_NEVER), POLLIN);
        for (int i = 0; i < few; i++) {
            weft_fd taken = weft_accept(listener, &peer, WEFT_NEVER);
            EXPECT_EQ(weft_socket_local(ends[i], &own), 0);
            EXPECT_EQ(peer.bytes, own.bytes);
            EXPECT_EQ(memcmp(peer.words, own.words, own.bytes), 0);
            EXPECT_EQ(weft_close(taken), 0);
        }
        EXPECT_EQ(weft_accept(listener, NULL, WEFT_NOW), -ETIMEDOUT);
        EXPECT_EQ(weft_accept(listener, NULL, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
        weft__acceptor_end(listener);
        weft__acceptor_end(listener); /* what has ended may be ended */
        close_all(ends, few);
        EXPECT_EQ(weft_close(listener), 0);
    }
    return 0;
}

static void test_accept_takes_queued_in_order_and_by_name(void)
{
    rig_each(takes_queued);
}

static int closes_queued(void *argument)
{
    weft_fd ends[few];
    weft_address at;
    char byte;
    uint32_t before = rig_descriptors();
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    arm(listener, &at);
    connect_ahead(&at, ends, few, few);
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(rig_descriptors(), before + few);
    for (int i = 0; i < few; i++) {
        ssize_t rc = weft_recv(ends[i], &byte, 1, WEFT_NEVER);
        EXPECT(rc == 0 || rc == -ECONNRESET); /* as the kernel's backlog ends */
    }
    close_all(ends, few);
    EXPECT_EQ(rig_descriptors(), before);
    return 0;
}

static void test_close_closes_queued(void)
{
    rig_each(closes_queued);
}

/* What is queued stays when it is ended, and is taken by whoever accepts. */
static int ends_early(void *argument)
{
    weft_fd ends[few], late;
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    arm(listener, &at);
    connect_ahead(&at, ends, few, few);
    weft__acceptor_end(listener);
    uint32_t before = rig_descriptors();
    late = weft_connect(&at, WEFT_NEVER);
    for (int i = 0; i < talks; i++)
        EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(rig_descriptors(), before + 1); /* this one is the kernel's */
    for (int i = 0; i < few + 1; i++)
        EXPECT_EQ(weft_close(weft_accept(listener, NULL, WEFT_NEVER)), 0);
    EXPECT_EQ(weft_accept(listener, NULL, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    close_all(ends, few);
    EXPECT_EQ(weft_close(late) + weft_close(listener), 0);
    return 0;
}

static void test_end_keeps_queued_and_takes_no_more(void)
{
    rig_each(ends_early);
}

static int end_starved(void *argument)
{
    static const struct weft__fault_when always = { .first = 1, .last = UINT32_MAX };

    weft__fault_plan(WEFT__FAULT_ALLOC, -ENOMEM, &always);
    weft__acceptor_end(*(const weft_fd *)argument);
    weft__fault_plan(WEFT__FAULT_ALLOC, 0, NULL);
    return 0;
}

/* By a task of each worker in turn, one of which has another ring than the one it is in. */
static int ends_starved(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (uint32_t worker = 0; worker < 2; worker++) {
        arm(listener, &at);
        weft_task task = weft_spawn(scope, end_starved, &listener,
                                    &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(worker),
                                                        .copy_bytes = sizeof(listener)));
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        uint32_t before = rig_descriptors();
        weft_fd late = weft_connect(&at, WEFT_NEVER);
        for (int i = 0; i < talks; i++)
            EXPECT_EQ(weft_yield(), 0);
        EXPECT_EQ(rig_descriptors(), before + 1); /* nothing is armed that would take it */
        EXPECT_EQ(weft_close(weft_accept(listener, NULL, WEFT_NEVER)) + weft_close(late), 0);
    }
    EXPECT_EQ(weft_scope_close(scope) + weft_close(listener), 0);
    return 0;
}

static void test_end_takes_no_memory(void)
{
    rig_run(2, ends_starved);
}

/* More than the queue has room for: it pauses, goes on, and no connection is lost. */
static int fills(void *argument)
{
    static weft_fd ends[many];
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    arm(listener, &at);
    connect_ahead(&at, ends, many, WEFT__ACCEPTOR_QUEUED);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(weft_close(weft__acceptor_accept(listener, NULL, true, WEFT_NEVER)), 0);
    close_all(ends, many);
    EXPECT_EQ(weft_close(listener), 0);
    return 0;
}

static void test_full_queue_pauses_and_loses_nothing(void)
{
    rig_each(fills);
}

/* It is ended by what it can't know: whoever accepts finds out. */
static int shut_down(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    arm(listener, &at);
    EXPECT_EQ(weft_shutdown(listener, SHUT_RD), 0);
    EXPECT_EQ(weft__acceptor_accept(listener, NULL, true, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft__acceptor_accept(listener, NULL, true, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(listener), 0);
    return 0;
}

static void test_listener_shut_down(void)
{
    rig_each(shut_down);
}

/* ---- who only asks whether there is one */

static int look(void *argument)
{
    return weft_fd_poll(*(const weft_fd *)argument, POLLIN, WEFT_NEVER);
}

/* What the kernel has handed out is readiness, too, for those who waited before it came. */
static int wakes_lookers(void *argument)
{
    weft_fd end;
    weft_task tasks[few];
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int round = 0; round < talks; round++) {
        arm(listener, &at);
        for (int i = 0; i < few; i++) {
            tasks[i] = weft_spawn(
                scope, look, &listener,
                &WEFT_SPAWN_OPTIONS(.place = weft_place_spread(), .copy_bytes = sizeof(listener)));
            rig_await(tasks[i], WEFT_TASK_WAITING);
        }
        if (round % 4 == 1)
            weft__acceptor_end(listener); /* what comes now is the kernel's */
        connect_ahead(&at, &end, 1, round % 4 == 1 ? 0 : 1);
        for (int i = 0; i < few; i++)
            EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), POLLIN);
        EXPECT_EQ(weft_fd_poll(listener, POLLIN | POLLRDNORM, WEFT_NEVER), POLLIN | POLLRDNORM);
        EXPECT_EQ(weft_close(weft_accept(listener, NULL, WEFT_NEVER)) + weft_close(end), 0);
        EXPECT_EQ(weft_fd_poll(listener, POLLIN, weft_after(1)), -ETIMEDOUT);
    }
    EXPECT_EQ(weft_scope_close(scope) + weft_close(listener), 0);
    return 0;
}

static void test_poll_that_waits_is_woken_by_what_is_taken_ahead(void)
{
    rig_each(wakes_lookers);
}

/* Takes what comes, each time once it is told that something is there. */
static int take_when_ready(void *argument)
{
    weft_fd listener = *(const weft_fd *)argument;

    for (int i = 0; i < knocks; i++) {
        EXPECT_EQ(weft_fd_poll(listener, POLLIN, WEFT_NEVER), POLLIN);
        weft_fd taken = weft_accept(listener, NULL, WEFT_NEVER);
        EXPECT(taken > 0);
        EXPECT_EQ(weft_send(taken, "k", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_close(taken), 0);
    }
    return 0;
}

/* One worker has the accept in its ring, a task of the other polls: also in the moment in which the
 * connection is neither the kernel's any more nor queued yet. */
static int knock_and_poll(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(2, &at);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    arm(listener, &at);
    EXPECT(weft_spawn(scope, take_when_ready, &listener,
                      &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(1), .pinned = 1,
                                          .copy_bytes = sizeof(listener))) > 0);
    for (int i = 0; i < knocks; i++) {
        char byte;
        weft_fd end = weft_connect(&at, WEFT_NEVER);
        EXPECT_EQ(weft_recv(end, &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_close(end), 0);
    }
    EXPECT_EQ(weft_scope_close(scope) + weft_close(listener), 0);
    sockets_forget(&at);
    return 0;
}

static int run_knocks(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT(weft_spawn(scope, knock_and_poll, NULL,
                      &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0), .pinned = 1)) > 0);
    return weft_scope_close(scope);
}

static void test_poll_misses_none_that_another_worker_takes(void)
{
    rig_run(2, run_knocks);
}

/* What else ends the wait: its deadline, a cancel, a shutdown, a close. */
static int ends_lookers(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    arm(listener, &at);
    EXPECT_EQ(weft_fd_poll(listener, POLLIN, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_fd_poll(listener, POLLIN, WEFT_NOW), -ETIMEDOUT);
    weft_task task = weft_go_copy(scope, look, &listener, sizeof(listener));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    task = weft_go_copy(scope, look, &listener, sizeof(listener));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_shutdown(listener, SHUT_RD), 0);
    EXPECT((weft_wait(task, WEFT_NEVER) & POLLHUP) != 0);
    EXPECT_EQ(weft_close(listener), 0);
    listener = sockets_listen(0, &at);
    arm(listener, &at);
    task = weft_go_copy(scope, look, &listener, sizeof(listener));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADF);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_poll_of_what_is_armed_ends_as_any(void)
{
    rig_each(ends_lookers);
}

/* ---- several who take */

struct taker {
    weft_fd listener;
    bool arms;
    weft_deadline until;
};

static _Atomic int taken_count;

static int take_on(void *argument)
{
    const struct taker *taker = argument;
    weft_fd taken;

    while ((taken = weft__acceptor_accept(taker->listener, NULL, taker->arms, taker->until)) > 0) {
        weft__add_relaxed(&taken_count, 1);
        EXPECT_EQ(weft_close(taken), 0);
    }
    return (int)taken;
}

static weft_task start_taker(weft_scope scope, const struct taker *taker)
{
    weft_task task = weft_spawn(
        scope, take_on, (void *)(uintptr_t)taker,
        &WEFT_SPAWN_OPTIONS(.place = weft_place_spread(), .copy_bytes = sizeof(*taker)));

    EXPECT(task > 0);
    if (taker->until.ns == WEFT_NEVER.ns)
        rig_await(task, WEFT_TASK_WAITING);
    return task;
}

/* Connects and waits until it is closed, that is, until somebody has taken it. */
static void knock(const weft_address *at)
{
    char byte;
    weft_fd fd = weft_connect(at, WEFT_NEVER);

    EXPECT_EQ(weft_recv(fd, &byte, 1, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
}

static int share(void *argument)
{
    weft_address at;
    weft_task tasks[takers];
    weft_scope scope = weft_scope_open(&run_all);
    struct taker taker = { sockets_listen(0, &at), true, WEFT_NEVER };

    (void)argument;
    taken_count = 0;
    for (int i = 0; i < takers; i++) {
        tasks[i] = start_taker(scope, &taker);
        taker.arms = i % 2 == 0;
        taker.until = i == 1 ? weft_after(2 * WEFT_MILLISECOND) : WEFT_NEVER;
    }
    for (int i = 0; i < talks; i++) {
        knock(&at);
        if (i == talks / 4) {
            EXPECT_EQ(weft_cancel(tasks[0]), 0); /* the one that has armed it */
            EXPECT_EQ(weft_wait(tasks[0], WEFT_NEVER), -ECANCELED);
        }
        if (i == talks / 2)
            EXPECT_EQ(weft_wait(tasks[2], WEFT_NEVER), -ETIMEDOUT);
    }
    EXPECT_EQ(taken_count, talks);
    EXPECT_EQ(weft_close(taker.listener), 0);
    EXPECT_EQ(weft_wait(tasks[1], WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_wait(tasks[3], WEFT_NEVER), -EBADF);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_cancel_and_deadline_of_one_harm_no_other(void)
{
    rig_each(share);
}

/* ---- served */

static int answer(weft_fd connection, void *context)
{
    char byte;

    (void)context;
    if (weft_recv(connection, &byte, 1, WEFT_NEVER) == 1)
        EXPECT_EQ(weft_send(connection, &byte, 1, WEFT_NEVER), 1);
    return 0;
}

/* Serves for a moment again and again: what one has taken ahead the next one serves. */
static int serve_in_turns(void *argument)
{
    weft_fd *listener = argument;
    int rc;

    do
        rc = weft_serve(*listener, answer, NULL, &WEFT_SERVE_OPTIONS(.most = few),
                        weft_after(WEFT_MILLISECOND));
    while (rc == -ETIMEDOUT);
    return rc;
}

static int talk(void *argument)
{
    char byte = 't';

    for (int i = 0; i < talks; i++) {
        weft_fd fd = weft_connect(argument, WEFT_NEVER);
        EXPECT_EQ(weft_send(fd, &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_recv(fd, &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_close(fd), 0);
    }
    return 0;
}

static int serves_in_turns(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);
    weft_scope clients = weft_scope_open(&run_all), servers = weft_scope_open(&run_all);
    weft_task server = weft_go(servers, serve_in_turns, &listener);

    (void)argument;
    for (int i = 0; i < 2 * few; i++)
        EXPECT(weft_go(clients, talk, &at) > 0);
    EXPECT_EQ(weft_scope_close(clients), 0);
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    (void)weft_scope_close(servers);
    return 0;
}

static void test_serve_ends_and_begins_without_loss(void)
{
    rig_each(serves_in_turns);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_accept_takes_queued_in_order_and_by_name),
        UNIT_TEST(test_close_closes_queued),
        UNIT_TEST(test_end_keeps_queued_and_takes_no_more),
        UNIT_TEST(test_end_takes_no_memory),
        UNIT_TEST(test_full_queue_pauses_and_loses_nothing),
        UNIT_TEST(test_listener_shut_down),
        UNIT_TEST(test_poll_that_waits_is_woken_by_what_is_taken_ahead),
        UNIT_TEST(test_poll_misses_none_that_another_worker_takes),
        UNIT_TEST(test_poll_of_what_is_armed_ends_as_any),
        UNIT_TEST(test_cancel_and_deadline_of_one_harm_no_other),
        UNIT_TEST(test_serve_ends_and_begins_without_loss),
    };

    return unit_run(argc, argv, "acceptor", tests, WEFT__COUNT(tests));
}

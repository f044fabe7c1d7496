/* Sockets: listen, accept, connect, their errors, names and options; close and cancel under way. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { waiters = 8, rounds = 100 };

static weft_address parsed(const char *text)
{
    weft_address address = { 0 };

    EXPECT_EQ(weft_address_parse(text, &address), 0);
    return address;
}

/* The names of both ends are each other's, for each family. */
static int connects(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_address at, here, there, from;
        char text[WEFT_ADDRESS_TEXT];
        weft_fd listener = sockets_listen(kind, &at);
        weft_fd client = weft_connect(&at, weft_after(100 * WEFT_SECOND));
        weft_fd server = weft_accept(listener, &from, weft_after(100 * WEFT_SECOND));
        EXPECT(client > 0 && server > 0);
        EXPECT_EQ(weft_socket_peer(client, &there), 0);
        EXPECT(there.bytes == at.bytes && memcmp(there.words, at.words, at.bytes) == 0);
        EXPECT_EQ(weft_socket_local(client, &here), 0);
        EXPECT_EQ(weft_socket_peer(server, &there), 0);
        EXPECT(there.bytes == here.bytes && memcmp(there.words, here.words, here.bytes) == 0);
        EXPECT(from.bytes == here.bytes && memcmp(from.words, here.words, here.bytes) == 0);
        EXPECT_EQ(weft_address_text(&from, text), 0);
        EXPECT(kind != 2 || strcmp(text, "unix:") == 0);
        EXPECT((fcntl(weft_fd_number(client), F_GETFD) & FD_CLOEXEC) != 0);
        EXPECT((fcntl(weft_fd_number(server), F_GETFD) & FD_CLOEXEC) != 0);
        EXPECT((fcntl(weft_fd_number(listener), F_GETFD) & FD_CLOEXEC) != 0);
        EXPECT_EQ(weft_close(client), 0);
        EXPECT_EQ(weft_close(server), 0);
        EXPECT_EQ(weft_close(listener), 0);
        sockets_forget(&at);
    }
    return 0;
}

static void test_connect_and_accept_know_each_other(void)
{
    rig_each(connects);
}

static int listen_errors(void *argument)
{
    weft_address at, none = { 0 }, far = parsed("192.0.2.1:80");
    weft_listen_options options = WEFT_LISTEN_OPTIONS_INIT;

    (void)argument;
    EXPECT_EQ(weft_listen(&none, NULL), -EINVAL);
    EXPECT_EQ(weft_listen(&far, NULL), -EADDRNOTAVAIL);
    options.size--;
    EXPECT_EQ(weft_listen(&far, &options), -EINVAL);
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd listener = sockets_listen(kind, &at);
        EXPECT_EQ(weft_listen(&at, NULL), -EADDRINUSE);
        EXPECT_EQ(weft_close(listener), 0);
        listener = weft_listen(&at, NULL); /* of a path another must be unlinked first */
        EXPECT(kind < 2 ? listener > 0 : listener == -EADDRINUSE);
        sockets_forget(&at);
        if (kind == 2)
            listener = weft_listen(&at, NULL);
        EXPECT_EQ(weft_close(listener), 0);
        sockets_forget(&at);
    }
    return 0;
}

static void test_listen_errors_are_those_of_bind(void)
{
    rig_run(2, listen_errors);
}

/* Where a connection was closed at this end just now the kernel keeps its address for a minute. */
static int listen_again(void *argument)
{
    weft_address at;

    (void)argument;
    weft_fd listener = sockets_listen(0, &at);
    weft_fd client = weft_connect(&at, WEFT_NEVER);
    weft_fd server = weft_accept(listener, NULL, WEFT_NEVER);
    char byte = 0;
    EXPECT_EQ(weft_close(server), 0);
    EXPECT_EQ(weft_recv(client, &byte, 1, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(client), 0);
    EXPECT_EQ(weft_close(listener), 0);
    listener = weft_listen(&at, NULL);
    EXPECT(listener > 0);
    EXPECT_EQ(weft_close(listener), 0);
    return 0;
}

static void test_an_address_just_used_can_be_had_at_once(void)
{
    rig_run(1, listen_again);
}

static int listen_options(void *argument)
{
    weft_listen_options shared = WEFT_LISTEN_OPTIONS(.reuse_port = 1, .backlog = 1);
    weft_listen_options six = WEFT_LISTEN_OPTIONS(.v6_only = 1);
    weft_address any = parsed("127.0.0.1:0"), all = parsed("[::]:0"), at;

    (void)argument;
    weft_fd one = weft_listen(&any, &shared);
    EXPECT_EQ(weft_socket_local(one, &at), 0);
    weft_fd two = weft_listen(&at, &shared);
    EXPECT(two > 0);
    EXPECT_EQ(weft_close(one), 0);
    EXPECT_EQ(weft_close(two), 0);
    for (int only = 0; only < 2; only++) {
        weft_address reach = parsed("127.0.0.1:1");
        weft_fd listener = weft_listen(&all, only ? &six : NULL);
        struct sockaddr_in6 bound;
        struct sockaddr_in v4;
        EXPECT_EQ(weft_socket_local(listener, &at), 0);
        memcpy(&bound, at.words, sizeof(bound));
        memcpy(&v4, reach.words, sizeof(v4));
        v4.sin_port = bound.sin6_port;
        memcpy(reach.words, &v4, sizeof(v4));
        weft_fd client = weft_connect(&reach, WEFT_NEVER);
        EXPECT(only ? client == -ECONNREFUSED : client > 0);
        if (client > 0)
            EXPECT_EQ(weft_close(client), 0);
        EXPECT_EQ(weft_close(listener), 0);
    }
    return 0;
}

static void test_listen_options_do_what_they_say(void)
{
    rig_run(2, listen_options);
}

static int connect_errors(void *argument)
{
    weft_address at, none = { 0 }, missing = sockets_place(2);
    uint32_t before = rig_descriptors();

    (void)argument;
    EXPECT_EQ(weft_connect(&none, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_connect(&missing, WEFT_NEVER), -ENOENT);
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd listener = sockets_listen(kind, &at);
        EXPECT_EQ(weft_connect(&at, WEFT_NOW), -ETIMEDOUT);
        EXPECT_EQ(weft_close(listener), 0);
        EXPECT_EQ(weft_connect(&at, WEFT_NEVER), -ECONNREFUSED);
        sockets_forget(&at);
    }
    EXPECT_EQ(rig_descriptors(), before);
    return 0;
}

static void test_connect_errors_are_those_of_connect(void)
{
    rig_each(connect_errors);
}

/* Fills the backlog, so that the next connect waits. Returns how many connections were made. */
static int fill_backlog(const weft_address *at, weft_fd made[waiters])
{
    int count = 0;

    while (count < waiters) {
        made[count] = weft_connect(at, weft_after(20 * WEFT_MILLISECOND));
        if (made[count] < 0)
            break;
        count++;
    }
    return count;
}

static int connect_waits(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd made[waiters];
        weft_address at = sockets_place(kind);
        weft_fd listener = weft_listen(&at, &WEFT_LISTEN_OPTIONS(.backlog = 1));
        EXPECT_EQ(weft_socket_local(listener, &at), 0);
        int count = fill_backlog(&at, made);
        EXPECT(count > 0 && count < waiters);
        EXPECT_EQ(made[count], -ETIMEDOUT);
        while (count > 0)
            EXPECT_EQ(weft_close(made[--count]), 0);
        EXPECT_EQ(weft_close(listener), 0);
        sockets_forget(&at);
    }
    return 0;
}

static void test_connect_ends_at_its_deadline(void)
{
    rig_each(connect_waits);
}

static int connect_to(void *argument)
{
    weft_fd fd = weft_connect(argument, WEFT_NEVER);

    return fd < 0 ? (int)fd : weft_close(fd);
}

/* io_uring takes a Unix socket without a connection for ready to send, and tries on and on before
 * it waits; meanwhile it does not find what is to be cancelled. Here the cancel comes in the same
 * batch as the connect. */
static int cancel_connect(void *argument)
{
    weft_fd made[waiters];
    weft_address at = sockets_place(2);
    weft_fd listener = weft_listen(&at, &WEFT_LISTEN_OPTIONS(.backlog = 1));
    int count = fill_backlog(&at, made);

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        weft_task task = weft_go_copy(scope, connect_to, &at, sizeof(at));
        rig_await(task, WEFT_TASK_WAITING);
        for (int i = 0; i < round % 3; i++)
            (void)weft_yield();
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        (void)weft_scope_close(scope);
    }
    while (count > 0)
        EXPECT_EQ(weft_close(made[--count]), 0);
    EXPECT_EQ(weft_close(listener), 0);
    sockets_forget(&at);
    return 0;
}

static void test_connect_to_a_full_backlog_can_be_canceled(void)
{
    rig_each(cancel_connect);
}

static int accept_one(void *argument)
{
    weft_fd got = weft_accept(*(const weft_fd *)argument, NULL, WEFT_NEVER);

    if (got > 0)
        EXPECT_EQ(weft_close(got), 0);
    return got > 0 ? 0 : (int)got;
}

/* All that wait for a connection end with -EBADF when the socket is closed. */
static int close_under_accepts(void *argument)
{
    (void)argument;
    for (int round = 0; round < 3 * SOCKETS_KINDS; round++) {
        weft_task tasks[waiters];
        weft_address at;
        weft_scope scope = weft_scope_open(&run_all);
        weft_fd listener = sockets_listen(round % SOCKETS_KINDS, &at);
        for (int i = 0; i < waiters; i++) {
            tasks[i] = weft_go_copy(scope, accept_one, &listener, sizeof(listener));
            if (round % 2 == 0)
                rig_await(tasks[i], WEFT_TASK_WAITING);
        }
        EXPECT_EQ(weft_close(listener), 0);
        for (int i = 0; i < waiters; i++)
            EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_connect(&at, WEFT_NEVER), -ECONNREFUSED);
        (void)weft_scope_close(scope);
        sockets_forget(&at);
    }
    return 0;
}

static void test_close_ends_the_accepts_under_way(void)
{
    rig_each(close_under_accepts);
}

/* Each connection goes to one of those that wait. */
static int accept_by_many(void *argument)
{
    weft_task tasks[waiters];
    weft_fd clients[waiters];
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    for (int i = 0; i < waiters; i++)
        tasks[i] = weft_go_copy(scope, accept_one, &listener, sizeof(listener));
    for (int i = 0; i < waiters; i++)
        EXPECT((clients[i] = weft_connect(&at, WEFT_NEVER)) > 0);
    for (int i = 0; i < waiters; i++) {
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 0);
        EXPECT_EQ(weft_close(clients[i]), 0);
    }
    EXPECT_EQ(weft_close(listener), 0);
    return weft_scope_close(scope);
}

static void test_each_connection_goes_to_one_accept(void)
{
    rig_each(accept_by_many);
}

/* A cancel at about the moment of the connection: it is accepted, or stays in the backlog; no
 * descriptor is lost either way (the rig counts them). */
static int cancel_against_connection(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        weft_task task = weft_go_copy(scope, accept_one, &listener, sizeof(listener));
        if (round % 2 == 0)
            rig_await(task, WEFT_TASK_WAITING);
        weft_fd client = weft_connect(&at, WEFT_NEVER);
        (void)weft_cancel(task); /* it may have ended */
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 0 || rc == -ECANCELED);
        if (rc != 0)
            EXPECT_EQ(accept_one(&listener), 0);
        EXPECT_EQ(weft_close(client), 0);
        (void)weft_scope_close(scope);
    }
    EXPECT_EQ(weft_close(listener), 0);
    return 0;
}

static void test_accept_canceled_loses_no_connection(void)
{
    rig_each(cancel_against_connection);
}

static int accept_errors(void *argument)
{
    weft_fd ends[2], pair[2];
    weft_address at, untouched;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    memset(&untouched, 7, sizeof(untouched));
    weft_address before = untouched;
    EXPECT_EQ(weft_pipe(ends), 0);
    sockets_pair(0, pair);
    EXPECT_EQ(weft_accept(ends[0], &untouched, WEFT_NEVER), -ENOTSOCK);
    EXPECT_EQ(weft_accept(pair[0], &untouched, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_accept(0, &untouched, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_accept(-EMFILE, &untouched, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_accept(listener, &untouched, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(memcmp(&untouched, &before, sizeof(before)), 0);
    EXPECT_EQ(weft_socket_peer(listener, &untouched), -ENOTCONN);
    EXPECT_EQ(weft_socket_peer(ends[0], &untouched), -ENOTSOCK);
    EXPECT_EQ(weft_socket_local(ends[0], &untouched), -ENOTSOCK);
    EXPECT_EQ(weft_socket_local(0, &untouched), -EBADF);
    EXPECT_EQ(memcmp(&untouched, &before, sizeof(before)), 0);
    EXPECT_EQ(weft_shutdown(listener, 17), -EINVAL);
    EXPECT_EQ(weft_shutdown(ends[0], SHUT_RD), -ENOTSOCK);
    EXPECT_EQ(weft_shutdown(0, SHUT_RD), -EBADF);
    EXPECT_EQ(weft_close(pair[0]) + weft_close(pair[1]) + weft_close(listener), 0);
    EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    int number = socket(AF_INET, SOCK_STREAM, 0);
    weft_fd fresh = weft_fd_adopt(number);
    EXPECT_EQ(weft_shutdown(fresh, SHUT_RDWR), -ENOTCONN);
    EXPECT_EQ(weft_close(fresh), 0);
    return 0;
}

static void test_accept_names_and_shutdown_errors(void)
{
    rig_run(2, accept_errors);
}

static int shut_listener(void *argument)
{
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_fd listener = sockets_listen(0, &at);
    weft_task task = weft_go_copy(scope, accept_one, &listener, sizeof(listener));

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_shutdown(listener, SHUT_RD), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(listener), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_shutdown_ends_the_waits_for_connections(void)
{
    rig_run(2, shut_listener);
}

static int kernel_option(weft_fd fd, int level, int name)
{
    int value = -1;
    socklen_t bytes = sizeof(value);

    EXPECT_EQ(getsockopt(weft_fd_number(fd), level, name, &value, &bytes), 0);
    return value;
}

static void check_tcp_options(weft_fd fd)
{
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_NODELAY), 1);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_NODELAY, 0), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_NODELAY), 0);
    EXPECT_EQ(kernel_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_KEEPALIVE), 0);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_KEEPALIVE, 30), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_KEEPALIVE), 30);
    EXPECT_EQ(kernel_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(kernel_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 30);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_KEEPALIVE, 1 << 30), -EINVAL);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_KEEPALIVE, 0), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_KEEPALIVE), 0);
}

static void check_common_options(weft_fd fd)
{
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_SEND_BUFFER, 20000), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_SEND_BUFFER), 40000);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_RECEIVE_BUFFER, 30000), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_RECEIVE_BUFFER), 60000);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_RESET), 0);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_RESET, 1), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_RESET), 1);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_RESET, 2), -EINVAL);
    EXPECT_EQ(weft_socket_set(fd, WEFT_SOCKET_RESET, 0), 0);
    EXPECT_EQ(weft_socket_get(fd, WEFT_SOCKET_RESET), 0);
    for (int option = 0; option <= WEFT_SOCKET_RESET; option++)
        EXPECT_EQ(weft_socket_set(fd, (weft_socket_option)option, -1), -EINVAL);
    EXPECT_EQ(weft_socket_set(fd, (weft_socket_option)99, 1), -EINVAL);
    EXPECT_EQ(weft_socket_get(fd, (weft_socket_option)99), -EINVAL);
}

static int options(void *argument)
{
    weft_fd ends[2];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        sockets_pair(kind, ends);
        for (int i = 0; i < 2; i++) {
            if (kind < 2)
                check_tcp_options(ends[i]);
            check_common_options(ends[i]);
        }
        if (kind == 2) {
            EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_NODELAY, 1), -EOPNOTSUPP);
            EXPECT_EQ(weft_socket_get(ends[0], WEFT_SOCKET_NODELAY), -EOPNOTSUPP);
            EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_KEEPALIVE, 1), -EOPNOTSUPP);
            EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_KEEPALIVE, 0), -EOPNOTSUPP);
            EXPECT_EQ(weft_socket_get(ends[0], WEFT_SOCKET_KEEPALIVE), -EOPNOTSUPP);
        }
        EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    }
    EXPECT_EQ(weft_socket_set(0, WEFT_SOCKET_RESET, 1), -EBADF);
    EXPECT_EQ(weft_socket_get(0, WEFT_SOCKET_RESET), -EBADF);
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_RESET, 1), -ENOTSOCK);
    EXPECT_EQ(weft_socket_get(ends[0], WEFT_SOCKET_RESET), -ENOTSOCK);
    EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    return 0;
}

static void test_options_are_set_and_told(void)
{
    rig_run(2, options);
}

static int inherits(void *argument)
{
    weft_address at;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    EXPECT_EQ(weft_socket_set(listener, WEFT_SOCKET_NODELAY, 0), 0);
    EXPECT_EQ(weft_socket_set(listener, WEFT_SOCKET_KEEPALIVE, 77), 0);
    weft_fd client = weft_connect(&at, WEFT_NEVER);
    weft_fd server = weft_accept(listener, NULL, WEFT_NEVER);
    EXPECT_EQ(weft_socket_get(server, WEFT_SOCKET_NODELAY), 0);
    EXPECT_EQ(weft_socket_get(server, WEFT_SOCKET_KEEPALIVE), 77);
    EXPECT_EQ(weft_close(client) + weft_close(server) + weft_close(listener), 0);
    return 0;
}

static void test_connections_inherit_options(void)
{
    rig_run(1, inherits);
}

static int resets(void *argument)
{
    char byte = 0;
    weft_fd ends[2];

    (void)argument;
    sockets_pair(0, ends);
    EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_RESET, 1), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_recv(ends[1], &byte, 1, WEFT_NEVER), -ECONNRESET);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_reset_on_close_reaches_the_other_end(void)
{
    rig_run(2, resets);
}

/* Outside a task: what suspends is refused, the rest works. */
static void test_outside_a_task(void)
{
    char byte = 0;
    weft_address at;
    struct iovec part = { &byte, 1 };
    uint32_t before = rig_descriptors();
    weft_fd listener = sockets_listen(0, &at);

    CU_ASSERT_EQUAL(weft_accept(listener, NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_connect(&at, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_recv(listener, &byte, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_recv_exactly(listener, &byte, 1, NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_recv_vector(listener, &part, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_send(listener, &byte, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_send_all(listener, &byte, 1, NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_send_vector(listener, &part, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_send_vector_all(listener, &part, 1, NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_fd_poll(listener, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_socket_set(listener, WEFT_SOCKET_KEEPALIVE, 5), 0);
    CU_ASSERT_EQUAL(weft_socket_get(listener, WEFT_SOCKET_KEEPALIVE), 5);
    CU_ASSERT_EQUAL(weft_shutdown(listener, SHUT_RD), 0);
    CU_ASSERT_EQUAL(weft_close(listener), 0);
    CU_ASSERT_EQUAL(rig_descriptors(), before);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_connect_and_accept_know_each_other),
        UNIT_TEST(test_listen_errors_are_those_of_bind),
        UNIT_TEST(test_an_address_just_used_can_be_had_at_once),
        UNIT_TEST(test_listen_options_do_what_they_say),
        UNIT_TEST(test_connect_errors_are_those_of_connect),
        UNIT_TEST(test_connect_ends_at_its_deadline),
        UNIT_TEST(test_connect_to_a_full_backlog_can_be_canceled),
        UNIT_TEST(test_close_ends_the_accepts_under_way),
        UNIT_TEST(test_each_connection_goes_to_one_accept),
        UNIT_TEST(test_accept_canceled_loses_no_connection),
        UNIT_TEST(test_accept_names_and_shutdown_errors),
        UNIT_TEST(test_shutdown_ends_the_waits_for_connections),
        UNIT_TEST(test_options_are_set_and_told),
        UNIT_TEST(test_connections_inherit_options),
        UNIT_TEST(test_reset_on_close_reaches_the_other_end),
        UNIT_TEST(test_outside_a_task),
    };

    return unit_run(argc, argv, "socket", tests, WEFT__COUNT(tests));
}

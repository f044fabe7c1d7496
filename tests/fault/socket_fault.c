/*
 * What a network, a peer, a disk and a full table of descriptors can do to tasks, on each engine:
 * transfers that are short each time, operations that a signal interrupts, errors that come once
 * and go, peers that reset, close half and read slowly. Where the real thing can't be had at will a
 * plan of faults makes it (uring/faults.h). After each: every byte once and in order, the call that
 * failed works when it is made again, no descriptor is left over.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"
#include "uring/faults.h"

enum { much = 100000, parts_most = 40, clients = 12, small_buffer = 4608 };

static char sent[much];

/* ---- a runtime with a plan ---- */

static const char *chosen_plan;
static weft_task_fn chosen_body;

static int run_balanced(void *argument)
{
    uint32_t before = rig_descriptors();
    int rc = chosen_body(argument);

    EXPECT_EQ(rig_descriptors(), before);
    return rc;
}

static void run_chosen(void)
{
    char text[160] = "";
    struct weft__engine_config config = { 0 };

    weft__faults_forget();
    CU_ASSERT_EQUAL(weft__faults_read(chosen_plan, NULL, &config, text, sizeof(text)), 0);
    rig_each(run_balanced);
    weft__faults_forget();
}

/* Each engine, 1, 2 and 4 workers. @plan NULL: none. */
static void run_with(const char *plan, weft_task_fn body)
{
    chosen_plan = plan;
    chosen_body = body;
    engines_each(run_chosen);
}

/* ---- every byte, whatever happens on the way ---- */

static int send_much(void *argument)
{
    weft_fd fd = *(const weft_fd *)argument;
    struct iovec parts[parts_most];
    size_t each = much / parts_most;

    for (size_t i = 0; i < parts_most; i++)
        parts[i] = (struct iovec){ sent + i * each, i % 3 == 1 ? 0 : each };
    int rc = weft_send_all(fd, sent, much, NULL, WEFT_NEVER);
    if (rc == 0)
        rc = weft_send_vector_all(fd, parts, parts_most, NULL, WEFT_NEVER);
    return rc == 0 ? weft_shutdown(fd, SHUT_WR) : rc;
}

static void receive_much(weft_fd fd)
{
    static char got[2 * much]; /* one task at a time */
    size_t each = much / parts_most, length = 0;
    ssize_t count = 1;

    EXPECT_EQ(weft_recv_exactly(fd, got, much, NULL, WEFT_NEVER), 0);
    EXPECT(memcmp(got, sent, much) == 0);
    while (count > 0) {
        struct iovec room[] = { { NULL, 0 }, { got + length, 7 }, { got + length + 7, much } };
        count = weft_recv_vector(fd, room, 3, WEFT_NEVER);
        length += count > 0 ? (size_t)count : 0;
    }
    EXPECT_EQ(count, 0);
    const char *at = got;
    for (size_t i = 0; i < parts_most; i++) {
        if (i % 3 == 1)
            continue;
        EXPECT(memcmp(at, sent + i * each, each) == 0);
        at += each;
    }
    EXPECT_EQ(length, at - got);
}

static void exchange_on_sockets(void)
{
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(NULL);
        sockets_pair(kind, ends);
        EXPECT(weft_go_copy(scope, send_much, &ends[0], sizeof(ends[0])) > 0);
        receive_much(ends[1]);
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    }
}

static void exchange_on_a_file(void)
{
    static char got[much];
    struct iovec parts[] = { { sent, 0 }, { sent, 10 }, { sent + 10, much - 10 } };
    struct iovec room[] = { { got, 0 }, { got, 99 }, { got + 99, much - 99 } };
    size_t done = 0;

    weft_fd fd = weft_open("/tmp", O_RDWR | O_TMPFILE, 0600, WEFT_NEVER);
    EXPECT_EQ(weft_write_all(fd, sent, much, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_pread_exactly(fd, got, much, 0, NULL, WEFT_NEVER), 0);
    EXPECT(memcmp(got, sent, much) == 0);
    memset(got, 0, much);
    EXPECT_EQ(weft_pwrite_vector_all(fd, parts, 3, 0, NULL, WEFT_NEVER), 0);
    while (done < much) {
        room[2] = (struct iovec){ got + done, much - done };
        ssize_t count = weft_pread_vector(fd, done == 0 ? room : room + 2, done == 0 ? 2 : 1,
                                          (int64_t)done, WEFT_NEVER);
        if (!EXPECT(count > 0))
            break;
        done += (size_t)count;
    }
    EXPECT(memcmp(got, sent, much) == 0);
    EXPECT_EQ(weft_fsync(fd, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
}

static int exchange(void *argument)
{
    (void)argument;
    exchange_on_sockets();
    exchange_on_a_file();
    return 0;
}

static void test_short_transfers_lose_no_byte(void)
{
    run_with("recv:short,send:short,recvmsg:short,sendmsg:short,read:short,write:short,readv:short,"
             "writev:short",
             exchange);
}

static void test_interrupted_operations_are_begun_again(void)
{
    run_with("recv:EINTR:1/2,send:EINTR:1/2,recvmsg:EINTR:1/2,sendmsg:EINTR:1/2,accept:EINTR:1/2,"
             "connect:EINTR:1/2,read:EINTR:1/2,write:EINTR:1/2,readv:EINTR:1/2,writev:EINTR:1/2,"
             "openat:EINTR:1/2,fsync:EINTR:1/2",
             exchange);
}

/* Not of operations but of the calls in which engines submit and sleep. */
static void test_interrupted_and_starved_engines_lose_nothing(void)
{
    run_with("call.ring_enter:EINTR:1/3,call.epoll_wait:EINTR:1/3", exchange);
    run_with("call.ring_enter:EBUSY:1/3", exchange);
    run_with("call.ring_enter:EAGAIN:1/3", exchange);
}

/* ---- errors that come once ---- */

/* The first call of each fails, without having done anything, and the same call again does it. */
static int fails_once(void *argument)
{
    char got[8];
    size_t done = 0;
    weft_fd ends[2];

    (void)argument;
    char text[160];
    struct weft__engine_config config = { 0 };
    weft__faults_forget(); /* so that each number of workers has its first calls */
    EXPECT_EQ(weft__faults_read("send:ENOBUFS:1,recv:ENOBUFS:1,sendmsg:ENOMEM:1,write:ENOSPC:1",
                                NULL, &config, text, sizeof(text)),
              0);
    sockets_pair(0, ends);
    EXPECT_EQ(weft_send_all(ends[0], "abcd", 4, &done, WEFT_NEVER), -ENOBUFS);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(weft_send_all(ends[0], "abcd", 4, &done, WEFT_NEVER), 0);
    struct iovec part = { (char[]){ 'e', 'f' }, 2 };
    EXPECT_EQ(weft_send_vector(ends[0], &part, 1, WEFT_NEVER), -ENOMEM);
    EXPECT_EQ(weft_send_vector(ends[0], &part, 1, WEFT_NEVER), 2);
    done = 0;
    EXPECT_EQ(weft_recv_exactly(ends[1], got, 6, &done, WEFT_NEVER), -ENOBUFS);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(weft_recv_exactly(ends[1], got, 6, &done, WEFT_NEVER), 0);
    EXPECT(memcmp(got, "abcdef", 6) == 0);
    EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    weft_fd file = weft_open("/tmp", O_RDWR | O_TMPFILE, 0600, WEFT_NEVER);
    EXPECT_EQ(weft_write(file, "gh", 2, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_write(file, "gh", 2, WEFT_NEVER), 2);
    EXPECT_EQ(weft_pread(file, got, 8, 0, WEFT_NEVER), 2);
    EXPECT_EQ(weft_close(file), 0);
    return 0;
}

static void test_enobufs_enomem_and_enospc_once_then_well(void)
{
    run_with(NULL, fails_once);
}

/* A device that is always full, and a file that reaches the most it may have. */
static int full_disk(void *argument)
{
    size_t done = 0;

    (void)argument;
    weft_fd full = weft_open("/dev/full", O_WRONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_write(full, sent, 10, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_write_all(full, sent, much, &done, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(weft_close(full), 0);
    return 0;
}

static void test_enospc_of_a_full_disk(void)
{
    run_with(NULL, full_disk);
}

/* ---- a server that gets errors instead of connections ---- */

static int echo(weft_fd connection, void *context)
{
    char bytes[64];
    ssize_t count;

    (void)context;
    while ((count = weft_recv(connection, bytes, sizeof(bytes), WEFT_NEVER)) > 0)
        EXPECT_EQ(weft_send_all(connection, bytes, (size_t)count, NULL, WEFT_NEVER), 0);
    return (int)count;
}

static int serve(void *argument)
{
    return weft_serve(*(const weft_fd *)argument, echo, NULL, NULL, WEFT_NEVER);
}

static int ask(void *argument)
{
    char byte = 'q';
    weft_fd fd = weft_connect(argument, WEFT_NEVER);

    EXPECT_EQ(weft_send(fd, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(fd, &byte, 1, WEFT_NEVER), 1);
    return weft_close(fd);
}

static int serve_through_errors(void *argument)
{
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all), asking = weft_scope_open(NULL);
    weft_fd listener = sockets_listen(0, &at);
    weft_task server = weft_go_copy(scope, serve, &listener, sizeof(listener));

    (void)argument;
    for (int i = 0; i < clients; i++)
        EXPECT(weft_go(asking, ask, &at) > 0);
    EXPECT_EQ(weft_scope_close(asking), 0); /* all were served */
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_a_server_survives_failed_accepts(void)
{
    static const char *const plans[] = { "accept:EMFILE:1/3",       "accept:ENFILE:1/3",
                                         "accept:ENOBUFS:1/3",      "accept:ENOMEM:1/3",
                                         "accept:ECONNABORTED:1/2", "accept:EPROTO:1/2",
                                         "accept:EINTR:1/2" };

    for (size_t i = 0; i < WEFT__COUNT(plans); i++)
        run_with(plans[i], serve_through_errors);
}

/* No number is free: what connects stays in the backlog, and is served when some are. */
static int serve_without_descriptors(void *argument)
{
    struct rlimit limit, low;
    weft_address at;
    weft_fd listener = sockets_listen(0, &at), held[clients];
    char byte = 'f';

    (void)argument;
    for (int i = 0; i < clients; i++)
        held[i] = weft_connect(&at, WEFT_NEVER);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)dup(STDIN_FILENO); /* the lowest number that is free */
    (void)close((int)low.rlim_cur);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(weft_accept(listener, NULL, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_connect(&at, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_open("/dev/null", O_RDONLY, 0, WEFT_NEVER), -EMFILE);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task server = weft_go_copy(scope, serve, &listener, sizeof(listener));
    rig_await(server, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_send(held[0], &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(held[0], &byte, 1, weft_after(20 * WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < clients; i++) {
        EXPECT(i == 0 || weft_send(held[i], &byte, 1, WEFT_NEVER) == 1);
        EXPECT_EQ(weft_recv(held[i], &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_close(held[i]), 0);
    }
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_emfile_ends_calls_and_only_delays_a_server(void)
{
    run_with(NULL, serve_without_descriptors);
}

/* ---- peers ---- */

static int receive_ten(void *argument)
{
    char got[10];
    size_t done = 0;
    int rc = weft_recv_exactly(*(const weft_fd *)argument, got, 10, &done, WEFT_NEVER);

    EXPECT_EQ(done, 3); /* what had come is counted */
    return rc;
}

static int send_for_ever(void *argument)
{
    int rc;

    do
        rc = weft_send_all(*(const weft_fd *)argument, sent, much, NULL, WEFT_NEVER);
    while (rc == 0);
    return rc;
}

/* A reset ends who waits to receive and who waits to send. */
static int reset_by_peer(void *argument)
{
    weft_fd ends[2];
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    sockets_pair(0, ends);
    weft_task receiver = weft_go_copy(scope, receive_ten, &ends[1], sizeof(ends[1]));
    EXPECT_EQ(weft_send_all(ends[0], "abc", 3, NULL, WEFT_NEVER), 0);
    weft_task sender = weft_go_copy(scope, send_for_ever, &ends[1], sizeof(ends[1]));
    rig_await(receiver, WEFT_TASK_WAITING);
    rig_await(sender, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_RESET, 1), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_wait(receiver, WEFT_NEVER), -ECONNRESET);
    int rc = weft_wait(sender, WEFT_NEVER); /* the error of a socket is told once */
    EXPECT(rc == -ECONNRESET || rc == -EPIPE);
    EXPECT_EQ(weft_send(ends[1], sent, 1, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_close(ends[1]), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_econnreset_ends_receives_and_sends(void)
{
    run_with(NULL, reset_by_peer);
}

static int answer_after_the_end(void *argument)
{
    weft_fd fd = *(const weft_fd *)argument;
    char got[8];
    ssize_t count;
    size_t length = 0;

    while ((count = weft_recv(fd, got + length, sizeof(got) - length, WEFT_NEVER)) > 0)
        length += (size_t)count;
    EXPECT_EQ(count, 0);
    EXPECT_EQ(length, 5);
    return send_much(argument);
}

/* One direction is over, the other goes on to its own end. */
static int half_closed(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(NULL);
        sockets_pair(kind, ends);
        EXPECT(weft_go_copy(scope, answer_after_the_end, &ends[1], sizeof(ends[1])) > 0);
        EXPECT_EQ(weft_send_all(ends[0], "hello", 5, NULL, WEFT_NEVER), 0);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_WR), 0);
        EXPECT_EQ(weft_send(ends[0], "x", 1, WEFT_NEVER), -EPIPE);
        receive_much(ends[0]);
        EXPECT_EQ(weft_scope_close(scope), 0);
        EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    }
    return 0;
}

static void test_half_closed_connections_go_on_the_other_way(void)
{
    run_with(NULL, half_closed);
}

/* A peer that takes a little now and then: the sender's deadline passes again and again. */
static int slow_peer(void *argument)
{
    static char got[much];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        size_t done = 0, received = 0;
        int rc = -ETIMEDOUT;
        sockets_pair(kind, ends);
        if (kind == 2) /* TCP with a tiny window would wait for its timers */
            EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_SEND_BUFFER, small_buffer), 0);
        while (received < much) {
            if (done < much)
                rc = weft_send_all(ends[0], sent, much, &done, weft_after(WEFT_MILLISECOND));
            EXPECT(rc == (done < much ? -ETIMEDOUT : 0));
            ssize_t count = weft_recv(ends[1], got + received, 9000, WEFT_NEVER);
            if (!EXPECT(count > 0))
                break;
            received += (size_t)count;
        }
        EXPECT(memcmp(got, sent, much) == 0);
        EXPECT_EQ(weft_close(ends[0]) + weft_close(ends[1]), 0);
    }
    return 0;
}

static void test_a_slow_peer_gets_all_however_often_the_sender_gives_up(void)
{
    run_with(NULL, slow_peer);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_short_transfers_lose_no_byte),
        UNIT_TEST(test_interrupted_operations_are_begun_again),
        UNIT_TEST(test_interrupted_and_starved_engines_lose_nothing),
        UNIT_TEST(test_enobufs_enomem_and_enospc_once_then_well),
        UNIT_TEST(test_enospc_of_a_full_disk),
        UNIT_TEST(test_a_server_survives_failed_accepts),
        UNIT_TEST(test_emfile_ends_calls_and_only_delays_a_server),
        UNIT_TEST(test_econnreset_ends_receives_and_sends),
        UNIT_TEST(test_half_closed_connections_go_on_the_other_way),
        UNIT_TEST(test_a_slow_peer_gets_all_however_often_the_sender_gives_up),
    };

    for (size_t i = 0; i < much; i++)
        sent[i] = (char)(i * 2246822519u >> 13);
    return unit_run(argc, argv, "socket_fault", tests, WEFT__COUNT(tests));
}

/* Receiving and sending: whole and in parts, ends, resets, deadlines, cancel and close. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { large = 1 << 20, much = 1 << 24, rounds = 100 };

static void close_both(const weft_fd ends[2])
{
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
}

static int sends_and_receives(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        char got[16] = "";
        weft_fd ends[2];
        sockets_pair(kind, ends);
        EXPECT_EQ(weft_send(ends[0], "hello", 5, WEFT_NEVER), 5);
        EXPECT_EQ(weft_recv(ends[1], got, 2, WEFT_NEVER), 2);
        EXPECT_EQ(weft_recv(ends[1], got + 2, sizeof(got) - 2, weft_after(100 * WEFT_SECOND)), 3);
        EXPECT(memcmp(got, "hello", 5) == 0);
        EXPECT_EQ(weft_send(ends[1], "back", 4, weft_after(100 * WEFT_SECOND)), 4);
        EXPECT_EQ(weft_read(ends[0], got, sizeof(got), WEFT_NEVER), 4); /* it is a file, too */
        EXPECT_EQ(weft_recv(ends[0], NULL, 0, WEFT_NEVER), 0);
        EXPECT_EQ(weft_send(ends[0], NULL, 0, WEFT_NEVER), 0);
        EXPECT_EQ(weft_recv_vector(ends[0], NULL, 0, WEFT_NEVER), 0);
        EXPECT_EQ(weft_recv_exactly(ends[0], NULL, 0, NULL, WEFT_NEVER), 0);
        EXPECT_EQ(weft_send_all(ends[0], NULL, 0, NULL, WEFT_NEVER), 0);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_WR), 0);
        EXPECT_EQ(weft_recv(ends[1], got, 1, WEFT_NEVER), 0);
        EXPECT_EQ(weft_send(ends[0], "x", 1, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_write(ends[0], "x", 1, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_send(ends[1], "y", 1, WEFT_NEVER), 1); /* the other direction is open */
        EXPECT_EQ(weft_recv(ends[0], got, 1, WEFT_NEVER), 1);
        close_both(ends);
    }
    return 0;
}

static void test_send_and_recv(void)
{
    rig_each(sends_and_receives);
}

enum { vector_parts = 500, part_bytes = 700 };

static char vector_bytes[vector_parts * part_bytes];

/* Part i has i % 700 bytes, so some have none; returns the bytes of all. */
static size_t cut(struct iovec parts[vector_parts])
{
    size_t bytes = 0;

    for (size_t i = 0; i < vector_parts; i++) {
        parts[i] = (struct iovec){ vector_bytes + bytes, i % part_bytes };
        bytes += i % part_bytes;
    }
    for (size_t i = 0; i < bytes; i++)
        vector_bytes[i] = (char)(i * 7 + i / 256);
    return bytes;
}

struct slow_reader {
    weft_fd fd;
    size_t received;
    bool true_copy;
};

/* In pieces of 499 bytes, with a yield between them. */
static int read_slowly(void *argument)
{
    struct slow_reader *reader = argument;
    char piece[499];
    ssize_t count;

    reader->true_copy = true;
    while ((count = weft_recv(reader->fd, piece, sizeof(piece), WEFT_NEVER)) > 0) {
        if (memcmp(piece, vector_bytes + reader->received, (size_t)count) != 0)
            reader->true_copy = false;
        reader->received += (size_t)count;
        (void)weft_yield();
    }
    return (int)count;
}

/* The first call ends at its deadline, in the middle of a part; the next goes on from there. */
static int sends_vector_to_its_end(void *argument)
{
    static struct iovec parts[vector_parts];
    size_t bytes = cut(parts);

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        size_t done = 0;
        weft_fd ends[2];
        struct slow_reader reader = { .received = 0 };
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        reader.fd = ends[1];
        if (kind == 2) { /* TCP with a tiny window would wait for its timers */
            EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_SEND_BUFFER, 4608), 0);
            EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, &done,
                                           weft_after(2 * WEFT_MILLISECOND)),
                      -ETIMEDOUT);
            EXPECT(done < bytes);
        }
        weft_task task = weft_go(scope, read_slowly, &reader);
        EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, &done, WEFT_NEVER), 0);
        EXPECT_EQ(done, bytes);
        EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, &done, WEFT_NEVER), 0);
        done++;
        EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, &done, WEFT_NEVER), -EINVAL);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_WR), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT(reader.true_copy && reader.received == bytes);
        EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, NULL, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_send_vector_all(ends[0], NULL, 0, NULL, WEFT_NEVER), 0);
        parts[1].iov_len = SIZE_MAX;
        EXPECT_EQ(weft_send_vector_all(ends[0], parts, vector_parts, NULL, WEFT_NEVER), -EINVAL);
        parts[1].iov_len = 1;
        (void)weft_scope_close(scope);
        close_both(ends);
    }
    return 0;
}

static void test_send_vector_all_goes_on_in_the_middle_of_a_part(void)
{
    rig_run(1, sends_vector_to_its_end);
    rig_run(2, sends_vector_to_its_end);
}

/* A receive that found less than it had room for makes the next wait first: it must still see what
 * came in between, the end of the stream, and that of a descriptor that is non-blocking. */
static int receives_after_draining(void *argument)
{
    char byte[4];

    (void)argument;
    for (int round = 0; round < 2 * SOCKETS_KINDS; round++) {
        weft_fd ends[2];
        sockets_pair(round % SOCKETS_KINDS, ends);
        if (round >= SOCKETS_KINDS)
            EXPECT_EQ(fcntl(weft_fd_number(ends[1]), F_SETFL, O_NONBLOCK), 0);
        EXPECT_EQ(weft_send(ends[0], "ab", 2, WEFT_NEVER), 2);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 2);
        EXPECT_EQ(weft_send(ends[0], "cdefg", 5, WEFT_NEVER), 5);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 4);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 1);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
        EXPECT_EQ(weft_send(ends[0], "h", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 1);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_WR), 0);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 0);
        EXPECT_EQ(weft_recv(ends[1], byte, 4, WEFT_NEVER), 0);
        close_both(ends);
    }
    return 0;
}

static void test_recv_after_a_short_one(void)
{
    rig_each(receives_after_draining);
}

static int vectors(void *argument)
{
    static struct iovec many[1025];
    char one[3] = "", two[4] = "";
    char sent[] = "abcdefg";
    struct iovec out[] = { { sent, 3 }, { NULL, 0 }, { sent + 3, 4 } };
    struct iovec in[] = { { one, sizeof(one) }, { NULL, 0 }, { two, sizeof(two) } };
    weft_fd ends[2];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        sockets_pair(kind, ends);
        EXPECT_EQ(weft_send_vector(ends[0], out, 3, WEFT_NEVER), 7);
        EXPECT_EQ(weft_recv_vector(ends[1], in, 3, WEFT_NEVER), 7);
        EXPECT(memcmp(one, "abc", 3) == 0 && memcmp(two, "defg", 4) == 0);
        EXPECT_EQ(weft_send_vector(ends[0], out, 2, WEFT_NEVER), 3);
        EXPECT_EQ(weft_recv_vector(ends[1], in, 3, WEFT_NEVER), 3); /* less than there is room */
        for (int i = 0; i < 1025; i++)
            many[i] = (struct iovec){ one, 1 };
        EXPECT_EQ(weft_send_vector(ends[0], many, 1025, WEFT_NEVER), -EMSGSIZE);
        EXPECT_EQ(weft_recv_vector(ends[0], many, 1025, WEFT_NEVER), -EMSGSIZE);
        EXPECT_EQ(weft_send_vector(ends[0], many, 1024, WEFT_NEVER), 1024);
        EXPECT_EQ(weft_recv_vector(ends[1], in, 3, WEFT_NOW), -ETIMEDOUT);
        close_both(ends);
        EXPECT_EQ(weft_recv_vector(ends[1], in, 3, WEFT_NEVER), -EBADF);
    }
    return 0;
}

static void test_vectors_go_and_come_in_order(void)
{
    rig_run(2, vectors);
}

struct flow {
    weft_fd fd;
    char *bytes;
};

static int send_large(void *argument)
{
    struct flow *flow = argument;

    return weft_send_all(flow->fd, flow->bytes, large, NULL, WEFT_NEVER);
}

/* Far more than the buffers of both ends hold: many parts, whole at the end. */
static int sends_all(void *argument)
{
    static char sent[large], got[large];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        size_t done = 0;
        weft_scope scope = weft_scope_open(NULL);
        sockets_pair(kind, ends);
        EXPECT_EQ(weft_socket_set(ends[0], WEFT_SOCKET_SEND_BUFFER, 5000), 0);
        for (uint32_t i = 0; i < large; i++)
            sent[i] = (char)(i * 2654435761u >> 13);
        memset(got, 0, large);
        struct flow flow = { ends[0], sent };
        EXPECT(weft_go_copy(scope, send_large, &flow, sizeof(flow)) > 0);
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 1000, NULL, WEFT_NEVER), 0);
        done = 1000; /* goes on where the first part ended */
        EXPECT_EQ(weft_recv_exactly(ends[1], got, large, &done, WEFT_NEVER), 0);
        EXPECT_EQ(done, large);
        EXPECT(memcmp(sent, got, large) == 0);
        EXPECT_EQ(weft_scope_close(scope), 0);
        close_both(ends);
    }
    return 0;
}

static void test_send_all_and_recv_exactly(void)
{
    rig_each(sends_all);
}

/* What came before the deadline, or the end, is counted, and the same call goes on. */
static int goes_on(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        char got[8] = "";
        size_t done = 0;
        weft_fd ends[2];
        sockets_pair(kind, ends);
        EXPECT_EQ(weft_send(ends[0], "abc", 3, WEFT_NEVER), 3);
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 5, &done, weft_after(3 * WEFT_MILLISECOND)),
                  -ETIMEDOUT);
        EXPECT_EQ(done, 3);
        EXPECT_EQ(weft_send(ends[0], "de", 2, WEFT_NEVER), 2);
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 5, &done, WEFT_NEVER), 0);
        EXPECT(done == 5 && memcmp(got, "abcde", 5) == 0);
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 5, &done, WEFT_NOW), 0); /* all are there */
        done = 6;
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 5, &done, WEFT_NEVER), -EINVAL);
        EXPECT_EQ(weft_send_all(ends[1], got, 5, &done, WEFT_NEVER), -EINVAL);
        EXPECT_EQ(done, 6);
        EXPECT_EQ(weft_send(ends[0], "f", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_shutdown(ends[0], SHUT_WR), 0);
        done = 0;
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 2, &done, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(done, 1); /* within a message */
        done = 0;
        EXPECT_EQ(weft_recv_exactly(ends[1], got, 2, &done, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(done, 0); /* between two */
        close_both(ends);
    }
    return 0;
}

static void test_recv_exactly_says_how_far_it_came(void)
{
    rig_each(goes_on);
}

/* A peer that does not read: the send stops at its deadline, and goes on from there. The buffers
 * are the kernel's own size: with small ones TCP sends when its timers say so, which takes 40 s. */
static int slow_peer(void *argument)
{
    static char sent[much], got[much];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        size_t done = 0, received = 0;
        weft_fd ends[2];
        sockets_pair(kind, ends);
        for (uint32_t i = 0; i < much; i++)
            sent[i] = (char)(i * 2246822519u >> 11);
        int rc = weft_send_all(ends[0], sent, much, &done, weft_after(20 * WEFT_MILLISECOND));
        EXPECT_EQ(rc, -ETIMEDOUT);
        while (done < much) {
            rc = weft_send_all(ends[0], sent, much, &done, weft_after(WEFT_MILLISECOND));
            EXPECT(rc == -ETIMEDOUT || (rc == 0 && done == much));
            ssize_t count = weft_recv(ends[1], got + received, much - received, WEFT_NEVER);
            if (!EXPECT(count > 0))
                break;
            received += (size_t)count;
        }
        EXPECT_EQ(weft_recv_exactly(ends[1], got, much, &received, WEFT_NEVER), 0);
        EXPECT(memcmp(sent, got, much) == 0);
        close_both(ends);
    }
    return 0;
}

static void test_send_all_goes_on_where_a_slow_peer_stopped_it(void)
{
    rig_run(2, slow_peer);
}

static int recv_byte(void *argument)
{
    char byte = 0;
    ssize_t rc = weft_recv(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);
    return rc == 1 ? byte : (int)rc;
}

static int send_until_full(void *argument)
{
    static char bytes[large];
    int rc;

    do
        rc = weft_send_all(*(const weft_fd *)argument, bytes, large, NULL, WEFT_NEVER);
    while (rc == 0);
    return rc;
}

/* One end has a task that receives and one that sends; both are ended by @end with @wanted. */
static void end_both_by(int kind, int (*end)(weft_fd fd, const weft_task tasks[2]),
                        const int wanted[2])
{
    weft_fd ends[2];
    weft_task tasks[2];
    weft_scope scope = weft_scope_open(&run_all);

    sockets_pair(kind, ends);
    tasks[0] = weft_go_copy(scope, recv_byte, &ends[0], sizeof(ends[0]));
    tasks[1] = weft_go_copy(scope, send_until_full, &ends[0], sizeof(ends[0]));
    rig_await(tasks[0], WEFT_TASK_WAITING);
    rig_await(tasks[1], WEFT_TASK_WAITING);
    EXPECT_EQ(end(ends[0], tasks), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), wanted[i]);
    (void)!weft_close(ends[0]);
    EXPECT_EQ(weft_close(ends[1]), 0);
    (void)weft_scope_close(scope);
}

static int by_close(weft_fd fd, const weft_task tasks[2])
{
    (void)tasks;
    return weft_close(fd);
}

static int by_cancel(weft_fd fd, const weft_task tasks[2])
{
    (void)fd;
    return weft_cancel(tasks[0]) + weft_cancel(tasks[1]);
}

static int by_shutdown(weft_fd fd, const weft_task tasks[2])
{
    (void)tasks;
    return weft_shutdown(fd, SHUT_RDWR);
}

static int ends_waits(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        end_both_by(kind, by_close, (int[]){ -EBADF, -EBADF });
        end_both_by(kind, by_cancel, (int[]){ -ECANCELED, -ECANCELED });
        end_both_by(kind, by_shutdown, (int[]){ 0, -EPIPE });
    }
    return 0;
}

static void test_close_cancel_and_shutdown_end_the_waits_under_way(void)
{
    rig_each(ends_waits);
}

/* A cancel, or a close, at about the moment of the byte: it is received, or still there. */
static int cancel_against_byte(void *argument)
{
    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(round % SOCKETS_KINDS, ends);
        weft_task task = weft_go_copy(scope, recv_byte, &ends[0], sizeof(ends[0]));
        if (round % 2 == 0)
            rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_send(ends[1], "b", 1, WEFT_NEVER), 1);
        (void)weft_cancel(task); /* it may have ended */
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 'b' || rc == -ECANCELED);
        if (rc != 'b')
            EXPECT_EQ(recv_byte(&ends[0]), 'b');
        close_both(ends);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_recv_canceled_loses_no_byte(void)
{
    rig_each(cancel_against_byte);
}

static int wrong_handles(void *argument)
{
    char byte = 'x';
    struct iovec part = { &byte, 1 };
    weft_address at;
    weft_fd ends[2];
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_recv(ends[0], &byte, 1, WEFT_NEVER), -ENOTSOCK);
    EXPECT_EQ(weft_send(ends[1], &byte, 1, WEFT_NEVER), -ENOTSOCK);
    EXPECT_EQ(weft_recv(listener, &byte, 1, WEFT_NEVER), -ENOTCONN);
    EXPECT_EQ(weft_send(listener, &byte, 1, WEFT_NEVER), -EPIPE);
    const weft_fd wrong[] = { 0, 1, INT64_MAX, weft_self(), ends[0] + (INT64_C(1) << 32) };
    for (size_t i = 0; i < WEFT__COUNT(wrong); i++) {
        EXPECT_EQ(weft_recv(wrong[i], &byte, 1, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_recv(wrong[i], &byte, 0, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_recv_exactly(wrong[i], &byte, 1, NULL, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_recv_vector(wrong[i], &part, 1, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_send(wrong[i], &byte, 1, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_send_all(wrong[i], &byte, 1, NULL, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_send_vector(wrong[i], &part, 1, WEFT_NEVER), -EBADF);
    }
    EXPECT_EQ(weft_recv(-EMFILE, &byte, 1, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_close(listener), 0);
    close_both(ends);
    return 0;
}

static void test_wrong_handles_are_refused(void)
{
    rig_run(2, wrong_handles);
}

/* A peer that goes while more is sent: an error, in the end, and never a signal. */
static int peer_goes(void *argument)
{
    static char bytes[large];

    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd ends[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, ends);
        weft_task task = weft_go_copy(scope, send_until_full, &ends[0], sizeof(ends[0]));
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_close(ends[1]), 0);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == -EPIPE || rc == -ECONNRESET);
        struct iovec part = { bytes, large };
        EXPECT_EQ(weft_send_vector(ends[0], &part, 1, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_send(ends[0], bytes, large, WEFT_NEVER), -EPIPE);
        EXPECT_EQ(weft_close(ends[0]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_a_peer_that_goes_is_an_error_and_no_signal(void)
{
    rig_each(peer_goes);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_send_vector_all_goes_on_in_the_middle_of_a_part),
        UNIT_TEST(test_recv_after_a_short_one),
        UNIT_TEST(test_send_and_recv),
        UNIT_TEST(test_vectors_go_and_come_in_order),
        UNIT_TEST(test_send_all_and_recv_exactly),
        UNIT_TEST(test_recv_exactly_says_how_far_it_came),
        UNIT_TEST(test_send_all_goes_on_where_a_slow_peer_stopped_it),
        UNIT_TEST(test_close_cancel_and_shutdown_end_the_waits_under_way),
        UNIT_TEST(test_recv_canceled_loses_no_byte),
        UNIT_TEST(test_wrong_handles_are_refused),
        UNIT_TEST(test_a_peer_that_goes_is_an_error_and_no_signal),
    };

    return unit_run(argc, argv, "stream", tests, WEFT__COUNT(tests));
}

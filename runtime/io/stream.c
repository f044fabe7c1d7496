/*
 * Receiving and sending on a connection: what comes at once, exactly so much, in several parts.
 *
 * REJECTED a send(2) at once, before the ring is asked: one system call per message where the ring
 *   sends those of all tasks of a step in one (0.08 enters per message at 64 connections). A server
 *   took 16.2 us of CPU per message instead of 12.6 (echo_64B_64c_cpu, medians of 8 on a busy
 *   machine), and the median round trip of one connection did not get shorter.
 * REJECTED POLL_FIRST for a receive after one that drained its socket: 14.6 us of CPU per message
 *   with it, 14.3 without (the same row, medians of 41).
 * REJECTED multishot receives into a ring of buffers: they take bytes out of a socket before anyone
 *   asks. A poll would not see those, nor would whoever uses the number of weft_fd_number, or
 *   inherits the socket, and one fast sender could take the buffers of all. What it would save: the
 *   raw ring's echo server with single receives used 1.00 of the CPU time of the one with
 *   multishot receives at 64 connections (0.91 to 1.06) and 1.10 at 512 (1.04 to 1.14, with equal
 *   minima; medians of 15 pairs on a busy machine). On a quiet one, this file's server used 1.04
 *   of that multishot server's at both (medians of 9 pairs). Nor do idle connections get smaller:
 *   the buffer is the caller's in any case, and nothing touches it before bytes come.
 * REJECTED a receive linked to a send: it needs the buffer of a receive that nobody has asked for
 *   yet, takes bytes as above, and saves a turn where one enter serves a dozen messages already.
 */
#include <string.h>
#include <sys/socket.h>

#include <weft/socket.h>

#include "runtime/base/check.h"
#include "runtime/io/fd.h"

enum {
    transfer_max = 0x7FFFF000, /* what recv(2) takes at most */
    window_parts = 16          /* of a vector that is sent to its end, in one message */
};

static ssize_t run(struct weft__fd *held, enum weft__opcode opcode, const void *address,
                   size_t bytes, weft_deadline until)
{
    const struct weft__request request = {
        .opcode = opcode,
        .fd = held->number,
        .address = address,
        .bytes = (uint32_t)(bytes < transfer_max ? bytes : transfer_max),
        .flags = MSG_NOSIGNAL,
    };
    return weft__fd_run(held, &request, until, 0);
}

/* One operation. recv(2) waits even for no bytes at all; this does not. */
static ssize_t transfer(weft_fd fd, enum weft__opcode opcode, const void *buffer, size_t bytes,
                        weft_deadline until)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    ssize_t count = bytes == 0 ? 0 : run(held, opcode, buffer, bytes, until);
    weft__fd_let_go(held);
    return count;
}

ssize_t weft_recv(weft_fd fd, void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return transfer(fd, WEFT__OP_RECV, buffer, bytes, until);
}

ssize_t weft_send(weft_fd fd, const void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return transfer(fd, WEFT__OP_SEND, buffer, bytes, until);
}

/* BOUND: each round moves a byte at least, so at most as many as there are bytes. */
static int transfer_all(struct weft__fd *held, enum weft__opcode opcode, const char *buffer,
                        size_t bytes, size_t *done, weft_deadline until)
{
    while (*done < bytes) {
        ssize_t count = run(held, opcode, buffer + *done, bytes - *done, until);
        if (count <= 0)
            return count < 0 ? (int)count : -EPIPE;
        *done += (size_t)count;
    }
    return 0;
}

static int hold_and_transfer(weft_fd fd, enum weft__opcode opcode, const char *buffer, size_t bytes,
                             size_t *done, weft_deadline until)
{
    int rc = 0;
    size_t own = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (done == NULL)
        done = &own;
    if (held == NULL)
        return rc;
    rc = *done > bytes ? -EINVAL : transfer_all(held, opcode, buffer, bytes, done, until);
    weft__fd_let_go(held);
    return rc;
}

int weft_recv_exactly(weft_fd fd, void *buffer, size_t bytes, size_t *done, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return hold_and_transfer(fd, WEFT__OP_RECV, buffer, bytes, done, until);
}

int weft_send_all(weft_fd fd, const void *buffer, size_t bytes, size_t *done, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return hold_and_transfer(fd, WEFT__OP_SEND, buffer, bytes, done, until);
}

/* The message is the kernel's until the completion, which is before this returns. */
static ssize_t transfer_vector(weft_fd fd, enum weft__opcode opcode, const struct iovec *parts,
                               size_t part_count, weft_deadline until)
{
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
                              .msg_iovlen = part_count };
    size_t bytes = 0;

    for (size_t i = 0; i < part_count && bytes == 0; i++)
        bytes += parts[i].iov_len;
    return transfer(fd, opcode, &message, bytes, until);
}

ssize_t weft_recv_vector(weft_fd fd, const struct iovec *parts, size_t part_count,
                         weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return transfer_vector(fd, WEFT__OP_RECVMSG, parts, part_count, until);
}

ssize_t weft_send_vector(weft_fd fd, const struct iovec *parts, size_t part_count,
                         weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return transfer_vector(fd, WEFT__OP_SENDMSG, parts, part_count, until);
}

/* Where in a vector a transfer has come to. */
struct place {
    const struct iovec *parts;
    size_t part_count; /* from parts on */
    size_t offset;     /* in the first of them */
};

static void move_on(struct place *place, size_t bytes)
{
    while (place->part_count > 0 && bytes >= place->parts->iov_len - place->offset) {
        bytes -= place->parts->iov_len - place->offset;
        place->offset = 0;
        place->parts++;
        place->part_count--;
    }
    place->offset += bytes;
}

/* Sends as much of what is left as one message carries. */
static WEFT__NOINLINE ssize_t send_window(struct weft__fd *held, const struct place *place,
                                          weft_deadline until)
{
    struct iovec window[window_parts];
    size_t count = place->part_count < window_parts ? place->part_count : window_parts;
    struct msghdr message = { .msg_iov = window, .msg_iovlen = count };

    memcpy(window, place->parts, count * sizeof(*window));
    window[0].iov_base = (char *)window[0].iov_base + place->offset;
    window[0].iov_len -= place->offset;
    return run(held, WEFT__OP_SENDMSG, &message, 1, until);
}

/* BOUND: each round sends a byte at least. */
static int send_from(struct weft__fd *held, struct place *place, size_t *done, weft_deadline until)
{
    move_on(place, *done);
    while (place->part_count > 0) {
        ssize_t count = send_window(held, place, until);
        if (count < 0)
            return (int)count;
        *done += (size_t)count;
        move_on(place, (size_t)count);
    }
    return 0;
}

/* The bytes of all parts together, or false when a size_t does not hold them. */
static bool add_up(const struct iovec *parts, size_t part_count, size_t *out_bytes)
{
    size_t bytes = 0;

    for (size_t i = 0; i < part_count; i++)
        if (__builtin_add_overflow(bytes, parts[i].iov_len, &bytes))
            return false;
    *out_bytes = bytes;
    return true;
}

int weft_send_vector_all(weft_fd fd, const struct iovec *parts, size_t part_count, size_t *done,
                         weft_deadline until)
{
    struct place place = { .parts = parts, .part_count = part_count };
    size_t own = 0, bytes = 0;
    int rc = 0;

    WEFT_NEED_BYTES(parts, part_count);
    struct weft__fd *held = weft__fd_hold(fd, &rc);
    if (held == NULL)
        return rc;
    if (done == NULL)
        done = &own;
    rc = !add_up(parts, part_count, &bytes) || *done > bytes ? -EINVAL
                                                             : send_from(held, &place, done, until);
    weft__fd_let_go(held);
    return rc;
}

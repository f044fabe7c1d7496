/* Receiving and sending on a connection: what comes at once, exactly so much, in several parts. */
#include <sys/socket.h>

#include <weft/socket.h>

#include "runtime/base/check.h"
#include "runtime/io/fd.h"

enum { transfer_max = 0x7FFFF000 }; /* what recv(2) takes at most */

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

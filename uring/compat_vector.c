/*
 * Transfers with several buffers. They go in one call or in none, so that what is written together
 * stays together; a short one is handed on as it is, as readv(2) and writev(2) do. A read at an
 * offset of which only the beginning was in memory is done again as a whole, by a helper.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime/base/fallback.h"
#include "uring/compat.h"

static ssize_t transfer(const struct weft__request *request, const struct iovec *parts, int count,
                        int flags)
{
    int64_t offset = request->offset < 0 ? -1 : request->offset;
    ssize_t rc;

    do
        rc = request->opcode == WEFT__OP_READV
                 ? weft__sys_io_readv(request->fd, parts, count, offset, flags)
                 : weft__sys_io_writev(request->fd, parts, count, offset, flags);
    while (rc == -EINTR && flags != 0);
    return rc;
}

static size_t total_of(const struct iovec *parts, uint32_t count)
{
    size_t total = 0;

    for (uint32_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total;
}

/* The file knows no RWF_NOWAIT. */
static ssize_t transfer_message(const struct weft__request *request)
{
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)request->address,
                              .msg_iovlen = request->bytes };

    return request->opcode == WEFT__OP_READV
               ? weft__sys_io_recvmsg(request->fd, &message, MSG_DONTWAIT)
               : weft__sys_io_sendmsg(request->fd, &message, MSG_DONTWAIT);
}

enum weft__compat_verdict weft__compat_vector_try(struct weft__compat *compat,
                                                  struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    const struct iovec *parts = request->address;
    ssize_t rc = weft__compat_is_direct(request->fd);

    if (rc > 0)
        return WEFT__VERDICT_HELP;
    if (rc == 0)
        rc = transfer(request, parts, (int)request->bytes, RWF_NOWAIT);
    if (rc == -EOPNOTSUPP) {
        rc = transfer_message(request);
        op->blocks = rc == -ENOTSOCK;
        if (op->blocks)
            WEFT__FALLBACK(VECTOR_BY_HELPER);
        rc = op->blocks ? -EAGAIN : rc;
    }
    if (rc == -EAGAIN)
        return weft__compat_on_disk(request->fd) ? WEFT__VERDICT_HELP : WEFT__VERDICT_WAIT;
    if (rc > 0 && request->opcode == WEFT__OP_READV && request->offset >= 0 &&
        (size_t)rc < total_of(parts, request->bytes) && weft__compat_on_disk(request->fd))
        return WEFT__VERDICT_HELP;
    weft__compat_finish(compat, op, (int32_t)rc);
    return WEFT__VERDICT_DONE;
}

/* Of a bounded write so much as a pipe that is ready takes without waiting. */
static int64_t write_bounded(const struct weft__request *request)
{
    const struct iovec *parts = request->address;
    uint32_t first = 0;

    while (first + 1 < request->bytes && parts[first].iov_len == 0)
        first++;
    struct iovec part = parts[first];
    if (part.iov_len > PIPE_BUF)
        part.iov_len = PIPE_BUF;
    return transfer(request, &part, 1, 0);
}

int64_t weft__compat_vector_run(const struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;

    if (op->bounded && request->opcode == WEFT__OP_WRITEV && request->bytes > 0 &&
        total_of(request->address, request->bytes) > PIPE_BUF)
        return write_bounded(request);
    return transfer(request, request->address, (int)request->bytes, 0);
}

/*
 * One call that does not wait, for each op. The flags of a descriptor are shared with everybody
 * who has the file open, so that they are left alone: sockets take MSG_DONTWAIT, files RWF_NOWAIT.
 * There are two exceptions. A connect sets O_NONBLOCK for the time of its call, on a socket that
 * nobody can use yet. An accept sets it on its listener for good: no flag says it for one call,
 * and between a look and a call somebody else may take the connection.
 *
 * BOUND a try: a transfer on a file goes on while bytes come that are there; each round moves some.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "uring/compat.h"

static enum weft__compat_verdict done(struct weft__compat *compat, struct weft__compat_op *op,
                                      ssize_t result)
{
    weft__compat_finish(compat, op, (int32_t)result);
    return WEFT__VERDICT_DONE;
}

/* What a call has said that gives -EAGAIN when it would wait. */
static enum weft__compat_verdict done_unless_again(struct weft__compat *compat,
                                                   struct weft__compat_op *op, ssize_t result)
{
    return result == -EAGAIN ? WEFT__VERDICT_WAIT : done(compat, op, result);
}

bool weft__compat_on_disk(int fd)
{
    int kind = weft__sys_io_kind(fd);
    return kind == S_IFREG || kind == S_IFBLK;
}

static void *buffer_of(const struct weft__compat_op *op)
{
    return (char *)(uintptr_t)op->request.address + op->moved;
}

static ssize_t transfer_now(const struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    int64_t offset = request->offset < 0 ? -1 : request->offset + op->moved;
    uint32_t bytes = request->bytes - op->moved;
    ssize_t rc;

    do
        rc = request->opcode == WEFT__OP_READ
                 ? weft__sys_io_read_now(request->fd, buffer_of(op), bytes, offset)
                 : weft__sys_io_write_now(request->fd, buffer_of(op), bytes, offset);
    while (rc == -EINTR);
    return rc;
}

/* The file knows no RWF_NOWAIT: a socket before Linux 6.4 has another flag for it, others are left
 * to a helper once they are ready. */
static enum weft__compat_verdict try_otherwise(struct weft__compat *compat,
                                               struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    ssize_t rc = request->opcode == WEFT__OP_READ
                     ? weft__sys_io_recv(request->fd, buffer_of(op), request->bytes, MSG_DONTWAIT)
                     : weft__sys_io_send(request->fd, buffer_of(op), request->bytes, MSG_DONTWAIT);

    if (rc != -ENOTSOCK) {
        WEFT__FALLBACK(TRANSFER_BY_RECV);
        return done_unless_again(compat, op, rc);
    }
    WEFT__FALLBACK(TRANSFER_BY_HELPER);
    op->blocks = true;
    return weft__compat_on_disk(request->fd) ? WEFT__VERDICT_HELP : WEFT__VERDICT_WAIT;
}

int weft__compat_is_direct(int fd)
{
    int flags = weft__sys_io_flags(fd);
    return flags < 0 ? flags : (flags & O_DIRECT) != 0 && weft__compat_on_disk(fd);
}

static enum weft__compat_verdict try_transfer(struct weft__compat *compat,
                                              struct weft__compat_op *op)
{
    int direct = weft__compat_is_direct(op->request.fd);

    if (direct != 0)
        return direct < 0 ? done(compat, op, direct) : WEFT__VERDICT_HELP;
    for (;;) {
        ssize_t rc = transfer_now(op);
        if (rc == -EAGAIN)
            return weft__compat_on_disk(op->request.fd) ? WEFT__VERDICT_HELP : WEFT__VERDICT_WAIT;
        if (rc == -EOPNOTSUPP && op->moved == 0)
            return try_otherwise(compat, op);
        if (rc < 0)
            return done(compat, op, op->moved == 0 ? rc : (ssize_t)op->moved);
        op->moved += (uint32_t)rc;
        if (rc == 0 || op->moved == op->request.bytes || !weft__compat_on_disk(op->request.fd))
            return done(compat, op, (ssize_t)op->moved);
    }
}

/* A recv that leaves room has taken all there was. The next one then waits for readiness in the
 * first place, and saves the call that would only say so. */
static enum weft__compat_verdict try_recv(struct weft__compat *compat, struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    struct weft__compat_file *file = weft__compat_file_find(compat, request->fd);
    ssize_t rc = weft__sys_io_recv(request->fd, buffer_of(op), request->bytes,
                                   (int)(request->flags | MSG_DONTWAIT));

    if (file != NULL && rc > 0)
        file->drained = rc < (ssize_t)request->bytes;
    return done_unless_again(compat, op, rc);
}

static enum weft__compat_verdict try_message(struct weft__compat *compat,
                                             struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    struct msghdr *message = (struct msghdr *)(uintptr_t)request->address;
    int flags = (int)(request->flags | MSG_DONTWAIT);

    return done_unless_again(compat, op,
                             request->opcode == WEFT__OP_RECVMSG
                                 ? weft__sys_io_recvmsg(request->fd, message, flags)
                                 : weft__sys_io_sendmsg(request->fd, message, flags));
}

/* Makes sure that an accept will not wait. 0, or what the call itself would say. */
static int make_nonblocking(int fd)
{
    int listens = 0;
    int flags = weft__sys_io_flags(fd);

    if (flags < 0 || (flags & O_NONBLOCK) != 0)
        return flags < 0 ? flags : 0;
    int rc = weft__sys_get_option(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, sizeof(listens));
    if (rc < 0)
        return rc;
    return listens == 0 ? -EINVAL : weft__sys_io_set_flags(fd, flags | O_NONBLOCK);
}

static enum weft__compat_verdict try_accept(struct weft__compat *compat, struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    void *address = (void *)(uintptr_t)request->address;
    int rc = make_nonblocking(request->fd);

    if (rc >= 0)
        do
            rc = weft__sys_io_accept(request->fd, address, request->second, (int)request->flags);
        while (rc == -EINTR);
    return done_unless_again(compat, op, rc);
}

int weft__compat_connect_now(const struct weft__request *request)
{
    int flags = weft__sys_io_flags(request->fd);

    if (flags < 0)
        return flags;
    bool set = (flags & O_NONBLOCK) == 0;
    int rc = set ? weft__sys_io_set_flags(request->fd, flags | O_NONBLOCK) : 0;
    if (rc < 0)
        return rc;
    rc = weft__sys_io_connect(request->fd, request->address, request->bytes);
    if (set)
        (void)weft__sys_io_set_flags(request->fd, flags);
    return rc;
}

/* A socket of the Unix family finds the backlog full, and nothing tells when it is not. */
static enum weft__compat_verdict try_connect(struct weft__compat *compat,
                                             struct weft__compat_op *op)
{
    int rc, error = 0;

    if (op->begun) {
        rc = weft__sys_get_option(op->request.fd, SOL_SOCKET, SO_ERROR, &error, sizeof(error));
        return done(compat, op, rc < 0 ? rc : -error);
    }
    rc = weft__compat_connect_now(&op->request);
    if (rc == -EAGAIN) {
        WEFT__FALLBACK(CONNECT_AGAIN);
        return WEFT__VERDICT_RETRY;
    }
    op->begun = rc == -EINPROGRESS;
    return op->begun ? WEFT__VERDICT_WAIT : done(compat, op, rc);
}

/* A multishot poll hears of the first readiness from its registration. */
static enum weft__compat_verdict try_poll(struct weft__compat *compat, struct weft__compat_op *op)
{
    int found = weft__sys_io_poll(op->request.fd, op->request.flags);

    return found < 0 || (found > 0 && !op->op.multishot) ? done(compat, op, found)
                                                         : WEFT__VERDICT_WAIT;
}

enum weft__compat_verdict weft__compat_try_op(struct weft__compat *compat,
                                              struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;

    op->tried = true;
    weft__bump(&compat->base.counters.enters);
    switch (request->opcode) {
    case WEFT__OP_COUNT:
    case WEFT__OP_NOP: return done(compat, op, 0);
    case WEFT__OP_READ:
    case WEFT__OP_WRITE: return try_transfer(compat, op);
    case WEFT__OP_READV:
    case WEFT__OP_WRITEV: return weft__compat_vector_try(compat, op);
    case WEFT__OP_RECV: return try_recv(compat, op);
    case WEFT__OP_SEND:
        return done_unless_again(compat, op,
                                 weft__sys_io_send(request->fd, buffer_of(op), request->bytes,
                                                   (int)(request->flags | MSG_DONTWAIT)));
    case WEFT__OP_RECVMSG:
    case WEFT__OP_SENDMSG: return try_message(compat, op);
    case WEFT__OP_ACCEPT: return try_accept(compat, op);
    case WEFT__OP_CONNECT: return try_connect(compat, op);
    case WEFT__OP_POLL: return try_poll(compat, op);
    case WEFT__OP_OPENAT:
    case WEFT__OP_CLOSE:
    case WEFT__OP_STATX:
    case WEFT__OP_FSYNC:
    case WEFT__OP_RENAMEAT:
    case WEFT__OP_UNLINKAT:
    case WEFT__OP_MKDIRAT:
    case WEFT__OP_LINKAT:
    case WEFT__OP_SYMLINKAT:
    case WEFT__OP_FALLOCATE:
    case WEFT__OP_FTRUNCATE: break;
    }
    return WEFT__VERDICT_HELP;
}

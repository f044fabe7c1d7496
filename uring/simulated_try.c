/* Operations of the simulation on what is real: files, pipes, sockets of the kernel. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "runtime/base/sys_io.h"
#include "uring/compat.h"
#include "uring/simulated.h"

static bool is_ready(int fd, short events)
{
    int found = weft__sys_io_poll(fd, (uint32_t)events);
    return found != 0; /* an error is found by the call itself */
}

/* Its writer would get SIGPIPE, for nothing. */
static bool has_no_reader(int fd)
{
    return weft__sys_io_kind(fd) == S_IFIFO && (weft__sys_io_poll(fd, POLLOUT) & POLLERR) != 0;
}

static int64_t unless_again(int64_t result)
{
    return result == -EAGAIN ? WEFT__SIMULATED_WAITS : result;
}

/* Of what is ready a pipe takes this much without a wait. */
static size_t bounded(size_t bytes)
{
    return bytes > PIPE_BUF ? PIPE_BUF : bytes;
}

static int64_t transfer_disk(const struct weft__request *request, void *buffer, bool reads)
{
    return reads ? weft__sys_io_read(request->fd, buffer, request->bytes, request->offset)
                 : weft__sys_io_write(request->fd, buffer, request->bytes, request->offset);
}

/* The file knows no call that does not wait: once it is ready it takes or gives something. */
static int64_t transfer_ready(int fd, void *buffer, size_t bytes, int64_t offset, bool reads)
{
    if (!is_ready(fd, reads ? POLLIN : POLLOUT))
        return WEFT__SIMULATED_WAITS;
    return unless_again(reads ? weft__sys_io_read(fd, buffer, bytes, offset)
                              : weft__sys_io_write(fd, buffer, bounded(bytes), offset));
}

static int64_t transfer_message(int fd, const struct iovec *parts, int count, bool reads)
{
    struct msghdr header = { .msg_iov = (struct iovec *)(uintptr_t)parts,
                             .msg_iovlen = (size_t)count };

    return unless_again(reads ? weft__sys_io_recvmsg(fd, &header, MSG_DONTWAIT)
                              : weft__sys_io_sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int64_t transfer(const struct weft__request *request, bool reads)
{
    void *buffer = (void *)(uintptr_t)request->address;
    int kind = weft__sys_io_kind(request->fd);

    if (weft__compat_on_disk(request->fd))
        return transfer_disk(request, buffer, reads);
    if (!reads && has_no_reader(request->fd))
        return -EPIPE;
    if (kind == S_IFSOCK)
        return transfer_message(request->fd, &(struct iovec){ buffer, request->bytes }, 1, reads);
    int64_t rc = reads
                     ? weft__sys_io_read_now(request->fd, buffer, request->bytes, request->offset)
                     : weft__sys_io_write_now(request->fd, buffer, request->bytes, request->offset);
    if (rc == -EOPNOTSUPP)
        return transfer_ready(request->fd, buffer, request->bytes, request->offset, reads);
    return unless_again(rc);
}

static int64_t transfer_parts(const struct weft__request *request, bool reads)
{
    enum { at_once = 0x8 /* RWF_NOWAIT */ };
    const struct iovec *parts = request->address;
    int count = (int)request->bytes;
    int flags = weft__compat_on_disk(request->fd) ? 0 : at_once;

    if (!reads && has_no_reader(request->fd))
        return -EPIPE;
    if (weft__sys_io_kind(request->fd) == S_IFSOCK)
        return transfer_message(request->fd, parts, count, reads);
    int64_t rc = reads ? weft__sys_io_readv(request->fd, parts, count, request->offset, flags)
                       : weft__sys_io_writev(request->fd, parts, count, request->offset, flags);
    if (rc == -EOPNOTSUPP && count > 0) /* the first part alone: shorter than asked for */
        return transfer_ready(request->fd, parts->iov_base, parts->iov_len, request->offset, reads);
    return unless_again(rc);
}

static int64_t message(const struct weft__request *request, bool receives)
{
    struct msghdr *header = (struct msghdr *)(uintptr_t)request->address;
    int flags = (int)(request->flags | MSG_DONTWAIT);

    return unless_again(receives ? weft__sys_io_recvmsg(request->fd, header, flags)
                                 : weft__sys_io_sendmsg(request->fd, header, flags));
}

/* Nobody else takes a connection between the look and the call: there is one thread. */
static int64_t accept_one(const struct weft__request *request)
{
    int listens = 0;
    int rc = weft__sys_get_option(request->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
                                  sizeof(listens));

    if (rc == 0 && listens != 0 && !is_ready(request->fd, POLLIN))
        return WEFT__SIMULATED_WAITS;
    return unless_again(weft__sys_io_accept(request->fd, (void *)(uintptr_t)request->address,
                                            request->second, (int)request->flags));
}

static int64_t connect_one(struct weft__simulated_op *op)
{
    int error = 0;

    if (op->begun && !is_ready(op->request.fd, POLLOUT))
        return WEFT__SIMULATED_WAITS;
    if (op->begun) {
        int rc = weft__sys_get_option(op->request.fd, SOL_SOCKET, SO_ERROR, &error, sizeof(error));
        return rc < 0 ? rc : -error;
    }
    int rc = weft__compat_connect_now(&op->request);
    op->begun = rc == -EINPROGRESS;
    if (rc == -EAGAIN) /* a Unix socket whose backlog is full */
        return WEFT__SIMULATED_LATER;
    return op->begun ? WEFT__SIMULATED_WAITS : rc;
}

static int64_t poll_one(const struct weft__request *request)
{
    int found = weft__sys_io_poll(request->fd, request->flags);
    return found == 0 ? WEFT__SIMULATED_WAITS : found;
}

/* Those that change files, which a simulated disk may hear of. */
int64_t weft__simulated_try_change(const struct weft__request *request)
{
    switch ((unsigned)request->opcode) {
    case WEFT__OP_WRITE: return transfer(request, false);
    case WEFT__OP_WRITEV: return transfer_parts(request, false);
    default: return weft__compat_help_plain(request);
    }
}

int64_t weft__simulated_try(struct weft__simulated_op *op)
{
    const struct weft__request *request = &op->request;

    switch ((unsigned)request->opcode) {
    case WEFT__OP_NOP: return 0;
    case WEFT__OP_READ: return transfer(request, true);
    case WEFT__OP_READV: return transfer_parts(request, true);
    case WEFT__OP_RECV:
        return unless_again(weft__sys_io_recv(request->fd, (void *)(uintptr_t)request->address,
                                              request->bytes,
                                              (int)(request->flags | MSG_DONTWAIT)));
    case WEFT__OP_SEND:
        return unless_again(weft__sys_io_send(request->fd, request->address, request->bytes,
                                              (int)(request->flags | MSG_DONTWAIT)));
    case WEFT__OP_RECVMSG:
    case WEFT__OP_SENDMSG: return message(request, request->opcode == WEFT__OP_RECVMSG);
    case WEFT__OP_ACCEPT: return accept_one(request);
    case WEFT__OP_CONNECT: return connect_one(op);
    case WEFT__OP_POLL: return poll_one(request);
    default: return weft__simulated_disk_try(request);
    }
}

bool weft__simulated_try_comes_first(const struct weft__request *request)
{
    switch ((unsigned)request->opcode) {
    case WEFT__OP_READ:
    case WEFT__OP_WRITE:
    case WEFT__OP_READV:
    case WEFT__OP_WRITEV:
    case WEFT__OP_RECV:
    case WEFT__OP_SEND:
    case WEFT__OP_RECVMSG:
    case WEFT__OP_SENDMSG:
    case WEFT__OP_ACCEPT: return true;
    default: return false;
    }
}

short weft__simulated_try_events(const struct weft__request *request)
{
    if (request->opcode == WEFT__OP_POLL)
        return (short)request->flags;
    return weft__compat_row_of(request->opcode) == WEFT__ROW_IN ? POLLIN : POLLOUT;
}

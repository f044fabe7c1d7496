/*
 * Raw calls: the C library's functions of these names are cancellation points of pthreads and are
 * known to sanitizers, and neither fits an engine that stands for the kernel's ring.
 */
#include "runtime/base/sys_io.h"
#include "runtime/base/fallback.h"
#include "runtime/base/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

#define CALL(point, number, ...) \
    weft__sys_raw(WEFT__FAULT_##point, (number), (const long[6]){ __VA_ARGS__ })

enum { epoll_pwait2_number = 441 }; /* Linux 5.11; newer than some C libraries' headers */

static _Atomic bool no_exact_wait; /* epoll_pwait2 is refused here */

static long address_of(const void *pointer)
{
    return (long)(uintptr_t)pointer;
}

int weft__sys_io_epoll(void)
{
    return (int)CALL(EPOLL, SYS_epoll_create1, EPOLL_CLOEXEC);
}

int weft__sys_io_epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { .events = events, .data.u64 = data };

    return (int)CALL(EPOLL, SYS_epoll_ctl, epoll, operation, fd, address_of(&event));
}

static struct timespec span_of(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

/* The wait proper, to the nanosecond: poll(2) on the epoll descriptor can do what epoll_pwait2 does
 * where that is refused. */
static int wait_for_epoll(int epoll, int64_t wait_ns)
{
    struct pollfd watched = { .fd = epoll, .events = POLLIN };
    struct timespec span = span_of(wait_ns);

    return (int)CALL(EPOLL_WAIT, SYS_ppoll, address_of(&watched), 1, address_of(&span));
}

int weft__sys_io_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t wait_ns)
{
    struct timespec span = span_of(wait_ns);
    int rc;

    if (wait_ns > 0 && wait_ns != INT64_MAX) {
        if (!weft__load_relaxed(&no_exact_wait)) {
            rc = (int)CALL(EPOLL_WAIT, epoll_pwait2_number, epoll, address_of(events), count,
                           address_of(&span));
            if (rc != -ENOSYS && rc != -EPERM)
                return rc;
            weft__store_relaxed(&no_exact_wait, true);
        }
        WEFT__FALLBACK(EPOLL_WAIT_BY_POLL);
        rc = wait_for_epoll(epoll, wait_ns);
        if (rc < 0)
            return rc;
        wait_ns = 0;
    }
    return (int)CALL(EPOLL_WAIT, SYS_epoll_pwait, epoll, address_of(events), count,
                     wait_ns == 0 ? 0 : -1);
}

int weft__sys_io_poll(int fd, uint32_t events)
{
    struct pollfd watched = { .fd = fd, .events = (short)events };
    struct timespec none = { 0, 0 };

    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fd < 0)
        return -EBADF;
    if (net != NULL)
        return net->poll(fd, events);
    int rc = (int)CALL(EPOLL, SYS_ppoll, address_of(&watched), 1, address_of(&none));
    if (rc < 0)
        return rc;
    return (watched.revents & POLLNVAL) != 0 ? -EBADF : watched.revents;
}

int weft__sys_io_flags(int fd)
{
    return (int)CALL(FCNTL, SYS_fcntl, fd, F_GETFL);
}

int weft__sys_io_set_flags(int fd, int flags)
{
    return (int)CALL(FCNTL, SYS_fcntl, fd, F_SETFL, flags);
}

int weft__sys_io_kind(int fd)
{
    struct statx found;
    int rc = weft__sys_statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &found);

    return rc < 0 ? rc : found.stx_mode & S_IFMT;
}

/* The kernel takes the offset in two halves, of which 64-bit machines use the first. */
static long transfer(enum weft__fault_point point, long number, int fd, const void *buffer,
                     size_t bytes, int64_t offset, long flags)
{
    struct iovec part = { (void *)(uintptr_t)buffer, bytes };

    return weft__sys_raw(point, number,
                         (const long[6]){ fd, address_of(&part), 1, offset, 0, flags });
}

ssize_t weft__sys_io_read_now(int fd, void *buffer, size_t bytes, int64_t offset)
{
    return transfer(WEFT__FAULT_READ, SYS_preadv2, fd, buffer, bytes, offset, RWF_NOWAIT);
}

ssize_t weft__sys_io_write_now(int fd, const void *buffer, size_t bytes, int64_t offset)
{
    return transfer(WEFT__FAULT_WRITE, SYS_pwritev2, fd, buffer, bytes, offset, RWF_NOWAIT);
}

ssize_t weft__sys_io_read(int fd, void *buffer, size_t bytes, int64_t offset)
{
    if (offset < 0)
        return CALL(READ, SYS_read, fd, address_of(buffer), (long)bytes);
    return CALL(READ, SYS_pread64, fd, address_of(buffer), (long)bytes, offset);
}

ssize_t weft__sys_io_write(int fd, const void *buffer, size_t bytes, int64_t offset)
{
    if (offset < 0)
        return CALL(WRITE, SYS_write, fd, address_of(buffer), (long)bytes);
    return CALL(WRITE, SYS_pwrite64, fd, address_of(buffer), (long)bytes, offset);
}

ssize_t weft__sys_io_readv(int fd, const struct iovec *parts, int count, int64_t offset, int flags)
{
    return CALL(READ, SYS_preadv2, fd, address_of(parts), count, offset, 0, flags);
}

ssize_t weft__sys_io_writev(int fd, const struct iovec *parts, int count, int64_t offset, int flags)
{
    return CALL(WRITE, SYS_pwritev2, fd, address_of(parts), count, offset, 0, flags);
}

ssize_t weft__sys_io_recv(int fd, void *buffer, size_t bytes, int flags)
{
    const struct iovec part = { buffer, bytes };
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->recv(fd, &part, 1, flags);
    return CALL(SOCKET, SYS_recvfrom, fd, address_of(buffer), (long)bytes, flags);
}

ssize_t weft__sys_io_send(int fd, const void *buffer, size_t bytes, int flags)
{
    const struct iovec part = { (void *)(uintptr_t)buffer, bytes };
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->send(fd, &part, 1);
    return CALL(SOCKET, SYS_sendto, fd, address_of(buffer), (long)bytes, flags);
}

ssize_t weft__sys_io_recvmsg(int fd, struct msghdr *message, int flags)
{
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->recv(fd, message->msg_iov, message->msg_iovlen, flags);
    return CALL(SOCKET, SYS_recvmsg, fd, address_of(message), flags);
}

ssize_t weft__sys_io_sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->send(fd, message->msg_iov, message->msg_iovlen);
    return CALL(SOCKET, SYS_sendmsg, fd, address_of(message), flags);
}

int weft__sys_io_accept(int fd, void *address, uint32_t *bytes, int flags)
{
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->accept(fd, address, bytes, flags);
    return (int)CALL(SOCKET, SYS_accept4, fd, address_of(address), address_of(bytes), flags);
}

int weft__sys_io_connect(int fd, const void *address, uint32_t bytes)
{
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (net != NULL)
        return net->connect(fd, address, bytes);
    return (int)CALL(SOCKET, SYS_connect, fd, address_of(address), bytes);
}

int weft__sys_io_fsync(int fd, bool data_only)
{
    return (int)CALL(WRITE, data_only ? SYS_fdatasync : SYS_fsync, fd);
}

int weft__sys_io_fallocate(int fd, int mode, int64_t offset, int64_t bytes)
{
    return (int)CALL(WRITE, SYS_fallocate, fd, mode, offset, bytes);
}

int weft__sys_io_rename(int directory, const char *from, const char *to, unsigned flags)
{
    return (int)CALL(PATH, SYS_renameat2, directory, address_of(from), directory, address_of(to),
                     (long)flags);
}

int weft__sys_io_unlink(int directory, const char *path, int flags)
{
    return (int)CALL(PATH, SYS_unlinkat, directory, address_of(path), flags);
}

int weft__sys_io_mkdir(int directory, const char *path, unsigned mode)
{
    return (int)CALL(PATH, SYS_mkdirat, directory, address_of(path), (long)mode);
}

int weft__sys_io_link(int directory, const char *from, const char *to, int flags)
{
    return (int)CALL(PATH, SYS_linkat, directory, address_of(from), directory, address_of(to),
                     flags);
}

int weft__sys_io_symlink(const char *text, int directory, const char *path)
{
    return (int)CALL(PATH, SYS_symlinkat, address_of(text), directory, address_of(path));
}

int weft__sys_io_readlink(int directory, const char *path, char *out_text, size_t bytes)
{
    long rc = CALL(PATH, SYS_readlinkat, directory, address_of(path), address_of(out_text),
                   (long)bytes);

    if (rc < 0)
        return (int)rc;
    if ((size_t)rc >= bytes)
        return -ENAMETOOLONG;
    out_text[rc] = '\0';
    return 0;
}

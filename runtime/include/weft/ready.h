/*
 * Readiness: waiting until a descriptor can be read or written, for libraries that make the call
 * themselves. weft's own reads and writes need none of it.
 */
#ifndef WEFT_READY_H
#define WEFT_READY_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_fd_poll - waits until a descriptor is ready
 * Whatever can be polled: a socket, a pipe, an eventfd, a timerfd, a pidfd, another epoll. Adopt it
 * with weft_fd_adopt. A regular file is always ready. Ready does not mean that a read finds
 * something still: another may have been quicker. So the descriptor should be non-blocking. A
 * listener that weft_serve serves is ready when a connection waits in the kernel or in the runtime;
 * take that with weft_accept, for accept(2) would not find the latter.
 * @fd:        the descriptor's handle
 * @events:    POLLIN, POLLOUT, POLLPRI, POLLRDHUP ... of <poll.h>; POLLERR and POLLHUP are always
 *             waited for
 * @until:     how long to wait
 * Returns:    those events that have come, at least one
 * Errors:     -EINVAL for bits that poll(2) does not have, -EBADF, -ETIMEDOUT, -ECANCELED, -EPERM
 *             outside a task
 * Ownership:  unchanged
 * Context:    any task    Suspends: until one of the events is there
 * Cancel:     the wait ends; nothing has changed
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring POLL_ADD
 */
WEFT_API WEFT_MUST_USE int weft_fd_poll(weft_fd fd, int events, weft_deadline until);

WEFT_END

#endif

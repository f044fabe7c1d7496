/*
 * More of pipes than weft_pipe makes (see file.h), and the counters of eventfd(2). Both are files:
 * weft_read, weft_write, weft_fd_poll and weft_close are for them too.
 *
 * Of a pipe: a write of up to PIPE_BUF (4,096) bytes is whole, whatever other tasks write at the
 * same time; a larger one may write less and then be mixed with others. When all writing ends are
 * closed, a read gets what is left, then 0; when all reading ends are closed, a write gets -EPIPE,
 * and no signal. For messages of up to so many bytes that are never joined adopt both numbers of a
 * pipe2(2) with O_DIRECT.
 */
#ifndef WEFT_PIPES_H
#define WEFT_PIPES_H

#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN

/*
 * weft_pipe_capacity - how many bytes a pipe holds; sets it
 * @end:       either end
 * @bytes:     what it shall hold at least, rounded up to a power of two of pages; up to
 *             /proc/sys/fs/pipe-max-size (1 MiB) without privilege; 0 only asks
 * Returns:    what it holds now, in bytes
 * Errors:     -EBADF when it is closed or no pipe, -EPERM above the limit, -EBUSY when more than
 *             that lies in it, -EINVAL above 2 GiB, -ENOMEM
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one fcntl(2)    Node: none
 * Since:      0.1    Source: F_SETPIPE_SZ of fcntl(2)
 */
WEFT_API int weft_pipe_capacity(weft_fd end, size_t bytes);

/*
 * weft_eventfd - makes a counter in the kernel that can be waited for as a file
 * A weft_write of a uint64_t (8 bytes) adds it. A weft_read of 8 bytes waits until the counter is
 * not 0, takes it and leaves 0. For what shares descriptors with other programs and libraries; in
 * a program a weft_event or a weft_notifier costs less. A thread or a signal handler uses write(2)
 * on weft_fd_number.
 * @initial:   of the counter
 * @semaphore: 1: a read takes 1 at a time
 * Returns:    the counter; end it with weft_close
 * Errors:     -EMFILE, -ENFILE, -ENOMEM
 * Ownership:  the caller owns it
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   what was done before a write happens-before the return of the read that takes it
 * Cost:       one eventfd(2)    Node: none
 * Since:      0.1    Source: eventfd(2)
 */
WEFT_API WEFT_MUST_USE weft_fd weft_eventfd(uint32_t initial, int semaphore);

WEFT_END

#endif

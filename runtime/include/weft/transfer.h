/*
 * Reading and writing files, pipes and devices; sockets have calls of their own in socket.h. Each
 * call parks only its task.
 *
 * Calls without an offset begin where the file stands, and leave it where they have ended. On a
 * regular file or a block device each of them is whole: those that come through one weft_fd, from
 * any tasks on any workers, take turns in the order in which they came, so none reads or writes
 * what another does, and what one weft_write_all writes is in one piece. A second weft_fd of the
 * same open file (dup(2), another process) has turns of its own, and raw calls on its number take
 * none. Pipes and terminals have no position and no turns.
 *
 * Reads at the same time at offsets, and writes, do not wait for each other.
 */
#ifndef WEFT_TRANSFER_H
#define WEFT_TRANSFER_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

struct iovec; /* of <sys/uio.h> */

WEFT_BEGIN

/*
 * weft_read - reads from where the file stands
 * @fd:        the file
 * @buffer:    room for bytes
 * @bytes:     at most so many; beyond 2 GiB - 4 KiB the count is less
 * @until:     how long to wait
 * Returns:    the count; of a regular file less than bytes only at its end, 0 there
 * Errors:     those of read(2), -EBADF, -ETIMEDOUT, -ECANCELED, -EPERM outside a task
 * Ownership:  buffer is the kernel's until the return
 * Context:    any task    Suspends: until its turn, and then until something was read
 * Cancel:     asks the kernel; what it read before it stopped is returned, not lost
 * Ordering:   what is read through one weft_fd without an offset comes in the order of turns
 * Cost:       two locks and one system call for what is cached, when no other task of the worker is
 *             ready; else a submission. Three system calls more for the first call on a file
 *             Node: none
 * Since:      0.1    Source: io_uring READ, preadv2(2) with RWF_NOWAIT
 */
WEFT_API WEFT_MUST_USE ssize_t weft_read(weft_fd fd, void *buffer, size_t bytes,
                                         weft_deadline until);

/*
 * weft_pread - reads at an offset; the file's own position stays
 * @fd:        a file that can seek
 * @buffer:    room for bytes
 * @bytes:     as weft_read
 * @offset:    in bytes from the start, >= 0
 * @until:     how long to wait
 * Returns:    as weft_read; 0 at or past the end
 * Errors:     as weft_read, -EINVAL for a negative offset, -ESPIPE for a pipe
 * Ownership:  as weft_read
 * Context:    any task    Suspends: until something was read
 * Cancel:     as weft_read
 * Ordering:   none
 * Cost:       as weft_read, without the turn    Node: none
 * Since:      0.1    Source: io_uring READ, preadv2(2) with RWF_NOWAIT
 */
WEFT_API WEFT_MUST_USE ssize_t weft_pread(weft_fd fd, void *buffer, size_t bytes, int64_t offset,
                                          weft_deadline until);

/*
 * weft_read_exactly - reads so many bytes, however they come
 * @fd:        the file
 * @buffer:    room for bytes
 * @bytes:     how many
 * @done:      NULL, or how many of them are in buffer already, 0 at first. The call counts there
 *             what comes, also when it fails: called again with the same it goes on, and after
 *             -EPIPE a 0 says that the file has ended between records, not within one
 * @until:     how long to wait for all
 * Returns:    0 when all are there
 * Errors:     -EPIPE when the file, or the other end of a pipe, ends before; -EINVAL when done is
 *             more than bytes; or as weft_read
 * Ownership:  as weft_read
 * Context:    any task    Suspends: until its turn, and then until all is read; it has one turn for
 *             all of it
 * Cancel:     as weft_read; what has come is counted in done
 * Ordering:   as weft_read
 * Cost:       as weft_read, for each part that comes    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_read_exactly(weft_fd fd, void *buffer, size_t bytes, size_t *done,
                                             weft_deadline until);

/*
 * weft_pread_exactly - reads so many bytes at an offset
 * @fd:        a file that can seek
 * @buffer:    as weft_read_exactly
 * @bytes:     how many
 * @offset:    of the first byte of buffer, also when done says that it is there already
 * @done:      as weft_read_exactly
 * @until:     how long to wait for all
 * Returns:    0 when all are there
 * Errors:     as weft_read_exactly and weft_pread
 * Ownership:  as weft_read
 * Context:    any task    Suspends: until all is read
 * Cancel:     as weft_read; what has come is counted in done
 * Ordering:   none
 * Cost:       as weft_pread, for each part that comes    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_pread_exactly(weft_fd fd, void *buffer, size_t bytes,
                                              int64_t offset, size_t *done, weft_deadline until);

/*
 * weft_write - writes where the file stands; at its end when it was opened with O_APPEND
 * @fd:        the file
 * @buffer:    bytes to write
 * @bytes:     as weft_read
 * @until:     how long to wait
 * Returns:    the count, which may be less than bytes, on a disk that gets full for one
 * Errors:     those of write(2) (-ENOSPC; -EPIPE without a signal), -EBADF, -ETIMEDOUT, -ECANCELED,
 *             -EPERM outside a task
 * Ownership:  buffer is the kernel's until the return
 * Context:    any task    Suspends: until its turn, and then until something was written
 * Cancel:     asks the kernel; what it wrote before it stopped is returned as count
 * Ordering:   as weft_read
 * Cost:       two locks, one submission    Node: none
 * Since:      0.1    Source: io_uring WRITE
 */
WEFT_API WEFT_MUST_USE ssize_t weft_write(weft_fd fd, const void *buffer, size_t bytes,
                                          weft_deadline until);

/*
 * weft_pwrite - writes at an offset; the file's own position stays
 * With O_APPEND it writes at the end all the same, as pwrite(2) on Linux.
 * @fd:        a file that can seek
 * @buffer:    bytes to write
 * @bytes:     as weft_read
 * @offset:    in bytes from the start, >= 0; past the end the gap reads as zeros
 * @until:     how long to wait
 * Returns:    as weft_write
 * Errors:     as weft_write, -EINVAL for a negative offset, -ESPIPE for a pipe
 * Ownership:  as weft_write
 * Context:    any task    Suspends: until something was written
 * Cancel:     as weft_write
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring WRITE
 */
WEFT_API WEFT_MUST_USE ssize_t weft_pwrite(weft_fd fd, const void *buffer, size_t bytes,
                                           int64_t offset, weft_deadline until);

/*
 * weft_write_all - writes all bytes, in one piece
 * @fd:        the file
 * @buffer:    bytes to write
 * @bytes:     how many
 * @done:      NULL, or how many of them are written already, 0 at first. The call counts there what
 *             it writes, also when it fails: called again with the same it goes on
 * @until:     how long to wait for all
 * Returns:    0 when all are written
 * Errors:     as weft_write, -EINVAL when done is more than bytes
 * Ownership:  as weft_write
 * Context:    any task    Suspends: until its turn, and then until all is written; it has one turn
 *             for all of it. Two that write to one pipe have none: what is longer than PIPE_BUF may
 *             mix there
 * Cancel:     as weft_write; what has been written is counted in done
 * Ordering:   as weft_read
 * Cost:       as weft_write, for each part that the kernel takes    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_write_all(weft_fd fd, const void *buffer, size_t bytes,
                                          size_t *done, weft_deadline until);

/*
 * weft_pwrite_all - writes all bytes at an offset
 * @fd:        a file that can seek
 * @buffer:    bytes to write
 * @bytes:     how many
 * @offset:    of the first byte of buffer, also when done says that it is written already
 * @done:      as weft_write_all
 * @until:     how long to wait for all
 * Returns:    0 when all are written
 * Errors:     as weft_write_all and weft_pwrite
 * Ownership:  as weft_write
 * Context:    any task    Suspends: until all is written
 * Cancel:     as weft_write; what has been written is counted in done
 * Ordering:   none
 * Cost:       as weft_pwrite, for each part that the kernel takes    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_pwrite_all(weft_fd fd, const void *buffer, size_t bytes,
                                           int64_t offset, size_t *done, weft_deadline until);

/*
 * weft_read_vector - reads into several buffers, each filled before the next
 * @fd:        the file
 * @parts:     where the buffers are, and how large
 * @part_count: how many; of more than 1,024 the first so many count
 * @until:     how long to wait
 * Returns:    the count of all together, as weft_read
 * Errors:     -EINVAL when a part is larger than SSIZE_MAX, or as weft_read
 * Ownership:  parts and buffers are the kernel's until the return
 * Context:    any task    Suspends: as weft_read
 * Cancel:     as weft_read
 * Ordering:   as weft_read
 * Cost:       as weft_read    Node: none
 * Since:      0.1    Source: io_uring READV
 */
WEFT_API WEFT_MUST_USE ssize_t weft_read_vector(weft_fd fd, const struct iovec *parts,
                                                size_t part_count, weft_deadline until);

/*
 * weft_pread_vector - reads into several buffers at an offset
 * @fd:        a file that can seek
 * @parts:     as weft_read_vector
 * @part_count: as weft_read_vector
 * @offset:    as weft_pread
 * @until:     how long to wait
 * Returns:    the count of all together, as weft_pread
 * Errors:     as weft_read_vector and weft_pread
 * Ownership:  as weft_read_vector
 * Context:    any task    Suspends: as weft_pread
 * Cancel:     as weft_read
 * Ordering:   none
 * Cost:       as weft_pread    Node: none
 * Since:      0.1    Source: io_uring READV
 */
WEFT_API WEFT_MUST_USE ssize_t weft_pread_vector(weft_fd fd, const struct iovec *parts,
                                                 size_t part_count, int64_t offset,
                                                 weft_deadline until);

/*
 * weft_write_vector - writes several buffers, one after the other, as weft_write does
 * @fd:        the file
 * @parts:     where the buffers are, and how large
 * @part_count: as weft_read_vector
 * @until:     how long to wait
 * Returns:    the count of all together, as weft_write
 * Errors:     as weft_read_vector and weft_write
 * Ownership:  parts and buffers are the kernel's until the return
 * Context:    any task    Suspends: as weft_write
 * Cancel:     as weft_write
 * Ordering:   as weft_read
 * Cost:       as weft_write    Node: none
 * Since:      0.1    Source: io_uring WRITEV
 */
WEFT_API WEFT_MUST_USE ssize_t weft_write_vector(weft_fd fd, const struct iovec *parts,
                                                 size_t part_count, weft_deadline until);

/*
 * weft_pwrite_vector - writes several buffers at an offset, as weft_pwrite does
 * @fd:        a file that can seek
 * @parts:     as weft_write_vector
 * @part_count: as weft_read_vector
 * @offset:    as weft_pwrite
 * @until:     how long to wait
 * Returns:    the count of all together, as weft_write
 * Errors:     as weft_read_vector and weft_pwrite
 * Ownership:  as weft_write_vector
 * Context:    any task    Suspends: as weft_pwrite
 * Cancel:     as weft_write
 * Ordering:   none
 * Cost:       as weft_pwrite    Node: none
 * Since:      0.1    Source: io_uring WRITEV
 */
WEFT_API WEFT_MUST_USE ssize_t weft_pwrite_vector(weft_fd fd, const struct iovec *parts,
                                                  size_t part_count, int64_t offset,
                                                  weft_deadline until);

/*
 * weft_write_vector_all - writes several buffers, all of them, in one piece
 * @fd:        the file
 * @parts:     where the buffers are, and how large; left as they are
 * @part_count: how many, without a limit
 * @done:      as weft_write_all, of all parts together
 * @until:     how long to wait for all
 * Returns:    0 when all are written
 * Errors:     as weft_write_all and weft_read_vector
 * Ownership:  as weft_write_vector
 * Context:    any task    Suspends: as weft_write_all
 * Cancel:     as weft_write_all
 * Ordering:   as weft_read
 * Cost:       as weft_write_all    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_write_vector_all(weft_fd fd, const struct iovec *parts,
                                                 size_t part_count, size_t *done,
                                                 weft_deadline until);

/*
 * weft_pwrite_vector_all - writes several buffers at an offset, all of them
 * @fd:        a file that can seek
 * @parts:     as weft_write_vector_all
 * @part_count: how many, without a limit
 * @offset:    as weft_pwrite_all
 * @done:      as weft_write_all, of all parts together
 * @until:     how long to wait for all
 * Returns:    0 when all are written
 * Errors:     as weft_pwrite_all and weft_read_vector
 * Ownership:  as weft_write_vector
 * Context:    any task    Suspends: as weft_pwrite_all
 * Cancel:     as weft_pwrite_all
 * Ordering:   none
 * Cost:       as weft_pwrite_all    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_pwrite_vector_all(weft_fd fd, const struct iovec *parts,
                                                  size_t part_count, int64_t offset, size_t *done,
                                                  weft_deadline until);

/*
 * weft_seek - changes where a file stands
 * @fd:        a file that can seek
 * @offset:    in bytes, may be negative
 * @whence:    from where: SEEK_SET, SEEK_CUR, SEEK_END; SEEK_DATA, SEEK_HOLE
 * @until:     how long to wait
 * Returns:    where it stands now, in bytes from the start
 * Errors:     those of lseek(2) (-ESPIPE for a pipe, -EINVAL for a place before the start, -ENXIO),
 *             -EBADF, -ETIMEDOUT, -ECANCELED, -EPERM outside a task; for SEEK_DATA and SEEK_HOLE
 *             -EAGAIN when there is no helper thread and none can be started
 * Ownership:  none
 * Context:    any task    Suspends: until its turn; SEEK_DATA and SEEK_HOLE until a helper thread
 *             has looked at the disk
 * Cancel:     ends the wait for the turn; then the position is as it was
 * Ordering:   as weft_read
 * Cost:       two locks, one system call    Node: none
 * Since:      0.1    Source: lseek(2), which has no io_uring operation
 */
WEFT_API WEFT_MUST_USE int64_t weft_seek(weft_fd fd, int64_t offset, int whence,
                                         weft_deadline until);

WEFT_END

#endif

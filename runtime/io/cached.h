/*
 * Reads of what is in memory already, without a round through the queue of the kernel.
 *
 * One task that reads 4 KiB pieces of a cached file one after the other uses 2.6 us of CPU for each
 * so, and 3.6 through the ring: a park, a loop and an io_uring_enter for each. With 32 such tasks
 * on a worker it is the other way round, 2.8 and 2.6, for one enter serves them all: so it is tried
 * only when nothing else of the worker is ready. (Medians of 9 and 15 turns on a busy machine of
 * two CPUs, Linux 6.18, where one pread(2) took 2.0.) A slice of 100 us ends the row: then one read
 * goes through the ring, and messages, completions and timers of the worker are looked at.
 *
 * What is not in the cache costs a system call in vain. So after a miss one read of the file goes
 * to the ring at once, after two misses in a row three, and so on up to 63; a hit ends that. Both
 * numbers are guesses that tasks of several workers change without a lock.
 */
#ifndef WEFT_IO_CACHED_H
#define WEFT_IO_CACHED_H

#include "runtime/io/fd.h"

struct iovec;

/*
 * Reads into @parts at @offset (-1: where the file stands, and the caller has its turn) what the
 * page cache holds: the bytes, 0 at the end of the file. -EAGAIN: go through the ring, which has
 * the last word about errors too.
 */
ssize_t weft__cached_read(struct weft__fd *fd, const struct iovec *parts, size_t part_count,
                          int64_t offset, weft_deadline until);

#endif

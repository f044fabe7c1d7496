/*
 * Turns: who may move the position of a file. A transfer without an offset begins where the file
 * stands and leaves it where it has ended. read(2) and write(2) hold a lock of the kernel
 * meanwhile; io_uring reads the position when an operation begins, stores it when it ends, and
 * holds nothing in between (io_uring/rw.c, Linux 6.1 to 6.18). Two at once start at one place, and
 * one write is lost.
 *
 * Invariant: of all transfers through one handle that use the position of a regular file or a block
 * device, and all seeks, one at most is between its take and its give. The turn goes to whoever has
 * stood in the line longest, and is handed over under the lock of the record, so nobody who comes
 * later gets in between; a task that is cancelled, whose time is over, or whose file is closed
 * while it stands there leaves without it. No lock is held while a task has the turn.
 *
 * Streams take none: a read that waits for a pipe's writer must not hold up that pipe's writer. So
 * does the kernel (FMODE_ATOMIC_POS).
 *
 * Tested by: tests/unit/turn_test.c
 */
#ifndef WEFT_IO_TURN_H
#define WEFT_IO_TURN_H

#include "runtime/io/fd.h"

/* Takes the turn of a held file. 0, -EBADF when it is closed meanwhile, -ETIMEDOUT, -ECANCELED,
 * -EPERM outside a task. */
int weft__turn_take(struct weft__fd *fd, weft_deadline until);

/* Hands it on. */
void weft__turn_give(struct weft__fd *fd);

#endif

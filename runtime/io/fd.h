/*
 * The record of a file. Its lock guards the list of operations under way, so that a close can ask
 * each of them to end, in the ring where it is, and wait until the last is gone; only then is the
 * descriptor closed. Nobody can therefore reach the next file that gets the number.
 */
#ifndef WEFT_IO_FD_H
#define WEFT_IO_FD_H

#include <errno.h>

#include <weft/file.h>

#include "runtime/io/operation.h"
#include "runtime/sync/line.h"

/* What a file is for those who read and write it; found out by its first transfer. */
enum weft__fd_nature {
    WEFT__FD_UNKNOWN,
    WEFT__FD_STREAM,     /* pipe, socket, terminal: has no position */
    WEFT__FD_DEVICE,     /* takes an offset; its position is the driver's business, or nobody's */
    WEFT__FD_POSITIONED, /* regular file or block device: its position goes with each transfer */
    WEFT__FD_CACHED      /* the same, and reads go through the page cache: no O_DIRECT */
};

struct weft__acceptor;

struct weft__fd {
    struct weft__record record;
    int number;                   /* (i) */
    uint32_t users;               /* (l) operations that hold it */
    _Atomic uint8_t nature;       /* enum weft__fd_nature */
    _Atomic bool appends;         /* has O_APPEND; known with its nature */
    _Atomic uint8_t cold;         /* reads from now on for which the cache is not tried first */
    _Atomic uint8_t misses;       /* tries in a row that found nothing there */
    bool turn_taken;              /* (l) see turn.h */
    struct weft__line turns;      /* (l) who waits for the turn */
    struct weft__list operations; /* (l) those in a ring */
    struct weft__ticket closer;   /* (l) who waits for users to become 0 */
    bool sweeping;                /* (l) the sweep is under way, and holds the file */
    struct weft__message sweep;   /* "end what is unwanted", from one ring to the next */

    struct weft__acceptor *acceptor; /* (l) of a listener that is served; else NULL */
};

/* A handle for a descriptor that the caller has just got from the kernel; closed when there is no
 * memory for one. */
weft_fd weft__fd_take(int number);

/* What a call on @handle of a file or folder says: -EBADF where others say -ESRCH, but a negative
 * handle as it is. */
static inline int weft__fd_error(int64_t handle, int error)
{
    return error == -ESRCH && handle != -ESRCH ? -EBADF : error;
}

/* Holds the file open for an operation. NULL with *out_error -EBADF. */
struct weft__fd *weft__fd_hold(weft_fd handle, int *out_error);
void weft__fd_let_go(struct weft__fd *fd);

/* Runs @request on a held file, so that a close reaches it; -EBADF when one has ended it. */
int weft__fd_run(struct weft__fd *fd, const struct weft__request *request, weft_deadline until,
                 unsigned flags);

/* The same for a file that the caller does not hold yet; its number goes into request->fd. */
int weft__fd_call(weft_fd handle, struct weft__request *request, weft_deadline until,
                  unsigned flags);

/*
 * Asks the operations of a locked file whose fate is to be unwanted to end, each in the ring where
 * it is: those of this worker at once, the others by one message that goes from worker to worker.
 * It lies in the record and holds the file, so it takes no memory, and none is ever passed over.
 */
void weft__fd_sweep_locked(struct weft__fd *fd);

#endif

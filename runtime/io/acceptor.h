/*
 * Accepts that come again and again. weft_serve keeps one operation on its listener that takes a
 * connection each time one comes (a multishot accept), in place of one operation for each: it saves
 * a submission and a round of the worker's loop. What it takes goes to whoever waits, else into a
 * queue of the listener, from which every accept takes first.
 *
 * INVARIANT: while connections are queued no accept waits, neither in the line nor in a ring, and
 *   nobody who asks whether one is there. So no connection waits for a task while a task waits for
 *   a connection.
 *   It is armed only by one who holds the file alone: nobody else has an accept or a poll in a
 *   ring. While it is armed whoever accepts stands in a line, and in another whoever only asks
 *   whether there is one, under the same lock; its end sends those away to an operation of their
 *   own, which also finds out what ended it.
 * INVARIANT: what is armed holds the file, until its terminal completion. So a close asks it to end
 *   and waits for it, and only then closes what is queued.
 * BOUND queue: with WEFT__ACCEPTOR_QUEUED connections it is asked to end. Those that the kernel has
 *   taken by then still come, at most the backlog of the listener.
 */
#ifndef WEFT_IO_ACCEPTOR_H
#define WEFT_IO_ACCEPTOR_H

#include <weft/address.h>

#include "runtime/io/fd.h"

enum { WEFT__ACCEPTOR_QUEUED = 64 };

/* As weft_accept. @arms: the caller takes one after the other. */
weft_fd weft__acceptor_accept(weft_fd listener, weft_address *out_peer, bool arms,
                              weft_deadline until);

/*
 * Waits, as a poll for POLLIN does, while connections are taken ahead: the kernel's own readiness
 * does not know of those. Returns 0 when one is queued, -EAGAIN when the kernel is to be asked,
 * -ETIMEDOUT, -ECANCELED, -EBADF.
 */
int weft__acceptor_look(struct weft__fd *held, weft_deadline until);

/* Ends what is armed, and waits for that, whatever comes. For who won't take for a while. */
void weft__acceptor_end(weft_fd listener);

/* Closes what nobody has taken. Of a file that nobody uses; NULL is allowed. */
void weft__acceptor_free(struct weft__acceptor *acceptor);

#endif

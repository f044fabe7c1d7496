/*
 * Channels: typed by size, FIFO, from unbuffered to any depth, usable from all workers at once.
 * Messages are copied in and out. Hand-off is FIFO too: a message goes to the task that has waited
 * longest, and nobody who comes later can take it away. See weft-channels(7).
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/task.h>
#include <weft/time.h>

/* The depth of a channel that grows as it needs to. */
#define WEFT_UNBOUNDED (SIZE_MAX / 2)

/* The body of a task that fills a channel. Returns 0 when all went well, else a negative errno. */
typedef int (*weft_producer_fn)(weft_chan chan, void *argument);

WEFT_BEGIN

/*
 * weft_chan_create - makes a channel
 * @message_bytes: size of each message; 0 to 64 KiB (0: only the event counts)
 * @depth:     how many messages it holds; 0 is unbuffered: put and take meet; up to 2^24, and at
 *             most 1 GiB of messages; WEFT_UNBOUNDED: its buffer grows, to the same limits, and a
 *             put never waits
 * Returns:    the channel; end it with weft_chan_release
 * Errors:     -EINVAL for a size or depth out of range, -ENOMEM
 * Ownership:  the caller owns the channel
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one allocation when the buffer is larger than 64 bytes    Node: local
 * Since:      0.1    Source: Hoare, "Communicating sequential processes", 1978
 */
WEFT_API weft_chan weft_chan_create(size_t message_bytes, size_t depth);

/*
 * weft_chan_put - puts a message into a channel
 * A task that waits in take gets it directly; else it goes into the buffer; a full or unbuffered
 * channel makes the caller wait, first come first served.
 * @chan:      the channel
 * @message:   message_bytes to copy; may be NULL when that is 0
 * @until:     how long to wait
 * Returns:    0
 * Errors:     -EPIPE closed, or the error it was closed with; -ETIMEDOUT, -ECANCELED, -ESRCH,
 *             -EPERM when it would have to wait in a callback of the runtime, which must not; of an
 *             unbounded channel -ENOMEM, and -ENOBUFS at its limit
 * Ownership:  copied; message is borrowed until the return
 * Context:    any task, any thread    Suspends: until there is room or a taker
 * Cancel:     all or nothing: on an error nobody has got or will get the message
 * Ordering:   everything before the put happens-before the return of the take that gets the message
 * Cost:       no allocation, one lock, no system call unless a parked worker must be woken
 * Node:       none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_chan_put(weft_chan chan, const void *message, weft_deadline until);

/*
 * weft_chan_take - takes the oldest message out of a channel
 * Messages put before a close are still delivered.
 * @chan:      the channel
 * @out_message: room for message_bytes; untouched on error; may be NULL when that is 0
 * @until:     how long to wait
 * Returns:    0
 * Errors:     -EPIPE closed and drained, or the error it was closed with; -ETIMEDOUT, -ECANCELED,
 *             -ESRCH, -EPERM as weft_chan_put
 * Ownership:  copied out; out_message is borrowed until the return
 * Context:    any task, any thread    Suspends: until there is a message
 * Cancel:     all or nothing: an error never consumes a message
 * Ordering:   everything before the put happens-before this return
 * Cost:       as weft_chan_put    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_chan_take(weft_chan chan, void *out_message, weft_deadline until);

/*
 * weft_chan_next - takes messages until a channel is closed
 * For loops: while ((rc = weft_chan_next(jobs, &job, WEFT_NEVER)) > 0) ... Several loops share the
 * messages: each goes to one of them.
 * @chan:      the channel
 * @out_message: as weft_chan_take
 * @until:     how long to wait
 * Returns:    1 with a message; 0 when the channel is drained and was closed plainly (or with
 *             -EPIPE)
 * Errors:     the error that the channel was closed with, and those of weft_chan_take
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: until there is a message or the close
 * Cancel:     as weft_chan_take
 * Ordering:   as weft_chan_take
 * Cost:       as weft_chan_take    Node: none
 * Since:      0.1    Source: Julia's iteration over a channel
 */
WEFT_API WEFT_MUST_USE int weft_chan_next(weft_chan chan, void *out_message, weft_deadline until);

/*
 * weft_chan_fetch - copies the oldest message out of a channel and leaves it there
 * When there is none it waits for one; a message that comes is shown to all who wait in fetch, and
 * then goes to the task that has waited longest in take.
 * @chan:      the channel; not an unbuffered one, which holds no message
 * @out_message: as weft_chan_take
 * @until:     how long to wait
 * Returns:    0
 * Errors:     as weft_chan_take, and -EOPNOTSUPP for an unbuffered channel
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: until there is a message
 * Cancel:     the wait ends; nothing is consumed
 * Ordering:   everything before the put happens-before this return
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's fetch(channel)
 */
WEFT_API WEFT_MUST_USE int weft_chan_fetch(weft_chan chan, void *out_message, weft_deadline until);

/*
 * weft_chan_wait - waits until a channel has a message, and takes nothing
 * Another may have taken it when the caller runs. In an unbuffered channel a putter must wait.
 * @chan:      the channel
 * @until:     how long to wait
 * Returns:    0
 * Errors:     as weft_chan_take
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until there is a message
 * Cancel:     the wait ends
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's wait(channel)
 */
WEFT_API WEFT_MUST_USE int weft_chan_wait(weft_chan chan, weft_deadline until);

/*
 * weft_chan_put_many - puts messages one after another
 * Others' messages may come between them, 64 are put together at most.
 * @chan:      the channel
 * @messages:  count messages, one behind the other
 * @count:     how many; 0: nothing happens
 * @until:     how long to wait for all of them
 * Returns:    how many were put: fewer than count when an error came after the first
 * Errors:     as weft_chan_put, when not one was put
 * Ownership:  copied; messages are borrowed until the return
 * Context:    any task, any thread    Suspends: until there was room for all
 * Cancel:     what was put stays put, and is counted in the return
 * Ordering:   as weft_chan_put, for each
 * Cost:       one lock for 64 messages    Node: none
 * Since:      0.1    Source: Julia's append!(channel, items)
 */
WEFT_API WEFT_MUST_USE ssize_t weft_chan_put_many(weft_chan chan, const void *messages,
                                                  size_t count, weft_deadline until);

/*
 * weft_chan_take_many - takes messages one after another
 * With least equal to most it waits for all; with least 1 for the first, and takes what else is
 * there; with least 0 for none.
 * @chan:      the channel
 * @out_messages: room for most messages
 * @least:     how many to wait for; 0 to most
 * @most:      how many to take
 * @until:     how long to wait
 * Returns:    how many were taken: fewer than least when an error came after the first; 0 when
 *             least is 0 and there is none
 * Errors:     as weft_chan_take, when not one was taken; -EINVAL when least is above most
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: until least messages were taken
 * Cancel:     what was taken is counted in the return; nothing is lost
 * Ordering:   as weft_chan_take, for each
 * Cost:       one lock for 64 messages    Node: none
 * Since:      0.1    Source: Julia's take!(channel, n, buffer)
 */
WEFT_API WEFT_MUST_USE ssize_t weft_chan_take_many(weft_chan chan, void *out_messages, size_t least,
                                                   size_t most, weft_deadline until);

/*
 * weft_chan_ready - whether a channel has a message at this moment
 * @chan:      the channel
 * Returns:    1 when there is a message in the buffer or with a putter that waits, else 0; a
 *             snapshot, others may be faster
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's isready
 */
WEFT_API int weft_chan_ready(weft_chan chan);

/*
 * weft_chan_count - how many messages can be taken from a channel at this moment
 * @chan:      the channel
 * Returns:    those in the buffer and those of putters that wait; a snapshot
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     a putter that is cancelled counts no more
 * Ordering:   none
 * Cost:       one lock, and a look at each putter that waits    Node: none
 * Since:      0.1    Source: Julia's n_avail
 */
WEFT_API ssize_t weft_chan_count(weft_chan chan);

/*
 * weft_chan_full - whether a put would have to wait for a taker at this moment
 * @chan:      the channel
 * Returns:    1 when its buffer has no room, which an unbuffered channel's never has, else 0; 0 for
 *             an unbounded one, also at its limit; a snapshot, others may be faster
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's isfull
 */
WEFT_API int weft_chan_full(weft_chan chan);

/*
 * weft_chan_closed - whether a channel lets no more messages in
 * Those in its buffer can still be taken.
 * @chan:      the channel
 * Returns:    1 when it was closed, else 0
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   what the closer did happens-before a return of 1
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's isopen
 */
WEFT_API int weft_chan_closed(weft_chan chan);

/*
 * weft_chan_try_put - puts a message if that needs no waiting
 * @chan:      the channel
 * @message:   as weft_chan_put
 * Returns:    0
 * Errors:     -EAGAIN when it would have to wait, -EPIPE or the close error, -ESRCH
 * Ownership:  copied
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_chan_put
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_chan_try_put(weft_chan chan, const void *message);

/*
 * weft_chan_try_take - takes the oldest message if there is one
 * @chan:      the channel
 * @out_message: as weft_chan_take
 * Returns:    0
 * Errors:     -EAGAIN when it would have to wait, -EPIPE or the close error, -ESRCH
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_chan_take
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_chan_try_take(weft_chan chan, void *out_message);

/*
 * weft_chan_close - lets no more messages in
 * Tasks that wait in put get the error, their messages are not delivered. Messages in the buffer
 * can still be taken; then take gets the error. The first close counts, later ones change nothing.
 * @chan:      the channel
 * @error:     0 for a plain close (-EPIPE), or the negative errno that put and take shall return
 * Returns:    0, also when it was closed before
 * Errors:     -ESRCH, -EINVAL for a positive error
 * Ownership:  the handle stays valid until weft_chan_release
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   what the caller did happens-before a task sees the close
 * Cost:       one lock, and a wake for each waiting task    Node: none
 * Since:      0.1    Source: Julia's close(channel, error)
 */
WEFT_API int weft_chan_close(weft_chan chan, int error);

/*
 * weft_chan_bind - closes a channel when a task ends
 * When the task fails, the channel is closed with its error; when it ends well, plainly. A task
 * that has ended already closes it at once. A channel may be bound to several tasks: the first that
 * ends closes it. A task may have any number of channels.
 * @chan:      the channel
 * @task:      the task
 * Returns:    0
 * Errors:     -ESRCH, -ENOMEM, or the negative handle that one of the two is
 * Ownership:  unchanged; releasing the channel first is fine
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything the task did happens-before the close
 * Cost:       one small allocation    Node: local
 * Since:      0.1    Source: Julia's bind(channel, task)
 */
WEFT_API WEFT_MUST_USE int weft_chan_bind(weft_chan chan, weft_task task);

/*
 * weft_chan_produce - makes a channel and starts the task that fills it
 * The channel is closed when the producer ends, with its error when it failed. A consumer that has
 * seen enough releases the channel: the producer's put then says -EPIPE, later ones -ESRCH.
 * @scope:     the owner of the producer, as in weft_go
 * @fn:        the producer's body; not NULL
 * @argument:  handed to fn as it is
 * @message_bytes: as weft_chan_create
 * @depth:     as weft_chan_create
 * @out_task:  gets the producer; untouched on error; NULL: nobody asks
 * Returns:    the channel; end it with weft_chan_release
 * Errors:     as weft_chan_create and weft_go: then there is no producer either
 * Ownership:  the caller owns the channel; what argument points to must outlive the task
 * Context:    as weft_go    Suspends: never
 * Cancel:     as weft_go: born cancelled, the producer runs all the same, and its puts fail
 * Ordering:   what the caller did happens-before the body, what that did before the close
 * Cost:       as weft_chan_create, weft_go and weft_chan_bind    Node: local
 * Since:      0.1    Source: Julia's Channel(f)
 */
WEFT_API WEFT_MUST_USE weft_chan weft_chan_produce(weft_scope scope, weft_producer_fn fn,
                                                   void *argument, size_t message_bytes,
                                                   size_t depth, weft_task *out_task);

/*
 * weft_chan_release - ends a channel
 * Closes it first; tasks that wait on it get -EPIPE; messages in it are dropped. The handle is
 * stale afterwards.
 * @chan:      the channel
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the channel is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_chan_release(weft_chan chan);

WEFT_END

#endif

/*
 * Channels: typed by size, FIFO, from unbuffered to any depth, usable from all workers at once.
 * Messages are copied in and out. Hand-off is FIFO too: a message goes to the task that has waited
 * longest, and nobody who comes later can take it away. See weft-channels(7).
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_chan_create - makes a channel
 * @message_bytes: size of each message; 0 to 64 KiB (0: only the event counts)
 * @depth:     how many messages it holds; 0 is unbuffered: put and take meet; up to 2^24, and at
 *             most 1 GiB of messages
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
 *             -EPERM when it would have to wait in a callback of the runtime, which must not
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

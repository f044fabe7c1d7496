/*
 * A loop over the messages of a channel, divided among tasks: as many messages are worked on at a
 * time as there are tasks. For a stream of work whose length nobody knows; what is known goes into
 * a weft_for, which costs less.
 */
#ifndef WEFT_FOR_EACH_H
#define WEFT_FOR_EACH_H

#include <weft/base.h>
#include <weft/scope.h>

/* Does one message, which is its own to change. Returns 0 or more when all went well, else a
 * negative errno. */
typedef int (*weft_each_fn)(void *message, void *argument);

/*
 * @tasks:      how many; 0: one for each worker that is not interactive
 * @policy:     WEFT_FIRST_ERROR: the first failure keeps messages from being taken, and cancels the
 *              calls under way; WEFT_RUN_ALL: all messages are done whatever fails
 * @out_failed: how many calls have failed; NULL: nobody asks
 */
typedef struct weft_for_each_options {
    size_t size; /* sizeof(weft_for_each_options) */
    uint32_t tasks;
    weft_scope_policy policy;
    size_t *out_failed;
} weft_for_each_options;

#define WEFT_FOR_EACH_OPTIONS_INIT { sizeof(weft_for_each_options), 0, WEFT_FIRST_ERROR, NULL }
#ifndef __cplusplus
#define WEFT_FOR_EACH_OPTIONS(...) \
    ((weft_for_each_options){ .size = sizeof(weft_for_each_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_for_each - calls a function for each message of a channel until it is closed and drained
 * Others may take from the channel meanwhile, and loop over it: each message goes to one of them.
 * With one task, and on a thread that is no worker, messages are done in their order.
 * @chan:      the channel
 * @fn:        what to do with a message; it may wait
 * @argument:  handed to fn
 * @options:   NULL: a task for each worker that is not interactive, first error
 * Returns:    0 when the channel was closed plainly (or with -EPIPE) and all calls went well
 * Errors:     the first failure in time; the error that the channel was closed with; -ECANCELED
 *             when the task was cancelled; -ENOMEM when a task or room for its message could not be
 *             made: others may have done messages; -ESRCH for the channel and -EINVAL (size,
 *             policy, tasks above 65,536): nothing is done
 * Ownership:  argument stays the caller's; a message is in memory that lives until fn returns.
 *             Messages that were not taken stay in the channel
 * Context:    any task, any thread    Suspends: until the last call has returned
 * Cancel:     no message is taken any more; calls that wait end with -ECANCELED
 * Ordering:   the put of a message happens-before its call, and that before this return
 * Cost:       a spawn and an allocation for each task; a take for each message    Node: that of the
 *             task's worker
 * Since:      0.1    Source: Julia's Threads.foreach over a channel
 */
WEFT_API WEFT_MUST_USE int weft_for_each(weft_chan chan, weft_each_fn fn, void *argument,
                                         const weft_for_each_options *options);

WEFT_END

#endif

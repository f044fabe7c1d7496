/*
 * Blocking calls: functions that block their thread (a library's, a system call without an
 * asynchronous form, a long computation) run on helper threads while their tasks wait. See
 * weft-scheduling(7).
 */
#ifndef WEFT_BLOCKING_H
#define WEFT_BLOCKING_H

#include <weft/base.h>
#include <weft/time.h>

/*
 * Runs as in any thread, and may call all of weft that a thread may: channels, weft_go into a
 * scope, weft_wait, weft_call, printing; what waits there blocks the helper. It must return:
 * pthread_exit on a helper ends the process with a sentence, and a jump out of it (longjmp, a C++
 * exception) is undefined. Signals are blocked on a helper. What else it changes of its thread
 * (signal mask, priority, affinity) it puts back.
 */
typedef int64_t (*weft_blocking_fn)(void *argument);

/*
 * @cancel: asks a function that a helper has begun to return early; NULL: it is only waited for.
 *          See weft_blocking_call
 */
typedef struct weft_blocking_options {
    size_t size; /* sizeof(weft_blocking_options) */
    void (*cancel)(void *argument);
} weft_blocking_options;

#define WEFT_BLOCKING_OPTIONS_INIT { sizeof(weft_blocking_options), NULL }
#ifndef __cplusplus
#define WEFT_BLOCKING_OPTIONS(...) \
    ((weft_blocking_options){ .size = sizeof(weft_blocking_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_blocking_call - runs a function that blocks on a helper thread, while the task waits
 * A runtime has a bounded number of helpers (weft_runtime_options.helpers). When all are busy,
 * calls wait for one, first come first served. Deadline and cancel take a call that waits out of
 * the queue; its function never runs then. Once a helper has begun it, it is waited for, whatever
 * comes, because it may use the caller's memory: so argument and what it points to may lie on the
 * caller's stack, and results of any size go there. A deadline or cancel that finds it begun calls
 * options->cancel once, in the waiting task, while fn runs or has just ended: it makes fn return
 * soon, by a flag or by a byte for what it reads; the result is what fn then returns.
 * On a thread that is no worker fn runs in place: such a thread may block, and holds nobody up. So
 * it does inside of fn on a helper: a call from there takes no second one. In place the deadline
 * counts only before fn begins, and options->cancel is not called.
 * A helper that waits inside of fn is busy: when all of them wait for tasks that want a helper,
 * none goes on.
 * @fn:        the function; called once or not at all
 * @argument:  handed to fn and to cancel as it is
 * @options:   NULL for defaults
 * @until:     how long to wait for a helper; when it has passed, as WEFT_NOW has, fn does not run
 * Returns:    what fn returned; its errno stays on the helper, and the caller's is as it was
 * Errors:     fn's own; when fn did not run: -ETIMEDOUT, -ECANCELED, -EINVAL for a wrong size of
 *             the options, -EAGAIN or -ENOMEM when no helper runs and none can be started, -EPERM
 *             in a callback of the runtime, which must not wait
 * Ownership:  argument stays the caller's; fn and cancel have it until the return
 * Context:    any task, any thread    Suspends: until fn has returned
 * Cancel:     a call that no helper has begun leaves nothing behind; one that has begun is run to
 *             its end, and its result is never lost
 * Ordering:   everything before the call happens-before fn, and fn before the return
 * Cost:       no allocation; wakes a helper and then the worker, about 20 us when both sleep
 * Node:       none; helpers run on any CPU that the starter of the runtime may use
 * Since:      0.1    Source: Julia's @threadcall, libuv's uv_queue_work
 */
WEFT_API WEFT_MUST_USE int64_t weft_blocking_call(weft_blocking_fn fn, void *argument,
                                                  const weft_blocking_options *options,
                                                  weft_deadline until);

WEFT_END

#endif

/*
 * Scopes own tasks. A task is always spawned into a scope, and closing the scope waits for all of
 * them: no task outlives its owner, no error is lost. Cancel and deadline flow down from a scope to
 * its tasks and to the scopes that these have open.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

typedef enum weft_scope_policy {
    WEFT_FIRST_ERROR, /* the first task or spawn that fails cancels the others */
    WEFT_RUN_ALL      /* every task runs to its own end; servers use it */
} weft_scope_policy;

/*
 * @forget: 1: a task's record goes when it ends, not when the scope closes. For scopes with endless
 * many tasks: only the first 16 failures are kept, later ones are counted, and the handles of ended
 * tasks are stale.
 */
typedef struct weft_scope_options {
    size_t size; /* sizeof(weft_scope_options) */
    weft_scope_policy policy;
    int forget;
    weft_deadline until; /* at this time the scope is cancelled; not set: never */
} weft_scope_options;

#define WEFT_SCOPE_OPTIONS_INIT { sizeof(weft_scope_options), WEFT_FIRST_ERROR, 0, { 0 } }
#ifndef __cplusplus
#define WEFT_SCOPE_OPTIONS(...) \
    ((weft_scope_options){ .size = sizeof(weft_scope_options), __VA_ARGS__ })
#endif

/* The scope that belongs to the runtime: its tasks are detached, their records go when they end. */
#define WEFT_DETACHED ((weft_scope)0)

WEFT_BEGIN

/*
 * weft_scope_open - opens a scope that belongs to the running task
 * The scope is cancelled when the task is. A task that returns with an open scope has it cancelled
 * and joined, then the program ends with a sentence that names both sites.
 * @options:   NULL for first-error policy, no deadline
 * Returns:    the scope; close it with weft_scope_close
 * Errors:     -EPERM outside a task, -EINVAL for options of a wrong size or policy, -ENOMEM
 * Ownership:  the caller owns the scope until weft_scope_close; options are copied
 * Context:    any task    Suspends: never
 * Cancel:     in a cancelled task the scope is born cancelled
 * Ordering:   none
 * Cost:       no allocation in the steady state, no system call    Node: local
 * Since:      0.1    Source: structured concurrency as in Trio nurseries
 */
WEFT_API WEFT_MUST_USE weft_scope weft_scope_open(const weft_scope_options *options);

/*
 * weft_scope_join - waits until all tasks of a scope have ended
 * More tasks may be spawned afterwards, and joined again.
 * @scope:     a scope of the running task
 * @until:     how long to wait; the tasks are not harmed when it passes
 * Returns:    0 when all ended well, else the code of the first failure in time
 * Errors:     -ESRCH, -EPERM outside a task, -ETIMEDOUT, -ECANCELED when the caller was cancelled
 *             while waiting, or the first failure (a failed spawn counts as one, and so does the
 *             deadline of the scope, with -ETIMEDOUT, when it comes while tasks run)
 * Ownership:  unchanged
 * Context:    the task that opened it    Suspends: until the last task has ended
 * Cancel:     the wait ends; the tasks, cancelled too, are still owned by the scope
 * Ordering:   everything the tasks did happens-before this return
 * Cost:       no allocation, no system call unless it suspends    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_scope_join(weft_scope scope, weft_deadline until);

/*
 * weft_scope_close - waits until all tasks of a scope have ended, and ends the scope
 * Always waits for all and always releases, whatever happens. Handles of its tasks are stale
 * afterwards.
 * @scope:     a scope of the running task
 * Returns:    0 when all ended well, else the code of the first failure in time
 * Errors:     -ESRCH, -EPERM when another task opened it, or the first failure (as for
 *             weft_scope_join)
 * Ownership:  the scope and all records of its tasks are given back
 * Context:    the task that opened it    Suspends: until the last task has ended
 * Cancel:     neither cancel nor deadline ends this wait; both have reached the tasks
 * Ordering:   everything the tasks did happens-before this return
 * Cost:       no allocation, no system call unless it suspends    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_scope_close(weft_scope scope);

/*
 * weft_scope_cancel - asks all tasks of a scope, and all below them, to end
 * Each gets -ECANCELED from the call in which it waits, and from every waiting call after it.
 * Permanent and idempotent. Tasks spawned into the scope later are born cancelled.
 * @scope:     any scope; WEFT_DETACHED is the running runtime's root
 * Returns:    0, also when it was cancelled before
 * Errors:     -ESRCH, -EPERM for WEFT_DETACHED outside a runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect on the caller, unless it is in the scope
 * Ordering:   what the caller did happens-before a task sees -ECANCELED
 * Cost:       one message for each task that runs elsewhere    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_scope_cancel(weft_scope scope);

/*
 * weft_scope_error - one of the failures of a scope, in spawn order
 * A spawn that came to nothing stands where its task would; its error names no task. Those that
 * fail at nine or more places between tasks are only counted from the ninth on, and so are failures
 * beyond what a scope with forget keeps, and failed spawns of WEFT_DETACHED.
 * @scope:     an open scope; its tasks should have been joined, or more may come
 * @index:     0 for the failure that was spawned first
 * @out_error: room for it, made with WEFT_ERROR_INIT; untouched on error
 * Returns:    0
 * Errors:     -ESRCH, -EPERM for WEFT_DETACHED outside a runtime, -ENOENT when there are not that
 *             many, -EINVAL for a wrong size
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none beyond the join
 * Cost:       walks the tasks of the scope    Node: none
 * Since:      0.1    Source: Julia's CompositeException, which keeps registration order
 */
WEFT_API WEFT_MUST_USE int weft_scope_error(weft_scope scope, size_t index, weft_error *out_error);

/*
 * weft_scope_failures - how many tasks of a scope have failed so far
 * Failed spawns count; tasks that ended with -ECANCELED because their scope was cancelled do too.
 * @scope:     an open scope
 * Returns:    the count
 * Errors:     -ESRCH, -EPERM for WEFT_DETACHED outside a runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none beyond the join
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE ssize_t weft_scope_failures(weft_scope scope);

WEFT_END

#endif

/*
 * Tasks: functions that run side by side, each on a stack of its own, written as straight-line
 * blocking code. A task that waits costs no thread. A task may start on any worker; once started it
 * always resumes on the same one, so that thread-local data and errno's address stay its own
 * (weft_spawn_options.migratable opts out). See weft-scheduling(7).
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/place.h>
#include <weft/scope.h>
#include <weft/time.h>

/* A task's body. Returns 0 (or a count) when all went well, else a negative errno. */
typedef int (*weft_task_fn)(void *argument);

typedef enum weft_task_state {
    WEFT_TASK_FRESH = 1, /* spawned, not yet started */
    WEFT_TASK_READY,     /* can run, waits for its worker */
    WEFT_TASK_RUNNING,
    WEFT_TASK_WAITING, /* in a call that waits */
    WEFT_TASK_ENDED
} weft_task_state;

typedef enum weft_wait_all_kind {
    WEFT_ALL_ENDED,     /* until all have ended, well or not */
    WEFT_ALL_OR_FAILURE /* until all have ended, or one has failed */
} weft_wait_all_kind;

typedef struct weft_spawn_options {
    size_t size;      /* sizeof(weft_spawn_options) */
    const char *name; /* up to WEFT_NAME - 1 bytes, copied; NULL: none */
    weft_place place; /* where it starts */
    size_t
        stack_bytes;   /* 0: the runtime's default (64 KiB); rounded up to 16, 64, 256 KiB, 1 MiB */
    size_t copy_bytes; /* > 0: the argument points to so many bytes, which are copied */
    size_t result_bytes; /* room for weft_result_give; up to 1 GiB */
    int pinned;          /* 1: never stolen, starts where its place says */
    int migratable;      /* 1: may resume on another worker after a wait; see weft-scheduling(7) */
    int monitored;       /* 1: when it fails, the runtime's report is told; see weft-errors(7) */
    int held;            /* 1: does not run before weft_task_start, a cancel, or weft_scope_close */
} weft_spawn_options;

#define WEFT_SPAWN_OPTIONS_INIT                                                        \
    { sizeof(weft_spawn_options), NULL, { WEFT_PLACE_LOCAL, 0 }, 0, 0, 0, 0, 0, 0, 0 }
#ifndef __cplusplus
#define WEFT_SPAWN_OPTIONS(...) \
    ((weft_spawn_options){ .size = sizeof(weft_spawn_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_go - starts a task that gets a pointer
 * @scope:     the owner; WEFT_DETACHED for the runtime's root scope
 * @fn:        the body; not NULL
 * @argument:  handed to fn as it is
 * Returns:    the task; its handle is valid until the scope closes (detached: until it ends)
 * Errors:     -EPERM for WEFT_DETACHED outside a runtime, -ESRCH for a stale scope, -ENOMEM,
 *             -ESHUTDOWN while the runtime stops, or the negative scope itself. The scope notes a
 *             failure too, like that of a task: weft_scope_close reports it, and under
 *             WEFT_FIRST_ERROR it cancels the others
 * Ownership:  what argument points to stays the caller's and must outlive the task
 * Context:    any task; any thread when scope is a handle    Suspends: never
 * Cancel:     into a cancelled scope the task is born cancelled; its body runs all the same, so
 *             that it can give back what it was handed
 * Ordering:   what the caller did happens-before the body's first statement
 * Cost:       no allocation in the steady state, no system call unless a worker must be woken
 * Node:       record local; stack where it first runs
 * Since:      0.1    Source: original
 */
WEFT_API weft_task weft_go(weft_scope scope, weft_task_fn fn, void *argument);

/*
 * weft_go_copy - starts a task that gets a private copy of some bytes
 * @scope:     as weft_go
 * @fn:        the body; it gets a pointer to the copy, aligned to 16 bytes, valid until the task
 *             ends
 * @bytes:     what to copy; may be NULL when size is 0
 * @size:      0 to 1 GiB; up to 32 bytes need no allocation
 * Returns:    the task
 * Errors:     as weft_go, and -EINVAL for a size out of range
 * Ownership:  the copy is the task's
 * Context:    as weft_go    Suspends: never
 * Cancel:     as weft_go
 * Ordering:   as weft_go
 * Cost:       as weft_go, and an allocation above 32 bytes    Node: local
 * Since:      0.1    Source: the interpolation of Julia's @spawn
 */
WEFT_API weft_task weft_go_copy(weft_scope scope, weft_task_fn fn, const void *bytes, size_t size);

/*
 * weft_spawn - starts a task with options
 * @scope:     as weft_go
 * @fn:        the body; not NULL
 * @argument:  handed to fn, or copied when options->copy_bytes says so
 * @options:   made with WEFT_SPAWN_OPTIONS or WEFT_SPAWN_OPTIONS_INIT; NULL is weft_go
 * Returns:    the task
 * Errors:     as weft_go, and -EINVAL for a wrong size, an unknown place, a worker that is not
 *             there, a stack above 1 MiB, a copy or result above 1 GiB; for weft_place_together
 *             -EPERM outside a task, -EINVAL from a migratable one or into another runtime
 * Ownership:  options and name are copied
 * Context:    as weft_go    Suspends: never
 * Cancel:     as weft_go
 * Ordering:   as weft_go
 * Cost:       as weft_go, and an allocation for a name, a large copy or a result    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API weft_task weft_spawn(weft_scope scope, weft_task_fn fn, void *argument,
                              const weft_spawn_options *options);

/*
 * weft_task_start - starts a task that was spawned with held set
 * It is queued where its place says. Until then it is fresh, and may be waited for, bound and
 * cancelled like any other; a cancel starts it too, and so does the close of its scope, which waits
 * for all of its tasks (weft_scope_join does not).
 * @task:      the task
 * Returns:    0
 * Errors:     -EALREADY when it is no held one, was started, or has been cancelled; -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   what the caller did happens-before the body's first statement
 * Cost:       as weft_go    Node: none
 * Since:      0.1    Source: Julia's schedule
 */
WEFT_API WEFT_MUST_USE int weft_task_start(weft_task task);

/*
 * weft_wait - waits until a task has ended, and returns what its body returned
 * Any number of tasks may wait, any number of times. To tell an error of the wait from the task's
 * own, ask weft_task_state_of: the task has ended, or it has not.
 * @task:      any task but the running one
 * @until:     how long to wait; the task is not harmed when it passes
 * Returns:    the result of the task's body
 * Errors:     -ESRCH (scope closed or detached task ended), -EDEADLK for the running task,
 *             -EPERM in a callback of the runtime, -ETIMEDOUT, -ECANCELED, or the task's own
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until the task has ended
 * Cancel:     the wait ends; the task is not harmed
 * Ordering:   everything the task did happens-before this return
 * Cost:       no allocation, no system call unless it suspends    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_wait(weft_task task, weft_deadline until);

/*
 * weft_wait_all - waits until several tasks have ended, or one of them has failed
 * A task may stand in the list more than once.
 * @tasks:     the tasks; not NULL unless count is 0
 * @count:     how many; 0 returns at once
 * @goal: WEFT_ALL_ENDED waits for all, WEFT_ALL_OR_FAILURE returns as soon as one has failed
 * @out_ended: room for count bytes, each set to 1 when the task in its place has ended by the
 *             return, else to 0; NULL: nobody asks. Untouched on errors of the call itself
 * @until:     how long to wait; the tasks are not harmed when it passes
 * Returns:    0 when all ended well
 * Errors:     the result of the first in the list that has failed; -ETIMEDOUT, -ECANCELED (all
 *             these with out_ended); errors of the call itself: -ESRCH or the negative handle,
 *             -EDEADLK for the running task, -EINVAL for an unknown goal or a count above
 *             2^24, -ENOMEM, -EPERM in a callback of the runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until the last one has ended, or one has failed
 * Cancel:     the wait ends; the tasks are not harmed
 * Ordering:   everything that a task did which has ended happens-before this return
 * Cost:       above 16 tasks one allocation; one lock for each task before the wait, one after
 * Node:       none
 * Since:      0.1    Source: Julia's waitall
 */
WEFT_API WEFT_MUST_USE int weft_wait_all(const weft_task *tasks, size_t count,
                                         weft_wait_all_kind goal, unsigned char *out_ended,
                                         weft_deadline until);

/*
 * weft_fetch - waits until a task has ended, and copies the bytes that it handed over
 * @task:      any task but the running one
 * @out_bytes: room for size bytes; untouched on error
 * @size:      must be what the task gave
 * @until:     as weft_wait
 * Returns:    0
 * Errors:     as weft_wait; the task's own error when its body failed; -ENODATA when it gave
 *             nothing, -EMSGSIZE when it gave another size
 * Ownership:  copied out; the bytes stay with the task for others to fetch
 * Context:    any task, any thread    Suspends: until the task has ended
 * Cancel:     the wait ends; nothing is consumed
 * Ordering:   everything the task did happens-before this return
 * Cost:       one copy    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_fetch(weft_task task, void *out_bytes, size_t size,
                                      weft_deadline until);

/*
 * weft_result_give - hands the running task's result bytes over to those who fetch
 * The last call before the task ends counts.
 * @bytes:     the result
 * @size:      at most the result_bytes of the spawn options
 * Returns:    0
 * Errors:     -EPERM outside a task, -ENOBUFS when size is larger than the room asked for at spawn,
 *             -ENOMEM (size 0, and no room was asked for), -EBUSY in a forked child, and while
 *             something is forked and not joined
 * Ownership:  copied
 * Context:    any task    Suspends: never
 * Cancel:     no effect
 * Ordering:   visible to whoever sees the task ended
 * Cost:       one copy    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_result_give(const void *bytes, size_t size);

/*
 * weft_release - gives a task's handle up before its scope closes
 * The task runs on. Its record goes when it has ended; a failure of it still counts in the scope.
 * @task:      a task; its handle is stale afterwards
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the handle is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_release(weft_task task);

/*
 * weft_yield - lets other tasks of this worker run
 * Returns at once when there is none. I/O and timers are served at least every 61 switches or
 * 100 us of them. errno is not preserved across it, as it is across calls that wait.
 * Returns:    0
 * Errors:     -ECANCELED when the task is cancelled (it has yielded all the same), -EPERM outside a
 *             task
 * Ownership:  none
 * Context:    any task    Suspends: until its turn comes again
 * Cancel:     tells, see Errors
 * Ordering:   none with other workers
 * Cost:       one switch, about 7 ns    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_yield(void);

/*
 * weft_yield_to - lets a given task of this worker run next
 * The caller goes behind all that are ready here, as with weft_yield; the other one goes before
 * them. It must be ready or fresh on this worker, which it is for certain when it was spawned with
 * weft_place_together and does not wait. Once in 61 times the one that is ready longest goes before
 * it, so that two that hand over to each other don't keep the rest from running; I/O and timers are
 * served as with weft_yield.
 * @task:      any task but the running one
 * Returns:    0 when the caller's turn has come again
 * Errors:     -ECANCELED when the caller is cancelled (it has handed over all the same); and, with
 *             nothing done, -ESRCH (stale, or it has ended), -EDEADLK for the running task, -EXDEV
 *             when it is at home on another worker, -EAGAIN when it waits, is still on its way to
 *             this worker, or may be taken by another one (fresh for long, or migratable), -EPERM
 *             outside a task
 * Ownership:  unchanged
 * Context:    any task    Suspends: until its turn comes again
 * Cancel:     tells, see Errors
 * Ordering:   what the caller did happens-before what the other one does next
 * Cost:       one switch, and a look at each task that is ready before it    Node: none
 * Since:      0.1    Source: Julia's yield(task)
 */
WEFT_API WEFT_MUST_USE int weft_yield_to(weft_task task);

/*
 * weft_poll - the poll point for long computations
 * Yields only when something waits for this worker. Call it every few microseconds of a loop that
 * neither waits nor yields: a started task, its I/O and its timers stay on their worker, and wait
 * while another task computes there.
 * Returns:    0
 * Errors:     -ECANCELED when the task is cancelled, -EPERM outside a task
 * Ownership:  none
 * Context:    any task    Suspends: only when other work is there
 * Cancel:     tells, see Errors
 * Ordering:   none
 * Cost:       three loads and a cycle counter, about 10 ns, when nothing waits    Node: none
 * Since:      0.1    Source: Glommio's preempt check
 */
WEFT_API int weft_poll(void);

/*
 * weft_sleep - waits until a point in time
 * @until:     never early; late by the resolution of the timer wheel (524 us) and by what runs on
 *             this worker
 * Returns:    0 when the time has come
 * Errors:     -ECANCELED, -EPERM in a callback of the runtime, -EINVAL for WEFT_NEVER
 * Ownership:  none
 * Context:    any task, any thread    Suspends: until then
 * Cancel:     the sleep ends at once
 * Ordering:   none
 * Cost:       no allocation, no system call of its own    Node: none
 * Since:      0.1    Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987
 */
WEFT_API WEFT_MUST_USE int weft_sleep(weft_deadline until);

/*
 * weft_cancel - asks one task, and the scopes it has open, to end
 * It gets -ECANCELED from the call in which it waits and from every waiting call after it. What the
 * kernel has begun is asked to end but waited for: memory is never abandoned to it.
 * @task:      any task, also one that has not started: its body runs and meets -ECANCELED
 * Returns:    0, also when it was cancelled before
 * Errors:     -ESRCH, also when it has ended
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     a task may cancel itself
 * Ordering:   what the caller did happens-before the task sees -ECANCELED
 * Cost:       one message when the task belongs to another worker    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_cancel(weft_task task);

/*
 * weft_canceled - whether the running task has been asked to end
 * Returns:    1 when it has, else 0; 0 outside a task
 * Errors:     none
 * Ownership:  none
 * Context:    any task    Suspends: never
 * Cancel:     tells
 * Ordering:   what the canceller did happens-before a return of 1
 * Cost:       one load    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_canceled(void);

/*
 * weft_self - the running task
 * Returns:    its handle
 * Errors:     -EPERM outside a task
 * Ownership:  lent: valid while the task runs
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       two loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API weft_task weft_self(void);

/*
 * weft_task_state_of - what a task is doing at this moment
 * @task:      any task
 * Returns:    a weft_task_state; a snapshot that may be old when it arrives, except ENDED
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything the task did happens-before a return of WEFT_TASK_ENDED
 * Cost:       a few loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_task_state_of(weft_task task);

/*
 * weft_task_name_of - the name of a task
 * @task:      any task
 * @out_name:  room for WEFT_NAME bytes; "" when it has none; untouched on error
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one copy    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_task_name_of(weft_task task, char out_name[WEFT_NAME]);

/*
 * weft_task_error_of - the error object of a task that has ended
 * @task:      a task that has ended
 * @out_error: room for it, made with WEFT_ERROR_INIT; its code is 0 when the task ended well;
 *             untouched on error
 * Returns:    0
 * Errors:     -ESRCH, -EBUSY when it has not ended, -EINVAL for a wrong size
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none beyond the wait
 * Cost:       one copy    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_task_error_of(weft_task task, weft_error *out_error);

WEFT_END

#endif

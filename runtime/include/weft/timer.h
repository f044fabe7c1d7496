/*
 * Timers: points in time that come once or again and again, for any number of tasks to wait for,
 * alone or in a select. Nothing runs when a timer's time comes but the tasks that wait for it. A
 * single wait with a limit needs no timer: every call that waits takes a deadline.
 */
#ifndef WEFT_TIMER_H
#define WEFT_TIMER_H

#include <weft/base.h>
#include <weft/task.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_timer_create - makes a timer
 * @first:     when it comes first; WEFT_NEVER: not before it is set
 * @interval_ns: nanoseconds from one tick to the next, counted from first, so that delays do not
 *             add up; 0: it comes once
 * Returns:    the timer; end it with weft_timer_release
 * Errors:     -EINVAL for a negative interval, -ENOMEM
 * Ownership:  the caller owns the timer
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       no allocation in the steady state, and nothing while nobody waits    Node: local
 * Since:      0.1    Source: Julia's Timer; timerfd_create(2)
 */
WEFT_API weft_timer weft_timer_create(weft_deadline first, int64_t interval_ns);

/*
 * weft_timer_wait - waits for a timer
 * The ticks of one with an interval go to one waiter each time: it gets all that have come since
 * somebody was last told. One that comes once lets everybody go on, also who comes later.
 * @timer:     the timer
 * @until:     how long to wait
 * Returns:    how many ticks have come; at least 1
 * Errors:     -EPIPE when it is released meanwhile, -ETIMEDOUT, -ECANCELED, -ESRCH, -EPERM in a
 *             callback of the runtime, when it would have to wait
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until a tick
 * Cancel:     the wait ends; no tick is lost
 * Ordering:   what was done before weft_timer_set happens-before this return
 * Cost:       one lock; never early, late as weft_sleep    Node: none
 * Since:      0.1    Source: read(2) of a timerfd
 */
WEFT_API WEFT_MUST_USE int64_t weft_timer_wait(weft_timer timer, weft_deadline until);

/*
 * weft_timer_set - sets a timer anew
 * Ticks that nobody was told of are forgotten. Those who wait go on, for the new time.
 * @timer:     the timer
 * @first:     as weft_timer_create; WEFT_NEVER stops it
 * @interval_ns: as weft_timer_create
 * Returns:    0
 * Errors:     -EINVAL for a negative interval, -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   see weft_timer_wait
 * Cost:       one lock, and a wake for each who waits    Node: none
 * Since:      0.1    Source: timerfd_settime(2)
 */
WEFT_API WEFT_MUST_USE int weft_timer_set(weft_timer timer, weft_deadline first,
                                          int64_t interval_ns);

/*
 * weft_timer_release - ends a timer
 * Who waits for it gets -EPIPE. The handle is stale afterwards.
 * @timer:     the timer
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the timer is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's close(timer)
 */
WEFT_API int weft_timer_release(weft_timer timer);

/*
 * weft_timer_go - starts a task that calls a function at points in time
 * Once, or again and again until the function returns other than 0 or the task is cancelled. A tick
 * that comes while the function runs is made up for at once, several of them by one call.
 * @scope:     the owner of the task, as weft_go
 * @first:     when it is called first; not WEFT_NEVER
 * @interval_ns: nanoseconds from one tick to the next; 0: it is called once
 * @fn:        what is called; it may wait
 * @argument:  handed to fn as it is
 * Returns:    the task; its result is 0, the negative result of fn, or -ECANCELED. Once weft_cancel
 *             and weft_wait have returned, no call is running or will begin
 * Errors:     as weft_go, and -EINVAL for a negative interval or WEFT_NEVER
 * Ownership:  what argument points to must outlive the task
 * Context:    as weft_go    Suspends: never
 * Cancel:     ends the task, also between two calls
 * Ordering:   as weft_go
 * Cost:       as weft_go; each tick one wait    Node: as weft_go
 * Since:      0.1    Source: Julia's Timer(callback)
 */
WEFT_API weft_task weft_timer_go(weft_scope scope, weft_deadline first, int64_t interval_ns,
                                 weft_task_fn fn, void *argument);

WEFT_END

#endif

/*
 * Waiting for the first of several things: messages and room in channels, ends of tasks, points in
 * time, timers, events, futures. A select does exactly one of its cases, or none. See
 * weft-channels(7).
 */
#ifndef WEFT_SELECT_H
#define WEFT_SELECT_H

#include <weft/base.h>
#include <weft/time.h>

typedef enum weft_case_kind {
    WEFT_CASE_KIND_OFF, /* never happens: for a case that does not count just now */
    WEFT_CASE_KIND_PUT,
    WEFT_CASE_KIND_TAKE,
    WEFT_CASE_KIND_FETCH,
    WEFT_CASE_KIND_TASK,
    WEFT_CASE_KIND_AT,
    WEFT_CASE_KIND_TIMER,
    WEFT_CASE_KIND_EVENT,
    WEFT_CASE_KIND_FUTURE
} weft_case_kind;

/* One thing that a select waits for; made by one of the macros below. */
typedef struct weft_case {
    weft_case_kind kind;
    int result;       /* of the case that select returned: what the call of its own returns */
    int64_t object;   /* the channel, task, timer or future; or nanoseconds, as in weft_deadline */
    void *pointer;    /* the message or value, or room for it; the event */
    uint64_t room[8]; /* the runtime's, while select waits */
} weft_case;

#ifdef __cplusplus
#define WEFT_CASE(kind, object, pointer) \
    (weft_case{ (kind), 0, (object), (void *)(uintptr_t)(pointer), { 0 } })
#else
#define WEFT_CASE(kind, object, pointer) \
    ((weft_case){ (kind), 0, (object), (void *)(uintptr_t)(pointer), { 0 } })
#endif

/* Never happens: takes the place of a case that does not count just now. */
#define WEFT_CASE_OFF WEFT_CASE(WEFT_CASE_KIND_OFF, 0, 0)
/* As weft_chan_put. */
#define WEFT_CASE_PUT(chan, message) WEFT_CASE(WEFT_CASE_KIND_PUT, chan, message)
/* As weft_chan_take. */
#define WEFT_CASE_TAKE(chan, out_message) WEFT_CASE(WEFT_CASE_KIND_TAKE, chan, out_message)
/* As weft_chan_fetch. */
#define WEFT_CASE_FETCH(chan, out_message) WEFT_CASE(WEFT_CASE_KIND_FETCH, chan, out_message)
/* As weft_wait: the task has ended. */
#define WEFT_CASE_TASK(task) WEFT_CASE(WEFT_CASE_KIND_TASK, task, 0)
/* As weft_sleep: the deadline has come. */
#define WEFT_CASE_AT(until) WEFT_CASE(WEFT_CASE_KIND_AT, (until).ns, 0)
/* As weft_timer_wait. */
#define WEFT_CASE_TIMER(timer) WEFT_CASE(WEFT_CASE_KIND_TIMER, timer, 0)
/* As weft_event_wait; a pointer to the event. */
#define WEFT_CASE_EVENT(event) WEFT_CASE(WEFT_CASE_KIND_EVENT, 0, event)
/* As weft_future_fetch; out_value may be NULL. */
#define WEFT_CASE_FUTURE(future, out_value) WEFT_CASE(WEFT_CASE_KIND_FUTURE, future, out_value)

WEFT_BEGIN

/*
 * weft_select - waits for the first of several cases, and does that one
 * When several can be done at once, each is as likely as another. The others are left as if they
 * had never been tried: nothing is put, nothing is taken. A channel, task, timer, event or future
 * may stand in several cases; a put and a take of one select on the same channel do not meet each
 * other.
 * @cases:     what to wait for; result of the case that was done is set: what its call of its own
 *             returns (0, the close error of a channel, -ESRCH for a stale handle, the result of a
 *             task, -EDEADLK for the running task; the count of ticks of a timer)
 * @count:     how many; with none, or with WEFT_CASE_OFF alone, it waits for until and the cancel
 * @until:     how long to wait; WEFT_NOW looks once
 * Returns:    the index of the case that was done
 * Errors:     -ETIMEDOUT, -ECANCELED, -EINVAL for a kind that there is not, -EPERM in a callback of
 *             the runtime, when it would have to wait
 * Ownership:  cases are borrowed until the return, and must not be touched by others meanwhile
 * Context:    any task, any thread    Suspends: until one can be done
 * Cancel:     all or nothing: on an error none was done
 * Ordering:   as the case that was done
 * Cost:       a look at each case, one lock when one is ready; two locks a case when it waits; no
 *             allocation
 * Node:       none
 * Since:      0.1    Source: Pike's select in Newsqueak, 1989; Go's, without its lock of all
 */
WEFT_API WEFT_MUST_USE ssize_t weft_select(weft_case *cases, size_t count, weft_deadline until);

/*
 * weft_try_select - does one of several cases if that needs no waiting
 * @cases:     as weft_select
 * @count:     how many
 * Returns:    the index of the case that was done
 * Errors:     -EAGAIN when none could be done, -EINVAL as weft_select
 * Ownership:  as weft_select
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as the case that was done
 * Cost:       a look at each case, and one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE ssize_t weft_try_select(weft_case *cases, size_t count);

/*
 * weft_wait_any - waits until one of several tasks has ended
 * When several have, each is as likely as another.
 * @tasks:     the tasks; one may be there twice
 * @count:     how many; at least 1
 * @until:     how long to wait
 * Returns:    the index of a task that has ended, or whose handle is stale: weft_wait tells
 * Errors:     -ETIMEDOUT, -ECANCELED, -EINVAL for none, -ENOMEM, -EPERM as weft_select
 * Ownership:  tasks is borrowed until the return
 * Context:    any task, any thread    Suspends: until one has ended
 * Cancel:     the wait ends; no task is harmed
 * Ordering:   everything that the task did happens-before this return
 * Cost:       as weft_select; an allocation above 8 tasks    Node: local
 * Since:      0.1    Source: Julia's waitany
 */
WEFT_API WEFT_MUST_USE ssize_t weft_wait_any(const weft_task *tasks, size_t count,
                                             weft_deadline until);

WEFT_END

#endif

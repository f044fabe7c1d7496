/*
 * Delays and retries: doing something again that has failed for a while, later and later; and
 * looking at something again and again until it holds.
 * The delays are those of Julia's ExponentialBackOff: the first as given, each further one the last
 * times factor, spread by jitter, none above the largest.
 */
#ifndef WEFT_RETRY_H
#define WEFT_RETRY_H

#include <weft/base.h>
#include <weft/task.h>
#include <weft/time.h>

/*
 * In all of them 0 stands for the default.
 * @count:    how many delays there are, so many tries more than the first; by default 4
 * @first_ns: the first delay, cut to max_ns; by default 50 ms
 * @max_ns:   no delay is longer; by default 10 s
 * @factor:   from one delay to the next, 1 or more; by default 5
 * @jitter:   up to 1, or WEFT_JITTER_NONE: each delay after the first is multiplied by a random
 *            number from 1 - jitter to 1 + jitter, so that many that failed together don't come
 *            back together; by default 0.1
 * @seed:     of the random numbers: the same seed gives the same delays; by default another one
 *            each time
 */
typedef struct weft_delay_options {
    size_t size; /* sizeof(weft_delay_options) */
    uint32_t count;
    int64_t first_ns;
    int64_t max_ns;
    double factor;
    double jitter;
    uint64_t seed;
} weft_delay_options;

#define WEFT_JITTER_NONE (-1.0) /* the delays are exact */

#define WEFT_DELAY_OPTIONS_INIT { sizeof(weft_delay_options), 0, 0, 0, 0, 0, 0 }
#ifndef __cplusplus
#define WEFT_DELAY_OPTIONS(...) \
    ((weft_delay_options){ .size = sizeof(weft_delay_options), __VA_ARGS__ })
#endif

/* A row of delays, in the caller's storage; its members are the library's. */
typedef struct weft_delays {
    uint32_t left;
    int64_t next_ns;
    int64_t max_ns;
    double factor;
    double jitter;
    uint64_t random;
} weft_delays;

/*
 * @delays:       between the tries; NULL for the defaults
 * @should_retry: called with each failure before its delay; 0: it is final. NULL: none is
 * @context:      handed to should_retry
 */
typedef struct weft_retry_options {
    size_t size; /* sizeof(weft_retry_options) */
    const weft_delay_options *delays;
    int (*should_retry)(void *context, int failure, uint32_t tries);
    void *context;
} weft_retry_options;

/* Whether something holds: 1 or more when it does, 0 when not, negative to give up. */
typedef int (*weft_predicate_fn)(void *context);

#define WEFT_RETRY_OPTIONS_INIT { sizeof(weft_retry_options), NULL, NULL, NULL }
#ifndef __cplusplus
#define WEFT_RETRY_OPTIONS(...) \
    ((weft_retry_options){ .size = sizeof(weft_retry_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_delays_init - begins a row of delays
 * @delays:    the caller's storage; needs no end; untouched on error; not NULL
 * @options:   NULL for the defaults
 * Returns:    0
 * Errors:     -EINVAL for a wrong size, a negative time, a factor below 1, another jitter
 * Ownership:  the storage stays the caller's; options are copied
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: Julia's ExponentialBackOff
 */
WEFT_API WEFT_MUST_USE int weft_delays_init(weft_delays *delays, const weft_delay_options *options);

/*
 * weft_delays_next - takes the next delay of a row
 * @delays:    a row that weft_delays_init has begun; not NULL
 * Returns:    nanoseconds, 0 or more
 * Errors:     -ENODATA when there are no more
 * Ownership:  unchanged
 * Context:    anywhere; one caller at a time    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: as weft_delays_init
 */
WEFT_API int64_t weft_delays_next(weft_delays *delays);

/*
 * weft_retry - calls a function until it does not fail, with delays between the tries
 * -ECANCELED is never tried again: who was asked to end shall not go on. The first try is made
 * whatever the deadline; a try whose delay would end after it is not made.
 * @fn:        what to do; not NULL
 * @argument:  handed to fn
 * @options:   NULL for the default delays and any failure
 * @until:     the deadline of the delays; fn has to keep it by itself
 * Returns:    what fn returned when it did not fail
 * Errors:     what fn returned the last time: when its failure was final, the delays were used up
 *             or the deadline was too near; -ECANCELED when a delay was ended by a cancel; -EINVAL
 *             for options of a wrong size or as weft_delays_init, -EPERM in a callback of the
 *             runtime, fn not called
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: for the delays, and where fn does
 * Cancel:     ends a delay at once
 * Ordering:   none
 * Cost:       one timer for each delay    Node: none
 * Since:      0.1    Source: Julia's retry
 */
WEFT_API WEFT_MUST_USE int weft_retry(weft_task_fn fn, void *argument,
                                      const weft_retry_options *options, weft_deadline until);

/*
 * weft_wait_until - waits until something holds that can only be looked at
 * Looks at once, then every so often, and once more when the deadline has come. What can tell of
 * itself is better waited for: a channel, an event, a condition, a descriptor (weft_fd_poll).
 * @holds:     looks; not NULL
 * @context:   handed to holds
 * @poll_ns:   from one look to the next; 1 ms or more
 * @until:     how long to wait; WEFT_NOW looks once
 * Returns:    what holds has returned, 1 or more
 * Errors:     -ETIMEDOUT, -ECANCELED, -EINVAL for a shorter poll_ns, -EPERM in a callback of the
 *             runtime; or what holds has returned, when negative
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: from one look to the next, and where holds does
 * Cancel:     ends the wait; a task cancelled before does not look
 * Ordering:   none
 * Cost:       one timer for each look    Node: none
 * Since:      0.1    Source: Julia's timedwait
 */
WEFT_API WEFT_MUST_USE int weft_wait_until(weft_predicate_fn holds, void *context, int64_t poll_ns,
                                           weft_deadline until);

WEFT_END

#endif

/*
 * Timers are passive: first tick and interval, under the lock of the record. Who waits has a
 * deadline of its own at the next tick, on its own worker's wheel; nothing has to be armed, moved
 * or disarmed across workers, and a timer for which nobody waits costs nothing.
 *
 * Invariant: who stands in line waits for next_ns as it was when it lined up. Only set changes what
 * is to come to an earlier time, and it wakes them all; a tick that another has taken only makes
 * the next one later, and who wakes for nothing lines up again.
 *
 * REJECTED a timer armed on the wheel of the worker that made it: closing it from elsewhere needs a
 * message to that worker and an answer, and it would come late while that worker computes.
 */
#ifndef WEFT_SYNC_TIMER_H
#define WEFT_SYNC_TIMER_H

#include <weft/timer.h>

#include "runtime/sync/line.h"
#include "runtime/task/record.h"

enum { WEFT__TIMER_SET = 0 }; /* the result of a waiter that is to look anew */

struct weft__ticker {
    struct weft__record record;
    _Atomic int64_t next_ns; /* (l) the first tick that nobody was told of */
    int64_t interval_ns;     /* (l) 0: it comes once */
    struct weft__line line;  /* (l) */
};

/* The locked timer behind a handle; NULL with *out_error. */
static inline struct weft__ticker *weft__timer_lock(weft_timer timer, int *out_error)
{
    struct weft__record *record = weft__record_lock(timer, WEFT__KIND_TIMER, out_error);
    return record != NULL ? WEFT__CONTAINER(record, struct weft__ticker, record) : NULL;
}

/* Takes the ticks that have come. How many; 0: none yet. */
int64_t weft__timer_take_locked(struct weft__ticker *ticker, int64_t now);

/* When a timer comes first: what counts as now is the time of the call. */
weft_deadline weft__timer_first(weft_deadline first);

/* What a call with a wrong interval is told. */
int weft__timer_refusal(void);

#endif

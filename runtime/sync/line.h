/*
 * Lines: who waits for an object, first come first served. A waiter lives on the stack of the task
 * or thread that waits; the lock of the object guards the line. One wait may stand in several lines
 * (select), then its waiters share one ticket, and whoever claims it first ends it for all.
 *
 * STATE waiter: standing -> claimed, by a partner under the lock of the object: its wait is over,
 * result says how; standing -> passed over, by a partner who found its wait ended already (by a
 * deadline, a cancel, another line); standing -> left, by itself, under the lock. Terminal: all but
 * standing. Claimed and passed over are out of the line; a claimed one is the partner's until it is
 * woken.
 */
#ifndef WEFT_SYNC_LINE_H
#define WEFT_SYNC_LINE_H

#include "runtime/sched/park.h"

enum { WEFT__LINE_UNSERVED = 1 }; /* the result of a waiter that was not claimed */

struct weft__line;

struct weft__waiter {
    struct weft__waiter *next;
    struct weft__waiter *previous;
    struct weft__line *line; /* where it stands; NULL: nowhere */
    struct weft__ticket ticket;
    void *message; /* what is handed over: the object's business */
    int result;    /* set by whoever claims it; 0 or negative */
};

struct weft__line {
    _Atomic(struct weft__waiter *) first; /* (l) whoever peeks may load it without the lock */
    struct weft__waiter *last;            /* (l) */
};

static inline void weft__line_init(struct weft__line *line)
{
    weft__store_relaxed(&line->first, NULL);
    line->last = NULL;
}

static inline struct weft__waiter *weft__line_first(const struct weft__line *line)
{
    return weft__load_relaxed(&line->first);
}

/* Puts @waiter at the end. */
static inline void weft__line_append(struct weft__line *line, struct weft__waiter *waiter)
{
    struct weft__waiter *last = line->last;

    waiter->next = NULL;
    waiter->previous = last;
    waiter->line = line;
    line->last = waiter;
    if (weft__line_first(line) == NULL)
        weft__store_relaxed(&line->first, waiter);
    else
        last->next = waiter;
}

/* Puts @waiter first: one that stood first already, and got nothing. */
static inline void weft__line_prepend(struct weft__line *line, struct weft__waiter *waiter)
{
    struct weft__waiter *first = weft__line_first(line);

    waiter->next = first;
    waiter->previous = NULL;
    waiter->line = line;
    weft__store_relaxed(&line->first, waiter);
    if (first == NULL)
        line->last = waiter;
    else
        first->previous = waiter;
}

/* Takes @waiter out of the line in which it stands. */
static inline void weft__line_remove(struct weft__waiter *waiter)
{
    struct weft__line *line = waiter->line;

    if (weft__line_first(line) == waiter)
        weft__store_relaxed(&line->first, waiter->next);
    else
        waiter->previous->next = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    else
        line->last = waiter->previous;
    waiter->line = NULL;
}

/* The waiter that has stood longest and could be claimed, out of the line; NULL: none. The caller
 * sets its result, and wakes it once the object's lock is free. */
static inline struct weft__waiter *weft__line_claim(struct weft__line *line)
{
    struct weft__waiter *waiter;

    while ((waiter = weft__line_first(line)) != NULL) {
        weft__line_remove(waiter);
        if (WEFT__LIKELY(weft__park_claim(waiter->ticket, WEFT__WAIT_WOKEN)))
            return waiter;
    }
    return NULL;
}

/* Wakes one claimed waiter; NULL: none. */
static inline void weft__line_wake(struct weft__worker *worker, struct weft__waiter *waiter)
{
    if (waiter != NULL)
        weft__park_ready(worker, waiter->ticket.task);
}

/* Claims up to @most waiters, each with @result: a list by next, in order. */
struct weft__waiter *weft__line_claim_many(struct weft__line *line, size_t most, int result);

/* Wakes such a list, so that those of one worker run in its order. Returns how many there were. */
size_t weft__line_wake_many(struct weft__worker *worker, struct weft__waiter *waiters);

#endif

/* How threads that are no workers wait for what tasks wait for; see thread.c. */
#ifndef WEFT_SCHED_THREAD_H
#define WEFT_SCHED_THREAD_H

#include "runtime/sched/park.h"

/* The record of the calling thread, which is no worker; made at the first call. NULL: no memory, or
 * the child of a fork. */
struct weft__task *weft__thread_self(void);

/* The same if there is one already, else NULL. */
struct weft__task *weft__thread_known(void);

/* Sleeps until the wait of @ticket was ended and handed over, or @until. */
void weft__thread_sleep(struct weft__ticket ticket, weft_deadline until);

/* Lets the thread go whose wait was claimed, after the hand-over. */
void weft__thread_wake(struct weft__task *task);

/* How many threads sleep so, without a deadline, and were not let go yet. */
uint32_t weft__thread_sleepers(void);

/* Who waits when the caller does: its task, or its thread. NULL: a worker's loop, which never
 * waits, or weft__thread_self's reasons. */
static inline struct weft__task *weft__thread_or_task(const struct weft__worker *worker)
{
    return WEFT__LIKELY(worker != NULL) ? weft__worker_task(worker) : weft__thread_self();
}

#endif

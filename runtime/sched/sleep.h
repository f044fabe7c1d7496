/* How a worker sleeps in its ring and how it is woken; protocol and proof are in sleep.c. */
#ifndef WEFT_SCHED_SLEEP_H
#define WEFT_SCHED_SLEEP_H

#include "runtime/sched/worker.h"

/*
 * Wakes @target if it sleeps; what it shall find was published before. @how: NOTIFIED, or
 * NOTIFIED_SEARCH when it shall look for stealable work. @worker: the caller's own, or NULL on
 * other threads. True when this call woke it.
 */
bool weft__sleep_wake(struct weft__worker *worker, struct weft__worker *target,
                      enum weft__worker_state how);

/* Sleeps until there is something to do, or a moment longer than nothing. Loop only. */
void weft__sleep_park(struct weft__worker *worker);

/* Gives staged entries to the kernel, doorbells among them. */
void weft__sleep_flush(struct weft__worker *worker);

#endif

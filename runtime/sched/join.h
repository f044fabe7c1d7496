/* Waiting for the end of a task. */
#ifndef WEFT_SCHED_JOIN_H
#define WEFT_SCHED_JOIN_H

#include "runtime/sched/park.h"

/* One who waits for a task's end: on the waiter's stack, in the task's list under its lock. */
struct weft__joiner {
    struct weft__joiner *next;
    struct weft__joiner **link; /* what points to this one; NULL: not in a list */
    struct weft__ticket ticket;
};

/* Wakes the joiners of a list that was taken out of a task under its lock, oldest first. */
void weft__join_wake(struct weft__worker *worker, struct weft__joiner *joiners);

/* Runs @hook when @task (locked) ends. False: it has ended already; run it yourself. */
bool weft__join_hook_locked(struct weft__task *task, struct weft__hook *hook);

#endif

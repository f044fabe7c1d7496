/* How a task ends: who is told, and in which order. */
#ifndef WEFT_SCHED_FINISH_H
#define WEFT_SCHED_FINISH_H

#include "runtime/sched/worker.h"

/* One who waits for a task's end; lives on the waiter's stack. */
struct weft__joiner;

/*
 * Ends @task with @result: marks it, wakes its joiners, runs its hooks, tells its scope. Afterwards
 * the record may be gone. On its last worker, on any stack.
 */
void weft__finish_task(struct weft__worker *worker, struct weft__task *task, int result);

/* On the task's own stack, when its body has returned: runs what it has deferred. A scope that is
 * open then is cancelled and joined, and the process ends with a sentence that names both sites.
 * Returns the worker it runs on then. */
struct weft__worker *weft__finish_body(struct weft__worker *worker, struct weft__task *task);

#endif

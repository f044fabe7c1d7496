/* What a task has to do when its body has returned. */
#ifndef WEFT_SCHED_DEFER_H
#define WEFT_SCHED_DEFER_H

#include <weft/defer.h>

#include "runtime/sched/task.h"

/* How long a cancel is held off from deferred functions; tests shorten it. */
extern _Atomic int64_t weft__defer_grace_ns;

/* Runs what @task, the running one, has deferred. Returns the worker it runs on then. */
struct weft__worker *weft__defer_run(struct weft__worker *worker, struct weft__task *task);

/* Whether its timer is in the wheel of its worker, so that it may not move. */
static inline bool weft__defer_is_timed(const struct weft__task *task)
{
    return task->tidies && weft__task_extras_of(task)->grace.link != NULL;
}

#endif

/*
 * What the scheduler knows of the forks of a task (runtime/par): whom to tell before the task waits
 * and when it ends, and whether it has some that are not joined.
 */
#ifndef WEFT_SCHED_FORKS_H
#define WEFT_SCHED_FORKS_H

#include "runtime/sched/task.h"

struct weft__forks {
    /* The task is about to wait, on @worker: all that it has forked must be there for others. */
    void (*expose)(struct weft__forks *forks, struct weft__worker *worker);

    /* The body of the task has returned. Frees the forks. */
    void (*end)(struct weft__forks *forks);

    /* Whether some are not joined. */
    bool (*outstanding)(struct weft__forks *forks);
};

/* Before a task leaves its worker to wait. */
static inline void weft__forks_expose(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__forks *forks = task->stack->forks;

    if (WEFT__UNLIKELY(forks != NULL))
        forks->expose(forks, worker);
}

/*
 * Whether the caller is a forked child, or has children that are not joined: then what belongs to
 * the task as a whole (its locals, its deferred functions, its result) stands still, or a child
 * that was taken by another worker would change it, or see it change, while one that was not would
 * not.
 */
static inline bool weft__forks_bind(const struct weft__task *task)
{
    if ((task->flags & WEFT__TASK_FORKED) != 0)
        return true;
    struct weft__forks *forks = task->stack != NULL ? task->stack->forks : NULL;
    return WEFT__UNLIKELY(forks != NULL) && forks->outstanding(forks);
}

#endif

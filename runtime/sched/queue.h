/*
 * The run queues of a worker, and which task runs next.
 *
 *   lifo    one slot: the task that the running one woke last; at most 3 times in a row
 *   ready   FIFO of started tasks, owner only, no atomics: the main queue (a started task may not
 * be
 *           stolen, design 5)
 *   fresh   FIFO of tasks that have not started, owner only until they are 20 us old
 *   ring    what thieves may take: fresh tasks older than that, and migratable ones
 *
 * ready and fresh/ring are served in turn, so that neither starves
 * (tests/stress/fairness.c).
 */
#ifndef WEFT_SCHED_QUEUE_H
#define WEFT_SCHED_QUEUE_H

#include "runtime/sched/task.h"

struct weft__fifo {
    struct weft__task *head;
    struct weft__task *tail;
};

/* What stands behind @task in its queue. */
static inline struct weft__task *weft__queue_next(const struct weft__task *task)
{
    return task->record.next != NULL ? weft__task_of(task->record.next) : NULL;
}

static inline void weft__queue_append(struct weft__fifo *fifo, struct weft__task *task)
{
    task->record.next = NULL;
    if (fifo->head == NULL)
        fifo->head = task;
    else
        fifo->tail->record.next = &task->record;
    fifo->tail = task;
}

static inline struct weft__task *weft__queue_take(struct weft__fifo *fifo)
{
    struct weft__task *task = fifo->head;

    if (task != NULL)
        fifo->head = weft__queue_next(task);
    return task;
}

#endif

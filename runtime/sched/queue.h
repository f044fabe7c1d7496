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

/* Puts a task before all others. */
static inline void weft__queue_prepend(struct weft__fifo *fifo, struct weft__task *task)
{
    if (fifo->head == NULL)
        fifo->tail = task;
    task->record.next = fifo->head != NULL ? &fifo->head->record : NULL;
    fifo->head = task;
}

/* Takes a task out from anywhere, when it is there; *out_before: how many stood before it. */
static inline bool weft__queue_remove(struct weft__fifo *fifo, struct weft__task *task,
                                      uint32_t *out_before)
{
    struct weft__task *before = NULL;
    uint32_t count = 0;

    for (struct weft__task *at = fifo->head; at != task; at = weft__queue_next(at), count++) {
        if (at == NULL)
            return false;
        before = at;
    }
    if (before == NULL)
        fifo->head = weft__queue_next(task);
    else
        before->record.next = task->record.next;
    if (fifo->tail == task)
        fifo->tail = before; /* unread while the head is NULL */
    *out_before = count;
    return true;
}

#endif

/*
 * In the explorer a task runs on the stack of the model thread that stands for its worker: one that
 * switches away runs the loop of that worker until it is picked; a fresh one is called. Stands
 * before the real runtime/sched/switch.h.
 */
#ifndef WEFT_SCHED_SWITCH_H
#define WEFT_SCHED_SWITCH_H

#include "runtime/sched/search.h"

struct weft__worker *explore_switch_away(struct weft__worker *worker, struct weft__task *task);
void explore_switch_to(struct weft__worker *worker, struct weft__task *task);

enum { WEFT__SWITCH_POINT = 1 << 30 };

bool weft__start_task(struct weft__worker *worker, struct weft__task *task);

static inline struct weft__worker *weft__switch_away(struct weft__worker *worker,
                                                     struct weft__task *task)
{
    return explore_switch_away(worker, task);
}

static inline struct weft__worker *weft__switch_to_task(struct weft__worker *worker,
                                                        const struct weft__context *from,
                                                        struct weft__task *task, int from_ends)
{
    (void)from;
    (void)from_ends;
    explore_switch_to(worker, task);
    return worker;
}

static inline void weft__switch_check(const struct weft__worker *worker,
                                      const struct weft__task *task)
{
    (void)worker;
    (void)task;
}

/* Fresh tasks, those of the ring and those that are ready; the turns between them are left out. */
static inline struct weft__task *weft__switch_pick(struct weft__worker *worker)
{
    struct weft__task *task = worker->lifo;

    worker->lifo = NULL;
    if (task == NULL)
        task = weft__queue_take(&worker->ready);
    if (task == NULL && worker->mixed && (task = weft__ring_pop(&worker->ring)) != NULL)
        weft__search_adopt(worker, task);
    if (task == NULL && worker->mixed && (task = weft__queue_take(&worker->fresh)) != NULL)
        worker->fresh_count--;
    return task;
}

#endif

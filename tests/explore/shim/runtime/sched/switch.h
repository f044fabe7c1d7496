/*
 * In the explorer a task keeps the stack of the model thread that stands for its worker: to switch
 * away is to run the loop of that worker until the task is picked. Stands before the real
 * runtime/sched/switch.h.
 */
#ifndef WEFT_SCHED_SWITCH_H
#define WEFT_SCHED_SWITCH_H

#include "runtime/sched/search.h"

struct weft__worker *explore_switch_away(struct weft__worker *worker, struct weft__task *task);

static inline struct weft__worker *weft__switch_away(struct weft__worker *worker,
                                                     struct weft__task *task)
{
    return explore_switch_away(worker, task);
}

#endif

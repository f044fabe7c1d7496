/* Giving way by chance, in calls that may wait: see runtime/base/chaos.h. */
#ifndef WEFT_SCHED_YIELD_H
#define WEFT_SCHED_YIELD_H

#include "runtime/base/chaos.h"
#include "runtime/sched/worker.h"

void weft__yield_by_chance(struct weft__worker *worker);

/* A point of a call that may wait. The task that calls is on @worker afterwards, as before. */
static inline void weft__yield_point(struct weft__worker *worker)
{
    if (weft__chaos(WEFT__CHAOS_YIELD))
        weft__yield_by_chance(worker);
}

#endif

/* Tells of the failure of a monitored task; see monitor.c. */
#ifndef WEFT_SCHED_MONITOR_H
#define WEFT_SCHED_MONITOR_H

#include "runtime/sched/worker.h"

/* @task has failed, its scope does not know yet. On its stack, whose body has returned. */
void weft__monitor_tell(struct weft__worker *worker, const struct weft__task *task);

#endif

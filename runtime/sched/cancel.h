/* Cancel: a flag in the task, and a message to its home; only the home ends a wait for it. */
#ifndef WEFT_SCHED_CANCEL_H
#define WEFT_SCHED_CANCEL_H

#include "runtime/sched/park.h"

/* Marks @task, which is locked, and sends word to its home. Unlocks it. */
void weft__cancel_task_locked(struct weft__worker *worker, struct weft__task *task);

/* Cancels all scopes that @task, which is the caller or at rest on this worker, has open. */
void weft__cancel_scopes(struct weft__worker *worker, struct weft__task *task);

/* The same, and ends the wait of @task, which is at rest on this worker. @word: its wait word. */
void weft__cancel_meet(struct weft__worker *worker, struct weft__task *task, uint64_t word);

#endif

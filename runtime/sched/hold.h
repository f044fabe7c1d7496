/* Tasks that are spawned but not started; see hold.c. */
#ifndef WEFT_SCHED_HOLD_H
#define WEFT_SCHED_HOLD_H

#include "runtime/sched/scope.h"

/* Lets a locked task go that is held; unlocks it. @worker: the caller's, or NULL. */
void weft__hold_end_locked(struct weft__worker *worker, struct weft__task *task);

/* The scope is about to be closed, and waits for all of its tasks: those that are held start, and
 * none is held from now on. Under the scope's lock. */
void weft__hold_none_locked(struct weft__worker *worker, struct weft__scope *scope);

#endif

/* Making tasks. */
#ifndef WEFT_SCHED_SPAWN_H
#define WEFT_SCHED_SPAWN_H

#include "runtime/sched/offer.h"

/*
 * A task of a root scope, from any thread, with a name (NULL: none) and a hook that runs when it
 * ends. Negative when it could not be made.
 */
weft_task weft__spawn_foreign(struct weft__runtime *runtime, weft_task_fn fn, void *argument,
                              const char *name, struct weft__hook *hook);

/* Queues a fresh task that its scope knows at its home, or where whoever is idle finds it: from now
 * on it may run, and be gone. @worker: the caller's, of the same runtime, or NULL. */
void weft__spawn_queue(struct weft__worker *worker, struct weft__task *task);

/* A record for an offer that is yet to be taken; locked. NULL: no memory. */
struct weft__task *weft__spawn_blank(struct weft__worker *worker);
void weft__spawn_undo(struct weft__worker *worker, struct weft__task *task);

/* Fills such a record in, as a task of @worker, in no queue. */
void weft__spawn_offered(struct weft__worker *worker, struct weft__task *task,
                         struct weft__offer *offer);

#endif

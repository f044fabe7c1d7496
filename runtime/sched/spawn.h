/* Making tasks. */
#ifndef WEFT_SCHED_SPAWN_H
#define WEFT_SCHED_SPAWN_H

#include "runtime/sched/scope.h"

/*
 * A task of the root scope @root of @target's worker, from any thread, with a hook that runs when
 * it ends (NULL: none). Negative when it could not be made.
 */
weft_task weft__spawn_foreign(struct weft__runtime *runtime, weft_task_fn fn, void *argument,
                              struct weft__hook *hook);

#endif

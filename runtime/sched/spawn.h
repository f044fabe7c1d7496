/* Making tasks. */
#ifndef WEFT_SCHED_SPAWN_H
#define WEFT_SCHED_SPAWN_H

#include "runtime/sched/scope.h"

/*
 * A task of a root scope, from any thread, with a name (NULL: none) and a hook that runs when it
 * ends. Negative when it could not be made.
 */
weft_task weft__spawn_foreign(struct weft__runtime *runtime, weft_task_fn fn, void *argument,
                              const char *name, struct weft__hook *hook);

#endif

/* What a spawn and an end have to do with task locals. */
#ifndef WEFT_SCHED_LOCAL_H
#define WEFT_SCHED_LOCAL_H

#include <weft/local.h>

#include "runtime/sched/task.h"

/* Live keys that are inherited: while there is none, spawns need not look. */
extern _Atomic uint32_t weft__local_inherited;

/* Gives a new task, which nobody sees yet, what it inherits from the caller. 0 or -ENOMEM, after
 * which some of it is there. */
int weft__local_inherit(struct weft__task *task, size_t result_room);

/* Destroys all values of the task or thread that the caller is. */
void weft__local_end(struct weft__extras *extras);

/* Forgets them all; nothing is called. */
void weft__local_drop(struct weft__extras *extras);

/* Destroys the values of a task that will not run. */
void weft__local_forget(struct weft__task *task);

#endif

/* Notices of what weft has fallen back on: what it costs and what to change. */
#ifndef WEFT_SCHED_NOTICE_H
#define WEFT_SCHED_NOTICE_H

#include "runtime/sched/runtime.h"

/* Says what is known once the workers are up. */
void weft__notice_start(struct weft__runtime *runtime);

/* Says what can come up later. About once a second by any worker's loop, and when the runtime stops
 * or is left behind; costs a few loads when there is nothing to say. */
void weft__notice_later(struct weft__runtime *runtime);

/* No notice is given any more, and none is under way: the program may free its context. */
void weft__notice_mute(struct weft__runtime *runtime);

#endif

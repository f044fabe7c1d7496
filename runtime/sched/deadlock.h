/* Tells when all tasks of a runtime wait for one another. */
#ifndef WEFT_SCHED_DEADLOCK_H
#define WEFT_SCHED_DEADLOCK_H

#include "runtime/sched/runtime.h"

/* Called by the watchdog when the workers have slept for a while: gives a notice when nothing can
 * wake them. */
void weft__deadlock_look(struct weft__runtime *runtime);

/* Whether a wait for this reason can be ended by nothing but another task, a thread or a deadline.
 * */
bool weft__deadlock_counts(unsigned reason);

#endif

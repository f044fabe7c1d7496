/* Locks that a forked child can't get because its forker holds them; see family.c. */
#ifndef WEFT_PAR_FAMILY_H
#define WEFT_PAR_FAMILY_H

#include <weft/time.h>

#include "runtime/sched/worker.h"

/* Whether @owner, who holds a lock, waits for @task to end: so it never gives the lock back. */
bool weft__family_blocks(const struct weft__task *task, uint64_t owner);

/* Until when @task may wait for a lock before it asks again. */
weft_deadline weft__family_slice(const struct weft__task *task, weft_deadline until);

#endif

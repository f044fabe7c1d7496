/* A wait for several tasks at once: each has a joiner in its list, all with one ticket. */
#ifndef WEFT_SCHED_GATHER_H
#define WEFT_SCHED_GATHER_H

#include "runtime/sched/join.h"

struct weft__gather {
    _Atomic uint32_t left;   /* (a:GATHER) tasks that have not ended, and 1 for the waiter itself */
    _Atomic uint32_t failed; /* (a:GATHER) whether one has failed, and the waiter wants to know */
    bool stops_at_failure;   /* (i) */
};

/* G2, G3. One of its tasks has ended with @result, under the task's lock. True: the wait is over,
 * and the caller has to claim it. */
bool weft__gather_note(struct weft__gather *gather, int result);

#endif

/*
 * A gate lets one text through at a time, of tasks and of threads that are no workers; both wait
 * for it, as for anything else. Zeroed memory is a gate. Unlike a mutex it needs no record of a
 * thread: a process that has only printed may fork, and use weft in the child.
 */
#ifndef WEFT_IO_GATE_H
#define WEFT_IO_GATE_H

#include <stdbool.h>

#include "runtime/base/list.h"
#include "runtime/base/lock.h"

struct weft__gate {
    struct weft__lock lock;
    bool taken;                /* (l) */
    bool ready;                /* (l) waiting is initialised */
    int64_t woken_ns;          /* (l) since when one is on its way; 0: nobody */
    struct weft__list waiting; /* (l) struct waiting, those that have waited longest first */
};

/* Returns when the caller has the gate. Neither cancel nor deadline ends the wait. */
void weft__gate_enter(struct weft__gate *gate);

void weft__gate_leave(struct weft__gate *gate);

#endif

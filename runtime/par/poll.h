/* Poll points of forks; see poll.c. */
#ifndef WEFT_PAR_POLL_H
#define WEFT_PAR_POLL_H

#include "runtime/par/strand.h"

/* The strand begins to fork. */
void weft__poll_begin(struct weft__strand *strand);

/* Its fuel is used up: looks whether others want work, and whether the worker has to look at
 * something else; gives it fuel for the next while. */
void weft__poll_refuel(struct weft__strand *strand);

/* The end of a chunk of a loop, at @now (cycles; 0: not looked at yet): gives the loop of @worker a
 * turn when it is due. @worker: the caller's, or NULL. Returns when the next chunk begins. */
uint64_t weft__poll_chunk(struct weft__strand *strand, struct weft__worker *worker, uint64_t now);

#endif

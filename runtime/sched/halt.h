/* Stopping a runtime. */
#ifndef WEFT_SCHED_HALT_H
#define WEFT_SCHED_HALT_H

#include "runtime/sched/runtime.h"

/* A root scope has run empty while the runtime is closing: whoever stops it looks again. */
void weft__halt_note_quiet(struct weft__runtime *runtime);

/* Lets the workers leave, joins their threads and frees the runtime. No task may be left. Also for
 * a runtime whose start has failed half-way. */
void weft__halt_free(struct weft__runtime *runtime);

#endif

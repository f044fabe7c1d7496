/* Which tasks of a runtime are alive, for whoever has to say what is left. */
#ifndef WEFT_SCHED_CENSUS_H
#define WEFT_SCHED_CENSUS_H

#include "runtime/sched/runtime.h"

enum { WEFT__CENSUS_NAMED = 4 };

/*
 * How many tasks of @runtime are alive. @text gets what up to WEFT__CENSUS_NAMED of them are and
 * do, ending in "and 3 more": those first that do not wait for other tasks. Any thread; the tasks
 * may go on meanwhile. Costs a look at each task record of the process.
 */
uint32_t weft__census_take(const struct weft__runtime *runtime, char *text, size_t text_bytes);

/* Whether there are live tasks, and each of them waits for a reason that @counts. Ends with the
 * first that does not. */
bool weft__census_all_wait(const struct weft__runtime *runtime, bool (*counts)(unsigned reason));

#endif

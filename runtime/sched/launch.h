/* Threads of a runtime, and what happens once per process, before its first runtime. */
#ifndef WEFT_SCHED_LAUNCH_H
#define WEFT_SCHED_LAUNCH_H

#include "runtime/base/native.h"

/* Starts a thread of the runtime's own, with a name of up to 15 bytes. 0 or a negative errno. */
int weft__launch_thread(struct weft__native *out_thread, void *(*body)(void *argument),
                        void *argument, const char *name);

/* Registers the fork handler and the context of fatal errors. Any number of calls. */
void weft__launch_once(void);

#endif

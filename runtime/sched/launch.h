/* What happens once per process, before its first runtime. */
#ifndef WEFT_SCHED_LAUNCH_H
#define WEFT_SCHED_LAUNCH_H

/* Registers the fork handler and the context of fatal errors. Any number of calls. */
void weft__launch_once(void);

#endif

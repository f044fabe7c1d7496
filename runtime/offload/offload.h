/*
 * A blocking call on a helper thread, while the task waits. The pool is uring's; here callers only
 * park on it: for the end of their call, or, when its queue is full, for room.
 */
#ifndef WEFT_OFFLOAD_OFFLOAD_H
#define WEFT_OFFLOAD_OFFLOAD_H

#include <weft/time.h>

/*
 * Runs @fn(@argument) on a helper thread and returns its result. Deadline and cancel count until a
 * helper has begun it: then it may be anywhere, and is waited for. Errors of its own, @fn not run:
 * -EPERM outside a task, -ECANCELED, -ETIMEDOUT, and why no helper could be started when there is
 * none.
 */
int weft__offload_run(int (*fn)(void *argument), void *argument, weft_deadline until);

#endif

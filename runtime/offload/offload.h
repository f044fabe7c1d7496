/*
 * A blocking call on a helper thread, while the task waits. The pool is uring's; here callers only
 * park on it: for the end of their call, or, when its queue is full, for room.
 */
#ifndef WEFT_OFFLOAD_OFFLOAD_H
#define WEFT_OFFLOAD_OFFLOAD_H

/*
 * Runs @fn(@argument) on a helper thread and returns its result. Can't be cancelled once it has
 * been queued: the call may be anywhere. Errors of its own: -EPERM outside a task, -ECANCELED
 * before.
 */
int weft__offload_run(int (*fn)(void *argument), void *argument);

#endif

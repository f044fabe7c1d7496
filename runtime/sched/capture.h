/* Where a task stands that runs at this moment; how it is found out is in capture.c. Takes no lock,
 * and may be called in a signal handler. */
#ifndef WEFT_SCHED_CAPTURE_H
#define WEFT_SCHED_CAPTURE_H

#include "runtime/sched/worker.h"
#include "runtime/task/walk.h"

struct weft__captured {
    struct weft__frames frames;
    int system_call; /* the number of the one that its thread sits in; negative: it computes */
};

/*
 * The frames of @task, which the worker with the kernel's thread @thread runs, on the stack @stack
 * (a copy). Waits for an answer up to @patience_ns. 0; -ETIMEDOUT: no answer, as the thread gets no
 * CPU or blocks the signal; -EAGAIN: it runs another task by now; -EBUSY: too many ask; -ESRCH: the
 * thread is gone; or why a signal can't be sent.
 */
int weft__capture_task(struct weft__peek *peek, int thread, const struct weft__task *task,
                       const struct weft__stack *stack, int64_t patience_ns,
                       struct weft__captured *out_captured);

/* The number of the system call that a thread sits in. */
enum { WEFT__CALL_NONE = -1, WEFT__CALL_UNKNOWN = -2 }; /* it computes; /proc does not say */
int weft__capture_call(int thread);

/* Lets the calling thread, which is @worker's, be asked; and no more. */
void weft__capture_begin(struct weft__worker *worker);
void weft__capture_end(struct weft__worker *worker);

#endif

/*
 * An operation of the kernel as a call that waits. The task does not leave before the terminal
 * completion: cancel and deadline only ask for it (design 7), so memory of the task, its stack
 * included, is never the kernel's after the return.
 */
#ifndef WEFT_IO_OPERATION_H
#define WEFT_IO_OPERATION_H

#include <weft/time.h>

#include "runtime/sched/worker.h"
#include "uring/engine.h"

enum weft__operation_flags {
    WEFT__OPERATION_SHIELDED = 1u << 0 /* neither cancel nor deadline asks it to end */
};

/* What whoever keeps a list of operations thinks of one. */
enum weft__operation_fate {
    WEFT__OPERATION_WANTED,
    WEFT__OPERATION_UNWANTED, /* to be asked to end, in the ring where it is */
    WEFT__OPERATION_ASKED
};

/* One operation under way; on the stack of its task. */
struct weft__operation {
    struct weft__list link;      /* for whoever keeps a list of them, under his own lock */
    uint8_t fate;                /* enum weft__operation_fate, under the same lock */
    struct weft__worker *worker; /* (i) in whose ring it is */
    weft__op_id id;              /* (i) once it is submitted */

    /* (i) Of one that completes again and again, each time with @more until the last, and for which
     * no task waits; called by the worker's loop. NULL: a task waits for its one completion. */
    void (*came)(struct weft__operation *operation, int32_t result, bool more);
};

/* Called after submit, before the task waits, and after the completion; for lists of operations. */
struct weft__operation_watch {
    bool (*begun)(struct weft__operation_watch *watch, struct weft__operation *operation);
    void (*ended)(struct weft__operation_watch *watch, struct weft__operation *operation);
};

/*
 * Runs @request; the running task waits. @watch may be NULL; its begun may answer false to have the
 * operation asked to end at once. Returns the completion's result: -ETIMEDOUT or -ECANCELED when
 * the kernel ended it because the deadline passed or the task was cancelled; never -EINTR.
 */
int weft__operation_run(const struct weft__request *request, weft_deadline until, unsigned flags,
                        struct weft__operation_watch *watch);

#endif

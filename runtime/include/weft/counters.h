/*
 * Counters of a runtime and of each worker, readable at any time. They count from the start of the
 * runtime and only grow, but for those marked "now".
 */
#ifndef WEFT_COUNTERS_H
#define WEFT_COUNTERS_H

#include <weft/base.h>

typedef struct weft_counters {
    size_t size;           /* sizeof(weft_counters) of the caller */
    uint64_t spawned;      /* tasks spawned by tasks of this worker; of all workers: also by
                                * threads outside */
    uint64_t ended;        /* tasks that have ended here, whatever with */
    uint64_t switches;     /* times a task got the CPU */
    uint64_t waits;        /* times a task suspended in a call that waits; weft_yield does not */
    uint64_t steals;       /* fresh or migratable tasks taken from another worker */
    uint64_t remote_wakes; /* tasks made ready by another worker or thread */
    uint64_t parks;        /* times a worker went to sleep in its ring */
    uint64_t spins;        /* times an idle worker looked for work before it slept */
    uint64_t doorbells;    /* wake-ups sent to sleeping workers */
    uint64_t doorbells_failed; /* of these, sent again by another way */
    uint64_t rescued_wakes;    /* sleeps that ended by their time limit and found work: 0, or a
                                * defect of weft */
    uint64_t timers;           /* timers that fired; a deadline that was met fires none */
    uint64_t system_calls;     /* io_uring_enter calls, and the plain calls that weft made in its
                                * place */
    uint64_t submissions;      /* operations given to the kernel */
    uint64_t completions;      /* completions reaped */
    uint64_t overflows;        /* times the completion queue overflowed; nothing is lost */
    uint64_t stacks_made;      /* stacks carved out of fresh memory; all workers */
    uint64_t stack_bytes;      /* address space of all stacks; all workers */
    uint64_t helper_calls;     /* calls given to helper threads */
    uint64_t helper_refusals;  /* calls for which no helper thread could be started; all workers */
    uint64_t helper_threads_started; /* all workers */
    uint64_t watchdog_reports; /* notices that name a task which holds up its worker; all workers */
    uint64_t live;             /* now: tasks that have not ended: at home on this worker, or sent to
                                * it; of all workers: also those that none has taken yet */
    uint64_t timers_pending;   /* now: sleeps and deadlines that wait for their time */
    uint64_t helper_threads;   /* now; all workers */
    uint64_t helper_queue;     /* now: calls that wait for a helper thread; all workers */
} weft_counters;

#define WEFT__COUNTERS_NONE \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define WEFT_COUNTERS_INIT { sizeof(weft_counters), WEFT__COUNTERS_NONE }

WEFT_BEGIN

/*
 * weft_counters_read - the counters of one worker, or the sum over all
 * What is marked "all workers" belongs to none, and is 0 for a single one. While the runtime stops,
 * its own tasks alone can still read them.
 * @runtime:   the runtime; 0: the one that the caller runs in
 * @worker:    0 to workers - 1; -1: the sum over all workers
 * @out_counters: room, made with WEFT_COUNTERS_INIT; untouched on error
 * Returns:    0
 * Errors:     -ESRCH, -EPERM for runtime 0 outside a runtime, -EINVAL for a wrong size or worker
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none; each counter is exact, together they are a moment's view
 * Cost:       about a load for each counter of each worker    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_counters_read(weft_runtime runtime, int worker,
                                              weft_counters *out_counters);

WEFT_END

#endif

/*
 * A scheduling policy of one's own, for research: where a new task goes, which task a worker runs
 * next, what it takes when it has none, and whom it wakes for work that others may take. Without
 * one, weft's own is in place, and nothing is spent on this. weft-policies(7) tells the rules, and
 * what the built-in policies do.
 *
 * A policy does not say what runs for how long: a task runs until it waits, yields or ends. Pieces
 * of loops and forks are taken by idle workers as ever, and nothing here decides over them.
 */
#ifndef WEFT_POLICY_H
#define WEFT_POLICY_H

#include <weft/base.h>
#include <weft/task.h>
#include <weft/time.h>

#define WEFT_POLICY_ANY (-1)    /* what place returns: any worker, by way of the shared queues */
#define WEFT_POLICY_ENOUGH (-1) /* what wake returns: no further worker is to be woken */

/* What a policy keeps in its queues: it stands for one task that can run. Both words are the
 * policy's from put until pick or steal has given it back. */
typedef struct weft_runnable {
    struct weft_runnable *next;
    uint64_t key;
} weft_runnable;

/* What a policy is told of a task. */
typedef struct weft_policy_task {
    weft_task task;
    weft_deadline due; /* the earliest deadline of the scopes around it, WEFT_NEVER: none */
    int fresh;         /* 1: it has not run yet */
    int shared;        /* 1: any worker may run it; 0: only the one that puts it */
} weft_policy_task;

/*
 * The calls of a policy. They run in the scheduler, on its stack or that of some task (keep under
 * 1 KiB of it), on many workers at once; they must not call weft, nor block, but may hold a lock of
 * their own for a moment. Their first argument, state, is what start returned.
 */
typedef struct weft_policy {
    size_t size;      /* sizeof(weft_policy) */
    const char *name; /* for sentences */

    /* Makes the state of a runtime with so many workers; NULL: no memory, and the start fails.
     * Left out: state is NULL. */
    void *(*start)(uint32_t workers);

    /* Called when no worker runs any more. Left out: nothing is to be done. */
    void (*stop)(void *state);

    /* The worker where a new task that is bound to none begins, or WEFT_POLICY_ANY. spawner is
     * the worker of whoever makes it, or -1 for a thread that is none. The task is not made yet:
     * its handle is 0. Left out: the spawner's worker, or for a thread the one with the fewest
     * tasks. */
    int (*place)(void *state, const weft_policy_task *task, int spawner);

    /* Takes in a task that can run. If task->shared is 0, the pick of the same worker has to give
     * it back, else some worker's pick or steal. worker is -1 for a shared task that a thread has
     * made. */
    void (*put)(void *state, int worker, weft_runnable *runnable, const weft_policy_task *task);

    /* What worker runs next; NULL: there is none for it, and it gets no time of its own. It must
     * not keep back a task that is not shared. */
    weft_runnable *(*pick)(void *state, uint32_t worker);

    /* A shared task for a worker that has picked none, from wherever; NULL: there is none. Left
     * out: no task is shared. */
    weft_runnable *(*steal)(void *state, uint32_t worker);

    /* A shared task was put while some worker sleeps and none looks for work: which one to wake,
     * called with attempt 0, 1 and so on until one that sleeps is named, or WEFT_POLICY_ENOUGH; at
     * most once for each worker. worker is the one that has put it, or -1. Left out: the nearest
     * one. */
    int (*wake)(void *state, int worker, uint32_t attempt);
} weft_policy;

WEFT_BEGIN

/*
 * weft_policy_named - one of the policies that come with weft
 * "default": weft's own. "sharded": each worker has a queue, and no task leaves it. "global": one
 * queue for all, the plain baseline. "deadline": the task whose scope has the earliest deadline
 * first. For the policy of weft_runtime_options; WEFT_POLICY=NAME in the environment is the same.
 * @name:      its name
 * Returns:    the policy; NULL: there is none of that name. As an option of the runtime NULL is
 *             weft's own, so a name that may be wrong is checked before
 * Errors:     none
 * Ownership:  lent, for as long as the program runs
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few comparisons    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API const weft_policy *weft_policy_named(const char *name);

WEFT_END

#endif

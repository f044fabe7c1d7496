/*
 * A policy of the user's in place of weft's own. The worker's queues, where all code puts what can
 * run, are only the way to it: before each pick the worker hands over what has gathered there. So
 * no other code knows of policies, and without one nothing is spent.
 *
 * COUNT policy: tasks that a policy holds. Each worker counts those that only it may run, the
 * runtime those that are shared, of which sleepers and searchers see from it that there are some
 * (search.c, ORDERING SEARCH: the count is A1 and what B3 looks at). A shared one is counted before
 * its publisher's fence, but after a thief may have taken it, so that the count may be one too low
 * for a moment: then its publisher has not looked at the sleepers yet, and will.
 */
#ifndef WEFT_SCHED_POLICY_H
#define WEFT_SCHED_POLICY_H

#include <weft/policy.h>

#include "runtime/sched/worker.h"

struct weft__runtime;

struct weft__policy {
    weft_policy calls;                         /* (i) */
    void *state;                               /* (i) */
    WEFT__ALIGNED_LINE _Atomic int64_t shared; /* (a:SEARCH) may be one too low for a moment */
    _Atomic uint64_t taken;                    /* shared ones in all; for weft__search_mark */
};

/* Makes the state of the policy that the options name, if they do; -ENOMEM. */
int weft__policy_start(struct weft__runtime *runtime);
void weft__policy_stop(struct weft__runtime *runtime);

/* Under a policy: which task runs next here, or NULL. Hands over what has gathered. */
struct weft__task *weft__policy_pick(struct weft__worker *worker);

/* Some shared task for a worker that has nothing to run; it is its home now. */
struct weft__task *weft__policy_steal(struct weft__worker *worker);

/* Where a new task begins that is bound to no worker; NULL: in the shared queues. @own: the
 * spawner's worker, or NULL. @fallback: when the policy does not say. */
struct weft__worker *weft__policy_place(struct weft__runtime *runtime, struct weft__worker *own,
                                        int64_t due_ns, struct weft__worker *fallback);

/* Whom to wake next for a shared task, under a policy that has a say; NULL: enough. */
struct weft__worker *weft__policy_wake(const struct weft__runtime *runtime,
                                       const struct weft__worker *worker, uint32_t attempt);

/* Puts a new task that has no home into the shared queues. @worker: the caller's, or NULL. */
void weft__policy_inject(struct weft__runtime *runtime, struct weft__worker *worker,
                         struct weft__task *task);

#endif

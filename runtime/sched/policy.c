#include "runtime/sched/policy.h"

#include <errno.h>

#include "runtime/base/check.h"
#include "runtime/policy/named.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/search.h"

const weft_policy *weft_policy_named(const char *name)
{
    WEFT_NEED(name);
    return weft__named_find(name);
}

int weft__policy_start(struct weft__runtime *runtime)
{
    struct weft__policy *policy = &runtime->policy;

    if (runtime->options.policy == NULL || runtime->options.policy->put == NULL)
        return 0;
    policy->calls = *runtime->options.policy;
    if (policy->calls.name == NULL)
        policy->calls.name = "(no name)";
    if (policy->calls.start != NULL &&
        (policy->state = policy->calls.start(runtime->worker_count)) == NULL) {
        policy->calls.stop = NULL;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        runtime->workers[i]->policy = policy;
        runtime->workers[i]->mixed = true; /* for ever: it is how a pick comes here */
    }
    return 0;
}

void weft__policy_stop(struct weft__runtime *runtime)
{
    if (runtime->policy.calls.stop != NULL)
        runtime->policy.calls.stop(runtime->policy.state);
}

static bool shares(const struct weft__policy *policy, const struct weft__runtime *runtime)
{
    return policy->calls.steal != NULL && runtime->worker_count > 1;
}

/* @worker: -1: none. */
static void put(struct weft__policy *policy, int worker, struct weft__task *task, bool shared)
{
    const weft_policy_task shown = { .task = weft__task_handle(task),
                                     .due = { task->scope->due_ns },
                                     .fresh = task->stack == NULL,
                                     .shared = shared };

    task->manner |= (uint8_t)(WEFT__TASK_QUEUED | (shared ? WEFT__TASK_SHARED : 0));
    policy->calls.put(policy->state, worker, &task->runnable, &shown);
}

/* Of this worker's, or shared. */
static void hand_over(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__policy *policy = worker->policy;
    bool shared = shares(policy, worker->runtime) && weft__search_may_move(worker, task);

    put(policy, (int)worker->index, task, shared);
    if (!shared) {
        worker->held++;
        return;
    }
    weft__add_relaxed(&policy->shared, (int64_t)1); /* SEARCH A1 */
    weft__search_announce(worker->team, worker);
}

static void hand_over_all(struct weft__worker *worker)
{
    struct weft__task *task;

    while ((task = weft__queue_take(&worker->ready)) != NULL)
        hand_over(worker, task);
    while ((task = weft__queue_take(&worker->fresh)) != NULL)
        hand_over(worker, task);
    worker->fresh_count = 0;
    worker->fresh_aged = 0;
}

/* A task that the policy has given back to @worker. */
static struct weft__task *taken(struct weft__worker *worker, weft_runnable *runnable)
{
    struct weft__policy *policy = worker->policy;
    struct weft__task *task = WEFT__CONTAINER(runnable, struct weft__task, runnable);
    unsigned manner = task->manner;

    WEFT_ASSERT((manner & WEFT__TASK_QUEUED) != 0,
                "the scheduling policy %s gave worker %u a task that it had given before",
                policy->calls.name, worker->index);
    task->manner = (uint8_t)(manner & ~(unsigned)(WEFT__TASK_QUEUED | WEFT__TASK_SHARED));
    if ((manner & WEFT__TASK_SHARED) != 0) {
        weft__sub_relaxed(&policy->shared, (int64_t)1);
        weft__add_relaxed(&policy->taken, 1);
        if (weft__load_relaxed(&task->home) != worker)
            weft__bump(&worker->counters.steals);
        weft__search_adopt(worker, task);
        return task;
    }
    WEFT_ASSERT(weft__load_relaxed(&task->home) == worker && worker->held > 0,
                "the scheduling policy %s gave worker %u a task that only another one may run",
                policy->calls.name, worker->index);
    worker->held--;
    return task;
}

struct weft__task *weft__policy_pick(struct weft__worker *worker)
{
    const struct weft__policy *policy = worker->policy;

    hand_over_all(worker);
    weft_runnable *runnable = policy->calls.pick(policy->state, worker->index);
    if (runnable != NULL)
        return taken(worker, runnable);
    WEFT_ASSERT(worker->held == 0,
                "the scheduling policy %s picks nothing for worker %u, which alone may run %u "
                "tasks that it was given",
                policy->calls.name, worker->index, worker->held);
    return NULL;
}

struct weft__task *weft__policy_steal(struct weft__worker *worker)
{
    const struct weft__policy *policy = worker->policy;

    if (!shares(policy, worker->runtime) || weft__load_relaxed(&policy->shared) <= 0)
        return NULL;
    weft_runnable *runnable = policy->calls.steal(policy->state, worker->index);
    return runnable != NULL ? taken(worker, runnable) : NULL;
}

struct weft__worker *weft__policy_place(struct weft__runtime *runtime, struct weft__worker *own,
                                        int64_t due_ns, struct weft__worker *fallback)
{
    const struct weft__policy *policy = &runtime->policy;
    const weft_policy_task shown = { .due = { due_ns }, .fresh = 1, .shared = 1 };
    int index = WEFT_POLICY_ANY;

    if (policy->calls.place == NULL)
        return fallback;
    index = policy->calls.place(policy->state, &shown, own != NULL ? (int)own->index : -1);
    WEFT_ASSERT(index >= WEFT_POLICY_ANY && index < (int)runtime->worker_count,
                "the scheduling policy %s places a task on worker %d of %u", policy->calls.name,
                index, runtime->worker_count);
    if (index >= 0)
        return runtime->workers[index];
    return shares(policy, runtime) ? NULL : fallback;
}

void weft__policy_inject(struct weft__runtime *runtime, struct weft__worker *worker,
                         struct weft__task *task)
{
    put(&runtime->policy, worker != NULL ? (int)worker->index : -1, task, true);
    weft__add_relaxed(&runtime->policy.shared, (int64_t)1); /* SEARCH A1 */
    weft__search_announce(&runtime->teams[WEFT__TEAM_NORMAL], worker);
}

struct weft__worker *weft__policy_wake(const struct weft__runtime *runtime,
                                       const struct weft__worker *worker, uint32_t attempt)
{
    const struct weft__policy *policy = &runtime->policy;
    int index = policy->calls.wake(policy->state, worker != NULL ? (int)worker->index : -1,
                                   attempt);

    WEFT_ASSERT(index >= WEFT_POLICY_ENOUGH && index < (int)runtime->worker_count,
                "the scheduling policy %s wakes worker %d of %u", policy->calls.name, index,
                runtime->worker_count);
    return index < 0 ? NULL : runtime->workers[index];
}

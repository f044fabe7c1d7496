/*
 * Deferred functions, a list in the extras of a task.
 *
 * BOUND cleanup in a cancelled task: its waits are held open for 5 s in all because a task that
 * cleans up for ever would hold up the close of its scope; when over: the cancel reaches it as it
 * reaches a body, and the functions still run, each to its end.
 */
#include "runtime/sched/defer.h"

#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sched/cancel.h"
#include "runtime/sched/error.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/local.h"
#include "runtime/sched/worker.h"

enum { bytes_max = 1 << 30 };

_Atomic int64_t weft__defer_grace_ns = 5000 * WEFT__NS_PER_MS;

struct weft__deferred {
    struct weft__deferred *next;
    weft_cleanup_fn fn;
    void *argument;
    size_t copy_bytes;
    _Alignas(16) char copy[]; /* copy_bytes */
};

static int add(weft_cleanup_fn fn, size_t copy_bytes, struct weft__deferred **out_deferred)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());

    if (task == NULL)
        return weft__error_outside();
    if (copy_bytes > bytes_max)
        return -EINVAL;
    if (weft__forks_bind(task))
        return -EBUSY;
    struct weft__extras *extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return -ENOMEM;
    struct weft__deferred *deferred = weft__memory_alloc(WEFT__NODE_LOCAL,
                                                         sizeof(*deferred) + copy_bytes);
    if (deferred == NULL)
        return -ENOMEM;
    deferred->fn = fn;
    deferred->argument = deferred->copy;
    deferred->copy_bytes = copy_bytes;
    deferred->next = extras->deferred;
    extras->deferred = deferred;
    task->tidies = 1;
    *out_deferred = deferred;
    return 0;
}

int weft_defer(weft_cleanup_fn fn, void *argument)
{
    struct weft__deferred *deferred = NULL;

    WEFT_NEED(fn);
    int rc = add(fn, 0, &deferred);
    if (rc == 0)
        deferred->argument = argument;
    return rc;
}

int weft_defer_copy(weft_cleanup_fn fn, const void *bytes, size_t size)
{
    struct weft__deferred *deferred = NULL;

    WEFT_NEED(fn);
    WEFT_NEED_BYTES(bytes, size);
    int rc = add(fn, size, &deferred);
    if (rc == 0 && size > 0)
        memcpy(deferred->copy, bytes, size);
    return rc;
}

/* By the loop of the task's home: no task runs here. */
static void grace_over(struct weft__worker *worker, struct weft__timer *timer)
{
    struct weft__task *task = WEFT__CONTAINER(timer, struct weft__extras, grace)->task;

    task->exposed = 1;
    if (weft__task_canceled(task))
        weft__cancel_meet(worker, task, weft__load_acquire(&task->wait)); /* PARK K1 */
}

static void run_deferred(struct weft__task *task, struct weft__extras *extras)
{
    struct weft__deferred *deferred;

    while ((deferred = extras->deferred) != NULL) {
        extras->deferred = deferred->next;
        deferred->fn(deferred->argument);
        WEFT_ASSERT(task->shields == 1, "a deferred function left its shields unbalanced");
        weft__memory_free(deferred, sizeof(*deferred) + deferred->copy_bytes);
    }
}

/* What the destroy of a local defers is run too, and what that sets destroyed: once. */
static void run_all(struct weft__task *task, struct weft__extras *extras)
{
    for (int i = 0; i < 2; i++) {
        run_deferred(task, extras);
        weft__local_end(extras);
        WEFT_ASSERT(task->shields == 1, "the destroy of a local left its shields unbalanced");
        if (extras->deferred == NULL)
            return;
    }
    run_deferred(task, extras);
    weft__local_drop(extras); /* what these set is forgotten */
}

struct weft__worker *weft__defer_run(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__extras *extras = weft__load_relaxed(&task->extras);

    task->shields = 1; /* those of the body have ended with it */
    extras->shields = 0;
    extras->grace.fire = grace_over;
    weft__wheel_arm(&worker->wheel, &extras->grace,
                    weft__clock_now() + weft__load_relaxed(&weft__defer_grace_ns));
    run_all(task, extras);
    if (extras->grace.link != NULL) /* it has not moved since then */
        weft__wheel_disarm(&worker->wheel, &extras->grace);
    task->shields = 0;
    return weft__self_worker(); /* it may have, once the timer had fired */
}

/*
 * Tasks that are spawned but not started.
 *
 * STATE held task: held -> queued by whoever clears HELD in its life, under its lock:
 * weft_task_start, a cancel, the close of its scope. Terminal: queued. In between it is in no
 * queue, so nobody can run it; its scope counts it as ever, and so the runtime does not end.
 */
#include "runtime/sched/hold.h"

#include <errno.h>

#include "runtime/sched/handle.h"
#include "runtime/sched/spawn.h"

void weft__hold_end_locked(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__runtime *runtime = task->scope->runtime;
    bool foreign = worker == NULL || worker->runtime != runtime;

    weft__record_clear_locked(&task->record, WEFT__LIFE_HELD);
    if (foreign)
        weft__handle_keep(runtime); /* once the task can run, nothing else holds the runtime */
    weft__record_unlock(&task->record);
    weft__spawn_queue(foreign ? NULL : worker, task);
    if (foreign)
        weft__handle_let_go(runtime);
}

void weft__hold_none_locked(struct weft__worker *worker, struct weft__scope *scope)
{
    scope->holds_none = true;
    if (!scope->has_held)
        return;
    scope->has_held = false;
    for (struct weft__list *link = scope->tasks.next; link != &scope->tasks; link = link->next) {
        struct weft__task *task = WEFT__CONTAINER(link, struct weft__task, sibling);
        weft__record_lock_own(&task->record);
        if (weft__record_has(&task->record, WEFT__LIFE_HELD))
            weft__hold_end_locked(worker, task);
        else
            weft__record_unlock(&task->record);
    }
}

int weft_task_start(weft_task task)
{
    int rc = 0;
    struct weft__task *found = weft__task_lock(task, &rc);

    if (found == NULL)
        return rc;
    if (!weft__record_has(&found->record, WEFT__LIFE_HELD)) {
        weft__record_unlock(&found->record);
        return -EALREADY;
    }
    weft__hold_end_locked(weft__self_worker(), found);
    return 0;
}

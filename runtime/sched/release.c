/* Giving a task's handle up before its scope closes. */
#include "runtime/sched/runtime.h"
#include "runtime/sched/scope.h"

/*
 * The lock order is scope, then task; here the task comes first, because it alone leads to its
 * scope. So the scope's lock is only tried, and both are let go when it is taken. While the task is
 * locked and not dropped its scope exists: closing the scope drops the task first, which needs its
 * lock.
 */
static struct weft__task *lock_both(weft_task handle, int *out_error)
{
    for (uint32_t looks = 0;; weft__lock_backoff(looks++)) {
        struct weft__task *task = weft__task_lock(handle, out_error);
        if (task == NULL || weft__record_try_lock_own(&task->scope->record))
            return task;
        weft__record_unlock(&task->record);
    }
}

int weft_release(weft_task task)
{
    int rc = 0;
    struct weft__task *found = lock_both(task, &rc);

    if (found == NULL)
        return rc;
    struct weft__scope *scope = found->scope;
    bool failed = weft__record_has(&found->record, WEFT__LIFE_FAILED);
    weft__record_set_locked(&found->record, WEFT__LIFE_RELEASED);
    bool goes = weft__load_relaxed(&found->seen) == WEFT__TASK_COUNTED && !failed;
    if (goes)
        weft__scope_remove_locked(scope, found);
    weft__record_unlock(&found->record);
    if (goes) {
        struct weft__worker *worker = weft__self_worker();
        weft__task_drop(found, worker != NULL ? &worker->records : NULL);
    }
    weft__record_unlock(&scope->record);
    return 0;
}

#include "runtime/sched/join.h"

#include <string.h>

#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/thread.h"

void weft__join_insert_locked(struct weft__task *task, struct weft__joiner *joiner)
{
    joiner->next = task->joiners;
    joiner->link = &task->joiners;
    if (joiner->next != NULL)
        joiner->next->link = &joiner->next;
    task->joiners = joiner;
}

void weft__join_remove_locked(struct weft__joiner *joiner)
{
    if (joiner->link == NULL)
        return;
    *joiner->link = joiner->next;
    if (joiner->next != NULL)
        joiner->next->link = joiner->link;
    joiner->link = NULL;
}

void weft__join_wake(struct weft__worker *worker, struct weft__joiner *joiners)
{
    struct weft__joiner *oldest_first = NULL;

    while (joiners != NULL) { /* the list is newest first; the tasks still sleep, so it is ours */
        struct weft__joiner *next = joiners->next;
        joiners->next = oldest_first;
        oldest_first = joiners;
        joiners = next;
    }
    while (oldest_first != NULL) {
        struct weft__joiner *joiner = oldest_first;
        struct weft__ticket ticket = joiner->ticket;
        oldest_first = joiner->next;
        if (ticket.word != 0)
            weft__park_ready(worker, ticket.task);
    }
}

bool weft__join_hook_locked(struct weft__task *task, struct weft__hook *hook)
{
    if (weft__record_has(&task->record, WEFT__LIFE_ENDED))
        return false;
    hook->next = task->hooks;
    task->hooks = hook;
    return true;
}

void weft__join_stand_locked(struct weft__task *task, struct weft__joiner *joiner)
{
    weft__record_pin_locked(&task->record);
    weft__join_insert_locked(task, joiner);
}

static void withdraw(struct weft__task *task, struct weft__joiner *joiner)
{
    weft__record_lock_own(&task->record);
    weft__join_remove_locked(joiner);
    weft__record_unlock(&task->record);
}

void weft__join_leave(struct weft__task *task, struct weft__joiner *joiner)
{
    if (!joiner->claimed)
        withdraw(task, joiner);
    weft__task_unpin(task);
}

/* Waits for the end of @task, which is locked, has not ended and gets pinned. Unlocks it. */
static int wait_locked(struct weft__worker *worker, struct weft__task *self,
                       struct weft__task *task, weft_deadline until)
{
    struct weft__joiner joiner = { 0 };

    joiner.ticket = weft__park_begin(self, WEFT__REASON_JOIN);
    weft__join_stand_locked(task, &joiner);
    weft__record_unlock(&task->record);
    int rc = weft__park_commit(worker, joiner.ticket, until, 0);
    if (rc < 0)
        withdraw(task, &joiner);
    return rc;
}

/*
 * Waits until the task behind @handle has ended and pins it. 0 with the pinned task, or the error
 * of the wait.
 */
static int wait_pinned(weft_task handle, weft_deadline until, struct weft__task **out_task)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__task_lock(handle, &rc);

    if (task == NULL)
        return rc;
    if (weft__record_has(&task->record, WEFT__LIFE_ENDED)) {
        weft__record_pin_locked(&task->record);
        weft__record_unlock(&task->record);
        *out_task = task;
        return 0;
    }
    struct weft__task *self = weft__thread_or_task(worker);
    bool own = self != NULL && weft__task_face(self) == task;
    if (self == NULL || own || until.ns <= 0) {
        weft__record_unlock(&task->record);
        return self == NULL ? weft__error_outside() : own ? -EDEADLK : -ETIMEDOUT;
    }
    rc = wait_locked(worker, self, task, until);
    if (rc == 0)
        *out_task = task;
    else
        weft__task_unpin(task);
    return rc;
}

int weft_wait(weft_task task, weft_deadline until)
{
    struct weft__task *ended = NULL;
    int rc = wait_pinned(task, until, &ended);

    if (rc < 0)
        return rc;
    rc = weft__load_relaxed(&ended->result);
    weft__task_unpin(ended);
    return rc;
}

static int copy_result(const struct weft__task *task, void *out_bytes, size_t size)
{
    const struct weft__extras *extras = weft__task_extras_of(task);
    int result = weft__load_relaxed(&task->result);

    if (result < 0)
        return result;
    if (extras == NULL || !extras->result_given)
        return -ENODATA;
    if (extras->result_bytes != size)
        return -EMSGSIZE;
    if (size > 0)
        memcpy(out_bytes, extras->result, size);
    return 0;
}

int weft_fetch(weft_task task, void *out_bytes, size_t size, weft_deadline until)
{
    struct weft__task *ended = NULL;
    int rc = wait_pinned(task, until, &ended);

    WEFT_NEED_BYTES(out_bytes, size);
    if (rc < 0)
        return rc;
    rc = copy_result(ended, out_bytes, size);
    weft__task_unpin(ended);
    return rc;
}

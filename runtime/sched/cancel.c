#include "runtime/sched/cancel.h"

#include "runtime/sched/handle.h"
#include "runtime/sched/hold.h"
#include "runtime/sched/scope.h"

void weft__cancel_scopes(struct weft__worker *worker, struct weft__task *task)
{
    for (struct weft__list *link = task->scopes.next; link != &task->scopes; link = link->next) {
        struct weft__scope *scope = WEFT__CONTAINER(link, struct weft__scope, open);
        if (scope->shielded && weft__task_shielded(task))
            continue;
        weft__record_lock_own(&scope->record);
        weft__scope_cancel_locked(worker, scope);
        weft__record_unlock(&scope->record);
    }
}

/* Ends the task's present wait, or asks the kernel to. */
static void end_wait(struct weft__worker *worker, struct weft__task *task, uint64_t word)
{
    struct weft__ticket ticket = { .task = task, .word = word };

    if ((task->manner & WEFT__PARK_SHIELDED) != 0 || weft__task_shielded(task))
        return;
    if ((task->manner & WEFT__PARK_OPERATION) != 0) {
        (void)weft__engine_cancel(worker->engine, task->op);
        return;
    }
    if (weft__park_claim(ticket, WEFT__WAIT_CANCELED))
        weft__park_ready_here(worker, task, false);
}

void weft__cancel_meet(struct weft__worker *worker, struct weft__task *task, uint64_t word)
{
    weft__cancel_scopes(worker, task);
    if ((word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING)
        end_wait(worker, task, word);
}

/*
 * Whether the task is this worker's for certain, and not running: it is parked here, or it has
 * started here and can't be stolen any more. Others may be running elsewhere by now, stolen from
 * this worker's ring: they see the flag at their next wait, and cancel their scopes themselves.
 */
static bool is_at_rest(const struct weft__task *task, uint64_t word, uint32_t seen)
{
    if ((word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING)
        return true;
    return seen == WEFT__TASK_STARTED && (task->flags & WEFT__TASK_MIGRATABLE) == 0;
}

/*
 * At the task's home, by its loop: no task runs here. The wait word and the start are read before
 * the home: if they show a wait or a start elsewhere, the home that is read next is the new one,
 * because it is stored first; the message goes on to it.
 */
static void deliver_cancel(struct weft__worker *worker, struct weft__message *message)
{
    struct weft__task *task = WEFT__CONTAINER(message, struct weft__task, cancel);
    uint64_t word = weft__load_acquire(&task->wait); /* PARK K1 */
    uint32_t seen = weft__load_acquire(&task->seen); /* pairs with the release in start.c */
    struct weft__worker *home = weft__load_acquire(&task->home); /* HOME C2 */

    if (home != worker) {
        weft__park_send(worker, home, message);
        return;
    }
    if (!weft__record_has(&task->record, WEFT__LIFE_ENDED) && is_at_rest(task, word, seen))
        weft__cancel_meet(worker, task, word);
    weft__task_unpin(task);
}

void weft__cancel_task_locked(struct weft__worker *worker, struct weft__task *task)
{
    uint64_t life = weft__load_relaxed(&task->record.life);

    if ((life & (WEFT__LIFE_CANCELED | WEFT__LIFE_ENDED)) != 0) {
        weft__record_unlock(&task->record);
        return;
    }
    weft__record_set_locked(&task->record, WEFT__LIFE_CANCELED);
    if (WEFT__UNLIKELY((life & WEFT__LIFE_HELD) != 0)) { /* it runs, and finds itself cancelled */
        weft__hold_end_locked(worker, task);
        return;
    }
    weft__record_pin_locked(&task->record);
    weft__fence_store_load(); /* HOME C1: the flag is out before home is read */
    struct weft__worker *home = weft__load_acquire(&task->home); /* HOME C2 */
    struct weft__runtime *kept = NULL;
    if (home != NULL && (worker == NULL || worker->runtime != home->runtime)) {
        kept = home->runtime; /* alive: the task is, and its end waits for this lock */
        weft__handle_keep(kept);
    }
    weft__record_unlock(&task->record);
    if (home == NULL) { /* in an inject queue: who takes it out will see the flag */
        weft__task_unpin(task);
        return;
    }
    task->cancel.deliver = deliver_cancel;
    weft__park_send(worker, home, &task->cancel);
    if (kept != NULL)
        weft__handle_let_go(kept);
}

int weft_cancel(weft_task task)
{
    int rc = 0;
    struct weft__task *found = weft__task_lock(task, &rc);

    if (found == NULL)
        return rc;
    if (weft__record_has(&found->record, WEFT__LIFE_ENDED)) {
        weft__record_unlock(&found->record);
        return -ESRCH;
    }
    weft__cancel_task_locked(weft__self_worker(), found);
    return 0;
}

int weft_canceled(void)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());
    return task != NULL && weft__task_canceled(task);
}

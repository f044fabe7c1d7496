/*
 * The call with which a task lets a given one run next.
 *
 * Only what lies in the worker's own queues can be handed over to: lifo, ready, fresh. A task in
 * the ring may be a thief's at any moment, and one in the inbox is not here yet.
 *
 * BOUND handovers in a row: at most 60 because the 61st lets the task that is ready longest go
 * first, and the named one right behind it: two tasks that hand over to each other for ever don't
 * starve their worker.
 *
 * REJECTED to start or wake a task that is elsewhere: a started task never changes its worker, and
 * a partner that waits is woken by what it waits for alone (park.h, ORDERING PARK).
 */
#include "runtime/sched/error.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/switch.h"

enum { one_in = 61 };

/* Why the running task can't hand over to a locked one that is found; 0: perhaps it can. */
static int refuse_locked(const struct weft__worker *worker, const struct weft__task *target)
{
    uint64_t word = weft__load_relaxed(&target->wait);

    if (target == weft__worker_task(worker))
        return -EDEADLK;
    if (weft__record_has(&target->record, WEFT__LIFE_ENDED))
        return -ESRCH;
    if (weft__load_relaxed(&target->home) != worker)
        return -EXDEV;
    return (word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING ? -EAGAIN : 0;
}

/* Takes a task out of whichever of the worker's queues it is in. False: it is in none. */
static bool take_out(struct weft__worker *worker, struct weft__task *target)
{
    uint32_t before = 0;

    if (worker->lifo == target) {
        worker->lifo = NULL;
        return true;
    }
    if (weft__queue_remove(&worker->ready, target, &before))
        return true;
    if (!weft__queue_remove(&worker->fresh, target, &before))
        return false;
    worker->fresh_count--;
    if (before < worker->fresh_aged)
        worker->fresh_aged--;
    return true;
}

/* The named task, out of its queue. NULL with *out_error. */
static struct weft__task *claim(struct weft__worker *worker, weft_task handle, int *out_error)
{
    struct weft__task *target = weft__task_lock(handle, out_error);

    if (target == NULL)
        return NULL;
    *out_error = refuse_locked(worker, target);
    weft__record_unlock(&target->record); /* only compared from here on, unless it is in a queue */
    if (*out_error == 0 && !take_out(worker, target))
        *out_error = -EAGAIN;
    return *out_error == 0 ? target : NULL;
}

/* Who runs before @target because its turn is overdue; @target itself when nobody is. */
static struct weft__task *first_of(struct weft__worker *worker, struct weft__task *target)
{
    if (++worker->handovers < one_in)
        return target;
    worker->handovers = 0;
    if (worker->lifo != NULL)
        weft__queue_append(&worker->ready, worker->lifo);
    worker->lifo = NULL;
    struct weft__task *oldest = weft__switch_pick(worker);
    if (oldest == NULL)
        return target;
    weft__queue_prepend(&worker->ready, target);
    return oldest;
}

/* Leaves @self, which is ready, for @next; by way of the loop when that is due. */
static void go_to(struct weft__worker *worker, struct weft__task *self, struct weft__task *next)
{
    struct weft__context *from = &self->stack->context;

    weft__switch_check(worker, self);
    from->sp = NULL; /* SIGHT S1 */
    if (worker->budget <= 0) {
        if (worker->lifo != NULL)
            weft__queue_append(&worker->ready, worker->lifo);
        worker->lifo = next; /* the loop's first pick */
        worker->lifo_streak = 0;
        (void)weft__switch_to_loop(worker, from, 0);
        return;
    }
    worker->budget--;
    if (next->stack != NULL || weft__start_task(worker, next))
        (void)weft__switch_to_task(worker, from, next, 0);
    else /* it has ended for want of a stack */
        (void)weft__switch_away(worker, self);
}

int weft_yield_to(weft_task task)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *self = weft__worker_task(worker);

    if (self == NULL)
        return weft__error_outside();
    struct weft__task *target = claim(worker, task, &rc);
    if (target == NULL)
        return rc;
    struct weft__task *next = first_of(worker, target);
    weft__forks_expose(worker, self);
    weft__queue_append(&worker->ready, self);
    go_to(worker, self, next);
    return weft__task_canceled(self) ? -ECANCELED : 0;
}

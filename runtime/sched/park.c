#include "runtime/sched/park.h"

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/sched/cancel.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"

struct park_timer {
    struct weft__timer timer;
    struct weft__ticket ticket;
};

static void deadline_passed(struct weft__worker *worker, struct weft__timer *timer)
{
    struct park_timer *park = WEFT__CONTAINER(timer, struct park_timer, timer);

    if (weft__park_claim(park->ticket, WEFT__WAIT_TIMED_OUT))
        weft__park_ready_here(worker, park->ticket.task, false);
}

static int outcome_of(uint64_t word)
{
    switch (word & WEFT__WAIT_STATES) {
    case WEFT__WAIT_TIMED_OUT: return -ETIMEDOUT;
    case WEFT__WAIT_CANCELED: return -ECANCELED;
    default: return 0;
    }
}

/* Back from a wait, or never gone: the word becomes idle. */
static int finish(struct weft__task *task)
{
    uint64_t word = weft__load_acquire(&task->wait); /* PARK K4, pairs with P2 */

    weft__store_relaxed(&task->wait, word & ~(uint64_t)WEFT__WAIT_STATES);
    weft__store_relaxed(&task->reason, WEFT__REASON_NONE);
    return outcome_of(word);
}

/* Waits with a timer; kept apart so that a wait without one has a small frame. */
static WEFT__NOINLINE void leave_until(struct weft__worker *worker, struct weft__ticket ticket,
                                       weft_deadline until)
{
    struct park_timer park = { .timer.fire = deadline_passed, .ticket = ticket };

    weft__wheel_arm(&worker->wheel, &park.timer, until.ns);
    ticket.task->timer = &park.timer; /* weft__park_ready_here disarms it */
    (void)weft__switch_away(worker, ticket.task);
}

/* The task has been cancelled before this wait. True: the wait is over. */
static WEFT__COLD bool meet_cancel(struct weft__worker *worker, struct weft__ticket ticket,
                                   unsigned flags)
{
    weft__cancel_scopes(worker, ticket.task);
    if ((flags & WEFT__PARK_SHIELDED) != 0)
        return false;
    if ((flags & WEFT__PARK_OPERATION) == 0)
        return weft__park_claim(ticket, WEFT__WAIT_CANCELED);
    (void)weft__engine_cancel(worker->engine, ticket.task->op);
    return false;
}

int weft__park_commit(struct weft__worker *worker, struct weft__ticket ticket, weft_deadline until,
                      unsigned flags)
{
    struct weft__task *task = ticket.task;
    int *place = weft__sys_errno_place();
    int saved = *place;

    task->flags &= (uint16_t)~WEFT__TASK_SHIELDED;
    if ((flags & WEFT__PARK_SHIELDED) != 0)
        task->flags |= WEFT__TASK_SHIELDED;
    if (WEFT__UNLIKELY(weft__task_canceled(task)) && meet_cancel(worker, ticket, flags))
        return finish(task);
    weft__bump(&worker->counters.waits);
    if (until.ns == INT64_MAX)
        (void)weft__switch_away(worker, task);
    else
        leave_until(worker, ticket, until);
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_MIGRATABLE) != 0))
        place = weft__sys_errno_place(); /* it may have moved */
    *place = saved;
    return finish(task);
}

bool weft__park_withdraw(struct weft__ticket ticket)
{
    bool unclaimed = weft__park_claim(ticket, WEFT__WAIT_WOKEN);

    if (unclaimed)
        (void)finish(ticket.task);
    return unclaimed;
}

void weft__park_ready_here(struct weft__worker *worker, struct weft__task *task, bool from_task)
{
    if (task->timer != NULL) {
        weft__wheel_disarm(&worker->wheel, task->timer);
        task->timer = NULL;
    }
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_MIGRATABLE) != 0) &&
        weft__search_offer(worker, task))
        return;
    if (!from_task) {
        weft__queue_append(&worker->ready, task);
        return;
    }
    if (worker->lifo != NULL)
        weft__queue_append(&worker->ready, worker->lifo);
    worker->lifo = task;
}

static void deliver_wake(struct weft__worker *worker, struct weft__message *message)
{
    weft__bump(&worker->counters.remote_wakes);
    weft__park_ready_here(worker, WEFT__CONTAINER(message, struct weft__task, wake), false);
}

void weft__park_send(struct weft__worker *worker, struct weft__worker *target,
                     struct weft__message *message)
{
    struct weft__runtime *runtime = target->runtime;
    bool foreign = worker == NULL || worker->runtime != runtime;

    if (foreign)
        weft__handle_keep(runtime);
    weft__inbox_push(&target->inbox, message); /* SLEEP S1 */
    (void)weft__sleep_wake(worker, target, WEFT__WORKER_NOTIFIED);
    if (foreign)
        weft__handle_let_go(runtime);
}

void weft__park_ready(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__worker *home = weft__load_relaxed(&task->home); /* the claim ordered it: PARK P2 */

    if (home == worker) {
        weft__park_ready_here(worker, task, weft__worker_task(worker) != NULL);
        return;
    }
    task->wake.deliver = deliver_wake;
    weft__park_send(worker, home, &task->wake);
}

#include "runtime/sched/park.h"

#include "runtime/base/chaos.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/cancel.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "runtime/sched/thread.h"
#include "runtime/sched/yield.h"

/*
 * The timer of a task's present wait, at its home. The task does not run again before the timer is
 * disarmed; but its wait may have been claimed, with the message on the way. An operation's wait
 * ends with its completion: the kernel is asked for one.
 */
static void deadline_passed(struct weft__worker *worker, struct weft__timer *timer)
{
    struct weft__task *task = WEFT__CONTAINER(timer, struct weft__task, timer);
    struct weft__ticket ticket = { .task = task, .word = weft__load_relaxed(&task->wait) };

    if ((task->manner & WEFT__PARK_OPERATION) != 0) {
        task->manner |= WEFT__PARK_OVERDUE;
        (void)weft__engine_cancel(worker->engine, task->op);
        return;
    }
    if ((ticket.word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING &&
        weft__park_claim(ticket, WEFT__WAIT_TIMED_OUT))
        weft__park_ready_here(worker, task, false);
}

static int outcome_of(const struct weft__task *task, uint64_t word)
{
    if (WEFT__UNLIKELY((task->manner & WEFT__PARK_OVERDUE) != 0))
        return -ETIMEDOUT;
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
    return outcome_of(task, word);
}

/* The task has been cancelled before this wait. True: the wait is over. */
static WEFT__COLD bool meet_cancel(struct weft__worker *worker, struct weft__ticket ticket)
{
    weft__cancel_scopes(worker, ticket.task);
    if ((ticket.task->manner & WEFT__PARK_SHIELDED) != 0)
        return false;
    if ((ticket.task->manner & WEFT__PARK_OPERATION) == 0)
        return weft__park_claim(ticket, WEFT__WAIT_CANCELED);
    (void)weft__engine_cancel(worker->engine, ticket.task->op);
    return false;
}

/* Under chaos and in a simulation it is as if the task had been ready for longer. Where errno is,
 * for it may have moved. */
WEFT__COLD static int *linger(void)
{
    weft__sim_point(WEFT__SIM_TICKET);
    weft__yield_point();
    return weft__sys_errno_place();
}

int weft__park_commit(struct weft__worker *worker, struct weft__ticket ticket, weft_deadline until,
                      unsigned manner)
{
    struct weft__task *task = ticket.task;
    int *place = weft__sys_errno_place();
    int saved = *place;

    task->manner = (uint8_t)manner;
    if (WEFT__UNLIKELY(worker == NULL)) {
        weft__thread_sleep(ticket, until);
        *place = saved;
        return finish(task);
    }
    if (WEFT__UNLIKELY(weft__task_canceled(task)) && meet_cancel(worker, ticket))
        return finish(task);
    weft__bump(&worker->counters.waits);
    if (until.ns != INT64_MAX) { /* weft__park_ready_here disarms it */
        task->timer.fire = deadline_passed;
        weft__wheel_arm(&worker->wheel, &task->timer, until.ns);
    }
    weft__forks_expose(worker, task);
    /* no clock is read */
    task->stack->since = (uint32_t)(worker->step_cycles >> WEFT__CLOCK_COARSE);
    (void)weft__switch_away(worker, task);
    if (WEFT__UNLIKELY((task->flags & (WEFT__TASK_MIGRATABLE | WEFT__TASK_SHAKEN)) != 0))
        place = linger();
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
    if (task->timer.link != NULL)
        weft__wheel_disarm(&worker->wheel, &task->timer);
    __builtin_prefetch(task->stack); /* it will run soon, and it may have slept long */
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_MIGRATABLE) != 0) &&
        weft__search_offer(worker, task))
        return;
    if (!from_task) {
        worker->woken = true;
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
    weft__sim_point(WEFT__SIM_WAKE);
    weft__chaos_pause(WEFT__CHAOS_DOORBELL);
    (void)weft__sleep_wake(worker, target, WEFT__WORKER_NOTIFIED);
    if (foreign)
        weft__handle_let_go(runtime);
}

/* Makes @task ready by its home; @next: before others, when that is the caller's. */
static inline void ready(struct weft__worker *worker, struct weft__task *task, bool next)
{
    struct weft__worker *home = weft__load_relaxed(&task->home); /* the claim ordered it: PARK P2 */

    if (WEFT__UNLIKELY(home == NULL)) { /* a task that waits has one */
        weft__thread_wake(task);
        return;
    }
    if (home == worker) {
        weft__park_ready_here(worker, task, next && weft__worker_task(worker) != NULL);
        return;
    }
    task->wake.deliver = deliver_wake;
    weft__park_send(worker, home, &task->wake);
}

void weft__park_ready(struct weft__worker *worker, struct weft__task *task)
{
    ready(worker, task, true);
}

void weft__park_ready_queued(struct weft__worker *worker, struct weft__task *task)
{
    ready(worker, task, false);
}

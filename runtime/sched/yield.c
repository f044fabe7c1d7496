/* The calls with which a task gives way: yield, poll, sleep. */
#include "runtime/sched/yield.h"

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/error.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "runtime/sched/thread.h"

static int canceled(const struct weft__task *task)
{
    return WEFT__UNLIKELY(weft__task_canceled(task)) ? -ECANCELED : 0;
}

void weft__yield_loop(struct weft__worker *worker, struct weft__task *task)
{
    if (worker->engine->staged > 0)
        weft__sleep_flush(worker);
    worker->budget = 0;
    worker->gave_way = task; /* the loop queues it */
    (void)weft__switch_away(worker, task);
}

int weft_yield(void)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    if (WEFT__UNLIKELY(task == NULL))
        return weft__error_outside();
    weft__forks_expose(worker, task);
    weft__queue_append(&worker->ready, task);
    (void)weft__switch_away(worker, task);
    return canceled(task);
}

/*
 * A migratable task might come back on another worker, which its caller does not expect; one that
 * holds a spin lock may not leave, though a call that finds no need to wait is allowed.
 */
WEFT__COLD void weft__yield_by_chance(void)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);
    int *place = weft__sys_errno_place();
    int saved = *place;

    if (task == NULL || (task->flags & WEFT__TASK_MIGRATABLE) != 0 ||
        (worker->spinlocks & ~(uint32_t)WEFT__SWITCH_POINT) != 0 ||
        weft__load_relaxed(&weft__record_forked))
        return;
    weft__queue_append(&worker->ready, task);
    (void)weft__switch_away(worker, task);
    *place = saved;
}

int weft_poll(void)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    if (task == NULL)
        return weft__error_outside();
    if (weft__yield_is_due(worker, weft__clock_cycles())) {
        weft__forks_expose(worker, task);
        weft__yield_loop(worker, task);
    }
    return canceled(task);
}

int weft_sleep(weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__thread_or_task(worker);

    if (task == NULL)
        return weft__error_outside();
    if (until.ns == INT64_MAX)
        return -EINVAL;
    if (until.ns <= 0)
        return worker != NULL ? weft_yield() : 0;
    struct weft__ticket ticket = weft__park_begin(task, WEFT__REASON_SLEEP);
    int rc = weft__park_commit(worker, ticket, until, 0);
    return rc == -ETIMEDOUT ? 0 : rc;
}

#include "runtime/sched/switch.h"

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sched/policy.h"

/* The oldest of those that have not started or may be stolen; NULL: none, and no need to look again
 * before one is queued. */
static struct weft__task *take_stealable(struct weft__worker *worker)
{
    struct weft__task *task = weft__ring_pop(&worker->ring);

    if (task != NULL) {
        weft__search_adopt(worker, task);
        return task;
    }
    task = weft__queue_take(&worker->fresh);
    if (task == NULL) {
        worker->mixed = false;
        return NULL;
    }
    if (worker->fresh.head != NULL)
        weft__prefetch_lines(worker->fresh.head, sizeof(*task)); /* the next to start */
    worker->fresh_count--;
    if (worker->fresh_aged > 0)
        worker->fresh_aged--;
    return task;
}

struct weft__task *weft__switch_pick_mixed(struct weft__worker *worker)
{
    struct weft__task *task;

    if (WEFT__UNLIKELY(worker->policy != NULL))
        return weft__policy_pick(worker);
    worker->turn ^= 1;
    if (worker->turn != 0 && (task = weft__switch_take_ready(worker)) != NULL)
        return task;
    if ((task = take_stealable(worker)) != NULL)
        return task;
    if ((task = weft__switch_take_ready(worker)) != NULL)
        return task;
    task = worker->lifo;
    worker->lifo = NULL;
    return task;
}

void weft__switch_look(const struct weft__worker *worker, const struct weft__task *task)
{
    weft__sim_point(WEFT__SIM_TICKET);
    if (task->stack != NULL) /* for runtime/sched/patience.c */
        task->stack->since = (uint32_t)(worker->step_cycles >> WEFT__CLOCK_COARSE);
    if (worker->spinlocks == WEFT__SWITCH_POINT)
        return;
    weft__check_failed("a spin lock is never held across a wait",
                       "task %s waits, yields or ends with a weft_spinlock held: unlock it first, "
                       "or use a weft_mutex",
                       weft__task_label(task));
}

#include "runtime/sched/finish.h"

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/defer.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/gather.h"
#include "runtime/sched/join.h"
#include "runtime/sched/monitor.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/site.h"
#include "runtime/sched/switch.h"

/* Runs all hooks but the one that comes last, which it returns. */
static struct weft__hook *run_hooks(struct weft__hook *hooks, int result)
{
    struct weft__hook *last = NULL;

    while (hooks != NULL) {
        struct weft__hook *next = hooks->next;
        if (hooks->last)
            last = hooks;
        else
            hooks->run(hooks, result);
        hooks = next;
    }
    return last;
}

/*
 * Claims the joiners of an ended task while the lock keeps them in the list; one who has timed out
 * meanwhile loses its word and takes itself out. Returns those that were claimed.
 */
WEFT__COLD static struct weft__joiner *claim_joiners(struct weft__task *task, int result)
{
    struct weft__joiner *claimed = NULL;
    struct weft__joiner **end = &claimed;

    weft__record_lock_own(&task->record);
    struct weft__joiner *joiner = task->joiners;
    while (joiner != NULL) {
        struct weft__joiner *next = joiner->next;
        joiner->link = NULL;
        if ((joiner->gather == NULL || weft__gather_note(joiner->gather, result)) &&
            weft__park_claim(joiner->ticket, WEFT__WAIT_WOKEN)) {
            joiner->claimed = true;
            *end = joiner;
            end = &joiner->next;
        }
        joiner = next;
    }
    *end = NULL;
    task->joiners = NULL;
    weft__record_unlock(&task->record);
    return claimed;
}

/*
 * One step in place of lock and unlock when nobody has the lock: from now on nobody waits any more,
 * nor hangs a hook on the task. Returns the life before it.
 */
static uint64_t mark_ended(struct weft__task *task, uint64_t flags)
{
    uint64_t life = weft__load_relaxed(&task->record.life);

    if (WEFT__LIKELY((life & WEFT__LIFE_LOCKED) == 0) &&
        weft__cas_acqrel(&task->record.life, &life, life | flags)) /* LIFE A2, B1 */
        return life;
    life = weft__record_lock_known(&task->record);
    weft__record_unlock_known(&task->record, life | flags);
    return life;
}

void weft__finish_task(struct weft__worker *worker, struct weft__task *task, int result)
{
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_COPIED) != 0))
        weft__memory_free(task->argument, task->copy_bytes);
    weft__store_relaxed(&task->result, result);
    weft__bump(&worker->counters.ended);
    weft__bump_by(&worker->local_load, -1);

    uint64_t life = mark_ended(task, result < 0 ? WEFT__LIFE_ENDED | WEFT__LIFE_FAILED
                                                : WEFT__LIFE_ENDED);
    struct weft__hook *hooks = task->hooks;
    task->hooks = NULL;

    if (WEFT__UNLIKELY(result < 0 && (task->flags & WEFT__TASK_MONITORED) != 0))
        weft__monitor_tell(worker, task);
    if (WEFT__LIFE_PINS(life) != 0) /* whoever waits has pinned it */
        weft__join_wake(worker, claim_joiners(task, result));
    if (hooks != NULL)
        hooks = run_hooks(hooks, result);
    weft__scope_task_ended(worker, task->scope, task, result);
    if (WEFT__UNLIKELY(hooks != NULL))
        hooks->run(hooks, result);
}

WEFT__COLD static void join_left_scope(struct weft__worker *worker, struct weft__task *task)
{
    char opened[128];
    char spawned[128];
    struct weft__scope *scope = WEFT__CONTAINER(task->scopes.next, struct weft__scope, open);

    weft__record_lock_own(&scope->record);
    weft__scope_cancel_locked(worker, scope);
    weft__record_unlock(&scope->record);
    (void)weft__scope_wait(scope, WEFT_NEVER, WEFT__PARK_SHIELDED);
    weft__site_describe(scope->site, opened, sizeof(opened));
    weft__site_describe(task->site, spawned, sizeof(spawned));
    weft__check_failed("every scope is closed by the task that opened it",
                       "task %s, spawned at %s, returned without closing the scope opened at %s",
                       weft__task_label(task), spawned, opened);
}

WEFT__COLD static void end_forks(struct weft__task *task)
{
    struct weft__forks *forks = task->stack->forks;

    task->stack->forks = NULL;
    forks->end(forks);
}

struct weft__worker *weft__finish_body(struct weft__worker *worker, struct weft__task *task)
{
    if (WEFT__UNLIKELY(task->tidies))
        worker = weft__defer_run(worker, task);
    if (WEFT__UNLIKELY(task->stack->forks != NULL)) /* deferred functions may fork, too */
        end_forks(task);
    if (WEFT__UNLIKELY(!weft__list_empty(&task->scopes)))
        join_left_scope(worker, task);
    weft__switch_check(worker, task);
    return worker;
}

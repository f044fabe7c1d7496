/* The calls of <weft/fork.h>, as functions. */
#include <errno.h>
#include <weft/fork.h>

#include "runtime/base/check.h"
#include "runtime/par/fork.h"
#include "runtime/par/poll.h"
#include "runtime/par/share.h"
#include "runtime/sched/error.h"

#undef weft_fork
#undef weft_fork_join

/* ---- what the scheduler asks for ---- */

static struct weft__strand *strand_of_forks(struct weft__forks *forks)
{
    return WEFT__CONTAINER(forks, struct weft__strand, forks);
}

static void expose(struct weft__forks *forks, struct weft__worker *worker)
{
    weft__share_offer_all(worker, strand_of_forks(forks));
}

static bool outstanding(struct weft__forks *forks)
{
    return weft__strand_outstanding(strand_of_forks(forks));
}

static void end(struct weft__forks *forks)
{
    struct weft__strand *strand = strand_of_forks(forks);
    struct weft__scope *scope = strand->scope;

    if (scope != NULL) {
        weft__list_remove(&scope->open);
        weft__record_lock_own(&scope->record);
        weft__scope_end_locked(scope, &weft__self_worker()->records);
    }
    weft__strand_free(strand);
}

void weft__fork_adopt(struct weft__strand *strand)
{
    strand->forks = (struct weft__forks){ expose, end, outstanding };
    strand->task->stack->forks = &strand->forks;
    weft__poll_begin(strand);
}

/* ---- the calls ---- */

/* Calls @fn on a strand; it must leave it as it was. */
static int call_balanced(struct weft__strand *strand, weft_fork_fn fn, void *argument)
{
    const weft_fork_entry *head = strand->face.head;
    int result = fn(&strand->face, argument);

    if (WEFT__UNLIKELY(strand->face.head != head))
        weft_fork_abandoned(&strand->face);
    return result;
}

static struct weft__strand *own_strand(struct weft__task *task)
{
    if (task->stack->forks != NULL)
        return strand_of_forks(task->stack->forks);
    struct weft__strand *strand = weft__strand_make(task);
    if (strand != NULL)
        weft__fork_adopt(strand);
    return strand;
}

int weft_fork_run(weft_fork_fn fn, void *argument)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());

    WEFT_NEED(fn);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    struct weft__strand *strand = task != NULL ? own_strand(task) : weft__strand_make(NULL);
    if (strand == NULL)
        return -ENOMEM;
    if (task != NULL && !weft__strand_outstanding(strand))
        weft__poll_begin(strand);
    int result = call_balanced(strand, fn, argument);
    if (task == NULL)
        weft__strand_free(strand);
    return result;
}

/* Without memory for a descriptor the child runs now. */
static WEFT__COLD void spill(struct weft__strand *strand, weft_fork_fn fn, void *argument)
{
    if (strand->spilled++ == 0) {
        strand->face.head->state = WEFT__STRAND_SPILLED;
        strand->face.head++;
        strand->spill_error = 0;
    }
    int result = call_balanced(strand, fn, argument);
    if (result < 0 && strand->spill_error == 0)
        strand->spill_error = result;
}

static int join_spilled(struct weft__strand *strand)
{
    int result = strand->spill_error;

    if (--strand->spilled == 0)
        strand->face.head--;
    return result;
}

void weft_fork(weft_strand *strand, weft_fork_fn fn, void *argument)
{
    struct weft__strand *self = weft__strand_of(strand);
    unsigned state = WEFT__FORK_WAITING;

    WEFT_NEED(strand);
    WEFT_NEED(fn);
    if (WEFT__UNLIKELY(strand->head >= strand->limit)) {
        weft__poll_refuel(self);
        if (weft__strand_is_full(self)) {
            if (self->spilled > 0 || !weft__strand_grow(self)) {
                spill(self, fn, argument);
                return;
            }
            state = WEFT__STRAND_FIRST;
        }
    }
    weft_fork_entry *entry = strand->head;
    entry->fn = fn;
    entry->argument = argument;
    entry->state = state;
    strand->head = entry + 1;
}

static inline int run_last(struct weft__strand *strand)
{
    weft_fork_entry *entry = strand->face.head - 1;

    entry->state = WEFT__FORK_RUNNING;
    int result = call_balanced(strand, entry->fn, entry->argument);
    weft__strand_pop(strand);
    return result;
}

static WEFT__COLD int join_slowly(struct weft__strand *strand)
{
    int result = 0;

    switch (strand->face.head[-1].state) {
    case WEFT__STRAND_FIRST: return run_last(strand);
    case WEFT__STRAND_SPILLED: return join_spilled(strand);
    case WEFT__STRAND_SHARED:
        if (weft__load_relaxed(&weft__record_forked))
            result = -EOWNERDEAD; /* whoever took it does not live in this process */
        else if (!weft__share_end(strand, &result))
            return run_last(strand);
        weft__strand_pop(strand);
        return result;
    default: break;
    }
    weft__check_failed("a join belongs to a fork of the same function",
                       "weft_fork_join: task %s has forked no child here that is not joined",
                       strand->task != NULL ? weft__task_label(strand->task) : "of no worker");
}

int weft_fork_join(weft_strand *strand)
{
    struct weft__strand *self = weft__strand_of(strand);

    WEFT_NEED(strand);
    if (WEFT__UNLIKELY(--strand->fuel < 0))
        weft__poll_refuel(self);
    weft_fork_entry *entry = strand->head - 1;
    if (WEFT__UNLIKELY(entry->state != WEFT__FORK_WAITING))
        return join_slowly(self);
    entry->state = WEFT__FORK_RUNNING;
    int result = call_balanced(self, entry->fn, entry->argument);
    strand->head = entry;
    return result;
}

void weft_fork_abandoned(weft_strand *strand)
{
    const struct weft__task *task = weft__strand_of(strand)->task;

    weft__check_failed("a child joins all that it forks before it returns",
                       "task %s: a function returned before it had joined what it forked with "
                       "weft_fork, or joined what others forked",
                       task != NULL ? weft__task_label(task) : "of no worker");
}

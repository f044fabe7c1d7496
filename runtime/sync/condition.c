/*
 * Conditions. A waiter stands in the line before it lets the mutex go, so a signal that is given
 * after that finds it: nobody is woken too early to be waiting. A signal is given to a waiter whose
 * wait it has claimed, or to the next one: deadline and cancel do not swallow it.
 */
#include <limits.h>
#include <weft/condition.h>

#include "runtime/base/check.h"
#include "runtime/sync/mutex.h"
#include "runtime/sync/wait.h"

struct condition {
    struct weft__line line; /* (l) */
    struct weft__lock lock;
};

_Static_assert(sizeof(struct condition) <= sizeof(weft_condition), "it has no room");
_Static_assert(_Alignof(struct condition) <= _Alignof(weft_condition), "it stands askew");

static struct condition *condition_of(weft_condition *condition)
{
    return (struct condition *)(void *)condition;
}

static void leave(struct condition *condition, struct weft__waiter *waiter)
{
    weft__lock_acquire(&condition->lock); /* pairs with weft__lock_release */
    if (waiter->line != NULL)
        weft__line_remove(waiter);
    weft__lock_release(&condition->lock);
}

int weft_condition_wait(weft_condition *condition, weft_mutex *mutex, weft_deadline until)
{
    int rc = 0;
    struct weft__waiter waiter = { 0 };
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__owner_self(worker, &rc);

    WEFT_NEED(condition);
    WEFT_NEED(mutex);
    if (task == NULL)
        return rc;
    weft__mutex_need_held(mutex, task, "weft_condition_wait");
    if (weft__task_canceled(task))
        return -ECANCELED;
    if (until.ns <= 0)
        return -ETIMEDOUT;
    struct condition *self = condition_of(condition);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    waiter.ticket = weft__park_begin(task, WEFT__REASON_CONDITION);
    weft__line_append(&self->line, &waiter);
    weft__lock_release(&self->lock);
    uint32_t depth = weft__mutex_let_go(mutex, worker);
    rc = weft__park_commit(worker, waiter.ticket, until, 0);
    if (rc < 0)
        leave(self, &waiter);
    weft__mutex_take_back(mutex, task, depth);
    return rc;
}

static int wake_up_to(weft_condition *condition, size_t most)
{
    struct condition *self = condition_of(condition);

    if (weft__wait_is_left())
        return -EOWNERDEAD;
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    struct weft__waiter *claimed = weft__line_claim_many(&self->line, most, 0);
    weft__lock_release(&self->lock);
    return (int)weft__line_wake_many(weft__self_worker(), claimed);
}

int weft_condition_signal(weft_condition *condition)
{
    WEFT_NEED(condition);
    return wake_up_to(condition, 1);
}

int weft_condition_broadcast(weft_condition *condition)
{
    WEFT_NEED(condition);
    return wake_up_to(condition, INT_MAX);
}

void weft_condition_init(weft_condition *condition)
{
    WEFT_NEED(condition);
    *condition = (weft_condition)WEFT_CONDITION_INIT;
}

void weft_condition_fini(weft_condition *condition)
{
    if (condition == NULL || weft__wait_is_left())
        return;
    struct condition *self = condition_of(condition);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_condition_fini");
}

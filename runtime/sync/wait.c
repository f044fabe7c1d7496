#include "runtime/sync/wait.h"

#include <errno.h>

#include "runtime/base/check.h"
#include "runtime/sched/yield.h"

struct weft__task *weft__wait_self(const struct weft__worker *worker, int *out_error)
{
    weft__yield_point();
    struct weft__task *task = weft__owner_self(worker, out_error);

    if (task == NULL || !weft__task_canceled(task))
        return task;
    *out_error = -ECANCELED;
    return NULL;
}

int weft__wait_in_line(struct weft__lock *lock, struct weft__line *line,
                       struct weft__waiter *waiter, struct weft__task *task, weft_deadline until,
                       enum weft__wait_reason reason)
{
    if (until.ns <= 0) {
        weft__lock_release(lock);
        return -ETIMEDOUT;
    }
    waiter->ticket = weft__park_begin(task, reason);
    weft__line_append(line, waiter);
    weft__lock_release(lock);
    int rc = weft__park_commit(weft__self_worker(), waiter->ticket, until, 0);
    if (rc == 0)
        return waiter->result;
    weft__lock_acquire(lock); /* pairs with weft__lock_release */
    if (waiter->line != NULL)
        weft__line_remove(waiter);
    weft__lock_release(lock);
    return rc;
}

void weft__wait_leave_record(struct weft__record *record, uint64_t life,
                             struct weft__waiter *waiter)
{
    if (!weft__record_lock_as(record, life >> WEFT__LIFE_GENERATION_SHIFT))
        return;
    if (waiter->line != NULL)
        weft__line_remove(waiter);
    weft__record_unlock(record);
}

int weft__wait_on_record(struct weft__worker *worker, struct weft__record *record, uint64_t life,
                         struct weft__waiter *waiter, weft_deadline until)
{
    int rc = weft__park_commit(worker, waiter->ticket, until, 0);

    if (WEFT__LIKELY(rc == 0))
        return waiter->result;
    weft__wait_leave_record(record, life, waiter);
    return rc;
}

void weft__wait_need_nobody(struct weft__lock *lock, const struct weft__line *line,
                            const char *call)
{
    weft__lock_acquire(lock); /* pairs with the release of a call under way */
    bool empty = weft__line_first(line) == NULL;
    weft__lock_release(lock);
    WEFT_ASSERT(empty, "%s: somebody waits for it", call);
}

#include "runtime/io/turn.h"

#include "runtime/sched/error.h"
#include "runtime/sync/wait.h"

/* Takes the turn of a locked file, or stands in its line for it: 1. */
static int take_or_line_up_locked(struct weft__fd *fd, struct weft__waiter *waiter,
                                  struct weft__task *task, weft_deadline until)
{
    if (weft__record_has(&fd->record, WEFT__LIFE_ENDED))
        return -EBADF;
    if (!fd->turn_taken) {
        fd->turn_taken = true;
        return 0;
    }
    if (until.ns <= 0)
        return -ETIMEDOUT;
    waiter->ticket = weft__park_begin(task, WEFT__REASON_TURN);
    weft__line_append(&fd->turns, waiter);
    return 1;
}

int weft__turn_take(struct weft__fd *fd, weft_deadline until)
{
    struct weft__waiter waiter = { 0 };
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    if (task == NULL)
        return weft__error_outside();
    if (weft__task_canceled(task))
        return -ECANCELED;
    weft__record_lock_own(&fd->record);
    uint64_t life = weft__load_relaxed(&fd->record.life);
    int rc = take_or_line_up_locked(fd, &waiter, task, until);
    weft__record_unlock(&fd->record);
    return rc <= 0 ? rc : weft__wait_on_record(worker, &fd->record, life, &waiter, until);
}

void weft__turn_give(struct weft__fd *fd)
{
    weft__record_lock_own(&fd->record);
    struct weft__waiter *next = weft__line_claim(&fd->turns);
    if (next != NULL)
        next->result = 0;
    else
        fd->turn_taken = false;
    weft__record_unlock(&fd->record);
    weft__line_wake(weft__self_worker(), next);
}

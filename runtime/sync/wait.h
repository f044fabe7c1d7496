/* What all calls on locks and events share: who may wait, and the wait in a line that one lock
 * guards. */
#ifndef WEFT_SYNC_WAIT_H
#define WEFT_SYNC_WAIT_H

#include "runtime/base/lock.h"
#include "runtime/sync/line.h"
#include "runtime/sync/owner.h"

/* Who waits when the caller does. NULL with *out_error: weft__owner_self's reasons, or
 * -ECANCELED. */
struct weft__task *weft__wait_self(const struct weft__worker *worker, int *out_error);

/* Whether the task that calls has been cancelled; a thread can't be. */
static inline bool weft__wait_is_canceled(const struct weft__worker *worker)
{
    const struct weft__task *task = weft__worker_task(worker);
    return task != NULL && weft__task_canceled(task);
}

/*
 * Stands in @line, which @lock guards and the caller has locked, and waits; unlocks it. Returns the
 * result that the claimer has set; else -ETIMEDOUT (at once for a deadline of now) or -ECANCELED,
 * with @waiter out of the line.
 */
int weft__wait_in_line(struct weft__lock *lock, struct weft__line *line,
                       struct weft__waiter *waiter, struct weft__task *task, weft_deadline until,
                       enum weft__wait_reason reason);

/*
 * Waits as @waiter, which stands in a line that the lock of @record guards; nothing is locked. What
 * comes back is as of weft__wait_in_line. The record may be freed meanwhile: @life is what it was
 * when the waiter lined up, and whoever frees it empties its lines.
 */
int weft__wait_on_record(struct weft__worker *worker, struct weft__record *record, uint64_t life,
                         struct weft__waiter *waiter, weft_deadline until);

/* Takes @waiter out of the line that the record guarded which had @life, if it still stands there.
 * */
void weft__wait_leave_record(struct weft__record *record, uint64_t life,
                             struct weft__waiter *waiter);

/* For the end of an object: ends the program when somebody stands in @line. Then nobody is in the
 * middle of a call that has let the caller in. */
void weft__wait_need_nobody(struct weft__lock *lock, const struct weft__line *line,
                            const char *call);

/* In the child of a fork: locks may be held by threads that are not there. */
static inline bool weft__wait_is_left(void)
{
    return WEFT__UNLIKELY(weft__load_relaxed(&weft__record_forked));
}

#endif

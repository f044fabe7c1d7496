/*
 * Events. Invariant: tasks stand in the line only while the event is not set. A set claims all of
 * them, or, when the event resets itself, the first that can be claimed, and is remembered only
 * when there is none.
 */
#include "runtime/sync/event.h"

#include <errno.h>
#include <limits.h>

#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

_Static_assert(sizeof(struct weft__event) <= sizeof(weft_event), "it has no room");
_Static_assert(_Alignof(struct weft__event) <= _Alignof(weft_event), "it stands askew");

int weft_event_wait(weft_event *event, weft_deadline until)
{
    int rc = 0;
    struct weft__waiter waiter = { 0 };
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    WEFT_NEED(event);
    if (task == NULL)
        return rc;
    struct weft__event *self = weft__event_of(event);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    if (weft__event_take_locked(self)) {
        weft__lock_release(&self->lock);
        return 0;
    }
    return weft__wait_in_line(&self->lock, &self->line, &waiter, task, until, WEFT__REASON_EVENT);
}

int weft_event_set(weft_event *event)
{
    WEFT_NEED(event);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct weft__event *self = weft__event_of(event);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    size_t most = self->automatic != 0 ? 1 : INT_MAX;
    struct weft__waiter *claimed = weft__line_claim_many(&self->line, most, 0);
    if (self->automatic == 0 || claimed == NULL)
        weft__store_relaxed(&self->set, true);
    weft__lock_release(&self->lock);
    return (int)weft__line_wake_many(weft__self_worker(), claimed);
}

int weft_event_reset(weft_event *event)
{
    WEFT_NEED(event);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct weft__event *self = weft__event_of(event);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    bool set = weft__load_relaxed(&self->set);
    weft__store_relaxed(&self->set, false);
    weft__lock_release(&self->lock);
    return set;
}

int weft_event_is_set(weft_event *event)
{
    WEFT_NEED(event);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct weft__event *self = weft__event_of(event);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    bool set = weft__load_relaxed(&self->set);
    weft__lock_release(&self->lock);
    return set;
}

void weft_event_init(weft_event *event, int automatic)
{
    WEFT_NEED(event);
    *event = (weft_event)WEFT_EVENT_INIT;
    weft__event_of(event)->automatic = automatic != 0;
}

void weft_event_fini(weft_event *event)
{
    if (event == NULL || weft__wait_is_left())
        return;
    struct weft__event *self = weft__event_of(event);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_event_fini");
}

/* Events as cases of a select. One that resets itself lets the select through alone. */
#include "runtime/base/check.h"
#include "runtime/sync/event.h"
#include "runtime/sync/source.h"

static bool event_peek(const weft_case *one, int64_t now)
{
    (void)now;
    WEFT_ASSERT(one->pointer != NULL, "weft_select: the event of a case is NULL");
    return weft__load_relaxed(&weft__event_of(one->pointer)->set);
}

static enum weft__source_outcome event_attempt(struct weft__worker *worker, weft_case *one,
                                               int64_t now)
{
    struct weft__event *event = weft__event_of(one->pointer);

    (void)worker;
    (void)now;
    weft__lock_acquire(&event->lock); /* pairs with weft__lock_release */
    bool taken = weft__event_take_locked(event);
    weft__lock_release(&event->lock);
    one->result = 0;
    return taken ? WEFT__SOURCE_DONE : WEFT__SOURCE_NOT_READY;
}

static enum weft__source_outcome event_stand(struct weft__worker *worker, weft_case *one,
                                             struct weft__ticket ticket, int64_t now)
{
    struct weft__event *event = weft__event_of(one->pointer);
    enum weft__source_outcome outcome = WEFT__SOURCE_NOT_READY;

    (void)worker;
    (void)now;
    weft__lock_acquire(&event->lock); /* pairs with weft__lock_release */
    if (!weft__load_relaxed(&event->set)) {
        weft__source_line_up(one, &event->line, ticket);
    } else if (weft__park_withdraw(ticket)) {
        (void)weft__event_take_locked(event);
        one->result = 0;
        outcome = WEFT__SOURCE_DONE;
    } else {
        outcome = WEFT__SOURCE_ENDED;
    }
    weft__lock_release(&event->lock);
    return outcome;
}

static void event_leave(weft_case *one)
{
    struct weft__event *event = weft__event_of(one->pointer);
    struct weft__waiter *waiter = &weft__source_room_of(one)->waiter;

    if (waiter->result != WEFT__LINE_UNSERVED)
        return;
    weft__lock_acquire(&event->lock); /* pairs with weft__lock_release */
    if (waiter->line != NULL)
        weft__line_remove(waiter);
    weft__lock_release(&event->lock);
}

const struct weft__source weft__source_event = { event_peek,  event_attempt,       event_stand,
                                                 event_leave, weft__source_served, NULL };

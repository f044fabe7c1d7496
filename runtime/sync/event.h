/* The inside of an event, for who waits for several things at once: its lock guards its state and
 * its line. */
#ifndef WEFT_SYNC_EVENT_H
#define WEFT_SYNC_EVENT_H

#include <weft/event.h>

#include "runtime/base/lock.h"
#include "runtime/sync/line.h"

struct weft__event {
    uint64_t automatic;     /* (i) */
    struct weft__line line; /* (l) */
    struct weft__lock lock;
    _Atomic bool set; /* (l) nobody stands in the line then */
};

static inline struct weft__event *weft__event_of(weft_event *event)
{
    return (struct weft__event *)(void *)event;
}

/* Goes through when it is set. */
static inline bool weft__event_take_locked(struct weft__event *event)
{
    bool set = weft__load_relaxed(&event->set);

    if (event->automatic != 0)
        weft__store_relaxed(&event->set, false);
    return set;
}

#endif

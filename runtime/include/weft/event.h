/*
 * Events: something has happened, or not yet. One that is reset by hand stays set, and lets all
 * through, until somebody resets it; one that resets itself lets one through for each set. See
 * weft-locks(7).
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_event {
    uint64_t opaque[6];
} weft_event;

/* Not set, and reset by hand; zeroed memory is one too. */
#define WEFT_EVENT_INIT { { 0 } }
/* Not set; resets itself when it has let one through. */
#define WEFT_EVENT_AUTO_INIT { { 1 } }

WEFT_BEGIN

/*
 * weft_event_init - makes an event in storage that no initialiser has reached
 * @event:     where
 * @automatic: 1: it resets itself when it has let one through; 0: it is reset by hand
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage stays the caller's
 * Context:    any task, any thread; a child of fork too    Suspends: never
 * Cancel:     no effect
 * Ordering:   none: it must be over before others use it
 * Cost:       a few stores    Node: none
 * Since:      0.1    Source: Julia's Event(autoreset)
 */
WEFT_API void weft_event_init(weft_event *event, int automatic);

/*
 * weft_event_fini - ends the use of an event; its storage may go afterwards
 * Ends the program with a sentence when somebody waits for it. A call of another thread that has
 * just let the caller go on is over when this returns.
 * @event:     NULL does nothing
 * Returns:    nothing
 * Errors:     none
 * Ownership:  the storage is the caller's alone
 * Context:    any task, any thread; does nothing in a child of fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   everything that was done with it happens-before this return
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_event_fini(weft_event *event);

/*
 * weft_event_wait - waits until an event is set
 * Returns at once when it is. One that resets itself is not set any more then; those who wait for
 * one are let through in the order in which they came.
 * @event:     the event
 * @until:     how long to wait; WEFT_NOW: only if it is set
 * Returns:    0
 * Errors:     -ETIMEDOUT, -ECANCELED (for a task cancelled before, also when it is set), -EPERM in
 *             a callback of the runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until it is set
 * Cancel:     all or nothing: an error takes nothing from an event that resets itself
 * Ordering:   everything before the set happens-before this return
 * Cost:       one short lock; no allocation, ever    Node: none
 * Since:      0.1    Source: Julia's Event
 */
WEFT_API WEFT_MUST_USE int weft_event_wait(weft_event *event, weft_deadline until);

/*
 * weft_event_set - says that it has happened
 * By hand: all who wait are let through, and all who come, until the reset. Automatic: the one who
 * has waited longest is let through; when nobody waits, the next who comes. More sets before that
 * are one.
 * @event:     the event
 * Returns:    how many were waiting and are let through
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before the return of the waits that it ends
 * Cost:       one short lock, and a wake for each    Node: none
 * Since:      0.1    Source: Julia's notify(event)
 */
WEFT_API int weft_event_set(weft_event *event);

/*
 * weft_event_reset - says that it has not happened yet
 * Those who have been let through already are not held up.
 * @event:     the event
 * Returns:    1 when it was set, else 0
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_event_wait, when it was set
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: Julia's reset
 */
WEFT_API int weft_event_reset(weft_event *event);

/*
 * weft_event_is_set - whether an event is set
 * A snapshot that may be old when it arrives. Changes nothing.
 * @event:     the event
 * Returns:    1 or 0
 * Errors:     none
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   as weft_event_wait, when it is set
 * Cost:       one short lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_event_is_set(weft_event *event);

WEFT_END

#endif

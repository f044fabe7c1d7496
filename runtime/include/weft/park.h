/*
 * Parking: a task waits for nothing but a word from somebody who knows it by its handle. The ground
 * that other ways to wait are built on; most programs want an event, a future or a channel.
 */
#ifndef WEFT_PARK_H
#define WEFT_PARK_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_park - waits until somebody unparks the running task
 * Returns at once when that has been done before: then the task has a permit. No other wait of the
 * task is ended by an unpark, or uses the permit up. A forked child parks as the task that has
 * forked it: an unpark of that ends one of their parks.
 * @until:     how long to wait; WEFT_NOW: only takes a permit
 * Returns:    0; the permit is used up
 * Errors:     -ETIMEDOUT, -ECANCELED (for a task cancelled before, also when it has a permit),
 *             -EPERM outside a task: a thread has no handle, so nobody could unpark it
 * Ownership:  none
 * Context:    any task    Suspends: until it is unparked
 * Cancel:     the wait ends; an error never uses a permit up
 * Ordering:   everything before the unpark happens-before this return
 * Cost:       one lock, which only its unparkers want too; no allocation    Node: none
 * Since:      0.1    Source: Julia's wait(); the parking of Java's LockSupport
 */
WEFT_API WEFT_MUST_USE int weft_park(weft_deadline until);

/*
 * weft_unpark - lets a task's park return, the present one or the next
 * A task has one permit at most: who unparks twice is told.
 * @task:      any task, also one that has not started, or the running one
 * Returns:    1 when it was parked and goes on, 0 when it has a permit now
 * Errors:     -EALREADY when it has a permit that it has not used, with nothing changed; -ESRCH,
 *             also when it has ended
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   see weft_park
 * Cost:       one lock, and a wake    Node: none
 * Since:      0.1    Source: Julia's schedule(task), for one that waits
 */
WEFT_API WEFT_MUST_USE int weft_unpark(weft_task task);

WEFT_END

#endif

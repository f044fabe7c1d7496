/*
 * Notifiers: how a signal handler, or a thread that must not wait, wakes a task. A send never
 * waits, takes no lock and allocates nothing; sends that nobody has waited for yet are one.
 */
#ifndef WEFT_NOTIFIER_H
#define WEFT_NOTIFIER_H

#include <weft/base.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_notifier_create - makes a notifier, with no send in it
 * Returns:    the notifier; end it with weft_notifier_release
 * Errors:     -EMFILE, -ENFILE, -ENOMEM
 * Ownership:  the caller owns the notifier; it has an event descriptor of its own
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one eventfd(2)    Node: local
 * Since:      0.1    Source: Julia's AsyncCondition, eventfd(2)
 */
WEFT_API weft_notifier weft_notifier_create(void);

/*
 * weft_notifier_send - lets one wait return, the present one or the next
 * Sends coalesce: while one has not been waited for, further ones add nothing. After each send a
 * wait returns that has begun before it or begins later.
 * @notifier:  the notifier
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread, signal handler    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before the send happens-before the return of the wait that sees it, and of
 *             the wait that sees the send that it was merged into
 * Cost:       two system calls, none when it is merged; errno stays as it was    Node: none
 * Since:      0.1    Source: signal-safety(7)
 */
WEFT_API int weft_notifier_send(weft_notifier notifier);

/*
 * weft_notifier_wait - waits for a send
 * Several may wait: each send that is not merged lets one of them go, no matter which.
 * @notifier:  the notifier
 * @until:     how long to wait; with WEFT_NOW it only looks
 * Returns:    0; the send is used up
 * Errors:     -EPIPE when it is released meanwhile, -ETIMEDOUT, -ECANCELED, -ESRCH, -EPERM as
 *             weft_chan_put
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: until a send
 * Cancel:     an error never uses up a send
 * Ordering:   as weft_notifier_send
 * Cost:       one lock; a read of the event descriptor when there is no send yet    Node: none
 * Since:      0.1    Source: Julia's wait(::AsyncCondition)
 */
WEFT_API WEFT_MUST_USE int weft_notifier_wait(weft_notifier notifier, weft_deadline until);

/*
 * weft_notifier_release - ends a notifier
 * Those that wait get -EPIPE. The handle is stale afterwards, for signal handlers too.
 * @notifier:  the notifier
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the notifier is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one close(2)    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_notifier_release(weft_notifier notifier);

WEFT_END

#endif

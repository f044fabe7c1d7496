/*
 * Futures: a value that is written once, perhaps later, and read by any number of tasks. It is
 * named by a handle, because readers may hold it longer than its maker. See weft-locks(7).
 */
#ifndef WEFT_FUTURE_H
#define WEFT_FUTURE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_future_create - makes a future that has no value yet
 * @bytes:     size of the value; 0 to 64 KiB (0: only the event counts)
 * Returns:    the future; end it with weft_future_release
 * Errors:     -EINVAL for a size out of range, -ENOMEM
 * Ownership:  the caller owns the future
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one allocation when the value is larger than 64 bytes    Node: local
 * Since:      0.1    Source: Julia's Future
 */
WEFT_API weft_future weft_future_create(size_t bytes);

/*
 * weft_future_set - gives a future its value, for good
 * @future:    the future
 * @value:     its bytes to copy; may be NULL when there are none
 * Returns:    how many were waiting for it
 * Errors:     -EALREADY when it has a value or an error, -ESRCH
 * Ownership:  copied
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before each return of the value
 * Cost:       one lock, a copy for each who waits, and a wake    Node: none
 * Since:      0.1    Source: Julia's put! on a Future, an error the second time
 */
WEFT_API WEFT_MUST_USE int weft_future_set(weft_future future, const void *value);

/*
 * weft_future_fail - says, for good, that there will be no value
 * @future:    the future
 * @error:     the negative errno that all fetches return
 * Returns:    how many were waiting for it
 * Errors:     -EALREADY when it has a value or an error, -EINVAL when error is not negative, -ESRCH
 * Ownership:  the handle stays valid until weft_future_release
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before each return of the error
 * Cost:       one lock, and a wake for each who waits    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_future_fail(weft_future future, int error);

/*
 * weft_future_fetch - waits until a future has its value, and copies it
 * Any number may fetch, any number of times.
 * @future:    the future
 * @out_value: room for its bytes, untouched on error; NULL: only wait
 * @until:     how long to wait; WEFT_NOW only looks
 * Returns:    0
 * Errors:     the error that it was given; -ETIMEDOUT, -ECANCELED (for a task cancelled before,
 *             also when there is a value), -EPIPE when it is released meanwhile, -ESRCH, -EPERM in
 *             a callback of the runtime
 * Ownership:  copied out; out_value is borrowed until the return
 * Context:    any task, any thread    Suspends: until it has a value or an error
 * Cancel:     the wait ends; the value stays for others
 * Ordering:   everything before the set happens-before this return
 * Cost:       one lock and a copy    Node: none
 * Since:      0.1    Source: Julia's fetch
 */
WEFT_API WEFT_MUST_USE int weft_future_fetch(weft_future future, void *out_value,
                                             weft_deadline until);

/*
 * weft_future_is_set - whether a future has its value, or an error
 * @future:    the future
 * Returns:    1, and that for good, or 0
 * Errors:     -ESRCH
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   as weft_future_fetch, when it is set
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: Julia's isready
 */
WEFT_API WEFT_MUST_USE int weft_future_is_set(weft_future future);

/*
 * weft_future_release - ends a future
 * Those who wait for it get -EPIPE. The handle is stale afterwards.
 * @future:    the future
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the future is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_future_release(weft_future future);

WEFT_END

#endif

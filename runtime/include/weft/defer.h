/*
 * Deferred functions: what shall be done when the running task's body has returned, whichever way
 * it returned. They run on the task's stack, as a part of the task, the last one first.
 */
#ifndef WEFT_DEFER_H
#define WEFT_DEFER_H

#include <weft/base.h>

typedef void (*weft_cleanup_fn)(void *argument);

WEFT_BEGIN

/*
 * weft_defer - has a function called when the body of the running task has returned
 * The last one that was deferred runs first; one that is deferred by another runs right after it.
 * All run before the task counts as ended, whoever waits for it waits for them too, and before the
 * look for scopes that the body has left open: closing one is a use. They run shielded
 * (weft_shield_begin), so that they can wait in a cancelled task, but only for 5 seconds in all
 * (starting value): from then on a cancel ends their waits, too. What the task returns is what its
 * body has returned.
 * @fn:        the function; not NULL
 * @argument:  handed to fn; not on the stack of the body, which has returned by then
 * Returns:    0
 * Errors:     -EPERM outside a task, -ENOMEM; fn is not called then
 * Ownership:  what argument points to stays the caller's until fn runs
 * Context:    any task    Suspends: never
 * Cancel:     works in a cancelled task
 * Ordering:   what the functions do happens-before the return of a wait for the task
 * Cost:       one allocation    Node: local
 * Since:      0.1    Source: Go's defer, for a task in place of a function
 */
WEFT_API WEFT_MUST_USE int weft_defer(weft_cleanup_fn fn, void *argument);

/*
 * weft_defer_copy - the same with a copy of some bytes in place of a pointer
 * @fn:        the function; it gets a pointer to the copy, aligned to 16 bytes, valid until it
 *             returns; not NULL
 * @bytes:     what to copy; may be NULL when size is 0
 * @size:      0 to 1 GiB
 * Returns:    0
 * Errors:     as weft_defer, and -EINVAL for a size out of range
 * Ownership:  the copy is the task's
 * Context:    any task    Suspends: never
 * Cancel:     as weft_defer
 * Ordering:   as weft_defer
 * Cost:       one allocation and a copy    Node: local
 * Since:      0.1    Source: as weft_go_copy
 */
WEFT_API WEFT_MUST_USE int weft_defer_copy(weft_cleanup_fn fn, const void *bytes, size_t size);

WEFT_END

#endif

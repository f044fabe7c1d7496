/*
 * Pins: sections in which a migratable task stays on its worker. For what belongs to the thread: a
 * library that keeps something in thread-local variables, errno across a wait. See
 * weft-scheduling(7).
 */
#ifndef WEFT_PIN_H
#define WEFT_PIN_H

#include <weft/base.h>

WEFT_BEGIN

/*
 * weft_pin - keeps the running task on its worker until the weft_unpin that belongs to it
 * Sections nest. A task that is not migratable stays anyway, and a thread that is no worker is
 * always itself. What the task spawns is not pinned. A section that is open when the body returns
 * ends there.
 * Returns:    0
 * Errors:     -ENOMEM (the first section of a task), -EPERM in a callback of the runtime
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   none
 * Cost:       a few loads and one store; an allocation for the first section of a task
 * Node:       local
 * Since:      0.1    Source: the sticky tasks of Julia
 */
WEFT_API WEFT_MUST_USE int weft_pin(void);

/*
 * weft_unpin - ends the innermost section of the running task
 * After the outermost one the task may move at its next wait. A call of a task without a section
 * ends the program.
 * Returns:    0
 * Errors:     -EPERM in a callback of the runtime
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     works in a cancelled task too
 * Ordering:   none
 * Cost:       a few loads and one store    Node: none
 * Since:      0.1    Source: as weft_pin
 */
WEFT_API int weft_unpin(void);

WEFT_END

#endif

/*
 * Shields: sections of a task in which a cancel, and with it the deadline of a scope, ends none of
 * its waits. For what must be done whole, such as the end of a protocol. What the task has been
 * asked meanwhile it hears when the section is over. See weft-cancellation(7).
 */
#ifndef WEFT_SHIELD_H
#define WEFT_SHIELD_H

#include <weft/base.h>

WEFT_BEGIN

/*
 * weft_shield_begin - begins a section in which a cancel does not end the running task's waits
 * Until the weft_shield_end that belongs to it the task works as if nobody had asked it to end:
 * its calls wait, weft_canceled says 0. Sections nest. Scopes that are opened in a section are
 * shielded with it; scopes that were open before are cancelled as ever, and so are tasks in them. A
 * deadline that a call is given counts in a section, too: give one to each wait that may be long,
 * for nothing else ends it. A section that is open when the body returns ends there. In a thread
 * that is no worker, which nobody cancels, it does nothing.
 * Returns:    0
 * Errors:     -EPERM in a callback of the runtime, -ENOMEM (the 16th and deeper): none begins
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     held off until the end of the section
 * Ordering:   none
 * Cost:       a few loads and one store; the 16th of a task may allocate once    Node: local
 * Since:      0.1    Source: the shielded cancel scopes of Trio
 */
WEFT_API int weft_shield_begin(void);

/*
 * weft_shield_end - ends the innermost section of the running task
 * With the outermost one the task hears of a cancel again, and the scopes that it has opened in the
 * section and not closed are cancelled if it is. A call without a section ends the program.
 * Returns:    0
 * Errors:     -ECANCELED when the task is cancelled and was the outermost section's (which has
 *             ended all the same), -EPERM in a callback of the runtime
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     tells, see Errors
 * Ordering:   what the canceller did happens-before a return of -ECANCELED
 * Cost:       a few loads and one store    Node: none
 * Since:      0.1    Source: as weft_shield_begin
 */
WEFT_API int weft_shield_end(void);

WEFT_END

#endif

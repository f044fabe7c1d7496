/*
 * Errors: what calls return, and what a failed task leaves behind. A call that fails returns a
 * negative errno. Fixed meanings throughout weft:
 *   -ECANCELED   the task or its scope was cancelled
 *   -ETIMEDOUT   the deadline passed
 *   -EPIPE       the channel or pipe is closed, or what the call waited for was released
 *   -EAGAIN      a try form would have to wait
 *   -ESRCH       the handle is stale, or of another kind
 *   -EBADF       the same for a file
 *   -EDEADLK     it would wait for itself
 *   -EPERM       needs a task, a runtime or another caller
 *   -ESHUTDOWN   the runtime is stopping
 *   -EOPNOTSUPP  the kernel lacks it, or such an object does
 *   -EOWNERDEAD  weft was in use before fork(2), and this is the child
 * A failed task keeps an error object: the code, a sentence and the error that caused it.
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <weft/base.h>

enum { WEFT_ERROR_TEXT = 160, WEFT_NAME = 32 };

typedef struct weft_error {
    size_t size;                /* sizeof(weft_error) of the caller; set by WEFT_ERROR_INIT */
    int code;                   /* negative errno; 0: no error */
    int cause_code;             /* the error behind it; 0: none */
    weft_task task;             /* the task that failed; 0: none */
    char task_name[WEFT_NAME];  /* its name, "" when it had none */
    char text[WEFT_ERROR_TEXT]; /* what went wrong, with the texts of its causes after colons */
} weft_error;

#define WEFT_ERROR_INIT { sizeof(weft_error), 0, 0, 0, "", "" }

WEFT_BEGIN

/*
 * weft_error_name - the symbol and the meaning of a code: "ETIMEDOUT: the deadline passed"
 * Codes with a fixed meaning in weft have weft's words, all others those of the C library.
 * @code:      a result of any weft call; its sign does not matter
 * Returns:    a string that lives as long as the program
 * Errors:     none; 0 is "no error", an unknown code "unknown error"
 * Ownership:  lent
 * Context:    any thread, any task    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: strerrordesc_np(3)
 */
WEFT_API const char *weft_error_name(int code);

/*
 * weft_fail - gives the running task's failure a sentence and a cause, and returns the code
 * Meant for return statements: return weft_fail(rc, NULL, "cannot read %s", path);
 * The last call before the task returns counts; a task that returns 0 forgets it.
 * @code:      negative errno that the task is about to return
 * @cause:     the error behind it, whose text is appended after a colon; NULL: none
 * @format:    printf format of the sentence; cut to WEFT_ERROR_TEXT
 * Returns:    code
 * Errors:     code
 * Ownership:  everything is copied
 * Context:    any task; elsewhere it only returns code    Suspends: never
 * Cancel:     no effect
 * Ordering:   the error is visible to whoever sees the task ended
 * Cost:       one small allocation    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_PRINTF(3, 4) int weft_fail(int code, const weft_error *cause, const char *format,
                                         ...);

WEFT_END

#endif

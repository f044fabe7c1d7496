/* Error objects of tasks. */
#ifndef WEFT_SCHED_ERROR_H
#define WEFT_SCHED_ERROR_H

#include <weft/error.h>

#include "runtime/sched/task.h"

/* Why a call that needs a task was made outside of one: -EPERM, or -EOWNERDEAD after fork. */
int weft__error_outside(void);

/* Fills @error's text: @what, then its code in words, then the text of @cause; cut at the end. */
void weft__error_text(weft_error *error, const char *what, const weft_error *cause);

/* The error object of an ended task; code 0 when it ended well. */
void weft__error_of(const struct weft__task *task, weft_error *out_error);

#endif

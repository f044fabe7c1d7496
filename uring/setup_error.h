/* Turns a refused set-up into a sentence that says what to change. */
#ifndef WEFT_URING_SETUP_ERROR_H
#define WEFT_URING_SETUP_ERROR_H

#include "uring/engine.h"

/*
 * Fills @error (NULL is allowed) for @call ("io_uring_setup") that failed with @code, a negative
 * errno. Looks at /proc and the cgroup tree below @root only now, on failure; "" in production, a
 * fixture in tests.
 */
void weft__setup_error_explain(struct weft__setup_error *error, int code, const char *call,
                               const char *root);

/* Fills @error (NULL is allowed) with a sentence that needs no looking around. */
void weft__setup_error_say(struct weft__setup_error *error, int code, const char *text);

#endif

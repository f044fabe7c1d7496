/*
 * A first try of io_uring in a child process. Some sandboxes do not refuse a system call but kill
 * who makes it; where a seccomp filter is active nothing else can tell.
 */
#ifndef WEFT_URING_TRIAL_H
#define WEFT_URING_TRIAL_H

#include "uring/engine.h"

/* Which seccomp filters the calling thread has: 0 none, else a number that differs when one is
 * added. Not to be read: as if there were some. */
uint32_t weft__trial_filters(void);

/* 0 when the three calls of io_uring can be made here, as far as a filter is asked; else what they
 * answered, or -EPERM where they kill, or why there was no child. @error (may be NULL) says so. */
int weft__trial_run(struct weft__setup_error *error);

#endif

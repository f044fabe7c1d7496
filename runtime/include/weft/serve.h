/* A server: takes connections for as long as it may, and runs a task for each. */
#ifndef WEFT_SERVE_H
#define WEFT_SERVE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/place.h>
#include <weft/time.h>

/* Serves one connection, as a task. What it returns is dropped; weft closes the connection. */
typedef int (*weft_serve_fn)(weft_fd connection, void *context);

/*
 * @most:        how many connections are served at once; the kernel keeps the others in the
 * backlog.
 *               0: 4,096
 * @stack_bytes: of each task, as weft_spawn_options has it
 * @name:        of each task; NULL: none
 * @place:       where each task starts; the zero place means weft_place_spread here
 * @drain_ns:    how long those that are served may go on when no more are taken; then their tasks
 *               are cancelled. 0: as long as they like
 */
typedef struct weft_serve_options {
    size_t size; /* sizeof(weft_serve_options) */
    uint32_t most;
    size_t stack_bytes;
    const char *name;
    weft_place place;
    int64_t drain_ns;
} weft_serve_options;

#define WEFT_SERVE_OPTIONS_INIT \
    { sizeof(weft_serve_options), 0, 0, NULL, { WEFT_PLACE_LOCAL, 0 }, 0 }
#ifndef __cplusplus
#define WEFT_SERVE_OPTIONS(...) \
    ((weft_serve_options){ .size = sizeof(weft_serve_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_serve - takes connections and runs a task for each, until something ends it
 * A close of the listening socket or the deadline lets those that are served go on (drain_ns); a
 * cancel of the caller reaches their tasks too. It returns when the last of them has ended. A
 * connection that is lost before it is taken is skipped. When descriptors or memory run out it
 * waits 10 ms and goes on: the backlog keeps the connections meanwhile.
 * @listener:  made by weft_listen
 * @fn:        serves one connection
 * @context:   handed to fn; NULL is allowed
 * @options:   NULL for the defaults
 * @until:     how long to take connections
 * Returns:    never 0: always why it took no more
 * Errors:     -EBADF when the listening socket was closed, -ETIMEDOUT at the deadline, -ECANCELED,
 *             -EINVAL for options of a wrong size, a place or a stack that weft_spawn refuses, or a
 *             listener that was shut down; -ESHUTDOWN while the runtime stops, -ENOTSOCK, -EPERM
 *             outside a task, -ENOMEM
 * Ownership:  the listening socket stays the caller's; each connection is weft's, lent to fn
 * Context:    any task    Suspends: until it ends
 * Cancel:     taking ends, the tasks are cancelled and waited for; no connection stays open
 * Ordering:   what the caller did before happens-before fn; all of fn happens-before the return
 * Cost:       one spawn for each connection, and a submission where connections come slowly or
 *             the engine takes one at a time    Node: of each task's worker
 * Since:      0.1    Source: Trio's serve_listeners
 */
WEFT_API WEFT_MUST_USE int weft_serve(weft_fd listener, weft_serve_fn fn, void *context,
                                      const weft_serve_options *options, weft_deadline until);

WEFT_END

#endif

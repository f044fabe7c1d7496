/* The record behind a runtime's handle. */
#ifndef WEFT_SCHED_HANDLE_H
#define WEFT_SCHED_HANDLE_H

#include "runtime/sched/runtime.h"

/* Makes a handle for @runtime; negative when there is no memory. */
weft_runtime weft__handle_make(struct weft__runtime *runtime);

/* The runtime behind a handle, kept from being freed until weft__handle_unpin. NULL with
 * *out_error. */
struct weft__runtime *weft__handle_pin(weft_runtime handle, int *out_error);
void weft__handle_unpin(weft_runtime handle);

/*
 * Keeps a runtime that is alive now from being freed, for a thread that none of its tasks holds up:
 * what it publishes may let the last task end, and the runtime stop, before it is done.
 */
void weft__handle_keep(struct weft__runtime *runtime);
void weft__handle_let_go(struct weft__runtime *runtime);

/* What the record of a runtime leads to now, without a lock: it may be freed at any time, and is to
 * be peeked at only. NULL: none. */
const struct weft__runtime *weft__handle_glance(struct weft__record *record);

/* Makes the handle stale for all others, once. The runtime, or NULL with *out_error. */
struct weft__runtime *weft__handle_retire(weft_runtime handle, int *out_error);

/* Waits until nobody has it pinned, and frees the record. */
void weft__handle_free(weft_runtime handle);

#endif

/* The inside of a future, for who waits for several things at once: its record's lock guards its
 * state and its line. */
#ifndef WEFT_SYNC_FUTURE_H
#define WEFT_SYNC_FUTURE_H

#include <weft/future.h>

#include "runtime/sync/line.h"
#include "runtime/task/record.h"

enum { WEFT__FUTURE_INLINE = 64, WEFT__FUTURE_UNSET = 1 };

struct weft__future {
    struct weft__record record;
    uint32_t bytes;         /* (i) */
    _Atomic int outcome;    /* (l) 0: a value; negative: an error; else WEFT__FUTURE_UNSET */
    char *value;            /* (i) */
    struct weft__line line; /* (l) nobody stands there once it is set; message is NULL or room */
    _Alignas(16) char inline_value[WEFT__FUTURE_INLINE];
};

/* The locked future behind a handle, or NULL with *out_error. */
struct weft__future *weft__future_lock(weft_future handle, int *out_error);

/* Copies the value of one that has it into @out_value, unless that is NULL. Returns its outcome. */
int weft__future_read_locked(const struct weft__future *future, void *out_value);

#endif

/* One task as it is at this moment, seen without a lock; the proof is in sight.c. */
#ifndef WEFT_TRACE_SIGHT_H
#define WEFT_TRACE_SIGHT_H

#include "runtime/task/walk.h"
#include "runtime/trace/roster.h"

enum weft__sight_doing {
    WEFT__SIGHT_FRESH, /* has not started */
    WEFT__SIGHT_RUNS,
    WEFT__SIGHT_READY, /* has been made ready, or has yielded */
    WEFT__SIGHT_WAITS
};

struct weft__sight {
    const struct weft__task *task; /* its record, which is never unmapped */
    const struct weft__post *post; /* its home; NULL: it has none yet, or is no task */
    weft_task handle;
    char name[WEFT_NAME];
    const void *site;
    enum weft__sight_doing doing;
    uint8_t reason;
    int32_t descriptor;
    bool foreign; /* a thread that is no worker */
    bool canceled;
    bool locked;    /* somebody holds its record: what is shown may be of the task before it */
    uint64_t since; /* about how long it has waited, in ms; of tasks only */
    const struct weft__stack *stack; /* only peeked at; NULL: it has not started */
    struct weft__frames frames;      /* of a task that waits or is ready; else none */
};

/* False: there is no live task in this record, and no thread that waits. */
bool weft__sight_take(struct weft__record *record, struct weft__roster *roster,
                      struct weft__peek *peek, struct weft__sight *out_sight);

#endif

/* Which workers the runtimes of this process have, found without a lock: runtimes that stop
 * meanwhile may be missing, or stand there though they are gone. */
#ifndef WEFT_TRACE_ROSTER_H
#define WEFT_TRACE_ROSTER_H

#include "runtime/base/peek.h"
#include "runtime/sched/runtime.h"

enum { WEFT__ROSTER = 4096 };

/* A worker as it was when the roster was taken; the pointers are peeked at only. */
struct weft__post {
    const struct weft__worker *worker;
    const struct weft__task *runs; /* NULL: its loop */
    weft_runtime runtime;
    uint32_t index;
    uint32_t state; /* enum weft__worker_state */
    int thread;     /* the kernel's number */
};

/* BOUND roster: WEFT__ROSTER workers; further ones are not shown, their tasks without a worker. */
struct weft__roster {
    uint32_t count;
    uint32_t runtimes;
    uint32_t last; /* the post that was found last: neighbours mostly have the same */
    struct weft__post posts[WEFT__ROSTER];
};

/* The field of something that may be freed; false: it is. The pointer may be rubbish by now, so
 * that its member may not even be named: the sum is made with addresses. */
#define WEFT__PEEK_FIELD(peek, pointer, field, out_value)                                         \
    weft__peek_copy(                                                                              \
        (peek), (const void *)((uintptr_t)(pointer) + offsetof(__typeof__(*(pointer)), field)),   \
        (out_value), sizeof(*(out_value)))

void weft__roster_take(struct weft__roster *roster, struct weft__peek *peek);

const struct weft__post *weft__roster_find(struct weft__roster *roster,
                                           const struct weft__worker *worker);

#endif

/*
 * A stack as a list of return addresses, found along its frame pointers: the library is built with
 * them, and so must be what the program wants to see of itself.
 *
 * BOUND walk: at most WEFT__FRAMES frames, each above the one before and inside [low, high); what
 * is not read there ends the walk. So whatever the memory holds, it ends, and reads nothing else.
 */
#ifndef WEFT_TASK_WALK_H
#define WEFT_TASK_WALK_H

#include "runtime/base/peek.h"
#include "runtime/task/stack.h"

enum { WEFT__FRAMES = 48 };

/* How a walk ended. */
enum weft__walk_end {
    WEFT__WALK_WHOLE,  /* at the first frame of the stack */
    WEFT__WALK_FULL,   /* there are more frames than room */
    WEFT__WALK_BROKEN, /* in code without frame pointers, or on another stack */
    WEFT__WALK_NONE    /* no frame at all: not readable */
};

struct weft__frames {
    uint32_t count;
    uint32_t end; /* enum weft__walk_end */
    uintptr_t
        at[WEFT__FRAMES]; /* innermost first; all but the first of a running one return there */
};

/* Where a walk begins, and the stack that it stays on. */
struct weft__walk_start {
    uintptr_t pc;
    uintptr_t fp;
    uintptr_t low;
    uintptr_t high;
};

/* One frame's two words: the caller's frame pointer and the return address. False: not readable. */
typedef bool (*weft__walk_read_cb)(void *context, uintptr_t address, uintptr_t out_words[2]);

void weft__walk(const struct weft__walk_start *start, weft__walk_read_cb read_cb, void *context,
                struct weft__frames *out_frames);

/* The same, of memory that may change or go meanwhile. */
void weft__walk_peek(const struct weft__walk_start *start, struct weft__peek *peek,
                     struct weft__frames *out_frames);

/* The same, of the stack that the caller runs on; takes no system call. */
void weft__walk_own(const struct weft__walk_start *start, struct weft__frames *out_frames);

/* Where the walk of a stack begins whose task does not run. @stack: a copy. False: not readable. */
bool weft__walk_parked(struct weft__peek *peek, const struct weft__stack *stack,
                       struct weft__walk_start *out_start);

#endif

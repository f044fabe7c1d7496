/*
 * What the sanitizers must be told about stacks and switches; empty functions in other builds.
 * AddressSanitizer learns the bounds of the stack switched to and keeps its fake stack per context;
 * ThreadSanitizer has a fiber per stack, and each switch is a happens-before edge.
 * Source: sanitizer/common_interface_defs.h, sanitizer/tsan_interface.h.
 */
#ifndef WEFT_TASK_FIBER_H
#define WEFT_TASK_FIBER_H

#include <stddef.h>

#include "runtime/base/compiler.h"

#if WEFT__TSAN
/* The caller of __tsan_switch_to_fiber must not be instrumented: its exit hook would pop the frame
 * of another fiber's shadow stack. */
#define WEFT__NO_TSAN __attribute__((no_sanitize("thread"), always_inline))
/* Nor may a function that leaves its stack for good: its exit hook never runs, so each use of the
 * stack would leave a frame in the sanitizer's own call stack, which ends the process at 65,536. */
#define WEFT__FIBER_BODY __attribute__((no_sanitize("thread")))
#else
/* Inlined all the same: a waiting task then has one frame below the call in which it waits,
 * whatever ran next, so that equal waits have equal stacks in a dump (walk.c leaves it out). */
#define WEFT__NO_TSAN __attribute__((always_inline))
#define WEFT__FIBER_BODY
#endif

struct weft__fiber {
#if WEFT__ASAN
    void *fake_stack;
    const void *low;
    size_t bytes;
#elif WEFT__TSAN
    void *tsan;
#else
    char unused;
#endif
};

#if WEFT__ASAN || WEFT__TSAN

void weft__fiber_make(struct weft__fiber *fiber, const void *low, size_t bytes);
void weft__fiber_adopt(struct weft__fiber *fiber);
void weft__fiber_destroy(struct weft__fiber *fiber);

#if WEFT__ASAN
void weft__fiber_leave(struct weft__fiber *from, struct weft__fiber *to, int from_ends);
void weft__fiber_arrive(struct weft__fiber *self);
#else
extern void __tsan_switch_to_fiber(void *fiber, unsigned flags);
WEFT__NO_TSAN static inline void weft__fiber_leave(struct weft__fiber *from, struct weft__fiber *to,
                                                   int from_ends)
{
    (void)from;
    (void)from_ends;
    __tsan_switch_to_fiber(to->tsan, 0);
}
static inline void weft__fiber_arrive(struct weft__fiber *self)
{
    (void)self;
}
#endif

#else

static inline void weft__fiber_make(struct weft__fiber *fiber, const void *low, size_t bytes)
{
    (void)fiber;
    (void)low;
    (void)bytes;
}
static inline void weft__fiber_adopt(struct weft__fiber *fiber)
{
    (void)fiber;
}
static inline void weft__fiber_destroy(struct weft__fiber *fiber)
{
    (void)fiber;
}
static inline void weft__fiber_leave(struct weft__fiber *from, struct weft__fiber *to,
                                     int from_ends)
{
    (void)from;
    (void)to;
    (void)from_ends;
}
static inline void weft__fiber_arrive(struct weft__fiber *self)
{
    (void)self;
}

#endif

#endif

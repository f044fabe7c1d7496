/*
 * Fault points: every system call of the tree passes one, so that a test can make the n-th call of
 * a name fail, and a plan (WEFT_FAULT) some of them for as long as the process lives. Unarmed, a
 * point costs one relaxed load next to a system call.
 */
#ifndef WEFT_BASE_FAULT_H
#define WEFT_BASE_FAULT_H

#include <stdbool.h>

#include "runtime/base/atomic.h"

#define WEFT__FAULT_POINTS(X)                                                                  \
    X(OPEN) X(READ) X(WRITE) X(CLOSE) X(MMAP) X(MUNMAP) X(MADVISE) X(MPROTECT) X(IOCTL)        \
    X(PIPE) X(EVENTFD) X(STAT) X(GETDENTS) X(AFFINITY) X(GETCPU) X(RING_SETUP) X(RING_ENTER)   \
    X(RING_REGISTER) X(THREAD) X(FUTEX) X(MEMPOLICY) X(ALLOC) X(SIGNAL) X(SHADOW_STACK)        \
    X(FCNTL) X(PEEK) X(SOCKET) X(EPOLL) X(EPOLL_WAIT) X(PATH) X(CHILD)                         \
    X(DOORBELL) X(OWNER)

enum weft__fault_point {
#define WEFT__FAULT_ENUM(name) WEFT__FAULT_##name,
    WEFT__FAULT_POINTS(WEFT__FAULT_ENUM)
#undef WEFT__FAULT_ENUM
        WEFT__FAULT_COUNT
};

/*
 * Makes the @nth call from now (1 is the next) of @point fail with @error (a negative errno).
 * For tests; @nth 0 disarms. weft__fault_calls tells how many calls a point has seen since arming.
 */
void weft__fault_arm(enum weft__fault_point point, uint32_t nth, int error);
uint32_t weft__fault_calls(enum weft__fault_point point);
const char *weft__fault_name(enum weft__fault_point point);

/* Which calls fail, counted from 1: those from @first to @last, and of these one in @one_in, by
 * chance; the same ones for the same seed. */
struct weft__fault_when {
    uint32_t first;
    uint32_t last;
    uint32_t one_in;
    uint64_t seed;
};

bool weft__fault_due(const struct weft__fault_when *when, uint32_t call);

/* Makes calls of @point fail with @error until it is told otherwise; @error 0: no more. Nobody else
 * passes the point meanwhile. */
void weft__fault_plan(enum weft__fault_point point, int error, const struct weft__fault_when *when);

int weft__fault_count(enum weft__fault_point point); /* slow path of weft__fault */

extern _Atomic uint32_t weft__fault_armed; /* how many points are armed, or have a plan */

/* 0, or the negative errno that this call must fail with. */
static inline int weft__fault(enum weft__fault_point point)
{
    if (WEFT__LIKELY(weft__load_relaxed(&weft__fault_armed) == 0))
        return 0;
    return weft__fault_count(point);
}

#endif

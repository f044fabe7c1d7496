/*
 * The coroutines of a simulation: which there are, who runs, who can run, and who waits. Their life
 * and the invariants I1 and I2 stand in coroutine.h.
 */
#ifndef WEFT_SIM_CREW_H
#define WEFT_SIM_CREW_H

#include "runtime/base/sim.h"
#include "runtime/task/context.h"

enum {
    WEFT__CREW_MAX = 4096, /* 1,024 workers, and their helpers */
    WEFT__CREW_NAME = 16
};

enum weft__crew_state { WEFT__CREW_READY, WEFT__CREW_WAITING, WEFT__CREW_ENDED };

struct weft__coroutine {
    struct weft__context context; /* while it does not run */
    char name[WEFT__CREW_NAME];
    enum weft__crew_state state;
    uint32_t ready_at;           /* in ready, while it is there */
    struct weft__sim_wait *wait; /* while WAITING */
    int result;                  /* of the wait */
    _Atomic uint32_t ended;      /* what its joiner sleeps on */
    void *self;                  /* the scheduler's: which worker it is */
    void *own;                   /* its record as a thread that waits */
    int saved_errno;
    void *(*body)(void *argument);
    void *argument;
    char *stack; /* NULL: the thread's */
    uint32_t number;
};

struct weft__crew {
    struct weft__coroutine *all[WEFT__CREW_MAX]; /* by number; NULL: free */
    uint32_t count;                              /* numbers that were ever used */
    struct weft__coroutine *ready[WEFT__CREW_MAX];
    uint32_t ready_count;
    struct weft__coroutine *running;
    struct weft__coroutine first; /* the thread's own */
    int64_t next_ns;              /* no waiter's time is before it */
};

extern struct weft__crew weft__crew;

/* The thread that begins the simulation is the first one, and runs. */
void weft__crew_begin(const char *name);

/* NULL: there are too many, or there is no memory. It is in no list. */
struct weft__coroutine *weft__crew_add(const char *name);
void weft__crew_remove(struct weft__coroutine *coroutine);

void weft__crew_make_ready(struct weft__coroutine *coroutine, int result);
void weft__crew_leave_ready(struct weft__coroutine *coroutine, enum weft__crew_state state);

/* The running one waits from now on; somebody else is to be chosen. */
void weft__crew_begin_wait(struct weft__sim_wait *wait);

/* Ends the waits whose time has come, and finds the next one. */
void weft__crew_end_waits(void);

/* Whether number @index is somebody who waits. */
static inline bool weft__crew_waits(uint32_t index)
{
    const struct weft__coroutine *coroutine = weft__crew.all[index];
    return coroutine != NULL && coroutine->state == WEFT__CREW_WAITING;
}

#endif

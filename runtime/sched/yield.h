/* Where a task gives way: at poll points, and by chance in calls that may wait. */
#ifndef WEFT_SCHED_YIELD_H
#define WEFT_SCHED_YIELD_H

#include "runtime/base/chaos.h"
#include "runtime/base/clock.h"
#include "runtime/sched/runtime.h"

/* Whether its slice is over, a message or a completion has come, or another task of its worker has
 * left an operation that the kernel has not seen yet. @cycles: now. */
static inline bool weft__yield_is_due(const struct weft__worker *worker, uint64_t cycles)
{
    return cycles - worker->step_cycles > worker->slice_cycles ||
           !weft__inbox_empty(&worker->inbox) || weft__engine_has_events(worker->engine) ||
           worker->engine->staged > 0;
}

/*
 * Lets the loop look at messages, completions and timers, and those run that wait for them; then
 * the task goes on. Unlike weft_yield it leaves what the task has forked where it is.
 * (A task that forks beside an echo server: a round trip took 310 us where a task that computes
 * went on before those that had been woken, and where operations waited to be old enough; 93 us so.
 * Medians of 5 turns.)
 */
void weft__yield_loop(struct weft__worker *worker, struct weft__task *task);

/* The caller is a task, or nothing happens. It is on the same worker afterwards. */
void weft__yield_by_chance(void);

/* A point of a call that may wait, or has waited. */
static inline void weft__yield_point(void)
{
    if (weft__chaos(WEFT__CHAOS_YIELD))
        weft__yield_by_chance();
}

#endif

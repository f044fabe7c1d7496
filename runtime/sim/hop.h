/*
 * Who goes on: the choices of a simulation, at its points and where somebody waits, and what is
 * done when nobody can run. coroutine.h says why that is deterministic.
 */
#ifndef WEFT_SIM_HOP_H
#define WEFT_SIM_HOP_H

#include "runtime/base/sim.h"

/* What belongs to the thread, for the scheduler. */
struct weft__hop_config {
    void *(*get_self)(void);
    void (*set_self)(void *self);
    void (*describe)(void); /* says on standard error what every task waits for */
};

/* @interval: points between two choices, in the mean. After patience has begun. */
void weft__hop_begin(const struct weft__hop_config *config, uint32_t interval);

void weft__hop_pass(enum weft__sim_point point);
void weft__hop_elapse(int64_t ns);
void weft__hop_give_way(void);
int weft__hop_wait(struct weft__sim_wait *wait);

/* One of those who can run goes on: perhaps the running one. @ends: it never comes back. */
void weft__hop_choose(const char *what, int ends);

/* A line of the trace. */
void weft__hop_note(const char *what, const char *text, int64_t first, int64_t second);

#endif

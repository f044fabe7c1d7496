/*
 * The time of a simulation: a clock that nobody moves but the simulation, and the number of points
 * that were passed. coroutine.h says when it moves (I4).
 */
#ifndef WEFT_SIM_VIRTUAL_H
#define WEFT_SIM_VIRTUAL_H

#include <stdint.h>

void weft__virtual_begin(void);

int64_t weft__virtual_now(void);

/* The same, and moves it: who looks until it has moved comes to an end. */
int64_t weft__virtual_look(void);
uint64_t weft__virtual_cycles(void);

void weft__virtual_move(int64_t ns);

/* Nothing when that time is over. */
void weft__virtual_jump(int64_t until_ns);

/* A point is passed, which takes a little; how many were. */
uint64_t weft__virtual_step(void);
uint64_t weft__virtual_steps(void);

#endif

/*
 * What a simulation has around it: real files for which coroutines wait, and threads and signal
 * handlers that change a word on which one sleeps.
 */
#ifndef WEFT_SIM_OUTSIDE_H
#define WEFT_SIM_OUTSIDE_H

#include <stdbool.h>

/* 0, or why there is no event descriptor. */
int weft__outside_begin(void);

/* Some word has changed. By a coroutine, a thread outside, or a signal handler, wherever that has
 * interrupted us. */
void weft__outside_rouse(void);

/* Ends the sleeps on words that have changed; nothing else was said. */
void weft__outside_answer(void);

/* Waits really, up to @ms (-1: for ever), for files of waiters and for threads outside. */
void weft__outside_look(int ms);

/* Whether somebody waits for files of which something may come. */
bool weft__outside_may_act(void);

#endif

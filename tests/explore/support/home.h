/*
 * Model threads as workers with one task each: what the task calls is real, down to park.c, sleep.c
 * and the wheel. The loop that runs while it waits is that of quiet.c, which delivers messages,
 * fires timers and sleeps, or that of crew.c, which is the real one. A nap without a timer has no
 * limit here: a lost wake-up is for ever.
 */
#ifndef TESTS_EXPLORE_SUPPORT_HOME_H
#define TESTS_EXPLORE_SUPPORT_HOME_H

#include "runtime/sched/runtime.h"
#include "tests/explore/explore.h"

/* Threads 0 to count - 1 are workers, with a task that has started; others are foreign. First
 * thing of a setup, after foreign_setup, whose records it takes. */
void home_setup(int count);

struct weft__worker *home_worker(int thread);
weft_task home_handle(int thread);

/* For explore_case.resumed. */
void home_resumed(int thread);

/* In quiet.c: delivers what has come meanwhile; for judges. */
void home_drain(int thread);

#endif

/*
 * Workers with the real loop (step.c, search.c, sleep.c), which take each other's work. Each task
 * is a call on the stack of its worker's thread, so one that waits goes on when those that its
 * worker has begun meanwhile are over or wait no more: what a case does must not need more.
 */
#ifndef TESTS_EXPLORE_SUPPORT_CREW_H
#define TESTS_EXPLORE_SUPPORT_CREW_H

#include "tests/explore/support/home.h"

/* Threads 0 to @count - 1 are workers; the first @tasks of them run a task, the others nothing.
 * Each has free records for tasks and scopes. First thing of a setup. */
void crew_setup(int count, int tasks);

/* A fresh task, in a record of @worker's, that is in no queue. In a setup. */
struct weft__task *crew_task(struct weft__worker *worker, weft_task_fn fn, void *argument);

/* The body of a worker's thread that runs nothing: its loop, until the crew stops. */
void crew_loop(void);

/* The task with which the calling worker began has come to its end. The worker's loop is left out:
 * whatever is to be done now is the others'. */
void crew_end(void);

/* All loops end, as when the runtime stops. */
void crew_stop(void);

/* For judges: all has been given back, and nothing is left to do. */
void crew_judge(void);

#endif

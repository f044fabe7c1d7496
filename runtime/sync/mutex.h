/* What a condition needs of the mutex that goes with it. */
#ifndef WEFT_SYNC_MUTEX_H
#define WEFT_SYNC_MUTEX_H

#include <weft/mutex.h>

#include "runtime/sched/worker.h"

/* Ends the program when @task does not hold @mutex, with a sentence about @call. */
void weft__mutex_need_held(weft_mutex *mutex, const struct weft__task *task, const char *call);

/* Gives the caller's mutex back, however often it was locked. Returns how often beyond once. */
uint32_t weft__mutex_let_go(weft_mutex *mutex, struct weft__worker *worker);

/* Waits for @mutex, whatever happens, and owns it as before. The caller is @task. */
void weft__mutex_take_back(weft_mutex *mutex, struct weft__task *task, uint32_t depth);

#endif

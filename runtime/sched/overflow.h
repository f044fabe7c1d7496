/* Naming a task that has run over the end of its stack, before it faults; see overflow.c. */
#ifndef WEFT_SCHED_OVERFLOW_H
#define WEFT_SCHED_OVERFLOW_H

#include <signal.h>

#include "runtime/sched/runtime.h"

/* The alternate signal stack of a worker's thread, and what the thread had before. */
struct weft__overflow_stack {
    void *mapping; /* NULL: the thread has kept its own, or there was no memory */
    size_t bytes;
    stack_t before;
};

/* Starts the thread that tells and takes SIGSEGV, unless the options say no or there is nobody to
 * tell. Before the workers run. */
int weft__overflow_start(struct weft__runtime *runtime);

/* Ends the thread. Accepts one that was never started; any number of calls. */
void weft__overflow_stop(struct weft__runtime *runtime);

/* Gives SIGSEGV back, when no other runtime needs it. All workers have been joined. */
void weft__overflow_give_back(struct weft__runtime *runtime);

/* A worker's own thread takes its alternate stack, and at its end gives it back. */
void weft__overflow_enter(const struct weft__worker *worker, struct weft__overflow_stack *stack);
void weft__overflow_leave(const struct weft__overflow_stack *stack);

#endif

/* Puts and takes of a channel of ints, each as a task of its own whose result is the call's. */
#ifndef WEFT_TESTS_SUPPORT_TURNS_H
#define WEFT_TESTS_SUPPORT_TURNS_H

#include <weft.h>

struct turn {
    weft_chan chan;
    int value;
    weft_deadline until;
    int *out; /* where a take leaves its message */
};

/* Bodies of tasks; argument: const struct turn *. */
int turn_put(void *argument);
int turn_take(void *argument);

weft_task turn_start_put(weft_scope scope, weft_chan chan, int value);
weft_task turn_start_take(weft_scope scope, weft_chan chan, int *out);

/* The same; they return when it waits. */
weft_task turn_await_put(weft_scope scope, weft_chan chan, int value);
weft_task turn_await_take(weft_scope scope, weft_chan chan, int *out);

/* Takes by the caller itself: the message, or the error. */
int turn_take_now(weft_chan chan);

#endif

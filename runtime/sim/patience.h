/*
 * What a simulation that goes on for ever does not tell by itself: a livelock, where tasks run and
 * nothing comes of it, and a task that is ready and never runs.
 *
 * It looks at the program every so many points. *Progress* is a task that begins or ends, an
 * operation or a timer that ends. When there was none for as long as the patience lasts, or one
 * task has been ready and has not run all that time, the program is given up. Patience is counted
 * in points, not in time: a point is passed by whoever runs, and a program that sleeps needs none.
 *
 * Not seen: a livelock that sleeps between its tries, for its timers end. And a program that
 * computes in tasks that talk to one another may need more patience than the usual 10 million
 * points, which are a few seconds: WEFT_SIM=patience=N.
 */
#ifndef WEFT_SIM_PATIENCE_H
#define WEFT_SIM_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the scheduler knows. */
struct weft__patience_ops {
    bool (*may_look)(void);     /* whether it knows, at this point */
    uint64_t (*progress)(void); /* another number when there was some */
    /* Whether some task has been ready and has not run at @looks calls of this one; says which. */
    bool (*starves)(uint32_t looks, char *text, size_t text_bytes);
};

/* @millions of points; 0: there is no end to it. */
void weft__patience_begin(uint32_t millions, const struct weft__patience_ops *ops);

/* The number of the point at which the next look is due. */
uint64_t weft__patience_next(void);

/* The look at point @step. NULL, or "livelock" or "starvation" with a sentence in @text. */
const char *weft__patience_look(uint64_t step, char *text, size_t text_bytes);

#endif

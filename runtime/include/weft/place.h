/*
 * Places: where a fresh task may start. The zero place means anywhere: the task starts on the
 * spawning worker unless an idle one takes it, which it may not in the first 20 us.
 */
#ifndef WEFT_PLACE_H
#define WEFT_PLACE_H

#include <weft/base.h>

typedef enum weft_place_kind {
    WEFT_PLACE_LOCAL,      /* here; idle workers may take it after 20 us (starting value) */
    WEFT_PLACE_SPREAD,     /* on the worker with the fewest tasks that is no interactive one */
    WEFT_PLACE_WORKER,     /* on the worker of number index, nowhere else */
    WEFT_PLACE_TOGETHER,   /* on the spawner's worker, never at the same time as the spawner */
    WEFT_PLACE_INTERACTIVE /* on the interactive worker with the fewest tasks */
} weft_place_kind;

typedef struct weft_place {
    weft_place_kind kind;
    uint32_t index; /* of the worker, 0 to workers - 1; WEFT_PLACE_WORKER only */
} weft_place;

/*
 * weft_place_local - here, or on an idle worker: what the zero place means
 * Returns:    the place
 * Errors:     none
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
static inline weft_place weft_place_local(void)
{
    weft_place place = { WEFT_PLACE_LOCAL, 0 };
    return place;
}

/*
 * weft_place_spread - on the worker that has the fewest tasks at the spawn, and is not interactive
 * Returns:    the place
 * Errors:     none
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
static inline weft_place weft_place_spread(void)
{
    weft_place place = { WEFT_PLACE_SPREAD, 0 };
    return place;
}

/*
 * weft_place_interactive - on a worker that is kept for tasks that answer soon
 * On the one with the fewest tasks; an idle interactive worker may take it over while it has not
 * started, no other one. Where the runtime has none (weft_runtime_options.interactive), the same as
 * weft_place_spread. What such a task spawns with the default place stays with the interactive
 * workers; work that takes long is handed to the others with weft_place_spread.
 * Returns:    the place
 * Errors:     none
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
static inline weft_place weft_place_interactive(void)
{
    weft_place place = { WEFT_PLACE_INTERACTIVE, 0 };
    return place;
}

/*
 * weft_place_worker - on one worker, and on no other
 * @index:     of the worker, 0 to workers - 1; the spawn refuses others with -EINVAL
 * Returns:    the place
 * Errors:     none
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
static inline weft_place weft_place_worker(uint32_t index)
{
    weft_place place = { WEFT_PLACE_WORKER, index };
    return place;
}

/*
 * weft_place_together - on the spawner's worker for good, so that the two never run at once
 * A task, those that it spawns together, and those that these spawn together take turns on one
 * worker, and change turns only where one of them waits, yields or ends. What they share needs no
 * lock between two such points. The spawn refuses it with -EPERM outside a task, and with -EINVAL
 * from a migratable task, which would leave the worker, and into a scope of another runtime.
 * Returns:    the place
 * Errors:     none
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   what one did until it gave way happens-before what the next one does
 * Cost:       none    Node: none
 * Since:      0.1    Source: Julia's @async, whose children stick to the thread of their parent
 */
static inline weft_place weft_place_together(void)
{
    weft_place place = { WEFT_PLACE_TOGETHER, 0 };
    return place;
}

#endif

/*
 * Places: where a fresh task may start. The zero place means anywhere: the task starts on the
 * spawning worker unless an idle one takes it, which it may not in the first 20 us.
 */
#ifndef WEFT_PLACE_H
#define WEFT_PLACE_H

#include <weft/base.h>

typedef enum weft_place_kind {
    WEFT_PLACE_LOCAL,  /* here; idle workers may take it after 20 us (starting value) */
    WEFT_PLACE_SPREAD, /* on the allowed worker with the fewest tasks */
    WEFT_PLACE_WORKER  /* on worker @index, nowhere else */
} weft_place_kind;

typedef struct weft_place {
    weft_place_kind kind;
    uint32_t index; /* of the worker, 0 to workers - 1; WEFT_PLACE_WORKER only */
} weft_place;

static inline weft_place weft_place_local(void)
{
    weft_place place = { WEFT_PLACE_LOCAL, 0 };
    return place;
}

static inline weft_place weft_place_spread(void)
{
    weft_place place = { WEFT_PLACE_SPREAD, 0 };
    return place;
}

static inline weft_place weft_place_worker(uint32_t index)
{
    weft_place place = { WEFT_PLACE_WORKER, index };
    return place;
}

#endif

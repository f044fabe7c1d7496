/*
 * What a loss of power takes of changes that were not synced: all, none, the latest, or some here
 * and some there. Which of these is drawn once, for each loss of power.
 */
#ifndef WEFT_SIM_LOSS_H
#define WEFT_SIM_LOSS_H

#include <stdint.h>

enum weft__loss {
    WEFT__LOSS_NOTHING, /* the disk had written all of them: the program alone is gone */
    WEFT__LOSS_ALL,
    WEFT__LOSS_LATEST, /* the disk writes in the order of the changes, and was somewhere in it */
    WEFT__LOSS_TORN    /* it writes sectors in any order */
};

/* Draws one; the last kind is half of them. */
enum weft__loss weft__loss_draw(void);

/* Of @count changes of something, one after the other: how many of the first are not lost. */
uint32_t weft__loss_moment(enum weft__loss loss, uint32_t count);

const char *weft__loss_name(enum weft__loss loss);

#endif

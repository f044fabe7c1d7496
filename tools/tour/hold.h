/* Files held in memory, one behind the other, as one text. */
#ifndef WEFT_TOOLS_TOUR_HOLD_H
#define WEFT_TOOLS_TOUR_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/tour/paths.h"
#include "tools/tour/progress.h"

enum { WEFT__HOLD_MOST_BYTES = 64 << 20 };

/* All zeroes is an empty text. */
struct weft__hold {
    unsigned char *bytes;
    size_t size;  /* a space between two files counts too, so that no word spans them */
    size_t files; /* of which it is made */
    bool whole;   /* none was left out for want of room; what can't be read is no such reason */
};

/*
 * Reads the files with plain calls, up to WEFT__HOLD_MOST_BYTES. Runs in a task. Returns 0,
 * -ECANCELED or -ENOMEM. Release it in any case.
 */
int weft__hold_load(struct weft__hold *hold, const struct weft__paths *files,
                    struct weft__progress *progress);

void weft__hold_release(struct weft__hold *hold);

#endif

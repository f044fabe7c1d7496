/* What became of each file, compared between the ways. */
#ifndef WEFT_TOOLS_TOUR_OUTCOME_H
#define WEFT_TOOLS_TOUR_OUTCOME_H

#include <stddef.h>
#include <time.h>

#include "tools/tour/count.h"
#include "tools/tour/paths.h"
#include "tools/tour/trouble.h"

struct weft__outcome_record;

struct weft__outcome {
    const struct weft__paths *files;
    struct weft__outcome_record *records; /* one for each file */
    struct timespec started;              /* by the clock that stamps files */
    struct weft__trouble unreadable;      /* by any of the ways */
    struct weft__trouble endless;         /* given up by any of the ways, and counted by none */
    struct weft__trouble changed;         /* counts differ, and the file is not what it was */
    struct weft__trouble wrong;           /* counts differ, and nothing excuses it */
};

/* Call it before the first file is opened. Returns 0 or -ENOMEM. */
int weft__outcome_init(struct weft__outcome *outcome, const struct weft__paths *files);
void weft__outcome_fini(struct weft__outcome *outcome);

/* One way's result of one file: error is 0 or the negative errno that ended the reading. */
void weft__outcome_note(struct weft__outcome *outcome, size_t file, int error,
                        const struct weft__count *count);

/* When all ways have ended: looks at the files whose counts differ, and fills changed and wrong. */
void weft__outcome_settle(struct weft__outcome *outcome);

#endif

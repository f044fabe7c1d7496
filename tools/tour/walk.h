/* Finding the files: a task for each folder. */
#ifndef WEFT_TOOLS_TOUR_WALK_H
#define WEFT_TOOLS_TOUR_WALK_H

#include <stdint.h>

#include "tools/tour/paths.h"
#include "tools/tour/progress.h"
#include "tools/tour/trouble.h"

/* All zeroes before the walk. */
struct weft__walk {
    struct weft__paths files;        /* regular files, in no order */
    struct weft__paths folders;      /* the roots first */
    struct weft__paths strays;       /* entries of which nobody could say what they are */
    struct weft__trouble unreadable; /* folders and strays */
    uint64_t symlinks;               /* left out, as all that follows */
    uint64_t pipes;
    uint64_t sockets;
    uint64_t devices;
};

/* Runs in a task. Returns 0, or -ECANCELED or -ENOMEM with what was found so far. */
int weft__walk_run(struct weft__walk *walk, const struct weft__paths *roots,
                   struct weft__progress *progress);

void weft__walk_release(struct weft__walk *walk);

#endif

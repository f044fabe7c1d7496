/* A growing list of paths. A path stays where it is until the list is released. */
#ifndef WEFT_TOOLS_TOUR_PATHS_H
#define WEFT_TOOLS_TOUR_PATHS_H

#include <stddef.h>

struct weft__paths_chunk;

/* All zeroes is an empty list. */
struct weft__paths {
    const char **items;
    size_t count;
    size_t room;
    struct weft__paths_chunk *chunk; /* the texts; the newest chunk first */
};

/* Appends folder/name, or name alone when folder is NULL. Returns 0 or -ENOMEM. */
int weft__paths_add(struct weft__paths *paths, const char *folder, const char *name);

void weft__paths_release(struct weft__paths *paths);

#endif

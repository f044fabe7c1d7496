/* Cold or warm: how much of the files the kernel holds in memory. */
#ifndef WEFT_TOOLS_TOUR_CACHE_H
#define WEFT_TOOLS_TOUR_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/tour/paths.h"

struct weft__cache {
    size_t sampled;  /* files that were looked at */
    size_t pages;    /* of these files; 0: there is nothing to tell */
    size_t resident; /* pages in memory */
};

/*
 * Looks at up to 64 files spread over the list, without reading them. Files whose state the kernel
 * hides from this user (since Linux 5.2 it tells only owners and writers) are passed over.
 */
struct weft__cache weft__cache_sample(const struct weft__paths *files);

/* Whether it is known that all but a hundredth is in memory. */
bool weft__cache_is_warm(const struct weft__cache *cache);

/* Percent of the pages; -1 when there is nothing to tell. */
int weft__cache_percent(const struct weft__cache *cache);

#endif

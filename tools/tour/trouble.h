/* Paths that made trouble of one kind: the first few by name, all of them by count. */
#ifndef WEFT_TOOLS_TOUR_TROUBLE_H
#define WEFT_TOOLS_TOUR_TROUBLE_H

#include <stddef.h>
#include <stdint.h>

enum { WEFT__TROUBLE_LISTED = 10 };

struct weft__trouble {
    uint64_t count;
    struct {
        const char *path; /* lent: lives as long as the list of paths that it is from */
        int error;        /* negative errno; 0: the kind says all */
    } first[WEFT__TROUBLE_LISTED];
};

void weft__trouble_add(struct weft__trouble *trouble, const char *path, int error);

/* How many of them have a name in first. */
size_t weft__trouble_listed(const struct weft__trouble *trouble);

#endif

#include "tools/tour/trouble.h"

void weft__trouble_add(struct weft__trouble *trouble, const char *path, int error)
{
    if (trouble->count < WEFT__TROUBLE_LISTED) {
        trouble->first[trouble->count].path = path;
        trouble->first[trouble->count].error = error;
    }
    trouble->count++;
}

size_t weft__trouble_listed(const struct weft__trouble *trouble)
{
    return trouble->count < WEFT__TROUBLE_LISTED ? (size_t)trouble->count : WEFT__TROUBLE_LISTED;
}

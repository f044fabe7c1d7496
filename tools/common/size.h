/* Sizes as people read them. */
#ifndef WEFT_TOOLS_COMMON_SIZE_H
#define WEFT_TOOLS_COMMON_SIZE_H

#include <stdint.h>

struct weft__size {
    char text[24];
};

/* "7.7 GiB", "64 KiB", "0 B": a decimal below ten, unless it is 0. */
struct weft__size weft__size_show(uint64_t bytes);

#define WEFT__SIZE(bytes) (weft__size_show(bytes).text)

#endif

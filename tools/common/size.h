/* Sizes as people read them. */
#ifndef WEFT_TOOLS_COMMON_SIZE_H
#define WEFT_TOOLS_COMMON_SIZE_H

#include <stdint.h>

struct weft__size {
    char text[24];
};

/* "7.7 GiB", "64 KiB", "0 B": three digits at most, and a decimal below ten. */
struct weft__size weft__size_show(uint64_t bytes);

#define WEFT__SIZE(bytes) (weft__size_show(bytes).text)

#endif

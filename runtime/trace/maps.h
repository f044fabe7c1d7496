/* Which file an address of code belongs to: the executable mappings of the process, read from
 * /proc/self/maps. */
#ifndef WEFT_TRACE_MAPS_H
#define WEFT_TRACE_MAPS_H

#include <stdbool.h>

#include "runtime/base/peek.h"
#include "runtime/trace/lines.h"

enum { WEFT__MAPS = 1024, WEFT__MAPS_NAMES = 128 * 1024, WEFT__MAPS_LINE = 4096 };

struct weft__map {
    uintptr_t start;
    uintptr_t end;
    uintptr_t base; /* what an address of the file is relative to, as addr2line counts */
    uint32_t name;  /* where its path begins in names */
};

/* BOUND maps: what does not fit is left out; its addresses are shown without a file. */
struct weft__maps {
    uint32_t count;
    uint32_t names_length;
    uintptr_t file_start; /* of the file that the last line named */
    struct weft__map maps[WEFT__MAPS];
    char names[WEFT__MAPS_NAMES];
    char file[WEFT__MAPS_LINE]; /* the path of that file */
    char line[WEFT__MAPS_LINE];
    char input[WEFT__MAPS_LINE];
};

/* 0, or why there are none, a negative errno. */
int weft__maps_read(struct weft__maps *maps, struct weft__peek *peek);

/* The mapping that holds @address; NULL: none. */
const struct weft__map *weft__maps_find(const struct weft__maps *maps, uintptr_t address);

/* "0x55d0c0de1234 /usr/bin/program+0x1234" */
void weft__maps_describe(const struct weft__maps *maps, uintptr_t address,
                         struct weft__lines *text);

/* All of them, a line each. */
void weft__maps_list(const struct weft__maps *maps, struct weft__lines *text);

#endif

/*
 * Equal stacks, once each, numbered from 1 in the order in which they were met.
 *
 * BOUND groups: WEFT__GROUPS different stacks; further ones get number 0 and are not shown.
 */
#ifndef WEFT_TRACE_GROUPS_H
#define WEFT_TRACE_GROUPS_H

#include "runtime/task/walk.h"

enum { WEFT__GROUPS = 4096 };

struct weft__group {
    uint64_t hash;
    uint64_t tasks;
    struct weft__frames frames;
};

struct weft__groups {
    uint32_t count;
    uint16_t slots[2 * WEFT__GROUPS]; /* number of a group by hash; 0: none */
    struct weft__group groups[WEFT__GROUPS];
};

/* Counts one more task with such a stack. The number of its group; 0: no room. */
uint32_t weft__groups_add(struct weft__groups *groups, const struct weft__frames *frames);

#endif

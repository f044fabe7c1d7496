/*
 * A log-linear histogram of times or sizes: each doubling is cut into 128 slots of equal width.
 * What is read out of it is never too small, and too large by less than 1/128 (0.8 %); below 256 it
 * is exact. So are count, least and largest.
 * Source: G. Tene, HdrHistogram, for the idea.
 */
#ifndef WEFT_TOOLS_COMMON_HISTOGRAM_H
#define WEFT_TOOLS_COMMON_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum {
    WEFT__HISTOGRAM_BITS = 7, /* a doubling has 2^7 slots */
    WEFT__HISTOGRAM_SLOTS = (64 - WEFT__HISTOGRAM_BITS + 1) << WEFT__HISTOGRAM_BITS
};

/* All zero is an empty one. 59 KiB: not for a task's stack. */
struct weft__histogram {
    uint64_t count;
    uint64_t least; /* meaningless while count is 0 */
    uint64_t largest;
    uint64_t slots[WEFT__HISTOGRAM_SLOTS];
};

void weft__histogram_record(struct weft__histogram *histogram, uint64_t value);

/* Adds all of @from. */
void weft__histogram_merge(struct weft__histogram *into, const struct weft__histogram *from);

/* The value that @share (0 to 1) of all do not pass; 0 when there is none. */
uint64_t weft__histogram_at(const struct weft__histogram *histogram, double share);

/* How many lie from @low to below @high; a slot counts where it begins. */
uint64_t weft__histogram_between(const struct weft__histogram *histogram, uint64_t low,
                                 uint64_t high);

/* The bounds 1, 2, 5, 10, 20, 50 ... that rows of a drawing have: the one behind @bound. */
uint64_t weft__histogram_next_bound(uint64_t bound);

/* The largest bound that is not above the least value. */
uint64_t weft__histogram_first_bound(const struct weft__histogram *histogram);

#endif

#include "tools/common/histogram.h"

enum { PER_DOUBLING = 1 << WEFT__HISTOGRAM_BITS };

/* Slots below 2 * PER_DOUBLING hold one value each. Above, @value keeps its top bits. */
static uint32_t slot_of(uint64_t value)
{
    if (value < PER_DOUBLING)
        return (uint32_t)value;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - WEFT__HISTOGRAM_BITS;
    return (shift << WEFT__HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* The least value of a slot. */
static uint64_t low_of(uint32_t slot)
{
    if (slot < 2 * PER_DOUBLING)
        return slot;
    uint32_t shift = (slot >> WEFT__HISTOGRAM_BITS) - 1;
    return (uint64_t)(slot - (shift << WEFT__HISTOGRAM_BITS)) << shift;
}

/* The largest one. */
static uint64_t high_of(uint32_t slot)
{
    return slot + 1 == WEFT__HISTOGRAM_SLOTS ? UINT64_MAX : low_of(slot + 1) - 1;
}

void weft__histogram_record(struct weft__histogram *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (value > histogram->largest)
        histogram->largest = value;
    histogram->count++;
    histogram->slots[slot_of(value)]++;
}

void weft__histogram_merge(struct weft__histogram *into, const struct weft__histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->least < into->least)
        into->least = from->least;
    if (from->largest > into->largest)
        into->largest = from->largest;
    into->count += from->count;
    for (uint32_t i = 0; i < WEFT__HISTOGRAM_SLOTS; i++)
        into->slots[i] += from->slots[i];
}

uint64_t weft__histogram_at(const struct weft__histogram *histogram, double share)
{
    double exact = share * (double)histogram->count;
    uint64_t wanted = (uint64_t)exact;
    uint64_t seen = 0;

    if (histogram->count == 0)
        return 0;
    if ((double)wanted < exact || wanted == 0)
        wanted++;
    for (uint32_t i = 0; i < WEFT__HISTOGRAM_SLOTS; i++) {
        seen += histogram->slots[i];
        if (seen >= wanted)
            return high_of(i) < histogram->largest ? high_of(i) : histogram->largest;
    }
    return histogram->largest;
}

uint64_t weft__histogram_between(const struct weft__histogram *histogram, uint64_t low,
                                 uint64_t high)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < WEFT__HISTOGRAM_SLOTS; i++)
        if (low_of(i) >= low && low_of(i) < high)
            count += histogram->slots[i];
    return count;
}

uint64_t weft__histogram_next_bound(uint64_t bound)
{
    uint64_t ten = 1;

    while (bound / ten >= 10)
        ten *= 10;
    uint64_t digit = bound / ten;
    return digit < 2 ? 2 * ten : digit < 5 ? 5 * ten : 10 * ten;
}

/* A value of a slot that begins below a bound counts below it, so the slot's beginning decides. */
uint64_t weft__histogram_first_bound(const struct weft__histogram *histogram)
{
    uint64_t least = low_of(slot_of(histogram->least));
    uint64_t bound = 1;

    while (weft__histogram_next_bound(bound) <= least)
        bound = weft__histogram_next_bound(bound);
    return least == 0 ? 0 : bound;
}

/* Medians and their intervals, from order statistics alone: whatever the distribution may be. */
#ifndef WEFT_TOOLS_BENCH_STATISTICS_H
#define WEFT_TOOLS_BENCH_STATISTICS_H

#include <stddef.h>

enum { weft__statistics_values_max = 1000 }; /* up to here 2^-n is a normal double */

struct weft__statistics {
    double median;
    double min;
    double max;
    double low;        /* lower end of the interval of the median */
    double high;       /* its upper end */
    double confidence; /* probability that the interval holds the true median */
};

/*
 * Sorts @values and describes them. The interval is the narrowest symmetric pair of order
 * statistics that holds the median of the population with 95 % at least. Fewer than 6 values cannot
 * give that: then it is minimum to maximum, and confidence says what they are worth.
 * @count: 1 to weft__statistics_values_max
 */
void weft__statistics_describe(double *values, size_t count, struct weft__statistics *out);

/* The value below which @share of the sorted @values lie; share is 0 to 1. */
double weft__statistics_quantile(const double *sorted, size_t count, double share);

/* Sorts @values upwards. */
void weft__statistics_sort(double *values, size_t count);

#endif

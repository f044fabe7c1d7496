#include "tools/bench/statistics.h"

#include <stdlib.h>

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

void weft__statistics_sort(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_values);
}

double weft__statistics_quantile(const double *sorted, size_t count, double share)
{
    size_t index = (size_t)(share * (double)count);

    return sorted[index < count ? index : count - 1];
}

static double median_of(const double *sorted, size_t count)
{
    size_t middle = count / 2;

    return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/*
 * How many values may be cut off each end. Each value lies below the population's median with
 * probability one half, so the number below it is binomial; cutting k values off each end loses the
 * median when at most k values lie on one side of it.
 */
static size_t values_to_cut(size_t count, double *out_confidence)
{
    double term = 1.0; /* probability that exactly k values lie below */
    for (size_t i = 0; i < count; i++)
        term /= 2;

    double lost = term; /* probability that the median lies below what is kept */
    size_t cut = 0;
    for (size_t k = 1; k <= count / 2; k++) {
        term *= (double)(count - k + 1) / (double)k;
        if (2 * (lost + term) > 0.05)
            break;
        lost += term;
        cut = k;
    }
    *out_confidence = 1 - 2 * lost;
    return cut;
}

void weft__statistics_describe(double *values, size_t count, struct weft__statistics *out)
{
    double confidence;
    size_t cut = values_to_cut(count, &confidence);

    weft__statistics_sort(values, count);
    *out = (struct weft__statistics){
        .median = median_of(values, count),
        .min = values[0],
        .max = values[count - 1],
        .low = values[cut],
        .high = values[count - 1 - cut],
        .confidence = confidence,
    };
}

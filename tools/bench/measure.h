/* The order of runs: ours alone, or in pairs with each peer, interleaved. */
#ifndef WEFT_TOOLS_BENCH_MEASURE_H
#define WEFT_TOOLS_BENCH_MEASURE_H

#include <stdbool.h>

#include "tools/bench/metric.h"
#include "tools/bench/report.h"

struct weft__measure_plan {
    bool quick;         /* tiny sizes: shows that all works, measures nothing */
    unsigned runs;      /* of ours, or pairs with each peer; 0: as the metric says, or 15 pairs */
    const char *only;   /* the one peer to run; NULL: all that are there */
    const char *folder; /* of the peers */
};

/* Runs our body of @metric and reports it. */
void weft__measure_ours(const struct weft__metric *metric, const struct weft__measure_plan *plan,
                        struct weft__report *report);

/* Runs pairs (ours, peer) with each peer of @metric that is there, and reports all of them. */
void weft__measure_pairs(const struct weft__metric *metric, const struct weft__measure_plan *plan,
                         struct weft__report *report);

#endif

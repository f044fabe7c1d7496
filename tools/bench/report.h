/* What the user sees: a table or JSON lines, progress on a terminal, what could not be measured. */
#ifndef WEFT_TOOLS_BENCH_REPORT_H
#define WEFT_TOOLS_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <weft.h>

#include "tools/bench/metric.h"

enum { weft__report_remarks_max = 32, weft__report_remark_bytes = 640 };

struct weft__report {
    bool json;
    bool quick; /* figures of tiny runs: not held to the aims */
    bool progress_shown;
    bool header_shown;
    bool few_pairs; /* some interval is not one of 95 % */
    unsigned wrong; /* runs that failed or whose checksum is wrong */
    size_t remark_count;
    char remarks[weft__report_remarks_max][weft__report_remark_bytes];
};

/* The figures of one metric and one program. */
struct weft__series {
    const struct weft__metric *metric;
    const struct weft__metric_peer *peer; /* NULL: ours */
    unsigned workers;
    double parks_per_wake; /* of the last run; 0: not looked at */
    double *values;
    size_t count;
    double *ratios; /* ours divided by the peer's, one for each pair */
    size_t ratio_count;
};

/* Says on a terminal what is being measured: run @done of @all of @who. */
void weft__report_progress(struct weft__report *report, const struct weft__metric *metric,
                           const char *who, size_t done, size_t all);

/* Prints the figures of @series, whose values and ratios it sorts. */
void weft__report_series(struct weft__report *report, struct weft__series *series);

/* Counts a failure and says it at once. */
WEFT_PRINTF(2, 3) void weft__report_wrong(struct weft__report *report, const char *format, ...);

/* Keeps a remark for the end; one that is known already is dropped. */
WEFT_PRINTF(2, 3) void weft__report_remark(struct weft__report *report, const char *format, ...);

/* Prints the remarks. */
void weft__report_end(struct weft__report *report);

#endif

/* The rows of the table of metrics, for metric.c, which makes one table of them. */
#ifndef WEFT_TOOLS_BENCH_METRIC_ROWS_H
#define WEFT_TOOLS_BENCH_METRIC_ROWS_H

#include <stddef.h>

#include "tools/bench/metric.h"

extern const struct weft__metric weft__metric_table[];
extern const size_t weft__metric_table_rows;
extern const struct weft__metric weft__metric_divide[];
extern const size_t weft__metric_divide_rows;

#endif

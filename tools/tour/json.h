/* The report for programs: one JSON object on standard output. */
#ifndef WEFT_TOOLS_TOUR_JSON_H
#define WEFT_TOOLS_TOUR_JSON_H

#include "tools/tour/tour.h"

/* Returns 0 or a negative errno. */
int weft__json_print(const struct weft__tour *tour);

#endif

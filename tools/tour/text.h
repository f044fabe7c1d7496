/* The report for people, on standard output, piece by piece as the tour goes. */
#ifndef WEFT_TOOLS_TOUR_TEXT_H
#define WEFT_TOOLS_TOUR_TEXT_H

#include "tools/tour/tour.h"

void weft__text_help(void);
void weft__text_intro(const struct weft__tour *tour);
void weft__text_walk(const struct weft__tour *tour);
void weft__text_warm_up(const struct weft__tour *tour);
void weft__text_way(const struct weft__tour *tour, int way);

/* The table, the list of troubles and the verdict. Returns 0 or the error of writing. */
int weft__text_end(const struct weft__tour *tour);

/* The ways of the text in memory, and whether they agree. Returns 0 or the error of writing. */
int weft__text_threads(const struct weft__tour *tour);

void weft__text_echo_intro(void);

/* Rate, latencies and their histogram. Returns 0 or the error of writing. */
int weft__text_echo(const struct weft__tour *tour);

#endif

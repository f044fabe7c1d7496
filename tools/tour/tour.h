/* A whole tour, as the reports show it. */
#ifndef WEFT_TOOLS_TOUR_TOUR_H
#define WEFT_TOOLS_TOUR_TOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/tour/echo.h"
#include "tools/tour/options.h"
#include "tools/tour/outcome.h"
#include "tools/tour/pass.h"
#include "tools/tour/progress.h"
#include "tools/tour/threads.h"
#include "tools/tour/walk.h"

enum { WEFT__TOUR_WAYS = 3, WEFT__TOUR_ABOUT_BYTES = 256 };

struct weft__tour_way {
    const char *name;    /* in the JSON object */
    const char *title;   /* in the table */
    const char *meaning; /* what it is, in a line */
    int (*run)(struct weft__pass *pass);
};

extern const struct weft__tour_way weft__tour_ways[WEFT__TOUR_WAYS];

struct weft__tour {
    struct weft__options options;
    struct weft__walk walk;
    struct weft__outcome outcome;
    struct weft__progress progress;
    struct weft__pass_result warm_up;               /* files is 0 when none was needed */
    struct weft__pass_result pass[WEFT__TOUR_WAYS]; /* in the order of weft__tour_ways */
    struct weft__threads_result threads;
    struct weft__echo_result echo;
    struct weft__cache cache; /* before the first file was read */
    int64_t walk_ns;
    int workers;
    int ways_begun;
    bool interrupted;
    char about[WEFT__TOUR_ABOUT_BYTES];
};

/* Whether all three ways came to their end and found the same, files that changed left aside. */
bool weft__tour_agrees(const struct weft__tour *tour);

/* Whether all that was begun came to its end, and found nothing wrong. */
bool weft__tour_is_good(const struct weft__tour *tour);

/* How many times as fast as the serial way a pass was; 0 when that can't be told. */
double weft__tour_speed_up(const struct weft__tour *tour, int way);

/* Millions of bytes in a second. */
double weft__tour_mb_per_s(const struct weft__pass_result *result);

#endif

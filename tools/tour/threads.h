/* The part of the tour that computes: one text in memory, counted by all workers at once. */
#ifndef WEFT_TOOLS_TOUR_THREADS_H
#define WEFT_TOOLS_TOUR_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/tour/count.h"
#include "tools/tour/paths.h"
#include "tools/tour/progress.h"

enum { WEFT__THREADS_WAYS = 4, WEFT__THREADS_ROUNDS = 5 };

struct weft__threads_way {
    const char *name;    /* in the JSON object */
    const char *title;   /* in the table */
    const char *meaning; /* what it is, in a line */
};

extern const struct weft__threads_way weft__threads_ways[WEFT__THREADS_WAYS];

/* What was counted, in how many pieces, and by whom. All zeroes is nothing. */
struct weft__threads_share {
    struct weft__count count;
    uint64_t pieces;
    uint64_t elsewhere; /* pieces that another worker counted than the one that began */
};

struct weft__threads_pass {
    struct weft__threads_share share; /* of the last round */
    int64_t ns;                       /* median of the rounds */
};

struct weft__threads_result {
    bool begun;
    int error;    /* why it could not go on; 0 */
    size_t files; /* held in memory */
    size_t bytes; /* of them, and a space behind each */
    bool whole;   /* these are all files that can be read */
    int ways_done;
    bool wrong; /* a round found something else than the first one of the first way */
    struct weft__threads_pass pass[WEFT__THREADS_WAYS]; /* in the order of weft__threads_ways */
};

/*
 * Holds the files in memory and counts them in each way, some rounds each. Runs in a task. Returns
 * 0 or a negative errno, which is in @result too; -ECANCELED leaves what there was until then.
 */
int weft__threads_run(struct weft__threads_result *result, const struct weft__paths *files,
                      struct weft__progress *progress);

/* Whether all ways came to their end and found the same. */
bool weft__threads_agree(const struct weft__threads_result *result);

/* How many times as fast as the first way another was; 0 when that can't be told. */
double weft__threads_speed_up(const struct weft__threads_result *result, int way);

/* Millions of bytes in a second. */
double weft__threads_mb_per_s(const struct weft__threads_result *result, int way);

#endif

/* One pass of one way over all files. */
#ifndef WEFT_TOOLS_TOUR_PASS_H
#define WEFT_TOOLS_TOUR_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/tour/cache.h"
#include "tools/tour/count.h"
#include "tools/tour/outcome.h"
#include "tools/tour/paths.h"
#include "tools/tour/progress.h"

/* What a pass did. */
struct weft__pass_result {
    struct weft__count total;
    struct weft__cache cache; /* just before it began */
    uint64_t files;           /* counted or found unreadable */
    uint64_t unreadable;
    uint64_t tasks;
    uint64_t steals;
    uint64_t switches;
    uint64_t system_calls;
    int64_t ns;
    bool complete;
};

struct weft__pass {
    const struct weft__paths *files;
    struct weft__outcome *outcome; /* NULL: the counts are not kept */
    struct weft__progress *progress;
    struct weft__pass_result result;
};

/*
 * The three ways. Each runs in a task, reads all files by itself and notes each once. Returns 0, or
 * a negative errno when it could not go on (-ECANCELED); a file that it cannot read is no such
 * reason.
 */
int weft__serial_run(struct weft__pass *pass);
int weft__per_file_run(struct weft__pass *pass);
int weft__pool_run(struct weft__pass *pass);

/* Runs a way and measures it; its return is the way's. */
int weft__pass_run(struct weft__pass *pass, int (*way)(struct weft__pass *pass));

/* For the ways: the result of one file. error is 0 or the negative errno that ended the reading. */
void weft__pass_note(struct weft__pass *pass, size_t file, int error,
                     const struct weft__count *count);

#endif

/* The command line of weft tour. */
#ifndef WEFT_TOOLS_TOUR_OPTIONS_H
#define WEFT_TOOLS_TOUR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/tour/paths.h"

struct weft__options {
    bool help;
    bool json;
    bool no_files;            /* without the part that reads files in three ways */
    bool no_threads;          /* without the part that counts them in memory */
    int64_t seconds;          /* that the echo part takes; 0: without it */
    struct weft__paths roots; /* what to walk; folders or files that exist */
};

/*
 * Reads the command line, and looks whether all that it names exists. Returns 0 or an exit code,
 * then the reason was said on standard error. Release the options in both cases.
 */
int weft__options_read(struct weft__options *options, int argc, char **argv);

void weft__options_release(struct weft__options *options);

#endif

/* The line that shows how far the tour is, on a terminal only. */
#ifndef WEFT_TOOLS_TOUR_PROGRESS_H
#define WEFT_TOOLS_TOUR_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft__progress {
    bool shown;       /* there is a terminal to show it on */
    bool on_screen;   /* a line is there and must be wiped before other text */
    int64_t next_ns;  /* when it may change again */
    const char *what; /* what is being done */
};

/* Looks whether there is a terminal. */
struct weft__progress weft__progress_make(void);

/* Begins a new stage. */
void weft__progress_begin(struct weft__progress *progress, const char *what);

/* Call it as often as you like; total 0 when nobody knows it. */
void weft__progress_step(struct weft__progress *progress, size_t done, size_t total);

void weft__progress_wipe(struct weft__progress *progress);

#endif

/* What all ways keep to. */
#ifndef WEFT_TOOLS_TOUR_LIMITS_H
#define WEFT_TOOLS_TOUR_LIMITS_H

#include <stddef.h>
#include <weft.h>

enum { WEFT__LIMITS_BLOCK_BYTES = 64 * 1024 }; /* read at a time */

/* A file that gives nothing for so long is none to count: some of /proc wait for an event. */
#define WEFT__LIMITS_PATIENCE (10 * WEFT_SECOND)

/* How many files or folders to have open at once: at most hundreds, and what the system allows. */
size_t weft__limits_open_files(void);

#endif

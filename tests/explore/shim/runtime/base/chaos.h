/* No chaos in the explorer, which bends the schedule by itself. Before the real chaos.h. */
#ifndef WEFT_BASE_CHAOS_H
#define WEFT_BASE_CHAOS_H

#include <stdbool.h>

#define weft__chaos(kind) false
#define weft__chaos_is_on(kind) false
#define weft__chaos_pause(kind) ((void)0)

#endif

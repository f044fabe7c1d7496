/* The name that somebody may have meant. */
#ifndef WEFT_TOOLS_COMMON_NEAREST_H
#define WEFT_TOOLS_COMMON_NEAREST_H

#include <stddef.h>

struct weft__nearest {
    const char *word;
    size_t length;
    size_t edits;     /* that make name of the word */
    const char *name; /* nearest so far; NULL: none is near */
};

/* Begins a search for what @word, @length bytes long, may mean. */
struct weft__nearest weft__nearest_begin(const char *word, size_t length);

/* Takes @name, which must live on, when it is nearer than those before: two letters at most put
 * in, left out or changed, and fewer than the name has. */
void weft__nearest_try(struct weft__nearest *nearest, const char *name);

#endif

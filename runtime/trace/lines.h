/* Text for a descriptor, made without stdio: usable in a signal handler. After the first write that
 * fails nothing more is written. */
#ifndef WEFT_TRACE_LINES_H
#define WEFT_TRACE_LINES_H

#include <stddef.h>
#include <stdint.h>

struct weft__lines {
    int descriptor;
    int error; /* of the first write that failed, negative errno; 0 */
    size_t length;
    char bytes[4096];
};

void weft__lines_open(struct weft__lines *text, int descriptor);
void weft__lines_flush(struct weft__lines *text);

void weft__lines_put(struct weft__lines *text, const char *string);
void weft__lines_number(struct weft__lines *text, uint64_t number);
void weft__lines_hex(struct weft__lines *text, uint64_t number);

/* "3.214 s" */
void weft__lines_seconds(struct weft__lines *text, uint64_t ms);

/* Up to @most bytes of a name that somebody else chose: what would break a line is a '?'. */
void weft__lines_name(struct weft__lines *text, const char *name, size_t most);

#endif

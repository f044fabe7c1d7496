/* Small texts of the kernel: whole files, and numbers with the place where they go wrong. */
#ifndef WEFT_NUMA_TEXT_H
#define WEFT_NUMA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEFT__TEXT_MAX = 1 << 24 }; /* bytes of a file that is worth reading (a long mountinfo) */

struct weft__text {
    char *data;  /* ends with a NUL, holds none before it; NULL when nothing was loaded */
    size_t room; /* bytes allocated */
};

/* Reads the file @path. 0, -ENOMEM, -E2BIG past WEFT__TEXT_MAX, or why it could not be read;
 * @text, initialised or zeroed, keeps its old content then. */
int weft__text_load(struct weft__text *text, const char *path);
void weft__text_fini(struct weft__text *text); /* accepts a zeroed text */

/*
 * Reads decimal digits at @text[*@at] and moves *@at past them. -EINVAL when there is no digit,
 * -ERANGE when the number is above @max; *@at stays at the number's first character then.
 */
int weft__text_number(const char *text, size_t *at, uint64_t max, uint64_t *out_number);

/* Whether @word is the next thing at *@at; if so, moves past it. */
bool weft__text_skip(const char *text, size_t *at, const char *word);

/* Whether nothing but one newline is left. */
bool weft__text_at_end(const char *text, size_t at);

#endif

/* A dump as a text to look at. One at a time. What is not found is printed with the dump. */
#ifndef WEFT_TESTS_SUPPORT_DUMPED_H
#define WEFT_TESTS_SUPPORT_DUMPED_H

#include <stdbool.h>

extern char dumped_text[]; /* the last one */

/* Dumps into memory. Returns what weft_dump does. */
int dumped_take(void);

bool dumped_says(const char *what);

/* Whether the line of the task with this name has @what. */
bool dumped_line_says(const char *name, const char *what);

/* The part of the dump that lists the stack of the task with this name; "": none. */
const char *dumped_stack_of(const char *name);

/* Whether one of the frames of such a part lies in the first bytes of @function. */
bool dumped_has_frame_in(const char *stack, const void *function);

#endif

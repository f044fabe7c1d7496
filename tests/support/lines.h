/*
 * Numbered lines on standard output, from any task or thread, and a reader that checks that each
 * came once and whole. Standard output is a small pipe in between, with a slow reader if asked for;
 * or a file; or a terminal.
 */
#ifndef WEFT_TESTS_SUPPORT_LINES_H
#define WEFT_TESTS_SUPPORT_LINES_H

#include <stdint.h>

enum lines_sink { LINES_PIPE, LINES_SLOW_PIPE, LINES_FILE, LINES_TERMINAL, LINES_SINKS };

/* From here to lines_end standard output is the reader's. Main thread. */
void lines_begin(uint32_t count);
void lines_begin_at(enum lines_sink sink, uint32_t count);

/* Prints line @number, below the count. Returns what weft_printf returned. */
int lines_print(uint32_t number);

/* Waits until all has been read. How many lines were missing, torn, strange or came again. */
uint32_t lines_end(void);

#endif

/*
 * Numbered lines on standard output, from any task or thread, and a reader that checks that each
 * came once and whole. Standard output is a small pipe in between.
 */
#ifndef WEFT_TESTS_SUPPORT_LINES_H
#define WEFT_TESTS_SUPPORT_LINES_H

#include <stdint.h>

/* From here to lines_end standard output is the reader's. Main thread. */
void lines_begin(uint32_t count);

/* Prints line @number, below the count. Returns what weft_printf returned. */
int lines_print(uint32_t number);

/* Waits until all has been read. How many lines were missing, torn, strange or came again. */
uint32_t lines_end(void);

#endif

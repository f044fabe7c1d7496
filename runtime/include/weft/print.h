/* Printing that is safe from all tasks: what one call prints is never torn by another's. */
#ifndef WEFT_PRINT_H
#define WEFT_PRINT_H

#include <weft/base.h>

WEFT_BEGIN

/*
 * weft_printf - prints to standard output, whole
 * End the text with a newline: calls are whole, halves of lines of two tasks are not joined. Does
 * not go through stdio; mix it with printf only after fflush.
 * @format:    printf format
 * Returns:    the bytes printed
 * Errors:     those of write(2); -ENOMEM when a text above 512 bytes finds no memory
 * Ownership:  everything is copied
 * Context:    any task, any thread    Suspends: while a pipe or terminal takes nothing, or another
 *             text is on its way; else as weft_poll does
 * Cancel:     neither cancel nor deadline stops it; a text is never half printed
 * Ordering:   texts of one task come out in its order; of those of several that wait none is passed
 *             over for long
 * Cost:       one write(2)    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_PRINTF(1, 2) int weft_printf(const char *format, ...);

/*
 * weft_eprintf - the same to standard error
 * @format:    printf format
 * Returns:    the bytes printed
 * Errors:     as weft_printf
 * Ownership:  everything is copied
 * Context:    as weft_printf    Suspends: as weft_printf
 * Cancel:     as weft_printf
 * Ordering:   as weft_printf
 * Cost:       one write(2)    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_PRINTF(1, 2) int weft_eprintf(const char *format, ...);

WEFT_END

#endif

/* Names that nobody has. */
#ifndef WEFT_IO_TEMPORARY_H
#define WEFT_IO_TEMPORARY_H

enum { WEFT__TEMPORARY_LETTERS = 16 };

/* Writes so many letters and digits and a NUL. In a task. */
void weft__temporary_name(char out_name[WEFT__TEMPORARY_LETTERS + 1]);

#endif

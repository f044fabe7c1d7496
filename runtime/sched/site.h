/* Words for a place in the program's code. */
#ifndef WEFT_SCHED_SITE_H
#define WEFT_SCHED_SITE_H

#include <stddef.h>

/* "function+0x12" or "program+0x1234", for addr2line and people. */
void weft__site_describe(const void *site, char *text, size_t text_bytes);

#endif

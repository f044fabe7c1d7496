/* Text as a JSON string. */
#ifndef WEFT_TOOLS_COMMON_QUOTE_H
#define WEFT_TOOLS_COMMON_QUOTE_H

#include <stdio.h>

/* Writes @text in quotes. It may hold any byte: what is not UTF-8 becomes U+FFFD. */
void weft__quote_json(FILE *out, const char *text);

#endif

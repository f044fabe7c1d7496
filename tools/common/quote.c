#include "tools/common/quote.h"

/* The length of the UTF-8 sequence at text; 0 when it is none, as longer forms and surrogates. */
static size_t measure_sequence(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned low = 0x80;
    unsigned high = 0xbf;
    size_t more;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        if (text[i] < low || text[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

void weft__quote_json(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    putc('"', out);
    while (*at != '\0') {
        size_t bytes = measure_sequence(at);
        if (bytes == 0)
            fputs("\\ufffd", out);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else
            fwrite(at, 1, bytes, out);
        at += bytes == 0 ? 1 : bytes;
    }
    putc('"', out);
}

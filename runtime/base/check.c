#include "runtime/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/atomic.h"

enum { line_bytes = 700 }; /* on the stack of whatever task fails */

static _Atomic(weft__check_context_cb) check_context;

void weft__check_set_context(weft__check_context_cb context_cb)
{
    weft__store_relaxed(&check_context, context_cb);
}

/* Where in a line of line_bytes the next piece goes, when snprintf has said @length. */
static size_t advance(size_t at, int length)
{
    at += length > 0 ? (size_t)length : 0;
    return at < line_bytes - 2 ? at : line_bytes - 2;
}

void weft__check_failed(const char *condition, const char *format, ...)
{
    char line[line_bytes];
    va_list arguments;

    size_t at = advance(0, snprintf(line, sizeof(line), "weft: fatal: "));
    va_start(arguments, format);
    at = advance(at, vsnprintf(line + at, sizeof(line) - at, format, arguments));
    va_end(arguments);
    at = advance(at, snprintf(line + at, sizeof(line) - at, " (%s)", condition));
    weft__check_context_cb context = weft__load_relaxed(&check_context);
    if (context != NULL) {
        size_t before = at;
        at = advance(at, snprintf(line + at, sizeof(line) - at, " in "));
        line[at] = '\0';
        context(line + at, sizeof(line) - 1 - at);
        size_t who = strlen(line + at);
        at = who > 0 ? at + who : before;
    }
    line[at++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, at);
    (void)written;
    abort();
}

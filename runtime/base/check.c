#include "runtime/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/atomic.h"

enum { line_bytes = 400 };

static _Atomic(weft__check_context_cb) check_context;

void weft__check_set_context(weft__check_context_cb context_cb)
{
    weft__store_relaxed(&check_context, context_cb);
}

void weft__check_failed(const char *condition, const char *format, ...)
{
    char message[line_bytes / 2];
    char who[line_bytes / 4] = "";
    char line[line_bytes];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    weft__check_context_cb context = weft__load_relaxed(&check_context);
    if (context != NULL)
        context(who, sizeof(who));
    (void)snprintf(line, sizeof(line), "weft: fatal: %s (%s)%s%s\n", message, condition,
                   who[0] != '\0' ? " in " : "", who);
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written;
    abort();
}

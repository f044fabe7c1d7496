/* What the code under test calls of layers below it that have no concurrency of their own. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/check.h"
#include "runtime/base/lock.h"
#include "runtime/base/sys.h"
#include "tests/explore/engine/engine.h"

void weft__check_failed(const char *condition, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    explore_fail("%s (%s)", text, condition);
}

void weft__lock_backoff(uint32_t looks)
{
    (void)looks;
    explore_backoff();
}

int weft__sys_futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t until_ns)
{
    return explore_futex_wait(word, expected, until_ns);
}

int weft__sys_futex_wake(const _Atomic uint32_t *word, int count)
{
    return explore_futex_wake(word, count);
}

int *weft__sys_errno_place(void)
{
    static int places[ACTORS];
    return &places[current];
}

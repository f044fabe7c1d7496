/*
 * Assertions. WEFT_ASSERT stays on in release: it guards against what only a wrong program or a
 * broken runtime does, and ends the process with a sentence. WEFT_DASSERT is for costly checks.
 */
#ifndef WEFT_BASE_CHECK_H
#define WEFT_BASE_CHECK_H

#include "runtime/base/compiler.h"

#define WEFT_ASSERT(condition, ...)                          \
    do {                                                     \
        if (WEFT__UNLIKELY(!(condition)))                    \
            weft__check_failed(#condition, __VA_ARGS__);     \
    } while (0)

/* For the first lines of a public call: an argument that only a wrong program passes as NULL, or as
 * NULL with bytes to read or write. Names the call and the argument. */
#define WEFT_NEED(pointer) \
    WEFT_ASSERT((pointer) != NULL, "%s: its argument " #pointer " is NULL", __func__)
#define WEFT_NEED_BYTES(pointer, bytes)              \
    WEFT_ASSERT((pointer) != NULL || (bytes) == 0,   \
                "%s: its argument " #pointer         \
                " is NULL", __func__)

#ifdef WEFT_DEBUG
#define WEFT_DASSERT(condition, ...) WEFT_ASSERT(condition, __VA_ARGS__)
#else
#define WEFT_DASSERT(condition, ...) ((void)sizeof(condition))
#endif

/* Says who runs now ("task x (running, spawned at main+0x1)"), "" for nobody that it knows; set by
 * the scheduler, so that base need not know it. */
typedef void (*weft__check_context_cb)(char *text, size_t text_bytes);
void weft__check_set_context(weft__check_context_cb context_cb);

/* Writes one line to standard error and aborts. Never returns, never allocates. */
_Noreturn WEFT__COLD WEFT__PRINTF(2, 3) void weft__check_failed(const char *condition,
                                                                const char *format, ...);

#endif

/*
 * The part of jemalloc's interface that weft uses, as weak symbols: whoever links jemalloc into the
 * program brings them, and without it they are NULL. Declared here and not taken from jemalloc's
 * header, so that the library is the same whether or not that package was there when it was built.
 * Source: jemalloc(3), stable since 4.0; unit_memory compares the flags with the real header.
 */
#ifndef WEFT_NUMA_MALLOCX_H
#define WEFT_NUMA_MALLOCX_H

#include <stddef.h>

extern void *mallocx(size_t bytes, int flags) __attribute__((weak));
extern void dallocx(void *block, int flags) __attribute__((weak));
extern size_t sallocx(const void *block, int flags) __attribute__((weak));
extern int mallctl(const char *name, void *old_value, size_t *old_bytes, void *new_value,
                   size_t new_bytes) __attribute__((weak));

#define WEFT__MALLOCX_LOG_ALIGN(log) (log)
#define WEFT__MALLOCX_ZERO 0x40
#define WEFT__MALLOCX_TCACHE_NONE 0x100
#define WEFT__MALLOCX_ARENA(arena) ((int)(((unsigned)(arena) + 1u) << 20))

#endif

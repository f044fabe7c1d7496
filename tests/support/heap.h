/* What this process holds in memory, to see whether work that is over has left some behind. */
#ifndef WEFT_TESTS_SUPPORT_HEAP_H
#define WEFT_TESTS_SUPPORT_HEAP_H

#include <stdint.h>

/*
 * Bytes that were allocated and not freed, as the allocator counts them: jemalloc's, a sanitizer's,
 * or that of libc. Exact, but for what its caches round up.
 */
int64_t heap_bytes(void);

/*
 * Bytes of private mappings that can be written (VmData) without those of the allocator, jemalloc
 * or libc: shows what was mapped beside it and not given back. A sanitizer's are in it.
 */
int64_t heap_mapped_beside(void);

#endif

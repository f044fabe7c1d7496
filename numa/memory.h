/*
 * Memory with a node. Blocks of any size come from jemalloc arenas, one per node, found as weak
 * symbols (design 21); without jemalloc from malloc. Slabs are mapped and bound before first touch.
 * Where NUMA calls are refused (design 22) everything is one flat node with first touch.
 */
#ifndef WEFT_NUMA_MEMORY_H
#define WEFT_NUMA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numa/topology.h"

enum { WEFT__NODE_LOCAL = -1 }; /* wherever the calling thread runs: first touch */

/* Looks once per process; safe from any thread. */
struct weft__memory_facts {
    bool jemalloc;     /* mallocx and mallctl were found */
    bool policy_calls; /* get_mempolicy(2) answered, libnuma may be called */
    int policy_error;  /* why not, negative errno */
};
const struct weft__memory_facts *weft__memory_facts(void);

/* "jemalloc 5.3.0-..." or "malloc". */
const char *weft__memory_allocator(void);

/*
 * A block of @bytes on the node with index @node_index of the running topology's plan, or
 * WEFT__NODE_LOCAL; zeroed. NULL when there is none. Freed with weft__memory_free from any thread,
 * with the same size; a block of another node goes straight home, not into the caller's cache.
 */
void *weft__memory_alloc(int node_index, size_t bytes);
void weft__memory_free(void *block, size_t bytes); /* accepts NULL */

/* Maps @bytes (rounded up to pages), asks for node @node_id (kernel's number; negative: first touch),
 * no huge pages. NULL when refused. Never touched here. */
void *weft__memory_map(int node_id, size_t bytes);
void weft__memory_unmap(void *address, size_t bytes);

#endif

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

enum { WEFT__NODE_LOCAL = -1 }; /* wherever the calling thread runs: first touch */

struct weft__memory_facts {
    bool jemalloc;      /* mallocx and its relatives were found */
    bool policy_calls;  /* get_mempolicy(2) answered, libnuma may be called */
    int policy_error;   /* why not, negative errno; 0 */
    char allocator[64]; /* "jemalloc 5.3.0-..." or "malloc" */
};

/* What this process has. Looks once; safe from any thread. */
const struct weft__memory_facts *weft__memory_facts(void);

/* Looks anew; for weft__memory_facts and for tests. */
void weft__memory_look(struct weft__memory_facts *out_facts);

/* The name in the facts. */
const char *weft__memory_allocator(void);

/*
 * A zeroed block of @bytes from the arena of the node with index @node_index, or, with
 * WEFT__NODE_LOCAL, from the arena that the calling thread is bound to and through its cache.
 * Aligned to a cache line from 64 bytes up, else to 16. NULL when there is none. Freed with
 * weft__memory_free from any thread, with the same size; the block goes straight back to its own
 * arena, never into the freeing thread's cache.
 */
void *weft__memory_alloc(int node_index, size_t bytes);
void weft__memory_free(void *block, size_t bytes); /* accepts NULL */

/*
 * Makes the arena of @node_index the one that WEFT__NODE_LOCAL and the program's own malloc mean on
 * the calling thread, and empties the thread's cache of other arenas' blocks. Once per worker, at
 * its start. 0, -EOPNOTSUPP without jemalloc, or jemalloc's refusal.
 */
int weft__memory_bind_thread(uint32_t node_index);

/* Maps @bytes (rounded up to pages), asks for node @node_id (kernel's number; negative: first
 * touch), no huge pages. NULL when refused. Never touched here. */
void *weft__memory_map(int node_id, size_t bytes);
void weft__memory_unmap(void *address, size_t bytes);

/* Why a mapping could not get its node, the first time: a negative errno; 0 when all have. */
int weft__memory_bind_error(void);

#endif

/*
 * LOCK  look_lock rank leaf: guards facts until looked is set
 * LOCK  arena_lock rank leaf: guards the making of arenas; taken once per node and process
 * REJECTED a header before each block that names its node: with it a free on the home node could
 *          use the thread's cache, but every block grows by a line. A free that always skips the
 *          cache costs one arena lock, and allocation still uses the cache (README, "Rejected").
 * REJECTED numa_tonode_memory: it prints when it fails (numa_error); mbind(2) is silent.
 */
#include "numa/memory.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numa/mallocx.h"
#include "numa/topology.h"
#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/lock.h"
#include "runtime/base/sys.h"

enum {
    line_log = 6, /* log2 of WEFT__CACHE_LINE */
    no_arena = 0, /* a slot of arenas that was never asked for */
    word_bits = 8 * (int)sizeof(unsigned long),
};

static struct weft__memory_facts facts;
static _Atomic uint32_t looked;
static struct weft__lock look_lock;

/* Per node index: no_arena, or jemalloc's number + 1, or UINT32_MAX where it gave none. */
static _Atomic uint32_t arenas[WEFT__TOPOLOGY_NODES_MAX];
static struct weft__lock arena_lock;

static _Atomic int bind_error; /* the first refusal of mbind(2) */

static bool find_jemalloc(char *name, size_t name_bytes)
{
    const char *version = "of unknown version";
    size_t version_bytes = sizeof(version);

    if (mallocx == NULL || dallocx == NULL || sallocx == NULL || mallctl == NULL) {
        (void)snprintf(name, name_bytes, "malloc");
        return false;
    }
    (void)mallctl("version", &version, &version_bytes, NULL, 0);
    (void)snprintf(name, name_bytes, "jemalloc %s", version);
    return true;
}

/* Our own call goes first: older libnuma takes a refusal for a yes and later prints about it. */
static int try_policy_calls(void)
{
    int mode;
    int rc = weft__sys_get_mempolicy(&mode);

    if (rc < 0)
        return rc;
    return numa_available() < 0 || numa_all_nodes_ptr == NULL ? -ENOSYS : 0;
}

void weft__memory_look(struct weft__memory_facts *out_facts)
{
    struct weft__memory_facts found = { .jemalloc = false };

    found.jemalloc = find_jemalloc(found.allocator, sizeof(found.allocator));
    found.policy_error = try_policy_calls();
    found.policy_calls = found.policy_error == 0;
    if (!found.policy_calls)
        WEFT__FALLBACK(MEMORY_UNBOUND);
    *out_facts = found;
}

const struct weft__memory_facts *weft__memory_facts(void)
{
    if (weft__load_acquire(&looked) == 0) { /* pairs with the store below */
        weft__lock_acquire(&look_lock);     /* pairs with weft__lock_release */
        if (weft__load_relaxed(&looked) == 0) {
            weft__memory_look(&facts);
            weft__store_release(&looked, 1); /* pairs with the load above */
        }
        weft__lock_release(&look_lock); /* pairs with weft__lock_acquire */
    }
    return &facts;
}

const char *weft__memory_allocator(void)
{
    return weft__memory_facts()->allocator;
}

static uint32_t create_arena(void)
{
    unsigned number;
    size_t number_bytes = sizeof(number);

    return mallctl("arenas.create", &number, &number_bytes, NULL, 0) == 0 ? number + 1 : UINT32_MAX;
}

/* The arena of a node + 1, made when first asked for; UINT32_MAX when there is none. */
static uint32_t arena_of(uint32_t node_index)
{
    if (node_index >= WEFT__TOPOLOGY_NODES_MAX)
        return UINT32_MAX;
    uint32_t arena = weft__load_acquire(&arenas[node_index]); /* pairs with the store below */
    if (arena != no_arena)
        return arena;
    weft__lock_acquire(&arena_lock); /* pairs with weft__lock_release */
    arena = weft__load_relaxed(&arenas[node_index]);
    if (arena == no_arena) {
        arena = create_arena();
        weft__store_release(&arenas[node_index], arena); /* pairs with the load above */
    }
    weft__lock_release(&arena_lock); /* pairs with weft__lock_acquire */
    return arena;
}

/* No cache for another node's block: it would later serve this thread as if it were local. */
static int node_flags(int node_index)
{
    if (node_index == WEFT__NODE_LOCAL)
        return 0;
    uint32_t arena = arena_of((uint32_t)node_index);
    return arena == UINT32_MAX ? 0 : WEFT__MALLOCX_ARENA(arena - 1) | WEFT__MALLOCX_TCACHE_NONE;
}

static void *alloc_plain(size_t bytes)
{
    void *block;

    if (bytes < WEFT__CACHE_LINE)
        return calloc(1, bytes);
    if (posix_memalign(&block, WEFT__CACHE_LINE, bytes) != 0)
        return NULL;
    return memset(block, 0, bytes);
}

void *weft__memory_alloc(int node_index, size_t bytes)
{
    WEFT_ASSERT(node_index >= WEFT__NODE_LOCAL, "memory asked for on node index %d", node_index);
    if (weft__fault(WEFT__FAULT_ALLOC) != 0)
        return NULL;
    if (bytes == 0)
        bytes = 1; /* mallocx(0) is undefined */
    if (!weft__memory_facts()->jemalloc)
        return alloc_plain(bytes);
    int align = bytes < WEFT__CACHE_LINE ? 0 : WEFT__MALLOCX_LOG_ALIGN(line_log);
    return mallocx(bytes, align | WEFT__MALLOCX_ZERO | node_flags(node_index));
}

void weft__memory_free(void *block, size_t bytes)
{
    if (block == NULL)
        return;
    if (!weft__memory_facts()->jemalloc) {
        free(block);
        return;
    }
    WEFT_DASSERT(sallocx(block, 0) >= bytes, "a block is freed with %zu bytes", bytes);
    (void)bytes;
    dallocx(block, WEFT__MALLOCX_TCACHE_NONE);
}

int weft__memory_bind_thread(uint32_t node_index)
{
    if (!weft__memory_facts()->jemalloc)
        return -EOPNOTSUPP;
    uint32_t slot = arena_of(node_index);
    if (slot == UINT32_MAX)
        return -ENOMEM;
    unsigned arena = slot - 1;
    int error = mallctl("thread.arena", NULL, NULL, &arena, sizeof(arena));
    if (error == 0)
        (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0); /* -EFAULT: it has no cache */
    return -error;
}

/* 0 when @bytes is 0 or too near the end of the numbers. */
static size_t round_to_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return bytes > SIZE_MAX - page ? 0 : (bytes + page - 1) / page * page;
}

/* A wish, not a bond: a full node gives way to its neighbours. A refusal leaves first touch. */
static void prefer_node(void *address, size_t bytes, unsigned node_id)
{
    unsigned long nodes[WEFT__TOPOLOGY_NODES_MAX / word_bits] = { 0 };

    if (node_id >= WEFT__TOPOLOGY_NODES_MAX || !weft__memory_facts()->policy_calls ||
        numa_bitmask_isbitset(numa_all_nodes_ptr, node_id) == 0)
        return;
    nodes[node_id / word_bits] = 1ul << (node_id % word_bits);
    /* the kernel takes one bit less than it is told of */
    int rc = weft__sys_mbind(address, bytes, MPOL_PREFERRED, nodes, WEFT__TOPOLOGY_NODES_MAX + 1,
                             0);
    int none = 0;
    if (rc == 0)
        return;
    WEFT__FALLBACK(MEMORY_BIND_REFUSED);
    (void)weft__cas_relaxed(&bind_error, &none, rc);
}

int weft__memory_bind_error(void)
{
    return weft__load_relaxed(&bind_error);
}

void *weft__memory_map(int node_id, size_t bytes)
{
    size_t rounded = round_to_pages(bytes);

    void *address = rounded == 0 ? NULL : weft__sys_map(rounded);
    if (address == NULL)
        return NULL;
    (void)weft__sys_madvise(address, rounded, MADV_NOHUGEPAGE); /* refused where there are none */
    if (node_id >= 0)
        prefer_node(address, rounded, (unsigned)node_id);
    return address;
}

void weft__memory_unmap(void *address, size_t bytes)
{
    if (address != NULL)
        (void)weft__sys_unmap(address, round_to_pages(bytes));
}

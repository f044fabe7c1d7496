/*
 * The machine as weft sees it: nodes, CPUs, cores, shared caches, distances, memory.
 * Read from a sysfs tree (the root is an argument, so that tests bring machines nobody has) or from
 * a one-line synthetic form (WEFT_TOPOLOGY). Immutable once made.
 */
#ifndef WEFT_NUMA_TOPOLOGY_H
#define WEFT_NUMA_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numa/cpuset.h"

enum {
    WEFT__TOPOLOGY_NODES_MAX = 1024
}; /* node ids are below: the kernel's largest MAX_NUMNODES */

struct weft__cpu {
    uint32_t id;         /* the kernel's number; numbers may have holes */
    uint32_t node_index; /* into nodes */
    uint32_t core;       /* dense index of the physical core */
    uint32_t l3;         /* dense index of the group that shares the last-level cache */
    uint32_t smt_rank;   /* 0: first thread of its core */
};

struct weft__node {
    uint32_t id;                /* the kernel's number; numbers may have holes */
    uint32_t cpu_count;         /* 0: memory only (CXL, HBM): no workers, no default allocations */
    uint64_t memory_bytes;      /* 0: memory-less, or unknown when no node has any */
    uint32_t memory_node_index; /* itself, or the nearest node with memory */
};

struct weft__topology {
    uint32_t node_count;
    uint32_t cpu_count;
    uint32_t core_count;
    uint32_t l3_count;
    struct weft__node *nodes; /* ordered by id */
    struct weft__cpu *cpus;   /* ordered by id; online CPUs only */
    uint32_t *distances;      /* node_count * node_count; 10 is local (ACPI SLIT) */
    bool synthetic;
};

/* Why a text or a tree was refused: a sentence that names the source (a file; none for the
 * synthetic form) and the offset of the character that is wrong, and that offset. */
struct weft__topology_error {
    size_t at;
    char text[200];
};

/*
 * Reads @sysfs_root ("/sys" in production). A tree without NUMA information is one flat node; a
 * missing cache or distance file is a default, malformed text is an error that names file and
 * character. Errors: -EINVAL, -ENOENT (no CPU found), -ENAMETOOLONG, -ENOMEM; @error, which may be
 * NULL, is written for each.
 */
int weft__topology_read(const char *sysfs_root, struct weft__topology **out_topology,
                        struct weft__topology_error *error);

/*
 * Parses the synthetic form; the grammar is in numa/README.md. Examples:
 *   "2x4"              two nodes of four cores
 *   "2x4x2"            the same, two threads each
 *   "2x4 mem=8G,0 dist=10,21;21,10 l3=2"
 *   "node=0:cpus=0-3,8:mem=4G node=2:cpus=:mem=16G dist=..."   holes, CPU-less node
 * Errors: -EINVAL, -ENOMEM; @error as above.
 */
int weft__topology_parse(const char *text, struct weft__topology **out_topology,
                         struct weft__topology_error *error);

/* The last resort where there is no sysfs: one node, every CPU of @cpus a core of its own.
 * -ENOENT when @cpus is empty, -ENOMEM. */
int weft__topology_flat(const struct weft__cpuset *cpus, struct weft__topology **out_topology);

void weft__topology_destroy(struct weft__topology *topology); /* accepts NULL and half-built ones */

uint32_t weft__topology_distance(const struct weft__topology *topology, uint32_t from_node_index,
                                 uint32_t to_node_index);

/* Index into cpus of the CPU with the kernel's number @id; -1 when it is not there. */
int64_t weft__topology_find_cpu(const struct weft__topology *topology, uint32_t id);

/* Writes @error (unless NULL): "SOURCE: character AT: WHY", without the first part when @source is
 * NULL. Returns -EINVAL. */
int weft__topology_refuse(struct weft__topology_error *error, const char *source, size_t at,
                          const char *why);

#endif

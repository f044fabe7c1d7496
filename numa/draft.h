/*
 * A topology while its source is being read. Both readers only collect nodes, CPUs and who shares
 * what with whom; weft__draft_finish turns that into the dense indices that the rest uses.
 */
#ifndef WEFT_NUMA_DRAFT_H
#define WEFT_NUMA_DRAFT_H

#include "numa/topology.h"

#define WEFT__DRAFT_NO_NODE UINT32_MAX /* a CPU that no node claims */

/*
 * CPUs of one node with equal groups share the core or the cache. The kind keeps numbers of
 * different meaning apart (a CPU number, a package number).
 */
struct weft__draft_group {
    uint32_t kind;
    uint32_t high;
    uint32_t low;
};

struct weft__draft_cpu {
    uint32_t id;
    uint32_t node_index; /* or WEFT__DRAFT_NO_NODE */
    struct weft__draft_group core;
    struct weft__draft_group l3;
};

struct weft__draft {
    struct weft__node *nodes; /* id and memory_bytes only */
    uint32_t node_count;
    uint32_t node_room;
    struct weft__draft_cpu *cpus;
    uint32_t cpu_count;
    uint32_t cpu_room;
    uint32_t *distances; /* node_count * node_count, or NULL: 10 and 20 */
    bool synthetic;
};

void weft__draft_fini(struct weft__draft *draft); /* accepts a zeroed draft */

/* Ids ascend from call to call and lie below WEFT__TOPOLOGY_NODES_MAX. 0, -ENOMEM. */
int weft__draft_add_node(struct weft__draft *draft, uint32_t id, uint64_t memory_bytes);

/* Any order; no id twice. 0, -ENOMEM. */
int weft__draft_add_cpu(struct weft__draft *draft, const struct weft__draft_cpu *cpu);

/* Makes room for the distances once all nodes are there and fills in 10 and 20. 0, -ENOMEM. */
int weft__draft_add_distances(struct weft__draft *draft);

/* 0, -ENOENT without a CPU, -ENOMEM. The draft stays the caller's, its CPUs get sorted. */
int weft__draft_finish(struct weft__draft *draft, struct weft__topology **out_topology);

#endif

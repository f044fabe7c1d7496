#include "numa/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"

enum { local_distance = 10, remote_distance = 20, first_room = 8 };

void weft__draft_fini(struct weft__draft *draft)
{
    size_t distance_count = (size_t)draft->node_count * draft->node_count;

    weft__memory_free(draft->nodes, draft->node_room * sizeof(*draft->nodes));
    weft__memory_free(draft->cpus, draft->cpu_room * sizeof(*draft->cpus));
    weft__memory_free(draft->distances, distance_count * sizeof(*draft->distances));
    *draft = (struct weft__draft){ .nodes = NULL };
}

/* Doubles a full array of @item_bytes each. BOUND arrays: at most WEFT__CPUSET_MAX items. */
static int make_room(void **items, uint32_t count, uint32_t *room, size_t item_bytes)
{
    if (count < *room)
        return 0;
    uint32_t wanted = *room == 0 ? first_room : *room * 2;
    void *grown = weft__memory_alloc(WEFT__NODE_LOCAL, wanted * item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(grown, *items, count * item_bytes);
    weft__memory_free(*items, *room * item_bytes);
    *items = grown;
    *room = wanted;
    return 0;
}

int weft__draft_add_node(struct weft__draft *draft, uint32_t id, uint64_t memory_bytes)
{
    void *nodes = draft->nodes;

    WEFT_ASSERT(id < WEFT__TOPOLOGY_NODES_MAX && draft->distances == NULL &&
                    (draft->node_count == 0 || draft->nodes[draft->node_count - 1].id < id),
                "node %u added out of order", id);
    int rc = make_room(&nodes, draft->node_count, &draft->node_room, sizeof(*draft->nodes));
    draft->nodes = nodes;
    if (rc == 0)
        draft->nodes[draft->node_count++] = (struct weft__node){ .id = id,
                                                                 .memory_bytes = memory_bytes };
    return rc;
}

int weft__draft_add_cpu(struct weft__draft *draft, const struct weft__draft_cpu *cpu)
{
    void *cpus = draft->cpus;

    WEFT_ASSERT(draft->cpu_count < WEFT__CPUSET_MAX, "more CPUs than a set can name");
    int rc = make_room(&cpus, draft->cpu_count, &draft->cpu_room, sizeof(*draft->cpus));
    draft->cpus = cpus;
    if (rc == 0)
        draft->cpus[draft->cpu_count++] = *cpu;
    return rc;
}

static void fill_distances(uint32_t *distances, uint32_t node_count)
{
    for (uint32_t from = 0; from < node_count; from++) {
        for (uint32_t to = 0; to < node_count; to++)
            distances[from * node_count + to] = from == to ? local_distance : remote_distance;
    }
}

int weft__draft_add_distances(struct weft__draft *draft)
{
    size_t count = (size_t)draft->node_count * draft->node_count;

    if (draft->distances != NULL)
        return 0;
    uint32_t *distances = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(*distances));
    if (distances == NULL)
        return -ENOMEM;
    fill_distances(distances, draft->node_count);
    draft->distances = distances;
    return 0;
}

static int compare_numbers(uint32_t left, uint32_t right)
{
    return (left > right) - (left < right);
}

static int compare_groups(const struct weft__draft_group *left,
                          const struct weft__draft_group *right)
{
    int order = compare_numbers(left->kind, right->kind);

    if (order == 0)
        order = compare_numbers(left->high, right->high);
    return order != 0 ? order : compare_numbers(left->low, right->low);
}

static int compare_cpu_ids(const void *left, const void *right)
{
    const struct weft__draft_cpu *a = left;
    const struct weft__draft_cpu *b = right;
    return compare_numbers(a->id, b->id);
}

/* A CPU as a member of a group, sortable. */
struct member {
    uint32_t node_index;
    uint32_t position; /* in the CPUs ordered by id */
    struct weft__draft_group group;
};

static bool share_group(const struct member *left, const struct member *right)
{
    return left->node_index == right->node_index &&
           compare_groups(&left->group, &right->group) == 0;
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = compare_numbers(a->node_index, b->node_index);

    if (order == 0)
        order = compare_groups(&a->group, &b->group);
    return order != 0 ? order : compare_numbers(a->position, b->position);
}

/* The node of another CPU with the same last-level cache; without one, the first node with CPUs. */
static uint32_t adopt(const struct weft__draft *draft, const struct weft__draft_cpu *orphan)
{
    uint32_t first = WEFT__DRAFT_NO_NODE;

    for (uint32_t i = 0; i < draft->cpu_count; i++) {
        const struct weft__draft_cpu *cpu = &draft->cpus[i];
        if (cpu->node_index < first)
            first = cpu->node_index;
        if (cpu->node_index != WEFT__DRAFT_NO_NODE && compare_groups(&cpu->l3, &orphan->l3) == 0)
            return cpu->node_index;
    }
    return first == WEFT__DRAFT_NO_NODE ? 0 : first;
}

static void place_cpus(const struct weft__draft *draft, struct weft__topology *topology)
{
    for (uint32_t i = 0; i < draft->cpu_count; i++) {
        const struct weft__draft_cpu *from = &draft->cpus[i];
        struct weft__cpu *cpu = &topology->cpus[i];
        cpu->id = from->id;
        cpu->node_index = from->node_index == WEFT__DRAFT_NO_NODE ? adopt(draft, from)
                                                                  : from->node_index;
        topology->nodes[cpu->node_index].cpu_count++;
    }
}

/*
 * Sorts the CPUs into groups and leaves, at each CPU's position, the position of the first of its
 * group (out_leaders) and its rank in it (out_ranks). A group never crosses a node.
 */
static void find_leaders(struct member *members, uint32_t count, uint32_t *out_leaders,
                         uint32_t *out_ranks)
{
    uint32_t start = 0;

    qsort(members, count, sizeof(*members), compare_members);
    for (uint32_t i = 0; i < count; i++) {
        if (!share_group(&members[start], &members[i]))
            start = i;
        out_leaders[members[i].position] = members[start].position;
        out_ranks[members[i].position] = i - start;
    }
}

/* Leaders become dense numbers in the order of CPU ids; a leader comes before its followers. */
static uint32_t number_groups(uint32_t *leaders, uint32_t count)
{
    uint32_t group_count = 0;

    for (uint32_t i = 0; i < count; i++)
        leaders[i] = leaders[i] == i ? group_count++ : leaders[leaders[i]];
    return group_count;
}

struct grouping {
    struct member *members;
    uint32_t *groups;
    uint32_t *ranks;
};

static uint32_t group_cpus(const struct weft__draft *draft, const struct weft__topology *topology,
                           struct grouping *grouping, bool by_core)
{
    for (uint32_t i = 0; i < draft->cpu_count; i++) {
        const struct weft__draft_cpu *cpu = &draft->cpus[i];
        grouping->members[i] = (struct member){ .node_index = topology->cpus[i].node_index,
                                                .position = i,
                                                .group = by_core ? cpu->core : cpu->l3 };
    }
    find_leaders(grouping->members, draft->cpu_count, grouping->groups, grouping->ranks);
    return number_groups(grouping->groups, draft->cpu_count);
}

static void derive_sharing(const struct weft__draft *draft, struct grouping *grouping,
                           struct weft__topology *topology)
{
    topology->core_count = group_cpus(draft, topology, grouping, true);
    for (uint32_t i = 0; i < topology->cpu_count; i++) {
        topology->cpus[i].core = grouping->groups[i];
        topology->cpus[i].smt_rank = grouping->ranks[i];
    }
    topology->l3_count = group_cpus(draft, topology, grouping, false);
    for (uint32_t i = 0; i < topology->cpu_count; i++)
        topology->cpus[i].l3 = grouping->groups[i];
}

static int share_out(const struct weft__draft *draft, struct weft__topology *topology)
{
    size_t count = draft->cpu_count;
    struct grouping grouping = {
        .members = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(struct member)),
        .groups = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(uint32_t)),
        .ranks = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(uint32_t)),
    };
    int rc = -ENOMEM;

    if (grouping.members != NULL && grouping.groups != NULL && grouping.ranks != NULL) {
        derive_sharing(draft, &grouping, topology);
        rc = 0;
    }
    weft__memory_free(grouping.members, count * sizeof(struct member));
    weft__memory_free(grouping.groups, count * sizeof(uint32_t));
    weft__memory_free(grouping.ranks, count * sizeof(uint32_t));
    return rc;
}

/* Itself when it has memory, and when no node has: then the amounts are merely unknown. */
static uint32_t nearest_memory(const struct weft__topology *topology, uint32_t from)
{
    uint32_t nearest = from;
    uint32_t least = UINT32_MAX;

    if (topology->nodes[from].memory_bytes != 0)
        return from;
    for (uint32_t to = 0; to < topology->node_count; to++) {
        uint32_t distance = weft__topology_distance(topology, from, to);
        if (topology->nodes[to].memory_bytes != 0 && distance < least) {
            nearest = to;
            least = distance;
        }
    }
    return nearest;
}

static int alloc_arrays(const struct weft__draft *draft, struct weft__topology *topology)
{
    size_t distance_count = (size_t)draft->node_count * draft->node_count;

    topology->node_count = draft->node_count;
    topology->cpu_count = draft->cpu_count;
    topology->synthetic = draft->synthetic;
    topology->nodes = weft__memory_alloc(WEFT__NODE_LOCAL,
                                         draft->node_count * sizeof(*topology->nodes));
    topology->cpus = weft__memory_alloc(WEFT__NODE_LOCAL,
                                        draft->cpu_count * sizeof(*topology->cpus));
    topology->distances = weft__memory_alloc(WEFT__NODE_LOCAL,
                                             distance_count * sizeof(*topology->distances));
    return topology->nodes == NULL || topology->cpus == NULL || topology->distances == NULL
               ? -ENOMEM
               : 0;
}

static int derive(const struct weft__draft *draft, struct weft__topology *topology)
{
    int rc = alloc_arrays(draft, topology);

    if (rc < 0)
        return rc;
    memcpy(topology->nodes, draft->nodes, draft->node_count * sizeof(*topology->nodes));
    if (draft->distances != NULL)
        memcpy(topology->distances, draft->distances,
               (size_t)draft->node_count * draft->node_count * sizeof(*topology->distances));
    else
        fill_distances(topology->distances, draft->node_count);
    place_cpus(draft, topology);
    for (uint32_t i = 0; i < topology->node_count; i++)
        topology->nodes[i].memory_node_index = nearest_memory(topology, i);
    return share_out(draft, topology);
}

int weft__draft_finish(struct weft__draft *draft, struct weft__topology **out_topology)
{
    if (draft->cpu_count == 0)
        return -ENOENT;
    WEFT_ASSERT(draft->node_count > 0, "a topology without a node");
    struct weft__topology *topology = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*topology));
    if (topology == NULL)
        return -ENOMEM;
    qsort(draft->cpus, draft->cpu_count, sizeof(*draft->cpus), compare_cpu_ids);
    int rc = derive(draft, topology);
    if (rc < 0) {
        weft__topology_destroy(topology);
        return rc;
    }
    *out_topology = topology;
    return 0;
}

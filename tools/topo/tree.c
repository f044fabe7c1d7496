#include "tools/topo/tree.h"

#include <inttypes.h>

#include "tools/common/size.h"

/* The lists of a large machine are long; beyond this they are cut, and end with dots. */
enum { LIST_BYTES = 512 };

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static void print_head(FILE *out, const struct weft__topo *topo)
{
    const struct weft__topology *machine = topo->topology;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < machine->node_count; i++)
        bytes += machine->nodes[i].memory_bytes;
    (void)fprintf(out,
                  "%s: %" PRIu32 " node%s, %" PRIu32 " L3 group%s, %" PRIu32 " core%s, %" PRIu32
                  " CPU%s",
                  machine->synthetic ? "A synthetic machine" : "This machine", machine->node_count,
                  plural(machine->node_count), machine->l3_count, plural(machine->l3_count),
                  machine->core_count, plural(machine->core_count), machine->cpu_count,
                  plural(machine->cpu_count));
    if (bytes > 0)
        (void)fprintf(out, ", %s", WEFT__SIZE(bytes));
    (void)fprintf(out, "\n");
}

/* CPUs that stand together in the tree: places from first to below end. */
struct range {
    uint32_t first;
    uint32_t end;
};

/* The CPUs from place @first on that share its node, L3 group or core, whichever is asked for. */
static struct range range_of(const struct weft__topo *topo, uint32_t first,
                             bool (*same)(const struct weft__topo_place *a,
                                          const struct weft__topo_place *b))
{
    struct range range = { first, first };

    while (range.end < topo->topology->cpu_count &&
           same(&topo->places[first], &topo->places[range.end]))
        range.end++;
    return range;
}

static bool same_node(const struct weft__topo_place *a, const struct weft__topo_place *b)
{
    return a->node_index == b->node_index;
}

/* Groups and cores are numbered over the whole machine. */
static bool same_l3(const struct weft__topo_place *a, const struct weft__topo_place *b)
{
    return a->l3 == b->l3;
}

static bool same_core(const struct weft__topo_place *a, const struct weft__topo_place *b)
{
    return a->core == b->core;
}

static void print_list(FILE *out, const struct weft__topo *topo, struct range range)
{
    static char list[LIST_BYTES];
    struct weft__cpuset set;
    int rc = 0;

    weft__cpuset_init(&set);
    for (uint32_t i = range.first; rc == 0 && i < range.end; i++)
        rc = weft__cpuset_add(&set, topo->topology->cpus[topo->places[i].cpu_index].id);
    bool cut = weft__cpuset_format(&set, list, sizeof(list)) >= sizeof(list) || rc < 0;
    (void)fprintf(out, "CPU%s %s%s\n", plural(range.end - range.first), list, cut ? "..." : "");
    weft__cpuset_fini(&set);
}

static void print_cpu(FILE *out, const struct weft__topo *topo, uint32_t cpu_index)
{
    uint32_t workers = topo->workers[cpu_index];

    (void)fprintf(out, "CPU %" PRIu32, topo->topology->cpus[cpu_index].id);
    if (!weft__topo_allows(topo, cpu_index))
        (void)fprintf(out, " (not allowed)");
    else if (workers == 1)
        (void)fprintf(out, " *");
    else if (workers > 1)
        (void)fprintf(out, " *%" PRIu32, workers);
}

static void print_core(FILE *out, const struct weft__topo *topo, struct range core)
{
    (void)fprintf(out, "      core %" PRIu32 ": ", topo->places[core.first].core);
    for (uint32_t i = core.first; i < core.end; i++) {
        (void)fprintf(out, "%s", i == core.first ? "" : ", ");
        print_cpu(out, topo, topo->places[i].cpu_index);
    }
    (void)fprintf(out, "\n");
}

static void print_group(FILE *out, const struct weft__topo *topo, struct range group)
{
    struct range core = { 0, group.first };

    (void)fprintf(out, "    L3 group %" PRIu32 ": ", topo->places[group.first].l3);
    print_list(out, topo, group);
    while (core.end < group.end) {
        core = range_of(topo, core.end, same_core);
        print_core(out, topo, core);
    }
}

static void print_memory(FILE *out, const struct weft__topology *machine, uint32_t node_index)
{
    const struct weft__node *node = &machine->nodes[node_index];

    if (node->memory_bytes > 0)
        (void)fprintf(out, "%s", WEFT__SIZE(node->memory_bytes));
    else if (node->memory_node_index != node_index)
        (void)fprintf(out, "no memory (node %" PRIu32 " is nearest)",
                      machine->nodes[node->memory_node_index].id);
    else
        (void)fprintf(out, "memory unknown");
}

/* @first: where its CPUs begin, if it has any. Returns where those of the next one do. */
static uint32_t print_node(FILE *out, const struct weft__topo *topo, uint32_t node_index,
                           uint32_t first)
{
    const struct weft__node *node = &topo->topology->nodes[node_index];
    struct range group = { first, first };

    (void)fprintf(out, "  node %" PRIu32 ": ", node->id);
    print_memory(out, topo->topology, node_index);
    if (node->cpu_count == 0) {
        (void)fprintf(out, ", no CPUs\n");
        return first;
    }
    struct range cpus = range_of(topo, first, same_node);
    (void)fprintf(out, ", ");
    print_list(out, topo, cpus);
    while (group.end < cpus.end) {
        group = range_of(topo, group.end, same_l3);
        print_group(out, topo, group);
    }
    return cpus.end;
}

static void print_distances(FILE *out, const struct weft__topology *machine)
{
    if (machine->node_count == 1)
        return;
    (void)fprintf(out, "Distances (10: the node itself)\n%6s", "");
    for (uint32_t to = 0; to < machine->node_count; to++)
        (void)fprintf(out, " %4" PRIu32, machine->nodes[to].id);
    (void)fprintf(out, "\n");
    for (uint32_t from = 0; from < machine->node_count; from++) {
        (void)fprintf(out, "  %4" PRIu32, machine->nodes[from].id);
        for (uint32_t to = 0; to < machine->node_count; to++)
            (void)fprintf(out, " %4" PRIu32, weft__topology_distance(machine, from, to));
        (void)fprintf(out, "\n");
    }
}

static void print_workers(FILE *out, const struct weft__topo *topo)
{
    if (topo->plan == NULL) {
        (void)fprintf(out, "No workers: %s\n", topo->no_plan);
        return;
    }
    (void)fprintf(out, "%s; %s (*: a worker)\n", topo->plan->reason,
                  topo->plan->pinned ? "each is pinned to its CPU" : "not pinned");
}

void weft__tree_print(FILE *out, const struct weft__topo *topo)
{
    uint32_t next = 0;

    print_head(out, topo);
    for (uint32_t i = 0; i < topo->topology->node_count; i++)
        next = print_node(out, topo, i, next);
    print_distances(out, topo->topology);
    print_workers(out, topo);
}

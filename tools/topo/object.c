#include "tools/topo/object.h"

#include <inttypes.h>
#include <weft.h>

#include "tools/common/quote.h"

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

static void write_node(FILE *out, const struct weft__topology *machine, uint32_t index)
{
    const struct weft__node *node = &machine->nodes[index];

    (void)fprintf(out,
                  "%s{\"id\":%" PRIu32 ",\"cpu_count\":%" PRIu32 ",\"memory_bytes\":%" PRIu64
                  ",\"memory_node\":%" PRIu32 ",\"distances\":[",
                  index == 0 ? "" : ",", node->id, node->cpu_count, node->memory_bytes,
                  machine->nodes[node->memory_node_index].id);
    for (uint32_t to = 0; to < machine->node_count; to++)
        (void)fprintf(out, "%s%" PRIu32, to == 0 ? "" : ",",
                      weft__topology_distance(machine, index, to));
    (void)fputs("]}", out);
}

static void write_cpu(FILE *out, const struct weft__topo *topo, uint32_t index)
{
    const struct weft__cpu *cpu = &topo->topology->cpus[index];

    (void)fprintf(out,
                  "%s{\"id\":%" PRIu32 ",\"node\":%" PRIu32 ",\"l3\":%" PRIu32 ",\"core\":%" PRIu32
                  ",\"thread\":%" PRIu32 ",\"allowed\":%s,\"workers\":%" PRIu32 "}",
                  index == 0 ? "" : ",", cpu->id, topo->topology->nodes[cpu->node_index].id,
                  cpu->l3, cpu->core, cpu->smt_rank, truth(weft__topo_allows(topo, index)),
                  topo->workers[index]);
}

static void write_plan(FILE *out, const struct weft__topo *topo)
{
    if (topo->plan == NULL) {
        (void)fputs("null", out);
        return;
    }
    (void)fprintf(out, "{\"count\":%" PRIu32 ",\"pinned\":%s,\"reason\":", topo->plan->worker_count,
                  truth(topo->plan->pinned));
    weft__quote_json(out, topo->plan->reason);
    (void)fputs("}", out);
}

void weft__object_print(FILE *out, const struct weft__topo *topo)
{
    const struct weft__topology *machine = topo->topology;

    (void)fputs("{\"tool\":\"weft topo\",\"version\":", out);
    weft__quote_json(out, weft_version());
    (void)fputs(",\"synthetic\":", out);
    if (machine->synthetic)
        weft__quote_json(out, topo->synthetic);
    else
        (void)fputs("null", out);
    (void)fprintf(out, ",\"cores\":%" PRIu32 ",\"l3_groups\":%" PRIu32 ",\"nodes\":[",
                  machine->core_count, machine->l3_count);
    for (uint32_t i = 0; i < machine->node_count; i++)
        write_node(out, machine, i);
    (void)fputs("],\"cpus\":[", out);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        write_cpu(out, topo, i);
    (void)fputs("],\"quota_cpus\":", out);
    if (topo->quota > 0)
        (void)fprintf(out, "%" PRIu32 ".%02" PRIu32, topo->quota / 100, topo->quota % 100);
    else
        (void)fputs("null", out);
    (void)fputs(",\"workers\":", out);
    write_plan(out, topo);
    (void)fputs("}\n", out);
}

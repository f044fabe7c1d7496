#include "tests/support/machine.h"

#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/compiler.h"

enum { mebibyte_log = 20 };

struct writer {
    char *text;
    size_t room;
    size_t length;
};

WEFT__PRINTF(2, 3) static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;

    if (writer->length >= writer->room)
        return;
    va_start(arguments, format);
    int length = vsnprintf(writer->text + writer->length, writer->room - writer->length, format,
                           arguments);
    va_end(arguments);
    writer->length += length > 0 ? (size_t)length : 0;
}

void machine_describe(const struct weft__topology *topology, char *text, size_t text_bytes)
{
    struct writer writer = { text, text_bytes, 0 };
    uint32_t node_count = topology->node_count;

    text[0] = '\0';
    for (uint32_t i = 0; i < node_count; i++) {
        const struct weft__node *node = &topology->nodes[i];
        put(&writer, "%u:%u:%llu>%u ", node->id, node->cpu_count,
            (unsigned long long)(node->memory_bytes >> mebibyte_log),
            topology->nodes[node->memory_node_index].id);
    }
    put(&writer, "|");
    for (uint32_t i = 0; i < topology->cpu_count; i++) {
        const struct weft__cpu *cpu = &topology->cpus[i];
        put(&writer, " %u:%u.%u.%u.%u", cpu->id, cpu->node_index, cpu->core, cpu->l3,
            cpu->smt_rank);
    }
    put(&writer, " | ");
    for (uint32_t i = 0; i < node_count * node_count; i++)
        put(&writer, "%s%u", i == 0 ? "" : i % node_count == 0 ? ";" : ",", topology->distances[i]);
}

static bool hold(bool holds, const char *what, uint32_t at)
{
    if (!holds)
        (void)fprintf(stderr, "not sound: %s at %u\n", what, at);
    return holds;
}

/* A number that appears first is the next one; the others have appeared. */
static bool is_dense(uint32_t number, uint32_t *count)
{
    if (number == *count)
        (*count)++;
    return number < *count;
}

static bool nodes_are_sound(const struct weft__topology *topology)
{
    uint32_t cpu_count = 0;
    bool sound = hold(topology->node_count > 0, "a node", 0);
    bool any_memory = false;

    for (uint32_t i = 0; i < topology->node_count; i++)
        any_memory = any_memory || topology->nodes[i].memory_bytes != 0;
    for (uint32_t i = 0; sound && i < topology->node_count; i++) {
        const struct weft__node *node = &topology->nodes[i];
        uint32_t memory = node->memory_node_index;
        sound = hold(i == 0 || node[-1].id < node->id, "order of nodes", i) &&
                hold(memory < topology->node_count, "index of the memory's node", i) &&
                hold(!any_memory || topology->nodes[memory].memory_bytes != 0, "memory", i) &&
                hold(node->memory_bytes == 0 || memory == i, "memory at home", i);
        cpu_count += node->cpu_count;
    }
    return sound && hold(cpu_count == topology->cpu_count, "sum of CPUs", cpu_count);
}

/* Neither a core nor a cache crosses a node; looked at pairwise among neighbours in the list. */
static bool sharing_is_sound(const struct weft__topology *topology)
{
    bool sound = true;

    for (uint32_t i = 1; sound && i < topology->cpu_count; i++) {
        const struct weft__cpu *cpu = &topology->cpus[i];
        bool apart = cpu->node_index != cpu[-1].node_index;
        sound = hold(!apart || cpu->core != cpu[-1].core, "core within a node", i) &&
                hold(!apart || cpu->l3 != cpu[-1].l3, "cache within a node", i);
    }
    return sound;
}

bool machine_is_sound(const struct weft__topology *topology)
{
    uint32_t core_count = 0;
    uint32_t l3_count = 0;
    bool sound = nodes_are_sound(topology) && hold(topology->cpu_count > 0, "a CPU", 0) &&
                 sharing_is_sound(topology);

    for (uint32_t i = 0; sound && i < topology->cpu_count; i++) {
        const struct weft__cpu *cpu = &topology->cpus[i];
        sound = hold(i == 0 || cpu[-1].id < cpu->id, "order of CPUs", i) &&
                hold(cpu->node_index < topology->node_count, "node of a CPU", i) &&
                hold((cpu->smt_rank == 0) == (cpu->core == core_count), "thread of a core", i) &&
                hold(is_dense(cpu->core, &core_count), "dense cores", i) &&
                hold(is_dense(cpu->l3, &l3_count), "dense caches", i);
    }
    return sound && hold(core_count == topology->core_count, "count of cores", core_count) &&
           hold(l3_count == topology->l3_count, "count of caches", l3_count);
}

#include "numa/topology.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/draft.h"
#include "numa/memory.h"
#include "runtime/base/check.h"

enum { source_bytes_max = 100 }; /* of a long path the end tells more */

void weft__topology_destroy(struct weft__topology *topology)
{
    if (topology == NULL)
        return;
    size_t distance_count = (size_t)topology->node_count * topology->node_count;
    weft__memory_free(topology->nodes, topology->node_count * sizeof(*topology->nodes));
    weft__memory_free(topology->cpus, topology->cpu_count * sizeof(*topology->cpus));
    weft__memory_free(topology->distances, distance_count * sizeof(*topology->distances));
    weft__memory_free(topology, sizeof(*topology));
}

uint32_t weft__topology_distance(const struct weft__topology *topology, uint32_t from_node_index,
                                 uint32_t to_node_index)
{
    WEFT_ASSERT(from_node_index < topology->node_count && to_node_index < topology->node_count,
                "distance from node index %u to %u of %u", from_node_index, to_node_index,
                topology->node_count);
    return topology->distances[(size_t)from_node_index * topology->node_count + to_node_index];
}

int64_t weft__topology_find_cpu(const struct weft__topology *topology, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = topology->cpu_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (topology->cpus[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < topology->cpu_count && topology->cpus[low].id == id ? (int64_t)low : -1;
}

int weft__topology_flat(const struct weft__cpuset *cpus, struct weft__topology **out_topology)
{
    struct weft__draft draft = { .nodes = NULL };
    int rc = weft__draft_add_node(&draft, 0, 0);

    for (int64_t id = weft__cpuset_next(cpus, 0); rc == 0 && id >= 0;
         id = weft__cpuset_next(cpus, (uint32_t)id + 1))
        rc = weft__draft_add_cpu(
            &draft, &(struct weft__draft_cpu){ .id = (uint32_t)id, .core.low = (uint32_t)id });
    if (rc == 0)
        rc = weft__draft_finish(&draft, out_topology);
    weft__draft_fini(&draft);
    return rc;
}

int weft__topology_refuse(struct weft__topology_error *error, const char *source, size_t at,
                          const char *why)
{
    if (error == NULL)
        return -EINVAL;
    error->at = at;
    if (source == NULL) {
        (void)snprintf(error->text, sizeof(error->text), "character %zu: %s", at, why);
        return -EINVAL;
    }
    size_t length = strlen(source);
    bool cut = length > source_bytes_max;
    (void)snprintf(error->text, sizeof(error->text), "%s%s: character %zu: %s", cut ? "..." : "",
                   cut ? source + length - source_bytes_max : source, at, why);
    return -EINVAL;
}

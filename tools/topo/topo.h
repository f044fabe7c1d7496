/*
 * weft topo: the machine as weft sees it, and where its workers go.
 * It looks inside the library, as the runtime does at its start, and starts no runtime.
 */
#ifndef WEFT_TOOLS_TOPO_TOPO_H
#define WEFT_TOOLS_TOPO_TOPO_H

#include <stdint.h>

#include "numa/plan.h"
#include "numa/topology.h"

/* Where a CPU stands in the tree. */
struct weft__topo_place {
    uint32_t node_index;
    uint32_t l3;
    uint32_t core;
    uint32_t cpu_index;
};

struct weft__topo {
    const char *synthetic;           /* its text; NULL: this machine */
    struct weft__topology *topology; /* what there is */
    struct weft__plan *plan;         /* where workers go; NULL: nowhere */
    const char *no_plan;             /* why not */
    struct weft__cpuset allowed;     /* CPUs that this process may use */
    uint32_t quota;                  /* hundredths of a CPU that the cgroup allows; 0: all */
    uint32_t *workers;               /* how many on each CPU, by index */
    struct weft__topo_place *places; /* each CPU once: by node, L3 group, core, number */
};

/*
 * Looks as a runtime would that starts now: WEFT_WORKERS, WEFT_SMT and WEFT_TOPOLOGY count.
 * @synthetic: stands for WEFT_TOPOLOGY; NULL: none was given
 * Returns an exit code; when it is not 0, standard error has been told why.
 */
int weft__topo_look(struct weft__topo *topo, const char *synthetic);
void weft__topo_fini(struct weft__topo *topo); /* accepts a zeroed one */

/* Whether this process may use the CPU with index @cpu_index. */
bool weft__topo_allows(const struct weft__topo *topo, uint32_t cpu_index);

#endif

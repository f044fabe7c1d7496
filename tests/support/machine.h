/* Topologies as texts, so that a table of machines can say what is wanted in one line. */
#ifndef WEFT_TESTS_SUPPORT_MACHINE_H
#define WEFT_TESTS_SUPPORT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "numa/topology.h"

/*
 * "NODES | CPUS | DISTANCES": a node is id:cpus:MiB>id of the node with its memory; a CPU is
 * id:node.core.l3.thread with indices; "0:2:64>0 | 0:0.0.0.0 1:0.1.0.0 | 10"
 */
void machine_describe(const struct weft__topology *topology, char *text, size_t text_bytes);

/* Whether the invariants of numa/README.md hold; prints the first that does not. */
bool machine_is_sound(const struct weft__topology *topology);

#endif

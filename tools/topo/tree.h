/* A topology as people read it. */
#ifndef WEFT_TOOLS_TOPO_TREE_H
#define WEFT_TOOLS_TOPO_TREE_H

#include <stdio.h>

#include "tools/topo/topo.h"

void weft__tree_print(FILE *out, const struct weft__topo *topo);

#endif

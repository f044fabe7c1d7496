/* A topology as one JSON object. */
#ifndef WEFT_TOOLS_TOPO_OBJECT_H
#define WEFT_TOOLS_TOPO_OBJECT_H

#include <stdio.h>

#include "tools/topo/topo.h"

void weft__object_print(FILE *out, const struct weft__topo *topo);

#endif

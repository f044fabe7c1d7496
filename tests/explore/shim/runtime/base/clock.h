/* The clock of the model, and a counter that shows the same. Before the real clock.h. */
#ifndef WEFT_BASE_CLOCK_H
#define WEFT_BASE_CLOCK_H

#include "runtime/base/sim.h"
#include "tests/explore/explore.h"

#define WEFT__NS_PER_US INT64_C(1000)
#define WEFT__NS_PER_MS INT64_C(1000000)
#define WEFT__NS_PER_S INT64_C(1000000000)

enum { WEFT__CLOCK_COARSE = 22 };

#define weft__clock_now() explore_now()
#define weft__clock_cycles() ((uint64_t)explore_now())
#define weft__clock_cycles_in(ns) ((uint64_t)(ns))

#endif

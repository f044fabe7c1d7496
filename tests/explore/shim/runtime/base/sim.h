/* No simulation in the explorer, which runs the threads itself. Before the real sim.h. */
#ifndef WEFT_BASE_SIM_H
#define WEFT_BASE_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/atomic.h"

struct weft__coroutine;

struct weft__sim_error {
    int opcode;
    int error;
    uint32_t one_in;
};

struct weft__sim_ops {
    uint64_t (*cycles)(void);
};

#define weft__sim_point(point) ((void)0)
#define weft__sim_elapse(ns) ((void)(ns))
#define weft__sim_is_on() false
#define weft__sim_limit(until_ns) (until_ns)
#define weft__sim_random(otherwise) (otherwise)

#endif

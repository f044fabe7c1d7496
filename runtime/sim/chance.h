/* The generator of a simulation, which one seed begins and nothing else changes. */
#ifndef WEFT_SIM_CHANCE_H
#define WEFT_SIM_CHANCE_H

#include <stdint.h>

/* Returns how many points are between two choices of who goes on, in the mean. */
uint32_t weft__chance_begin(uint64_t seed);

uint64_t weft__chance_draw(void);
uint32_t weft__chance_below(uint32_t bound);

#endif

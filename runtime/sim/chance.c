#include "runtime/sim/chance.h"

#include "runtime/base/compiler.h"
#include "runtime/base/random.h"

static struct weft__random generator;

uint64_t weft__chance_draw(void)
{
    return weft__random_next(&generator);
}

uint32_t weft__chance_below(uint32_t bound)
{
    return weft__random_below(&generator, bound);
}

/* How often coroutines are left differs from seed to seed: some bugs need a thread that is left at
 * every step, others one that gets far. */
uint32_t weft__chance_begin(uint64_t seed)
{
    static const uint32_t intervals[] = { 1, 1, 2, 3, 5, 8, 20, 100 };

    weft__random_init(&generator, seed);
    for (int i = 0; i < 8; i++) /* small seeds differ in few bits */
        (void)weft__chance_draw();
    return intervals[weft__chance_below(WEFT__COUNT(intervals))];
}

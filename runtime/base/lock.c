#include "runtime/base/lock.h"

#include <sched.h>

enum { looks_before_yield = 64 };

void weft__lock_backoff(uint32_t looks)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    if (sim != NULL)
        sim->give_way();
    else if (looks < looks_before_yield)
        weft__pause();
    else
        (void)sched_yield();
}

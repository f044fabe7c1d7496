#include "runtime/base/lock.h"

#include <sched.h>

enum { looks_before_yield = 64 };

void weft__lock_backoff(uint32_t looks)
{
    if (looks < looks_before_yield)
        weft__pause();
    else
        (void)sched_yield();
}

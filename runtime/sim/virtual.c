#include "runtime/sim/virtual.h"

#include "runtime/base/clock.h"
#include "runtime/base/sim.h"

enum {
    step_ns = 40,     /* by which each point moves the clock */
    begin_s = 1000000 /* what the clock says first: some times are subtracted from it */
};

static _Atomic int64_t now_ns; /* threads outside read it */
static uint64_t steps;

void weft__virtual_begin(void)
{
    weft__store_relaxed(&now_ns, begin_s * WEFT__NS_PER_S);
}

int64_t weft__virtual_now(void)
{
    return weft__load_relaxed(&now_ns);
}

void weft__virtual_move(int64_t ns)
{
    weft__store_relaxed(&now_ns, weft__virtual_now() + ns);
}

void weft__virtual_jump(int64_t until_ns)
{
    if (weft__virtual_now() < until_ns)
        weft__store_relaxed(&now_ns, until_ns);
}

int64_t weft__virtual_look(void)
{
    if (weft__sim_here() != NULL)
        weft__virtual_move(step_ns);
    return weft__virtual_now();
}

uint64_t weft__virtual_cycles(void)
{
    return (uint64_t)weft__virtual_look();
}

uint64_t weft__virtual_step(void)
{
    weft__virtual_move(step_ns);
    return ++steps;
}

uint64_t weft__virtual_steps(void)
{
    return steps;
}

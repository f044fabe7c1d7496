#include "runtime/base/fault.h"

struct fault {
    _Atomic uint32_t left; /* calls until the failure; 0: not armed */
    _Atomic uint32_t calls;
    _Atomic int error;
    _Atomic int planned_error; /* 0: no plan */
    _Atomic uint32_t planned_calls;
    struct weft__fault_when when; /* of the plan; (i) while it has one */
};

_Atomic uint32_t weft__fault_armed;

static struct fault faults[WEFT__FAULT_COUNT];

static const char *const names[WEFT__FAULT_COUNT] = {
#define WEFT__FAULT_STRING(name) #name,
    WEFT__FAULT_POINTS(WEFT__FAULT_STRING)
#undef WEFT__FAULT_STRING
};

void weft__fault_arm(enum weft__fault_point point, uint32_t nth, int error)
{
    struct fault *fault = &faults[point];

    weft__store_relaxed(&fault->calls, 0);
    weft__store_relaxed(&fault->error, error);
    uint32_t before = weft__swap_acqrel(&fault->left, nth); /* pairs with itself: arm against arm */
    if (before == 0 && nth != 0)
        weft__add_relaxed(&weft__fault_armed, 1);
    if (before != 0 && nth == 0)
        weft__sub_relaxed(&weft__fault_armed, 1);
}

uint32_t weft__fault_calls(enum weft__fault_point point)
{
    return weft__load_relaxed(&faults[point].calls);
}

const char *weft__fault_name(enum weft__fault_point point)
{
    return names[point];
}

/* splitmix64: all bits of the number depend on all of @seed and @call. */
static uint64_t draw(uint64_t seed, uint32_t call)
{
    uint64_t x = seed + call * 0x9E3779B97F4A7C15u;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

bool weft__fault_due(const struct weft__fault_when *when, uint32_t call)
{
    if (call < when->first || call > when->last)
        return false;
    return when->one_in <= 1 || draw(when->seed, call) % when->one_in == 0;
}

void weft__fault_plan(enum weft__fault_point point, int error, const struct weft__fault_when *when)
{
    struct fault *fault = &faults[point];
    bool before = weft__load_relaxed(&fault->planned_error) != 0;

    if (error != 0)
        fault->when = *when;
    weft__store_relaxed(&fault->planned_calls, 0);
    weft__store_release(&fault->planned_error, error); /* pairs with count_planned */
    if (error != 0 && !before)
        weft__add_relaxed(&weft__fault_armed, 1);
    if (error == 0 && before)
        weft__sub_relaxed(&weft__fault_armed, 1);
}

static int count_planned(struct fault *fault)
{
    int error = weft__load_acquire(&fault->planned_error); /* pairs with weft__fault_plan */

    if (error == 0)
        return 0;
    uint32_t call = weft__add_relaxed(&fault->planned_calls, 1) + 1;
    return weft__fault_due(&fault->when, call) ? error : 0;
}

int weft__fault_count(enum weft__fault_point point)
{
    struct fault *fault = &faults[point];
    uint32_t left = weft__load_relaxed(&fault->left);

    while (left != 0) {
        if (!weft__cas_relaxed(&fault->left, &left, left - 1))
            continue;
        weft__add_relaxed(&fault->calls, 1);
        if (left > 1)
            return 0;
        weft__sub_relaxed(&weft__fault_armed, 1);
        return weft__load_relaxed(&fault->error);
    }
    return count_planned(fault);
}

#include "runtime/base/fault.h"

struct fault {
    _Atomic uint32_t left; /* calls until the failure; 0: not armed */
    _Atomic uint32_t calls;
    _Atomic int error;
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
    return 0;
}

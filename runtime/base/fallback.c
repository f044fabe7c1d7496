#include "runtime/base/fallback.h"

_Atomic bool weft__fallback_watched;

static _Atomic bool reached[WEFT__FALLBACK_COUNT];

static const char *const names[WEFT__FALLBACK_COUNT] = {
#define WEFT__FALLBACK_STRING(name) #name,
    WEFT__FALLBACKS(WEFT__FALLBACK_STRING)
#undef WEFT__FALLBACK_STRING
};

void weft__fallback_note(enum weft__fallback which)
{
    weft__store_relaxed(&reached[which], true);
}

void weft__fallback_watch(void)
{
    for (int which = 0; which < WEFT__FALLBACK_COUNT; which++)
        weft__store_relaxed(&reached[which], false);
    weft__store_relaxed(&weft__fallback_watched, true);
}

bool weft__fallback_reached(enum weft__fallback which)
{
    return weft__load_relaxed(&reached[which]);
}

const char *weft__fallback_name(enum weft__fallback which)
{
    return names[which];
}

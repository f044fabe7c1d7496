#include "runtime/sim/patience.h"

#include <stdio.h>

enum { looks = 8, million = 1000000, soon = 1000 };

static struct {
    struct weft__patience_ops ops; /* (i) */
    uint32_t millions;             /* (i) */
    uint64_t next;                 /* point of the next look */
    uint64_t progress;             /* as it was at the last look */
    uint32_t quiet;                /* looks since there was some */
} patience;

void weft__patience_begin(uint32_t millions, const struct weft__patience_ops *ops)
{
    patience.ops = *ops;
    patience.millions = millions;
    patience.next = millions == 0 ? UINT64_MAX : (uint64_t)millions * million / looks;
}

uint64_t weft__patience_next(void)
{
    return patience.next;
}

static bool goes_nowhere(void)
{
    uint64_t progress = patience.ops.progress();

    patience.quiet = progress == patience.progress ? patience.quiet + 1 : 0;
    patience.progress = progress;
    return patience.quiet >= looks;
}

const char *weft__patience_look(uint64_t step, char *text, size_t text_bytes)
{
    char who[256];

    if (!patience.ops.may_look()) {
        patience.next = step + soon;
        return NULL;
    }
    patience.next = step + (uint64_t)patience.millions * million / looks;
    if (patience.ops.starves(looks, who, sizeof(who))) {
        (void)snprintf(text, text_bytes,
                       "weft: starvation: %s, and has not run for %u million points, while others "
                       "have:\n",
                       who, patience.millions);
        return "starvation";
    }
    if (!goes_nowhere())
        return NULL;
    (void)snprintf(text, text_bytes,
                   "weft: livelock: for %u million points tasks have run, and no task, no "
                   "operation and no timer has ended:\n",
                   patience.millions);
    return "livelock";
}

#include "runtime/sim/loss.h"

#include "runtime/base/compiler.h"
#include "runtime/sim/chance.h"

enum weft__loss weft__loss_draw(void)
{
    static const enum weft__loss losses[] = { WEFT__LOSS_NOTHING, WEFT__LOSS_ALL,
                                              WEFT__LOSS_LATEST,  WEFT__LOSS_TORN,
                                              WEFT__LOSS_TORN,    WEFT__LOSS_TORN };

    return losses[weft__chance_below(WEFT__COUNT(losses))];
}

uint32_t weft__loss_moment(enum weft__loss loss, uint32_t count)
{
    switch (loss) {
    case WEFT__LOSS_NOTHING: return count;
    case WEFT__LOSS_ALL: return 0;
    case WEFT__LOSS_LATEST:
    case WEFT__LOSS_TORN: break;
    }
    return weft__chance_below(count + 1);
}

const char *weft__loss_name(enum weft__loss loss)
{
    static const char *const names[] = { "nothing", "all", "latest", "torn" };

    return names[loss];
}

#include <weft/ready.h>

#include "runtime/io/fd.h"

enum { events_all = 0x7FFF }; /* of a short that is not negative */

int weft_fd_poll(weft_fd fd, int events, weft_deadline until)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    const struct weft__request request = {
        .opcode = WEFT__OP_POLL,
        .fd = held->number,
        .flags = (uint32_t)events,
    };
    rc = (events & ~events_all) != 0 ? -EINVAL : weft__fd_run(held, &request, until, 0);
    weft__fd_let_go(held);
    return rc;
}

#include <weft/ready.h>

#include <poll.h>

#include "runtime/io/acceptor.h"
#include "runtime/sched/runtime.h"

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
    if ((events & ~events_all) != 0)
        rc = -EINVAL;
    else if ((events & POLLIN) != 0 && weft__self_worker() != NULL && weft__acceptor_has(held))
        rc = POLLIN;
    else
        rc = weft__fd_run(held, &request, until, 0);
    weft__fd_let_go(held);
    return rc;
}

#include <weft/ready.h>

#include <poll.h>

#include "runtime/io/acceptor.h"
#include "runtime/sched/runtime.h"

enum { events_all = 0x7FFF }; /* of a short that is not negative */

static int wait_ready(struct weft__fd *held, int events, weft_deadline until)
{
    const struct weft__request request = {
        .opcode = WEFT__OP_POLL,
        .fd = held->number,
        .flags = (uint32_t)events,
    };
    int arrivals = events & (POLLIN | POLLRDNORM);

    if (arrivals != 0 && weft__self_worker() != NULL) {
        int rc = weft__acceptor_look(held, until);
        if (rc != -EAGAIN)
            return rc == 0 ? arrivals : rc;
    }
    return weft__fd_run(held, &request, until, 0);
}

int weft_fd_poll(weft_fd fd, int events, weft_deadline until)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    rc = (events & ~events_all) != 0 ? -EINVAL : wait_ready(held, events, until);
    weft__fd_let_go(held);
    return rc;
}

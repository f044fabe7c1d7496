#include <weft/ready.h>

#include <poll.h>

#include "runtime/base/sys_io.h"
#include "runtime/io/acceptor.h"
#include "runtime/sched/runtime.h"

enum {
    events_all = 0x7FFF, /* of a short that is not negative */
    events_claimed = POLLPRI | POLLRDBAND | POLLWRBAND
};

/*
 * The wake-up of a socket names whatever its file may have, urgent bytes for ordinary ones, and
 * io_uring passes that on without another look. So what is claimed only is asked for again, and
 * when nothing is left the wait goes on.
 * BOUND: a round for each wake-up of the file.
 */
static int run_poll(struct weft__fd *held, const struct weft__request *request, weft_deadline until)
{
    int rc;

    do {
        rc = weft__fd_run(held, request, until, 0);
        if (rc < 0 || (rc & events_claimed) == 0)
            return rc;
        int found = weft__sys_io_poll(held->number, request->flags);
        rc = (rc & ~events_claimed) | (found > 0 ? found : 0);
    } while (rc == 0);
    return rc;
}

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
    return run_poll(held, &request, until);
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

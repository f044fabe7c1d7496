/* Doorbells, and the word that tells of them and of what helpers have done; see compat.h. */
#include <errno.h>
#include <sys/eventfd.h>

#include "runtime/base/check.h"
#include "runtime/base/descriptor.h"
#include "uring/compat.h"

int weft__compat_bell_open(struct weft__compat *compat)
{
    compat->bell_fd = weft__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (compat->bell_fd < 0)
        return compat->bell_fd;
    weft__descriptor_keep(compat->bell_fd);
    return weft__sys_io_epoll_set(compat->epoll_fd, EPOLL_CTL_ADD, compat->bell_fd,
                                  EPOLLIN | (uint32_t)EPOLLET, UINT64_MAX);
}

/* Async-signal-safe: two system calls at most, no lock, errno put back. */
void weft__compat_bell_ring(struct weft__compat *compat, uint32_t what)
{
    const uint64_t one = 1;
    int bell_fd = compat->bell_fd; /* the owner may close once he has seen the word */
    int saved_errno = weft__sys_errno_get();

    if ((weft__or_acqrel(&compat->bell, what) & WEFT__COMPAT_ASLEEP) != 0) /* BELL B2 */
        while (weft__sys_write(bell_fd, &one, sizeof(one)) == -EINTR)      /* BELL B3 */
            continue;
    weft__sys_errno_set(saved_errno);
}

int weft__compat_bell_notify(struct weft__engine *target)
{
    weft__compat_bell_ring(weft__compat_of(target), WEFT__COMPAT_RUNG);
    return 0;
}

int weft__compat_bell_doorbell(struct weft__engine *from, struct weft__engine *target)
{
    WEFT_DASSERT(from->ops == target->ops, "a doorbell between engines of two kinds");
    weft__bump(&from->counters.doorbells_sent);
    return weft__compat_bell_notify(target);
}

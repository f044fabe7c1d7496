/* Pipes, and the counters of eventfd: what is made of descriptors without a name. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <weft/file.h>
#include <weft/pipes.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"

int weft_pipe(weft_fd out_ends[2])
{
    int numbers[2];

    WEFT_NEED(out_ends);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    int rc = weft__sys_pipe(numbers, O_CLOEXEC);
    if (rc < 0)
        return rc;
    weft_fd reader = weft__fd_take(numbers[0]);
    weft_fd writer = weft__fd_take(numbers[1]);
    if (reader < 0 || writer < 0) {
        if (reader > 0)
            (void)weft_close(reader);
        if (writer > 0)
            (void)weft_close(writer);
        return (int)(reader < 0 ? reader : writer);
    }
    out_ends[0] = reader;
    out_ends[1] = writer;
    return 0;
}

int weft_pipe_capacity(weft_fd end, size_t bytes)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(end, &rc);

    if (held == NULL)
        return rc;
    rc = bytes <= INT32_MAX ? weft__sys_pipe_capacity(held->number, (int)bytes) : -EINVAL;
    weft__fd_let_go(held);
    return rc;
}

weft_fd weft_eventfd(uint32_t initial, int semaphore)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    int number = weft__sys_eventfd(initial, EFD_CLOEXEC | (semaphore != 0 ? EFD_SEMAPHORE : 0));
    return number < 0 ? number : weft__fd_take(number);
}

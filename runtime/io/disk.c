/* What the disk holds of an open file: that it has what was written, its length, its room. */
#include <errno.h>

#include <weft/blocking.h>

#include "runtime/base/fallback.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"

/* A length that is set by a helper thread. */
struct cut {
    int number;
    int64_t bytes;
};

int weft_fsync(weft_fd fd, weft_deadline until)
{
    struct weft__request request = { .opcode = WEFT__OP_FSYNC };
    return weft__fd_call(fd, &request, until, 0);
}

int weft_fdatasync(weft_fd fd, weft_deadline until)
{
    struct weft__request request = { .opcode = WEFT__OP_FSYNC, .flags = WEFT__FSYNC_DATA };
    return weft__fd_call(fd, &request, until, 0);
}

int weft_fallocate(weft_fd fd, int mode, int64_t offset, int64_t bytes, weft_deadline until)
{
    struct weft__request request = {
        .opcode = WEFT__OP_FALLOCATE,
        .flags = (uint32_t)mode,
        .offset = offset,
        .length = bytes,
    };
    return weft__fd_call(fd, &request, until, 0);
}

static int64_t set_length(void *argument)
{
    const struct cut *cut = argument;
    return weft__sys_ftruncate(cut->number, cut->bytes);
}

/* The ring can do it since Linux 6.9; before, a helper thread does. */
int weft_ftruncate(weft_fd fd, int64_t bytes, weft_deadline until)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    const struct weft__request request = {
        .opcode = WEFT__OP_FTRUNCATE,
        .fd = held->number,
        .length = bytes,
    };
    rc = weft__fd_run(held, &request, until, 0);
    if (rc == -EOPNOTSUPP) {
        WEFT__FALLBACK(FTRUNCATE_BY_HELPER);
        struct cut cut = { .number = held->number, .bytes = bytes };
        rc = (int)weft_blocking_call(set_length, &cut, NULL, until);
    }
    weft__fd_let_go(held);
    return rc;
}

#include "runtime/io/nature.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/base/sys_io.h"

/* Three calls, once for a file. In a frame of its own: the answer is large. */
static WEFT__NOINLINE int look_at(struct weft__fd *fd)
{
    int number = fd->number;
    struct statx found;
    int rc = weft__sys_can_seek(number);

    if (rc < 0)
        return rc == -ESPIPE ? WEFT__FD_STREAM : rc;
    rc = weft__sys_statx(number, "", AT_EMPTY_PATH, STATX_TYPE, &found);
    if (rc < 0)
        return rc;
    if (!S_ISREG(found.stx_mode) && !S_ISBLK(found.stx_mode))
        return WEFT__FD_DEVICE;
    rc = weft__sys_io_flags(number);
    if (rc < 0)
        return rc;
    weft__store_relaxed(&fd->appends, (rc & O_APPEND) != 0);
    return (rc & O_DIRECT) != 0 ? WEFT__FD_POSITIONED : WEFT__FD_CACHED;
}

int weft__nature_of(struct weft__fd *fd)
{
    int nature = weft__load_relaxed(&fd->nature);

    if (WEFT__LIKELY(nature != WEFT__FD_UNKNOWN))
        return nature;
    nature = look_at(fd);
    if (nature > 0)
        weft__store_relaxed(&fd->nature, (uint8_t)nature);
    return nature;
}

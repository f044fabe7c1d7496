#include "runtime/sim/inode.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "runtime/base/sys.h"

int weft__inode_find(int folder, const char *path, int flags, struct weft__inode *out_inode)
{
    struct statx found;
    int rc = weft__sys_statx(folder, path, flags, STATX_BASIC_STATS, &found);

    if (rc < 0)
        return rc;
    *out_inode = (struct weft__inode){ .device = makedev(found.stx_dev_major, found.stx_dev_minor),
                                       .number = found.stx_ino,
                                       .mode = found.stx_mode,
                                       .links = found.stx_nlink,
                                       .bytes = (int64_t)found.stx_size };
    return 0;
}

int weft__inode_of(int fd, struct weft__inode *out_inode)
{
    return weft__inode_find(fd, "", AT_EMPTY_PATH, out_inode);
}

bool weft__inode_is(const struct weft__inode *one, const struct weft__inode *other)
{
    return one->device == other->device && one->number == other->number;
}

void weft__inode_path(int fd, char out_path[WEFT__INODE_PATH])
{
    (void)snprintf(out_path, WEFT__INODE_PATH, "/proc/self/fd/%d", fd);
}

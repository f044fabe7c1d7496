/* Files: open, stat. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/base/check.h"
#include "runtime/io/fd.h"

weft_fd weft_open(const char *path, int flags, unsigned mode, weft_deadline until)
{
    WEFT_NEED(path);
    const struct weft__request request = {
        .opcode = WEFT__OP_OPENAT,
        .fd = AT_FDCWD,
        .address = path,
        .flags = (uint32_t)(flags | O_CLOEXEC),
        .bytes = mode,
    };
    int number = weft__operation_run(&request, until, 0, NULL);

    return number < 0 ? number : weft__fd_take(number);
}

static weft_file_kind kind_of(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return WEFT_FILE_REGULAR;
    case S_IFDIR: return WEFT_FILE_DIRECTORY;
    case S_IFLNK: return WEFT_FILE_SYMLINK;
    case S_IFIFO: return WEFT_FILE_PIPE;
    case S_IFSOCK: return WEFT_FILE_SOCKET;
    case S_IFCHR: return WEFT_FILE_CHARACTER;
    case S_IFBLK: return WEFT_FILE_BLOCK;
    default: return WEFT_FILE_UNKNOWN;
    }
}

static void fill_info(weft_file_info *out_info, const struct statx *found)
{
    *out_info = (weft_file_info){
        .size = sizeof(*out_info),
        .kind = kind_of(found->stx_mode),
        .mode = found->stx_mode & 07777u,
        .bytes = found->stx_size,
        .inode = found->stx_ino,
        .device = makedev(found->stx_dev_major, found->stx_dev_minor),
        .links = found->stx_nlink,
        .user = found->stx_uid,
        .group = found->stx_gid,
        .modified_ns = found->stx_mtime.tv_sec * 1000000000 + found->stx_mtime.tv_nsec,
    };
}

int weft_stat(const char *path, weft_file_info *out_info, weft_deadline until)
{
    struct statx found;
    const struct weft__request request = {
        .opcode = WEFT__OP_STATX,
        .fd = AT_FDCWD,
        .address = path,
        .second = &found,
        .flags = AT_SYMLINK_NOFOLLOW,
        .bytes = STATX_BASIC_STATS,
    };

    WEFT_NEED(path);
    WEFT_NEED(out_info);
    if (out_info->size != sizeof(*out_info))
        return -EINVAL;
    int rc = weft__operation_run(&request, until, 0, NULL);
    if (rc < 0)
        return rc;
    fill_info(out_info, &found);
    return 0;
}

int weft_stat_of(weft_fd fd, weft_file_info *out_info, weft_deadline until)
{
    int rc = 0;
    struct statx found;

    WEFT_NEED(out_info);
    struct weft__fd *held = weft__fd_hold(fd, &rc);
    if (held == NULL)
        return rc;
    const struct weft__request request = {
        .opcode = WEFT__OP_STATX,
        .fd = held->number,
        .address = "",
        .second = &found,
        .flags = AT_EMPTY_PATH,
        .bytes = STATX_BASIC_STATS,
    };
    rc = out_info->size != sizeof(*out_info) ? -EINVAL : weft__fd_run(held, &request, until, 0);
    weft__fd_let_go(held);
    if (rc < 0)
        return rc;
    fill_info(out_info, &found);
    return 0;
}

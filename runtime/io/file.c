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

weft_fd weft_open_at(weft_fd folder, const char *path, int flags, unsigned mode,
                     weft_deadline until)
{
    WEFT_NEED(path);
    struct weft__request request = {
        .opcode = WEFT__OP_OPENAT,
        .address = path,
        .flags = (uint32_t)(flags | O_CLOEXEC),
        .bytes = mode,
    };
    int number = weft__fd_call(folder, &request, until, 0);

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

/* A size that weft does not know says that the caller was compiled against another one. */
static bool is_known(const weft_file_info *info)
{
    return info->size == sizeof(*info);
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
    if (!is_known(out_info))
        return -EINVAL;
    int rc = weft__operation_run(&request, until, 0, NULL);
    if (rc == 0)
        fill_info(out_info, &found);
    return rc;
}

static int stat_from(weft_fd fd, const char *path, unsigned flags, weft_file_info *out_info,
                     weft_deadline until)
{
    struct statx found;
    int number = weft_fd_number(fd); /* a bad handle matters more than a wrong size */
    struct weft__request request = {
        .opcode = WEFT__OP_STATX,
        .address = path,
        .second = &found,
        .flags = flags,
        .bytes = STATX_BASIC_STATS,
    };

    if (number < 0)
        return number;
    if (!is_known(out_info))
        return -EINVAL;
    int rc = weft__fd_call(fd, &request, until, 0);
    if (rc == 0)
        fill_info(out_info, &found);
    return rc;
}

int weft_stat_of(weft_fd fd, weft_file_info *out_info, weft_deadline until)
{
    WEFT_NEED(out_info);
    return stat_from(fd, "", AT_EMPTY_PATH, out_info, until);
}

int weft_stat_at(weft_fd folder, const char *path, unsigned flags, weft_file_info *out_info,
                 weft_deadline until)
{
    WEFT_NEED(path);
    WEFT_NEED(out_info);
    return stat_from(folder, path, flags, out_info, until);
}

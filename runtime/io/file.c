/* Files: open, read, write, stat. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"

enum { transfer_max = 0x7FFFF000 }; /* what read(2) takes at most */

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

/* The kernel's READ at an offset reads a pipe as if none were given: it would wait for what
 * pread(2) refuses. */
static int check_seeks(struct weft__fd *held)
{
    if (WEFT__LIKELY(weft__load_relaxed(&held->seeks)))
        return 0;
    int rc = weft__sys_can_seek(held->number);
    if (rc == 0)
        weft__store_relaxed(&held->seeks, true);
    return rc;
}

/* One transfer on a file, at an offset or, with NULL, where it stands. */
static ssize_t transfer(weft_fd fd, enum weft__opcode opcode, const void *buffer, size_t bytes,
                        const int64_t *at, weft_deadline until)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    const struct weft__request request = {
        .opcode = opcode,
        .fd = held->number,
        .address = buffer,
        .bytes = (uint32_t)(bytes < transfer_max ? bytes : transfer_max),
        .offset = at != NULL ? *at : -1,
    };
    if (at != NULL)
        rc = *at < 0 ? -EINVAL : check_seeks(held);
    if (rc == 0)
        rc = weft__fd_run(held, &request, until, 0);
    weft__fd_let_go(held);
    return rc;
}

ssize_t weft_read(weft_fd fd, void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return transfer(fd, WEFT__OP_READ, buffer, bytes, NULL, until);
}

ssize_t weft_pread(weft_fd fd, void *buffer, size_t bytes, int64_t offset, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return transfer(fd, WEFT__OP_READ, buffer, bytes, &offset, until);
}

ssize_t weft_write(weft_fd fd, const void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return transfer(fd, WEFT__OP_WRITE, buffer, bytes, NULL, until);
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

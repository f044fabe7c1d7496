/* Names of files: rename, remove, link, folders. Each is one operation of the ring. */
#include <fcntl.h>

#include <weft/path.h>

#include "runtime/base/check.h"
#include "runtime/io/operation.h"

int weft_rename(const char *from, const char *to, unsigned flags, weft_deadline until)
{
    WEFT_NEED(from);
    WEFT_NEED(to);
    const struct weft__request request = {
        .opcode = WEFT__OP_RENAMEAT,
        .fd = AT_FDCWD,
        .address = from,
        .second = (void *)(uintptr_t)to,
        .flags = flags,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

static int remove_name(const char *path, uint32_t flags, weft_deadline until)
{
    const struct weft__request request = {
        .opcode = WEFT__OP_UNLINKAT,
        .fd = AT_FDCWD,
        .address = path,
        .flags = flags,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

int weft_unlink(const char *path, weft_deadline until)
{
    WEFT_NEED(path);
    return remove_name(path, 0, until);
}

int weft_rmdir(const char *path, weft_deadline until)
{
    WEFT_NEED(path);
    return remove_name(path, AT_REMOVEDIR, until);
}

int weft_mkdir(const char *path, unsigned mode, weft_deadline until)
{
    WEFT_NEED(path);
    const struct weft__request request = {
        .opcode = WEFT__OP_MKDIRAT,
        .fd = AT_FDCWD,
        .address = path,
        .bytes = mode,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

int weft_link(const char *from, const char *to, weft_deadline until)
{
    WEFT_NEED(from);
    WEFT_NEED(to);
    const struct weft__request request = {
        .opcode = WEFT__OP_LINKAT,
        .fd = AT_FDCWD,
        .address = from,
        .second = (void *)(uintptr_t)to,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

int weft_symlink(const char *text, const char *path, weft_deadline until)
{
    WEFT_NEED(text);
    WEFT_NEED(path);
    const struct weft__request request = {
        .opcode = WEFT__OP_SYMLINKAT,
        .fd = AT_FDCWD,
        .address = text,
        .second = (void *)(uintptr_t)path,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

/*
 * A whole file, replaced at once. The steps, each of which may fail:
 *   R1 open the folder; from here on its name does not matter
 *   R2 look at what has the name: a regular file hands its mode and its owner on
 *   R3 make a new file in the folder, write it, give it those, sync it
 *   R4 rename it over the name
 *   R5 sync the folder
 * Invariant: until R4 the name has the old content, from R4 on the new one; R3's sync comes before
 * R4, so not even a crash shows a name with half a content. When R3 or R4 fails the new file is
 * removed, which no cancel stops.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <weft/blocking.h>
#include <weft/file.h>
#include <weft/transfer.h>
#include <weft/whole_file.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"
#include "runtime/io/temporary.h"
#include "runtime/sched/error.h"

enum { tries_most = 100, mode_hidden = 0600 };

static const char prefix[] = ".weft-";

struct replacement {
    weft_fd folder;
    const char *name; /* in it: what is replaced */
    char fresh[sizeof(prefix) + WEFT__TEMPORARY_LETTERS];
    bool made;        /* the new file is there, or may be */
    bool keeps_looks; /* mode and owner */
    unsigned mode;
    uint32_t user, group;
    weft_deadline until;
};

/* R1. */
static int open_folder(const char *path, struct replacement *out)
{
    const char *slash = strrchr(path, '/');

    out->name = slash != NULL ? slash + 1 : path;
    if (*out->name == '\0')
        return *path == '\0' ? -ENOENT : -EINVAL;
    size_t bytes = slash == NULL ? 2 : slash == path ? 2 : (size_t)(slash - path) + 1;
    char *folder = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);
    if (folder == NULL)
        return -ENOMEM;
    memcpy(folder, slash == NULL ? "." : path, bytes - 1); /* zeroed: the NUL is there */
    out->folder = weft_open(folder, O_RDONLY | O_DIRECTORY, 0, out->until);
    weft__memory_free(folder, bytes);
    return out->folder < 0 ? (int)out->folder : 0;
}

/* R2. */
static int look(struct replacement *replacement)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    int rc = weft_stat_at(replacement->folder, replacement->name, AT_SYMLINK_NOFOLLOW, &info,
                          replacement->until);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc;
    if (info.kind == WEFT_FILE_DIRECTORY)
        return -EISDIR;
    replacement->keeps_looks = info.kind == WEFT_FILE_REGULAR;
    if (replacement->keeps_looks) {
        replacement->mode = info.mode;
        replacement->user = info.user;
        replacement->group = info.group;
    }
    return 0;
}

struct looks {
    int number;
    unsigned mode;
    uint32_t user, group;
};

/* The owner first, for a change of it takes set-id bits away. Who may not give a file away keeps
 * it: then it is not to run as the new owner, and the new group gets what all others have. */
static int64_t give_looks(void *argument)
{
    const struct looks *looks = argument;
    unsigned mode = looks->mode;

    if (weft__sys_set_owner(looks->number, looks->user, looks->group) < 0) {
        mode &= ~(unsigned)(S_ISUID | S_ISGID);
        if (weft__sys_set_owner(looks->number, UINT32_MAX, looks->group) < 0)
            mode = (mode & ~(unsigned)S_IRWXG) | (mode & S_IRWXO) << 3;
    }
    return weft__sys_set_mode(looks->number, mode);
}

static weft_fd make(struct replacement *replacement)
{
    unsigned mode = replacement->keeps_looks ? mode_hidden : replacement->mode;
    weft_fd fd = -EEXIST;

    memcpy(replacement->fresh, prefix, sizeof(prefix));
    for (int i = 0; i < tries_most && fd == -EEXIST; i++) {
        weft__temporary_name(replacement->fresh + sizeof(prefix) - 1);
        fd = weft_open_at(replacement->folder, replacement->fresh, O_WRONLY | O_CREAT | O_EXCL,
                          mode, replacement->until);
    }
    replacement->made = fd != -EEXIST; /* that one is somebody else's */
    return fd;
}

/* R3. */
static int write_new(struct replacement *replacement, const void *bytes, size_t count)
{
    weft_fd fd = make(replacement);

    if (fd < 0)
        return (int)fd;
    int rc = weft_write_all(fd, bytes, count, NULL, replacement->until);
    struct looks looks = { weft_fd_number(fd), replacement->mode, replacement->user,
                           replacement->group };
    if (rc == 0 && replacement->keeps_looks)
        rc = (int)weft_blocking_call(give_looks, &looks, NULL, replacement->until);
    if (rc == 0)
        rc = weft_fsync(fd, replacement->until);
    int closed = weft_close(fd);
    return rc < 0 ? rc : closed;
}

/* R4. */
static int give_name(const struct replacement *replacement)
{
    struct weft__request request = {
        .opcode = WEFT__OP_RENAMEAT,
        .address = replacement->fresh,
        .second = (void *)(uintptr_t)replacement->name,
    };
    return weft__fd_call(replacement->folder, &request, replacement->until, 0);
}

static void remove_new(const struct replacement *replacement)
{
    struct weft__request request = {
        .opcode = WEFT__OP_UNLINKAT,
        .address = replacement->fresh,
    };
    (void)weft__fd_call(replacement->folder, &request, WEFT_NEVER, WEFT__OPERATION_SHIELDED);
}

/* R5. Some file systems know no sync of a folder; then there is nothing to wait for. */
static int sync_folder(const struct replacement *replacement)
{
    int rc = weft_fsync(replacement->folder, replacement->until);

    return rc == -EINVAL ? 0 : rc;
}

int weft_file_replace(const char *path, const void *bytes, size_t count, unsigned mode,
                      weft_deadline until)
{
    struct replacement replacement = { .mode = mode, .until = until };

    WEFT_NEED(path);
    WEFT_NEED_BYTES(bytes, count);
    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    int rc = open_folder(path, &replacement);
    if (rc < 0)
        return rc;
    rc = look(&replacement);
    if (rc == 0) {
        rc = write_new(&replacement, bytes, count);
        if (rc == 0)
            rc = give_name(&replacement);
        if (rc < 0 && replacement.made)
            remove_new(&replacement);
    }
    if (rc == 0)
        rc = sync_folder(&replacement);
    (void)weft_close(replacement.folder);
    return rc;
}

#include "runtime/sim/entry.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/descriptor.h"
#include "runtime/base/sys_io.h"
#include "runtime/sim/inode.h"

enum { changes_max = 64, mode_bits = 07777 };

/* A name in a folder, whatever the folder's own name becomes. */
struct place {
    int folder; /* ours; negative: there is no place */
    struct weft__inode inode;
    char name[NAME_MAX + 1];
};

/* What had a name before. */
struct former {
    uint32_t mode;       /* 0: nothing, or it can't come back */
    int fd;              /* of a file, ours; negative: none */
    char text[PATH_MAX]; /* of a symbolic link */
};

enum kind { NONE, MADE, MADE_FOLDER, REMOVED, RENAMED };

struct change {
    enum kind kind;
    struct place place;   /* RENAMED: where it was */
    struct place other;   /* RENAMED: where it is */
    struct former former; /* REMOVED: of place; RENAMED: of other */
    unsigned flags;       /* of the rename */
};

static struct {
    struct change changes[changes_max]; /* the oldest first */
    uint32_t count;
    struct change next; /* between begin and end */
} all;

/* ---- places ---- */

static int keep(int fd)
{
    if (fd >= 0)
        weft__descriptor_keep(fd);
    return fd;
}

static void let_go(int *fd)
{
    if (*fd >= 0)
        weft__descriptor_close_kept(*fd);
    *fd = -1;
}

/* False: there is no such folder, or the name is none. */
static bool find_place(int folder, const char *path, struct place *place)
{
    static char parent[PATH_MAX];
    size_t length = strnlen(path, sizeof(parent));

    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t before = length; /* of the name */
    while (before > 0 && path[before - 1] != '/')
        before--;
    if (length == before || length == sizeof(parent) || length - before > NAME_MAX)
        return false;
    memcpy(place->name, path + before, length - before);
    place->name[length - before] = '\0';
    memcpy(parent, before > 0 ? path : "./", before > 0 ? before : 2);
    parent[before > 0 ? before : 2] = '\0';
    place->folder = keep(weft__sys_openat(folder, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    return place->folder >= 0 && weft__inode_of(place->folder, &place->inode) == 0;
}

enum { place_path_bytes = WEFT__INODE_PATH + NAME_MAX + 1 };

static const char *path_of(const struct place *place, char path[place_path_bytes])
{
    char folder[WEFT__INODE_PATH];

    weft__inode_path(place->folder, folder);
    (void)snprintf(path, place_path_bytes, "%s/%s", folder, place->name);
    return path;
}

/* ---- what had a name ---- */

static void save_former(const struct place *place, struct former *former)
{
    struct weft__inode inode;

    if (weft__inode_find(place->folder, place->name, AT_SYMLINK_NOFOLLOW, &inode) < 0)
        return;
    if (S_ISREG(inode.mode))
        former->fd = keep(weft__sys_openat(place->folder, place->name,
                                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0));
    bool saved = S_ISDIR(inode.mode) || former->fd >= 0 ||
                 (S_ISLNK(inode.mode) &&
                  weft__sys_io_readlink(place->folder, place->name, former->text, PATH_MAX) == 0);
    former->mode = saved ? inode.mode : 0;
}

static void copy_all(int from, int to)
{
    static char bytes[1 << 14];
    ssize_t count;

    for (int64_t at = 0; (count = weft__sys_io_read(from, bytes, sizeof(bytes), at)) > 0;
         at += count)
        if (weft__sys_io_write(to, bytes, (size_t)count, at) != count)
            return;
}

/* The same file where it still has another name, else one with its content: nobody who has it open
 * lives to see the difference. */
static void restore_file(const struct former *former, const char *path)
{
    char open_file[WEFT__INODE_PATH];

    weft__inode_path(former->fd, open_file);
    if (weft__sys_io_link(AT_FDCWD, open_file, path, AT_SYMLINK_FOLLOW) == 0)
        return;
    int fd = weft__sys_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, former->mode & 0777);
    if (fd < 0)
        return;
    copy_all(former->fd, fd);
    (void)weft__sys_set_mode(fd, former->mode & mode_bits);
    (void)weft__sys_close(fd);
}

static void restore(const struct former *former, const char *path)
{
    if (S_ISREG(former->mode))
        restore_file(former, path);
    else if (S_ISLNK(former->mode))
        (void)weft__sys_io_symlink(former->text, AT_FDCWD, path);
    else if (S_ISDIR(former->mode))
        (void)weft__sys_io_mkdir(AT_FDCWD, path, former->mode & mode_bits);
}

/* ---- the journal ---- */

static void drop(struct change *change)
{
    let_go(&change->place.folder);
    let_go(&change->other.folder);
    let_go(&change->former.fd);
    change->kind = NONE;
}

static void forget(uint32_t index)
{
    drop(&all.changes[index]);
    all.count--;
    memmove(&all.changes[index], &all.changes[index + 1],
            (all.count - index) * sizeof(all.changes[0]));
}

/* Whether an open makes a name: where nothing has it, not even a link to nowhere. */
static bool makes_name(const struct weft__sim_change *change)
{
    struct weft__inode inode;

    return (change->flags & O_CREAT) != 0 && (change->flags & O_TMPFILE) != O_TMPFILE &&
           weft__inode_find(change->fd, change->path, AT_SYMLINK_NOFOLLOW, &inode) < 0;
}

static enum kind kind_of(const struct weft__sim_change *change)
{
    switch (change->kind) {
    case WEFT__SIM_OPEN: return makes_name(change) ? MADE : NONE;
    case WEFT__SIM_LINK: return MADE;
    case WEFT__SIM_FOLDER: return MADE_FOLDER;
    case WEFT__SIM_REMOVE: return REMOVED;
    case WEFT__SIM_RENAME: return RENAMED;
    case WEFT__SIM_WRITE:
    case WEFT__SIM_LENGTH:
    case WEFT__SIM_ALLOCATE:
    case WEFT__SIM_SYNC: break;
    }
    return NONE;
}

void weft__entry_begin(const struct weft__sim_change *change)
{
    struct change *next = &all.next;

    next->kind = kind_of(change);
    next->flags = change->flags;
    next->place.folder = next->other.folder = next->former.fd = -1;
    next->former.mode = 0;
    if (next->kind == NONE)
        return;
    if (!find_place(change->fd, change->path, &next->place) ||
        (next->kind == RENAMED && !find_place(change->fd, change->other, &next->other))) {
        drop(next);
        return;
    }
    if (next->kind == REMOVED)
        save_former(&next->place, &next->former);
    if (next->kind == RENAMED && (next->flags & RENAME_EXCHANGE) == 0)
        save_former(&next->other, &next->former);
}

void weft__entry_end(bool done)
{
    if (all.next.kind == NONE)
        return;
    if (!done) {
        drop(&all.next);
        return;
    }
    if (all.count == changes_max)
        forget(0);
    all.changes[all.count++] = all.next;
}

static bool is_in(const struct place *place, const struct weft__inode *folder)
{
    return place->folder >= 0 && weft__inode_is(&place->inode, folder);
}

void weft__entry_sync(int folder)
{
    struct weft__inode inode;
    uint32_t index = 0;

    if (weft__inode_of(folder, &inode) < 0)
        return;
    while (index < all.count) {
        if (is_in(&all.changes[index].place, &inode) || is_in(&all.changes[index].other, &inode))
            forget(index);
        else
            index++;
    }
}

/* ---- the loss ---- */

static void take_back(const struct change *change)
{
    static char place[place_path_bytes], other[place_path_bytes];

    switch (change->kind) {
    case NONE: return;
    case MADE:
    case MADE_FOLDER:
        (void)weft__sys_io_unlink(AT_FDCWD, path_of(&change->place, place),
                                  change->kind == MADE ? 0 : AT_REMOVEDIR);
        return;
    case REMOVED: restore(&change->former, path_of(&change->place, place)); return;
    case RENAMED: break;
    }
    (void)weft__sys_io_rename(AT_FDCWD, path_of(&change->other, other),
                              path_of(&change->place, place), change->flags & RENAME_EXCHANGE);
    restore(&change->former, other);
}

void weft__entry_lose(enum weft__loss loss)
{
    uint32_t kept = weft__loss_moment(loss, all.count);

    weft__sim_note("lost", "names", all.count, kept);
    while (all.count > kept)
        take_back(&all.changes[--all.count]);
}

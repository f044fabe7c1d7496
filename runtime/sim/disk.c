#include "runtime/sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/sys_io.h"
#include "runtime/sim/chance.h"
#include "runtime/sim/entry.h"
#include "runtime/sim/inode.h"
#include "runtime/sim/sector.h"
#include "runtime/sim/trace.h"

static struct {
    uint32_t lose_one_in, lose_at; /* (i) of the changes; 0: never */
    bool limited;                  /* (i) whether room is counted */
    int64_t room;                  /* bytes that are left */
    uint32_t changes;
    bool concerned; /* the change that has begun is one of the disk */
    bool dies;      /* and the last one */
    int64_t before; /* bytes that its file had */
    int64_t gives;  /* bytes that it frees besides, if it succeeds */
} disk;

static bool loses(void)
{
    return disk.lose_one_in != 0 || disk.lose_at != 0;
}

static const char *name_of(const struct weft__sim_change *change)
{
    static const char *const names[] = {
        [WEFT__SIM_OPEN] = "open",     [WEFT__SIM_WRITE] = "write",
        [WEFT__SIM_LENGTH] = "length", [WEFT__SIM_ALLOCATE] = "allocate",
        [WEFT__SIM_SYNC] = "sync",     [WEFT__SIM_RENAME] = "rename",
        [WEFT__SIM_REMOVE] = "remove", [WEFT__SIM_FOLDER] = "mkdir",
        [WEFT__SIM_LINK] = "link",
    };

    return names[change->kind];
}

/* ---- the loss of power ---- */

_Noreturn WEFT__COLD static void lose_power(const struct weft__sim_change *change)
{
    static char text[96];
    enum weft__loss loss = weft__loss_draw();

    weft__sim_note("crash", name_of(change), disk.changes, loss);
    weft__sector_lose(loss);
    weft__entry_lose(loss);
    (void)fflush(stdout);
    (void)snprintf(text, sizeof(text), "lost power at change %u of its files (%s, %s)",
                   disk.changes, name_of(change), weft__loss_name(loss));
    weft__trace_tell_seed(text);
    _exit(WEFT__DISK_LOST);
}

/* ---- which changes are the disk's ---- */

/* Whether its numbers are any: else the kernel says what is wrong with them. */
static bool makes_sense(const struct weft__sim_change *change)
{
    int64_t offset = change->offset < 0 ? 0 : change->offset;

    return change->bytes >= 0 && change->bytes <= INT64_MAX - offset &&
           (change->offset >= 0 || change->kind != WEFT__SIM_ALLOCATE);
}

/* Whether a change by descriptor is one of a file, or a sync of a folder. */
static bool is_on_disk(const struct weft__sim_change *change)
{
    struct weft__inode inode;

    if (change->fd <= STDERR_FILENO || !makes_sense(change) ||
        weft__inode_of(change->fd, &inode) < 0)
        return false;
    disk.before = inode.bytes;
    return S_ISREG(inode.mode) || (change->kind == WEFT__SIM_SYNC && S_ISDIR(inode.mode));
}

static bool concerns(const struct weft__sim_change *change)
{
    switch (change->kind) {
    case WEFT__SIM_OPEN: return (change->flags & (O_CREAT | O_TRUNC)) != 0;
    case WEFT__SIM_WRITE:
    case WEFT__SIM_LENGTH:
    case WEFT__SIM_ALLOCATE:
    case WEFT__SIM_SYNC: return is_on_disk(change);
    case WEFT__SIM_RENAME:
    case WEFT__SIM_REMOVE:
    case WEFT__SIM_FOLDER:
    case WEFT__SIM_LINK: break;
    }
    return true;
}

static bool is_by_descriptor(const struct weft__sim_change *change)
{
    return change->kind == WEFT__SIM_WRITE || change->kind == WEFT__SIM_LENGTH ||
           change->kind == WEFT__SIM_ALLOCATE;
}

/* ---- room ---- */

/* Where a change of content begins in its file. */
static int64_t offset_of(const struct weft__sim_change *change)
{
    if (change->kind == WEFT__SIM_WRITE && (weft__sys_io_flags(change->fd) & O_APPEND) != 0)
        return disk.before;
    if (change->kind == WEFT__SIM_WRITE && change->offset < 0)
        return weft__sys_seek(change->fd, 0, SEEK_CUR);
    return change->kind == WEFT__SIM_LENGTH ? 0 : change->offset;
}

/* What may be done of a change that ends at @end: all of its bytes, fewer of a write, or none. */
static int64_t bytes_allowed(const struct weft__sim_change *change, int64_t end)
{
    int64_t missing = end - disk.before - disk.room;

    if (!disk.limited || missing <= 0 || end <= disk.before)
        return change->bytes;
    weft__sim_note("fault", "full", change->fd, disk.room);
    if (change->kind != WEFT__SIM_WRITE || missing >= change->bytes)
        return -ENOSPC;
    return change->bytes - missing;
}

/* The bytes of a file that loses its last name. */
static int64_t freed_with(int folder, const char *path)
{
    struct weft__inode inode;

    if (weft__inode_find(folder, path, AT_SYMLINK_NOFOLLOW, &inode) < 0 || !S_ISREG(inode.mode) ||
        inode.links != 1)
        return 0;
    return inode.bytes;
}

static void take_room(const struct weft__sim_change *change)
{
    struct weft__inode inode;

    disk.room += disk.gives;
    if (is_by_descriptor(change) && weft__inode_of(change->fd, &inode) == 0)
        disk.room -= inode.bytes - disk.before;
}

/* ---- one change ---- */

/* @bytes of it will be done, at most. */
static void note_content(const struct weft__sim_change *change, int64_t bytes)
{
    int64_t offset = offset_of(change);

    if (change->kind == WEFT__SIM_LENGTH)
        weft__sector_resize(change->fd, change->bytes);
    else if (change->kind == WEFT__SIM_WRITE)
        weft__sector_change(change->fd, offset, offset + bytes);
    else if ((change->flags & ~(uint32_t)FALLOC_FL_KEEP_SIZE) == 0)
        weft__sector_resize(change->fd, disk.before); /* it may become longer */
    else
        weft__sector_change(change->fd, offset, disk.before); /* all behind it may move */
}

/* An open that empties a file. */
static void begin_truncation(const struct weft__sim_change *change)
{
    struct weft__inode inode;

    if ((change->flags & O_TRUNC) == 0 ||
        weft__inode_find(change->fd, change->path, 0, &inode) < 0 || !S_ISREG(inode.mode))
        return;
    disk.gives = inode.bytes;
    int fd = loses() ? weft__sys_openat(change->fd, change->path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    weft__sector_resize(fd, 0);
    (void)weft__sys_close(fd);
}

static int64_t begin_content(const struct weft__sim_change *change)
{
    int64_t allowed = bytes_allowed(change, offset_of(change) + change->bytes);

    if (allowed >= 0 && loses())
        note_content(change, allowed);
    return change->kind == WEFT__SIM_WRITE || allowed < 0 ? allowed : 0;
}

static int64_t begin_names(const struct weft__sim_change *change)
{
    if (change->kind == WEFT__SIM_OPEN)
        begin_truncation(change);
    if (change->kind == WEFT__SIM_REMOVE)
        disk.gives = freed_with(change->fd, change->path);
    if (change->kind == WEFT__SIM_RENAME && (change->flags & RENAME_EXCHANGE) == 0)
        disk.gives = freed_with(change->fd, change->other);
    if (loses())
        weft__entry_begin(change);
    return 0;
}

static bool is_last(void)
{
    return disk.changes == disk.lose_at ||
           (disk.lose_one_in != 0 && weft__chance_below(disk.lose_one_in) == 0);
}

static int64_t begin(const struct weft__sim_change *change)
{
    int64_t rc;

    disk.concerned = concerns(change);
    if (!disk.concerned)
        return change->kind == WEFT__SIM_WRITE ? change->bytes : 0;
    disk.changes++;
    disk.gives = 0;
    disk.dies = is_last();
    if (change->kind == WEFT__SIM_SYNC)
        rc = 0;
    else
        rc = is_by_descriptor(change) ? begin_content(change) : begin_names(change);
    if (disk.dies && (change->kind == WEFT__SIM_SYNC || rc < 0))
        lose_power(change);
    return rc;
}

static void note_end(const struct weft__sim_change *change, int64_t result)
{
    if (change->kind == WEFT__SIM_SYNC && result == 0) {
        weft__sector_sync(change->fd);
        weft__entry_sync(change->fd);
    } else if (change->kind == WEFT__SIM_WRITE) {
        if (result > 0 && (weft__sys_io_flags(change->fd) & O_DSYNC) != 0)
            weft__sector_sync(change->fd);
    } else if (!is_by_descriptor(change)) {
        weft__entry_end(result >= 0);
    }
}

static void end(const struct weft__sim_change *change, int64_t result)
{
    if (!disk.concerned)
        return;
    if (result >= 0)
        take_room(change);
    if (!loses())
        return;
    if (disk.dies && change->kind == WEFT__SIM_WRITE)
        lose_power(change); /* even of a write that would have been synced */
    note_end(change, result);
    if (disk.dies)
        lose_power(change);
}

const struct weft__sim_disk *weft__disk_begin(const struct weft__wish *wish)
{
    static const struct weft__sim_disk ops = { .begin = begin, .end = end };

    disk.lose_one_in = wish->crash_one_in;
    disk.lose_at = wish->crash_at;
    disk.limited = wish->disk_bytes != 0;
    disk.room = wish->disk_bytes;
    return loses() || disk.limited ? &ops : NULL;
}

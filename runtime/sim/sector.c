#include "runtime/sim/sector.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "runtime/base/descriptor.h"
#include "runtime/base/sim.h"
#include "runtime/base/sys_io.h"
#include "runtime/sim/chance.h"
#include "runtime/sim/inode.h"

enum { sector_bytes = 512, files_max = 64, room_first = 1 << 16, journal_most = 1 << 28 };

/* One in a journal; what the sectors held follows it. */
struct change {
    int64_t from;   /* where the first of its sectors begins */
    int64_t to;     /* where the last one ends */
    int64_t held;   /* bytes from @from on that were there; zeros behind them */
    int64_t length; /* of the file */
    bool cuts;
};

struct file {
    int fd; /* ours: the program may close its own */
    struct weft__inode inode;
    char *journal;
    size_t used, room;
    uint32_t changes;
};

static struct {
    struct file files[files_max]; /* the oldest first */
    uint32_t count;
} all;

/* ---- the journal ---- */

static struct change *change_at(const struct file *file, size_t offset)
{
    return (struct change *)(void *)(file->journal + offset);
}

static size_t size_of(int64_t held)
{
    return sizeof(struct change) + ((size_t)held + 7) / 8 * 8;
}

static size_t behind(const struct file *file, size_t offset)
{
    return offset + size_of(change_at(file, offset)->held);
}

static char *bytes_of(struct change *change)
{
    return (char *)(change + 1);
}

static bool grow(struct file *file, size_t bytes)
{
    size_t room = file->room == 0 ? room_first : file->room;

    if (bytes > journal_most - file->used)
        return false;
    while (room < file->used + bytes)
        room *= 2;
    if (room == file->room)
        return true;
    char *journal = weft__sys_map(room);
    if (journal == NULL)
        return false;
    if (file->journal != NULL) {
        memcpy(journal, file->journal, file->used);
        (void)weft__sys_unmap(file->journal, file->room);
    }
    file->journal = journal;
    file->room = room;
    return true;
}

/* Reads what is there; the rest of @bytes stays as it is. */
static void read_held(int fd, char *bytes, int64_t count, int64_t offset)
{
    while (count > 0) {
        ssize_t got = weft__sys_io_read(fd, bytes, (size_t)count, offset);
        if (got <= 0)
            return;
        bytes += got;
        offset += got;
        count -= got;
    }
}

/* ---- files ---- */

static struct file *find(const struct weft__inode *inode)
{
    for (uint32_t i = 0; i < all.count; i++)
        if (weft__inode_is(&all.files[i].inode, inode))
            return &all.files[i];
    return NULL;
}

static void forget(struct file *file)
{
    size_t behind_it = (size_t)(&all.files[all.count] - file) - 1;

    if (file->journal != NULL)
        (void)weft__sys_unmap(file->journal, file->room);
    weft__descriptor_close_kept(file->fd);
    memmove(file, file + 1, behind_it * sizeof(*file));
    all.count--;
}

/* NULL: it can't be opened again. */
static struct file *add(int fd, const struct weft__inode *inode)
{
    char path[WEFT__INODE_PATH];

    weft__inode_path(fd, path);
    int own = weft__sys_open(path, O_RDWR | O_CLOEXEC, 0);
    if (own < 0)
        return NULL;
    weft__descriptor_keep(own);
    if (all.count == files_max)
        forget(&all.files[0]);
    all.files[all.count] = (struct file){ .fd = own, .inode = *inode };
    return &all.files[all.count++];
}

static void note(int fd, int64_t from, int64_t to, bool cuts)
{
    struct weft__inode inode;

    if (weft__inode_of(fd, &inode) < 0)
        return;
    struct file *file = find(&inode);
    if (file == NULL)
        file = add(fd, &inode);
    if (file == NULL)
        return;
    from = from / sector_bytes * sector_bytes;
    to = (to + sector_bytes - 1) / sector_bytes * sector_bytes;
    int64_t end = to < inode.bytes ? to : inode.bytes;
    int64_t held = end > from ? end - from : 0;
    if (!grow(file, size_of(held))) {
        forget(file);
        return;
    }
    struct change *change = change_at(file, file->used);
    *change = (struct change){ from, to, held, inode.bytes, cuts };
    read_held(file->fd, bytes_of(change), held, from);
    file->used += size_of(held);
    file->changes++;
}

void weft__sector_change(int fd, int64_t from, int64_t to)
{
    note(fd, from, to, false);
}

void weft__sector_resize(int fd, int64_t bytes)
{
    struct weft__inode inode;

    if (weft__inode_of(fd, &inode) == 0)
        note(fd, bytes < inode.bytes ? bytes : inode.bytes, inode.bytes, bytes < inode.bytes);
}

void weft__sector_sync(int fd)
{
    struct weft__inode inode;
    struct file *file = weft__inode_of(fd, &inode) == 0 ? find(&inode) : NULL;

    if (file != NULL)
        forget(file);
}

/* ---- the loss ---- */

static bool covers(const struct change *change, int64_t sector)
{
    return change->from <= sector && sector < change->to;
}

/* Whether the change at @offset is the first one of this sector. */
static bool is_first(const struct file *file, size_t offset, int64_t sector)
{
    for (size_t at = 0; at < offset; at = behind(file, at))
        if (covers(change_at(file, at), sector))
            return false;
    return true;
}

/* The change before which the sector had what it will have; NULL: none, it stays as it is. */
static struct change *pick_ordered(const struct file *file, int64_t sector, uint32_t moment)
{
    size_t at = 0;

    for (uint32_t i = 0; i < file->changes; i++, at = behind(file, at))
        if (i >= moment && covers(change_at(file, at), sector))
            return change_at(file, at);
    return NULL;
}

/* The same, of any moment, but none on the wrong side of a cut. */
static struct change *pick_any(const struct file *file, int64_t sector, uint32_t moment)
{
    struct change *picked = NULL;
    uint32_t seen = 0;
    size_t at = 0;

    for (uint32_t i = 0; i < file->changes; i++, at = behind(file, at)) {
        struct change *change = change_at(file, at);
        if (!covers(change, sector))
            continue;
        if (weft__chance_below(++seen) == 0)
            picked = change;
        if (change->cuts && i >= moment)
            return picked;
        if (change->cuts)
            seen = 0;
    }
    return weft__chance_below(++seen) == 0 ? NULL : picked;
}

static void write_sector(int fd, struct change *change, int64_t sector, int64_t length)
{
    static char bytes[sector_bytes];
    int64_t held = change->from + change->held - sector;
    size_t count = length - sector < sector_bytes ? (size_t)(length - sector) : sector_bytes;

    held = held < 0 ? 0 : held < sector_bytes ? held : sector_bytes;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, bytes_of(change) + (held == 0 ? 0 : sector - change->from), (size_t)held);
    (void)weft__sys_io_write(fd, bytes, count, sector);
}

static int64_t length_at(const struct file *file, uint32_t moment)
{
    struct weft__inode inode;
    size_t at = 0;

    for (uint32_t i = 0; i < file->changes; i++, at = behind(file, at))
        if (i == moment)
            return change_at(file, at)->length;
    return weft__inode_of(file->fd, &inode) == 0 ? inode.bytes : 0;
}

static void lose_of_file(struct file *file, enum weft__loss loss)
{
    uint32_t moment = weft__loss_moment(loss, file->changes);
    int64_t length = length_at(file, moment);

    for (size_t at = 0; at < file->used; at = behind(file, at)) {
        const struct change *change = change_at(file, at);
        for (int64_t sector = change->from; sector < change->to; sector += sector_bytes) {
            if (sector >= length || !is_first(file, at, sector))
                continue;
            struct change *picked = loss == WEFT__LOSS_TORN ? pick_any(file, sector, moment)
                                                            : pick_ordered(file, sector, moment);
            if (picked != NULL)
                write_sector(file->fd, picked, sector, length);
        }
    }
    (void)weft__sys_ftruncate(file->fd, length);
    weft__sim_note("lost", "content", file->changes, length);
}

void weft__sector_lose(enum weft__loss loss)
{
    for (uint32_t i = 0; i < all.count; i++)
        lose_of_file(&all.files[i], loss);
}

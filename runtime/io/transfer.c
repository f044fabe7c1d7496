/* Reading and writing: from where a file stands or at an offset, at once or all, in one part or in
 * several. */
#include <limits.h>
#include <sys/uio.h>

#include <weft/blocking.h>
#include <weft/transfer.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/cached.h"
#include "runtime/io/nature.h"
#include "runtime/io/turn.h"

enum {
    transfer_max = 0x7FFFF000, /* what read(2) takes at most */
    parts_max = 1024           /* what readv(2) takes at most */
};

/* What a call moves. */
struct transfer {
    struct weft__fd *fd;
    bool writes;
    bool at_offset; /* else where the file stands */
    bool has_turn;
    bool moves;      /* the position follows at the end: offset was read from it */
    bool from_cache; /* the last step was */
    size_t skip;     /* of the first part: moved already */
    const struct iovec *parts;
    size_t part_count;
    int64_t offset; /* of the next byte; -1: where the file stands */
    weft_deadline until;
};

/* Whether the held file may be used at this offset, or else the turn to use its position. The
 * kernel's READ at an offset reads a pipe as if none were given: it would wait for what pread(2)
 * refuses. */
static int enter(struct transfer *transfer)
{
    int nature = weft__nature_of(transfer->fd);

    if (nature < 0)
        return nature;
    if (transfer->at_offset && transfer->offset < 0)
        return -EINVAL;
    if (transfer->at_offset)
        return nature == WEFT__FD_STREAM ? -ESPIPE : 0;
    if (nature < WEFT__FD_POSITIONED)
        return 0;
    int rc = weft__turn_take(transfer->fd, transfer->until);
    transfer->has_turn = rc == 0;
    return rc;
}

static int begin(struct transfer *transfer, weft_fd fd)
{
    int rc = 0;

    transfer->fd = weft__fd_hold(fd, &rc);
    return transfer->fd != NULL ? enter(transfer) : rc;
}

static void end(struct transfer *transfer)
{
    if (transfer->moves)
        (void)weft__sys_seek(transfer->fd->number, transfer->offset, SEEK_SET);
    if (transfer->has_turn)
        weft__turn_give(transfer->fd);
    if (transfer->fd != NULL)
        weft__fd_let_go(transfer->fd);
}

/* @bytes more have been moved. */
static void advance(struct transfer *transfer, size_t bytes)
{
    transfer->skip += bytes;
    while (transfer->part_count > 0 && transfer->skip >= transfer->parts->iov_len) {
        transfer->skip -= transfer->parts->iov_len;
        transfer->parts++;
        transfer->part_count--;
    }
    if (transfer->offset >= 0)
        transfer->offset += (int64_t)bytes;
}

/* What is left, as one operation takes it: the rest of a part alone, or whole parts. */
static size_t next_parts(const struct transfer *transfer, struct iovec *rest,
                         const struct iovec **out_parts)
{
    *rest = (struct iovec){ NULL, 0 };
    *out_parts = rest;
    if (transfer->part_count == 0)
        return 1;
    if (transfer->skip == 0 && transfer->part_count > 1) {
        *out_parts = transfer->parts;
        return transfer->part_count < parts_max ? transfer->part_count : parts_max;
    }
    rest->iov_base = (char *)transfer->parts->iov_base + transfer->skip;
    rest->iov_len = transfer->parts->iov_len - transfer->skip;
    return 1;
}

/*
 * An operation that begins at the position gets it as an offset, and moves it when it has ended. By
 * itself io_uring does not move it when a transfer stops in the middle, because a disk is full:
 * it returns the bytes and leaves the position, so the next ones would be written over them (Linux
 * 6.18). What appends can leave it to the kernel: its bytes go to the end in any case.
 */
static int fix_position(struct transfer *transfer)
{
    if (!transfer->has_turn || transfer->offset >= 0 || weft__load_relaxed(&transfer->fd->appends))
        return 0;
    int64_t position = weft__sys_seek(transfer->fd->number, 0, SEEK_CUR);
    if (position < 0)
        return (int)position;
    transfer->offset = position;
    transfer->moves = true;
    return 0;
}

static ssize_t run(struct transfer *transfer, const struct iovec *parts, size_t part_count)
{
    int rc = fix_position(transfer);
    if (rc < 0)
        return rc;

    size_t bytes = parts->iov_len < transfer_max ? parts->iov_len : transfer_max;
    struct weft__request request = {
        .opcode = transfer->writes ? WEFT__OP_WRITE : WEFT__OP_READ,
        .fd = transfer->fd->number,
        .address = parts->iov_base,
        .bytes = (uint32_t)bytes,
        .offset = transfer->offset,
    };

    if (part_count > 1) {
        request.opcode = transfer->writes ? WEFT__OP_WRITEV : WEFT__OP_READV;
        request.address = parts;
        request.bytes = (uint32_t)part_count;
    }
    return weft__fd_run(transfer->fd, &request, transfer->until, 0);
}

/* One move: what the cache holds, or an operation. Returns its bytes. */
static ssize_t step(struct transfer *transfer)
{
    struct iovec rest;
    const struct iovec *parts;
    size_t part_count = next_parts(transfer, &rest, &parts);
    ssize_t count = -EAGAIN;

    if (!transfer->writes)
        count = weft__cached_read(transfer->fd, parts, part_count, transfer->offset,
                                  transfer->until);
    transfer->from_cache = count >= 0;
    if (count < 0)
        count = run(transfer, parts, part_count);
    if (count > 0)
        advance(transfer, (size_t)count);
    return count;
}

/* As much as there is at once. A piece that the cache had is not all that there is: only the end of
 * the file, or an operation, ends a read early. */
static ssize_t move_some(struct transfer *transfer)
{
    ssize_t count;
    ssize_t done = 0;

    do {
        count = step(transfer);
        done += count > 0 ? count : 0;
    } while (count > 0 && transfer->from_cache && transfer->part_count > 0);
    return done > 0 ? done : count;
}

/* BOUND: each round moves a byte at least, so at most as many as there are bytes. */
static int move_all(struct transfer *transfer, size_t *done)
{
    while (transfer->part_count > 0) {
        ssize_t count = step(transfer);
        if (count <= 0)
            return count < 0 ? (int)count : -EPIPE;
        *done += (size_t)count;
    }
    return 0;
}

/* Goes on behind what an earlier call has moved. */
static int skip_done(struct transfer *transfer, size_t done)
{
    size_t bytes = 0;

    for (size_t i = 0; i < transfer->part_count && bytes < done; i++)
        bytes += transfer->parts[i].iov_len;
    if (done > bytes)
        return -EINVAL;
    advance(transfer, done);
    return 0;
}

static struct transfer make(bool writes, const struct iovec *parts, size_t part_count,
                            const int64_t *at, weft_deadline until)
{
    struct transfer transfer = {
        .writes = writes,
        .at_offset = at != NULL,
        .parts = parts,
        .part_count = part_count,
        .offset = at != NULL ? *at : -1,
        .until = until,
    };

    advance(&transfer, 0); /* past parts without bytes */
    return transfer;
}

/* For an iovec of what is only read. */
static void *writable(const void *buffer)
{
    return (void *)(uintptr_t)buffer;
}

static ssize_t some(weft_fd fd, bool writes, const struct iovec *parts, size_t part_count,
                    const int64_t *at, weft_deadline until)
{
    struct transfer transfer = make(writes, parts, part_count, at, until);
    ssize_t count = begin(&transfer, fd);

    if (count == 0)
        count = move_some(&transfer);
    end(&transfer);
    return count;
}

static int all(weft_fd fd, bool writes, const struct iovec *parts, size_t part_count,
               const int64_t *at, size_t *done, weft_deadline until)
{
    size_t own = 0;
    struct transfer transfer = make(writes, parts, part_count, at, until);
    int rc = begin(&transfer, fd);

    if (done == NULL)
        done = &own;
    if (rc == 0)
        rc = skip_done(&transfer, *done);
    if (rc == 0)
        rc = move_all(&transfer, done);
    end(&transfer);
    return rc;
}

ssize_t weft_read(weft_fd fd, void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return some(fd, false, &(struct iovec){ buffer, bytes }, 1, NULL, until);
}

ssize_t weft_pread(weft_fd fd, void *buffer, size_t bytes, int64_t offset, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return some(fd, false, &(struct iovec){ buffer, bytes }, 1, &offset, until);
}

ssize_t weft_write(weft_fd fd, const void *buffer, size_t bytes, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return some(fd, true, &(struct iovec){ writable(buffer), bytes }, 1, NULL, until);
}

ssize_t weft_pwrite(weft_fd fd, const void *buffer, size_t bytes, int64_t offset,
                    weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return some(fd, true, &(struct iovec){ writable(buffer), bytes }, 1, &offset, until);
}

int weft_read_exactly(weft_fd fd, void *buffer, size_t bytes, size_t *done, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return all(fd, false, &(struct iovec){ buffer, bytes }, 1, NULL, done, until);
}

int weft_pread_exactly(weft_fd fd, void *buffer, size_t bytes, int64_t offset, size_t *done,
                       weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return all(fd, false, &(struct iovec){ buffer, bytes }, 1, &offset, done, until);
}

int weft_write_all(weft_fd fd, const void *buffer, size_t bytes, size_t *done, weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return all(fd, true, &(struct iovec){ writable(buffer), bytes }, 1, NULL, done, until);
}

int weft_pwrite_all(weft_fd fd, const void *buffer, size_t bytes, int64_t offset, size_t *done,
                    weft_deadline until)
{
    WEFT_NEED_BYTES(buffer, bytes);
    return all(fd, true, &(struct iovec){ writable(buffer), bytes }, 1, &offset, done, until);
}

ssize_t weft_read_vector(weft_fd fd, const struct iovec *parts, size_t part_count,
                         weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return some(fd, false, parts, part_count, NULL, until);
}

ssize_t weft_pread_vector(weft_fd fd, const struct iovec *parts, size_t part_count, int64_t offset,
                          weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return some(fd, false, parts, part_count, &offset, until);
}

ssize_t weft_write_vector(weft_fd fd, const struct iovec *parts, size_t part_count,
                          weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return some(fd, true, parts, part_count, NULL, until);
}

ssize_t weft_pwrite_vector(weft_fd fd, const struct iovec *parts, size_t part_count, int64_t offset,
                           weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return some(fd, true, parts, part_count, &offset, until);
}

int weft_write_vector_all(weft_fd fd, const struct iovec *parts, size_t part_count, size_t *done,
                          weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return all(fd, true, parts, part_count, NULL, done, until);
}

int weft_pwrite_vector_all(weft_fd fd, const struct iovec *parts, size_t part_count, int64_t offset,
                           size_t *done, weft_deadline until)
{
    WEFT_NEED_BYTES(parts, part_count);
    return all(fd, true, parts, part_count, &offset, done, until);
}

struct seek {
    int number;
    int whence;
    int64_t offset;
};

static int64_t seek_now(void *argument)
{
    const struct seek *seek = argument;
    return weft__sys_seek(seek->number, seek->offset, seek->whence);
}

/* Where data begin and end is on the disk; all else is in memory. */
int64_t weft_seek(weft_fd fd, int64_t offset, int whence, weft_deadline until)
{
    struct transfer transfer = make(false, NULL, 0, NULL, until);
    int64_t at = begin(&transfer, fd);

    if (at == 0) {
        struct seek seek = { transfer.fd->number, whence, offset };
        at = whence == SEEK_DATA || whence == SEEK_HOLE
                 ? weft_blocking_call(seek_now, &seek, NULL, until)
                 : seek_now(&seek);
    }
    end(&transfer);
    return at;
}

/*
 * Calls that may wait, on helper threads. The record of an op is its job; the helper writes the
 * result there and hands the op back.
 */
#include <errno.h>
#include <limits.h>

#include "uring/compat.h"

static const char *path_of(const void *address)
{
    return address;
}

/* The part of a transfer that is left. A pipe or a terminal that is ready takes this much without
 * waiting; more of it would wait for the reader. */
static int64_t run_transfer(const struct weft__compat_op *op)
{
    const struct weft__request *request = &op->request;
    char *buffer = (char *)(uintptr_t)request->address + op->moved;
    int64_t offset = request->offset < 0 ? -1 : request->offset + op->moved;
    size_t bytes = request->bytes - op->moved;

    if (request->opcode == WEFT__OP_READ)
        return weft__sys_io_read(request->fd, buffer, bytes, offset);
    if (op->bounded && bytes > PIPE_BUF)
        bytes = PIPE_BUF;
    return weft__sys_io_write(request->fd, buffer, bytes, offset);
}

static int64_t run_path(const struct weft__request *request)
{
    const char *path = path_of(request->address), *other = path_of(request->second);

    switch ((unsigned)request->opcode) {
    case WEFT__OP_OPENAT:
        return weft__sys_openat(request->fd, path, (int)request->flags, request->bytes);
    case WEFT__OP_STATX:
        return weft__sys_statx(request->fd, path, (int)request->flags, request->bytes,
                               request->second);
    case WEFT__OP_RENAMEAT: return weft__sys_io_rename(request->fd, path, other, request->flags);
    case WEFT__OP_UNLINKAT: return weft__sys_io_unlink(request->fd, path, (int)request->flags);
    case WEFT__OP_MKDIRAT: return weft__sys_io_mkdir(request->fd, path, request->bytes);
    case WEFT__OP_LINKAT: return weft__sys_io_link(request->fd, path, other, (int)request->flags);
    case WEFT__OP_SYMLINKAT: return weft__sys_io_symlink(path, request->fd, other);
    default: return -EINVAL;
    }
}

int64_t weft__compat_help_plain(const struct weft__request *request)
{
    switch ((unsigned)request->opcode) {
    case WEFT__OP_CLOSE: return weft__sys_close(request->fd);
    case WEFT__OP_FSYNC:
        return weft__sys_io_fsync(request->fd, (request->flags & WEFT__FSYNC_DATA) != 0);
    case WEFT__OP_FALLOCATE:
        return weft__sys_io_fallocate(request->fd, (int)request->flags, request->offset,
                                      request->length);
    case WEFT__OP_FTRUNCATE: return weft__sys_ftruncate(request->fd, request->length);
    default: return run_path(request);
    }
}

static int64_t run_call(const struct weft__compat_op *op)
{
    switch ((unsigned)op->request.opcode) {
    case WEFT__OP_READ:
    case WEFT__OP_WRITE: return run_transfer(op);
    case WEFT__OP_READV:
    case WEFT__OP_WRITEV: return weft__compat_vector_run(op);
    default: return weft__compat_help_plain(&op->request);
    }
}

/* On a helper thread. After the push the op is the owner's, after the last line the engine. */
static void run(struct weft__job *job)
{
    struct weft__compat_op *op = WEFT__CONTAINER(job, struct weft__compat_op, job);
    struct weft__compat *compat = op->compat;
    struct weft__compat_op *head = weft__load_relaxed(&compat->helped);

    op->result = run_call(op);
    do
        op->next_helped = head;
    while (!weft__cas_release(&compat->helped, &head, op)); /* BELL B1 */
    weft__compat_bell_ring(compat, WEFT__COMPAT_HELPED);
    weft__sub_acqrel(&compat->lent, 1); /* pairs with close_compat */
}

/* Marks that the row of a file is with a helper. */
static void note_helped(const struct weft__compat_op *op, bool helped)
{
    if (op->blocks && op->file != NULL)
        op->file->helped[weft__compat_row_of(op->request.opcode)] = helped;
}

void weft__compat_help_begin(struct weft__compat *compat, struct weft__compat_op *op)
{
    op->state = WEFT__COMPAT_HELPING;
    op->job.run = run;
    op->bounded = op->blocks && op->file != NULL && op->file->registered;
    note_helped(op, true);
    weft__add_relaxed(&compat->lent, 1);
    int rc = weft__pool_submit(compat->pool, &op->job);
    if (rc == 0)
        return;
    weft__sub_relaxed(&compat->lent, 1);
    note_helped(op, false);
    weft__compat_finish(compat, op, op->moved > 0 ? (int32_t)op->moved : rc);
}

/* The others of the row may have a helper now. */
static void rearm(struct weft__compat *compat, const struct weft__compat_op *op)
{
    note_helped(op, false);
    if (!op->blocks || op->file == NULL)
        return;
    op->file->armed = 0; /* an edge may have passed meanwhile */
    if (weft__list_empty(&op->file->to_arm))
        weft__list_append(&compat->to_arm, &op->file->to_arm);
}

bool weft__compat_help_withdraw(struct weft__compat *compat, struct weft__compat_op *op)
{
    if (!weft__pool_withdraw(compat->pool, &op->job))
        return false;
    weft__sub_relaxed(&compat->lent, 1);
    rearm(compat, op);
    return true;
}

/* -EAGAIN: somebody else took what was there, and the descriptor itself does not wait. */
static void take_result(struct weft__compat *compat, struct weft__compat_op *op)
{
    int64_t result = op->result;

    rearm(compat, op);
    if (result == -EAGAIN && op->moved == 0 && op->blocks) {
        weft__compat_settle(compat, op, WEFT__VERDICT_WAIT);
        return;
    }
    if (op->moved > 0)
        result = result < 0 ? op->moved : op->moved + result;
    weft__compat_finish(compat, op, (int32_t)result);
}

void weft__compat_help_collect(struct weft__compat *compat)
{
    struct weft__compat_op *op = weft__swap_acquire(&compat->helped, NULL); /* pairs with run */

    while (op != NULL) {
        struct weft__compat_op *next = op->next_helped;
        take_result(compat, op);
        op = next;
    }
}

/* The way into the kernel: staging entries, entering, asking for cancels. */
#include <errno.h>
#include <poll.h>

#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "runtime/base/sys.h"
#include "uring/kernel.h"

enum {
    FLUSH_TRIES = 4,  /* enters that moved nothing before flush gives up for now */
    MISSES_MOST = 250 /* cancels that do not find their op */
};

static uint32_t staged_entries(const struct weft__kernel *kernel)
{
    /* pairs with the kernel's release of the head: entries before it have been read. */
    uint32_t head = weft__load_acquire((_Atomic unsigned *)kernel->ring.sq.khead);

    return kernel->ring.sq.sqe_tail - head;
}

static bool sq_full(const struct weft__kernel *kernel)
{
    return staged_entries(kernel) == kernel->sq_entries;
}

/* Bookkeeping after the kernel may have taken entries. */
static void count_taken(struct weft__kernel *kernel, uint32_t before)
{
    uint32_t staged = staged_entries(kernel);
    uint32_t taken = before - staged;
    uint32_t ops = taken < kernel->staged_ops ? taken : kernel->staged_ops;

    if (staged == 0)
        ops = kernel->staged_ops;
    kernel->staged_ops -= ops;
    kernel->base.staged = staged;
    weft__bump_by(&kernel->base.counters.submitted, ops);
}

int weft__kernel_submit_enter(struct weft__kernel *kernel, bool submit, uint32_t wait_count,
                              uint32_t flags, void *argument, size_t argument_bytes)
{
    uint32_t before = submit ? staged_entries(kernel) : 0;

    /* pairs with the kernel's acquire of the tail: it sees the entries filled in. */
    weft__store_release((_Atomic unsigned *)kernel->ring.sq.ktail, kernel->ring.sq.sqe_tail);
    weft__bump(&kernel->base.counters.enters);
    int rc = weft__sys_io_uring_enter(kernel->enter_fd, before, wait_count,
                                      flags | kernel->enter_flags, argument, argument_bytes);
    WEFT_ASSERT(rc != -EEXIST, "a ring was used by a thread that does not own it");
    WEFT_ASSERT(rc != -EBADR, "the kernel dropped completions for want of memory: tasks are lost");
    if (before != 0)
        count_taken(kernel, before);
    return rc;
}

/* Lets the kernel finish something, so that it has memory for requests again. No upcalls here: the
 * completions stay in the CQ. */
static int make_progress(struct weft__kernel *kernel)
{
    return weft__kernel_submit_enter(kernel, false, 0, IORING_ENTER_GETEVENTS, NULL, 0);
}

/* BOUND: at most FLUSH_TRIES enters that take nothing; what is left stays staged, and the next poll
 * or wait, which can also reap, tries again. */
static int flush_staged(struct weft__kernel *kernel)
{
    uint32_t idle = 0;
    uint32_t staged = staged_entries(kernel);

    while (staged != 0 && idle < FLUSH_TRIES) {
        int rc = weft__kernel_submit_enter(kernel, true, 0, 0, NULL, 0);
        if (rc == -EAGAIN || rc == -EBUSY)
            rc = make_progress(kernel);
        if (rc < 0 && !weft__kernel_transient(rc))
            return rc;
        idle = kernel->base.staged == staged ? idle + 1 : 0;
        staged = kernel->base.staged;
    }
    return 0;
}

struct io_uring_sqe *weft__kernel_submit_entry(struct weft__kernel *kernel)
{
    if (sq_full(kernel) && (flush_staged(kernel) < 0 || sq_full(kernel)))
        return NULL;
    uint32_t slot = kernel->ring.sq.sqe_tail++ & (kernel->sq_entries - 1);
    struct io_uring_sqe *sqe = &kernel->ring.sq.sqes[slot];
    *sqe = (struct io_uring_sqe){ 0 };
    kernel->base.staged++;
    return sqe;
}

/* Of two paths, or of a path and what it is to be. */
static void fill_path_entry(struct io_uring_sqe *sqe, const struct weft__request *request)
{
    const char *path = request->address;
    const char *second = request->second;
    int flags = (int)request->flags;

    if (request->opcode == WEFT__OP_RENAMEAT)
        io_uring_prep_renameat(sqe, request->fd, path, request->fd, second, request->flags);
    else if (request->opcode == WEFT__OP_LINKAT)
        io_uring_prep_linkat(sqe, request->fd, path, request->fd, second, flags);
    else if (request->opcode == WEFT__OP_SYMLINKAT)
        io_uring_prep_symlinkat(sqe, path, request->fd, second);
    else if (request->opcode == WEFT__OP_MKDIRAT)
        io_uring_prep_mkdirat(sqe, request->fd, path, request->bytes);
    else
        io_uring_prep_unlinkat(sqe, request->fd, path, flags);
}

/* The part of the table that is about sockets. */
static void fill_socket_entry(struct io_uring_sqe *sqe, const struct weft__request *request)
{
    void *address = (void *)(uintptr_t)request->address;
    int flags = (int)request->flags;

    if (request->opcode == WEFT__OP_ACCEPT && request->multishot)
        io_uring_prep_multishot_accept(sqe, request->fd, address, request->second, flags);
    else if (request->opcode == WEFT__OP_ACCEPT)
        io_uring_prep_accept(sqe, request->fd, address, request->second, flags);
    else if (request->opcode == WEFT__OP_CONNECT)
        io_uring_prep_connect(sqe, request->fd, address, (socklen_t)request->bytes);
    else if (request->opcode == WEFT__OP_RECV)
        io_uring_prep_recv(sqe, request->fd, address, request->bytes, flags);
    else if (request->opcode == WEFT__OP_SEND)
        io_uring_prep_send(sqe, request->fd, address, request->bytes, flags);
    else if (request->opcode == WEFT__OP_RECVMSG)
        io_uring_prep_recvmsg(sqe, request->fd, address, request->flags);
    else
        io_uring_prep_sendmsg(sqe, request->fd, address, request->flags);
}

static void fill_entry(struct io_uring_sqe *sqe, const struct weft__request *request)
{
    void *address = (void *)(uintptr_t)request->address;
    uint64_t offset = (uint64_t)request->offset;

    switch (request->opcode) {
    case WEFT__OP_READ:
        io_uring_prep_read(sqe, request->fd, address, request->bytes, offset);
        break;
    case WEFT__OP_WRITE:
        io_uring_prep_write(sqe, request->fd, address, request->bytes, offset);
        break;
    case WEFT__OP_READV:
        io_uring_prep_readv(sqe, request->fd, address, request->bytes, offset);
        break;
    case WEFT__OP_WRITEV:
        io_uring_prep_writev(sqe, request->fd, address, request->bytes, offset);
        break;
    case WEFT__OP_OPENAT:
        io_uring_prep_openat(sqe, request->fd, address, (int)request->flags, request->bytes);
        break;
    case WEFT__OP_CLOSE: io_uring_prep_close(sqe, request->fd); break;
    case WEFT__OP_STATX:
        io_uring_prep_statx(sqe, request->fd, address, (int)request->flags, request->bytes,
                            request->second);
        break;
    case WEFT__OP_FSYNC:
        io_uring_prep_fsync(sqe, request->fd,
                            (request->flags & WEFT__FSYNC_DATA) != 0 ? IORING_FSYNC_DATASYNC : 0);
        break;
    case WEFT__OP_RENAMEAT:
    case WEFT__OP_UNLINKAT:
    case WEFT__OP_MKDIRAT:
    case WEFT__OP_LINKAT:
    case WEFT__OP_SYMLINKAT: fill_path_entry(sqe, request); break;
    case WEFT__OP_FALLOCATE:
        io_uring_prep_fallocate(sqe, request->fd, (int)request->flags, request->offset,
                                request->length);
        break;
    case WEFT__OP_FTRUNCATE:
        io_uring_prep_rw(WEFT__KERNEL_FTRUNCATE, sqe, request->fd, NULL, 0,
                         (uint64_t)request->length);
        break;
    case WEFT__OP_POLL:
        io_uring_prep_poll_add(sqe, request->fd, request->flags);
        sqe->len = request->multishot ? IORING_POLL_ADD_MULTI : 0;
        break;
    case WEFT__OP_ACCEPT:
    case WEFT__OP_CONNECT:
    case WEFT__OP_RECV:
    case WEFT__OP_SEND:
    case WEFT__OP_RECVMSG:
    case WEFT__OP_SENDMSG: fill_socket_entry(sqe, request); break;
    case WEFT__OP_NOP:
    case WEFT__OP_COUNT: io_uring_prep_nop(sqe); break;
    }
}

/* Remembers that the owner waits for room; poll and wait tell it when there is some. */
static int refuse(struct weft__kernel *kernel)
{
    kernel->refused = true;
    weft__bump(&kernel->base.counters.refused);
    return -EAGAIN;
}

static int check_request(const struct weft__kernel *kernel, const struct weft__request *request)
{
    if ((unsigned)request->opcode >= WEFT__OP_COUNT ||
        (request->multishot && request->opcode != WEFT__OP_POLL &&
         request->opcode != WEFT__OP_ACCEPT))
        return -EINVAL;
    return (kernel->ops >> request->opcode & 1) != 0 ? 0 : -EOPNOTSUPP;
}

int weft__kernel_submit_op(struct weft__engine *engine, const struct weft__request *request,
                           void *waiter, weft__op_id *out_op)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);
    struct weft__op *op;

    int rc = check_request(kernel, request);
    if (rc < 0)
        return rc;
    rc = weft__op_take(&kernel->slab, &op);
    if (rc < 0)
        return rc == -EAGAIN ? refuse(kernel) : rc;
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(kernel);
    if (sqe == NULL) {
        weft__op_release(&kernel->slab, op);
        return refuse(kernel);
    }
    op->waiter = waiter;
    op->opcode = (uint8_t)request->opcode;
    op->multishot = request->multishot;
    fill_entry(sqe, request);
    sqe->user_data = weft__op_user_data(WEFT__TAG_OP, op->index, op->generation);
    kernel->staged_ops++;
    engine->in_flight = kernel->slab.in_use;
    *out_op = weft__op_id_of(op);
    return 0;
}

/* Stages the cancel of @op, behind its own entry if that is still staged. */
static bool stage_cancel(struct weft__kernel *kernel, const struct weft__op *op)
{
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(kernel);

    if (sqe == NULL)
        return false;
    io_uring_prep_cancel64(sqe, weft__op_user_data(WEFT__TAG_OP, op->index, op->generation), 0);
    sqe->user_data = weft__op_user_data(WEFT__TAG_CANCEL, op->index, op->generation);
    if (weft__kernel_has(kernel, WEFT__FEATURE_CQE_SKIP))
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

static int cancel_op(struct weft__kernel *kernel, struct weft__op *op)
{
    bool waits = !weft__list_empty(&op->cancel_link);

    if (waits || !stage_cancel(kernel, op)) {
        WEFT__FALLBACK(CANCEL_DEFERRED);
        if (!waits)
            weft__list_append(&kernel->to_cancel, &op->cancel_link);
        return -EAGAIN;
    }
    return 0;
}

int weft__kernel_submit_cancel(struct weft__engine *engine, weft__op_id id)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);
    struct weft__op *op = weft__op_find(&kernel->slab, id);

    return op == NULL ? -ENOENT : cancel_op(kernel, op);
}

/*
 * An op that the kernel is about to try anew, because its file was said to be ready, is in none of
 * the lists where a cancel looks. A socket of the Unix family that connects to a full backlog is
 * always said to be ready: it is tried 128 times, and then waits in a thread of the kernel. Each
 * enter lets it get on by one try at least. BOUND: MISSES_MOST cancels; one that is with a device
 * is never found, and ends when the device has answered.
 */
void weft__kernel_submit_cancel_again(struct weft__kernel *kernel, uint64_t user_data)
{
    struct weft__op *op = weft__op_find(&kernel->slab, user_data);

    if (op == NULL || op->missed == MISSES_MOST)
        return;
    WEFT__FALLBACK(CANCEL_AGAIN);
    op->missed++;
    (void)cancel_op(kernel, op);
}

uint32_t weft__kernel_submit_cancel_all(struct weft__engine *engine)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);

    for (struct weft__op *op = weft__op_next(&kernel->slab, 0); op != NULL;
         op = weft__op_next(&kernel->slab, op->index + 1))
        (void)cancel_op(kernel, op);
    return kernel->slab.in_use;
}

void weft__kernel_submit_deferred(struct weft__kernel *kernel)
{
    if (!kernel->bell_armed)
        weft__message_arm(kernel);
    while (!weft__list_empty(&kernel->to_cancel)) {
        struct weft__op *op = WEFT__CONTAINER(kernel->to_cancel.next, struct weft__op, cancel_link);
        if (!stage_cancel(kernel, op))
            return;
        weft__list_remove(&op->cancel_link);
    }
}

int weft__kernel_submit_flush(struct weft__engine *engine)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);

    weft__kernel_submit_deferred(kernel);
    return flush_staged(kernel);
}

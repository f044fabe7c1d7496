/*
 * Waiting for readiness. A file has one registration in the epoll set, for all that is waited for
 * in it, and it is good for one event (EPOLLONESHOT): a file that is ready and that nobody waits
 * for any more costs nothing. Interest is told to the kernel before the next look, all changes of
 * a file at once. Where a multishot poll waits the registration is edge-triggered instead.
 *
 * BOUND table: a record for each descriptor number that an op has waited for; the limit on open
 * descriptors bounds them. Without memory for one the op ends with -ENOMEM.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/fallback.h"
#include "uring/compat.h"

#define ONE ((uint32_t)EPOLLONESHOT)
#define EDGE ((uint32_t)EPOLLET)
#define MODES (ONE | EDGE)

/* Which events make whom look. A file that has failed or hung up answers every call. */
#define ANY_IN ((uint32_t)(EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
#define ANY_OUT ((uint32_t)(EPOLLOUT | EPOLLHUP | EPOLLERR))

struct weft__compat_file *weft__compat_file_find(const struct weft__compat *compat, int fd)
{
    uint32_t chunk = (uint32_t)fd / WEFT__COMPAT_CHUNK;

    if (fd < 0 || chunk >= compat->chunk_max || compat->chunks[chunk] == NULL)
        return NULL;
    return &compat->chunks[chunk][(uint32_t)fd % WEFT__COMPAT_CHUNK];
}

/* Room for chunk number @chunk in the table of chunks. */
static int grow(struct weft__compat *compat, uint32_t chunk)
{
    uint32_t most = compat->chunk_max != 0 ? compat->chunk_max : 8;

    while (most <= chunk)
        most *= 2;
    struct weft__compat_file **chunks = weft__memory_alloc(WEFT__NODE_LOCAL,
                                                           most * sizeof(*chunks));
    if (chunks == NULL)
        return -ENOMEM;
    if (compat->chunk_max != 0)
        memcpy(chunks, compat->chunks, compat->chunk_max * sizeof(*chunks));
    weft__memory_free(compat->chunks, compat->chunk_max * sizeof(*chunks));
    compat->chunks = chunks;
    compat->chunk_max = most;
    return 0;
}

static void init_file(struct weft__compat_file *file, int fd)
{
    file->fd = fd;
    weft__list_init(&file->to_arm);
    for (int row = 0; row < WEFT__ROW_COUNT; row++)
        weft__list_init(&file->rows[row]);
}

/* The record of a number, made when it is not there; NULL: no memory. */
static struct weft__compat_file *make(struct weft__compat *compat, int fd)
{
    uint32_t chunk = (uint32_t)fd / WEFT__COMPAT_CHUNK;
    struct weft__compat_file *found = weft__compat_file_find(compat, fd);

    if (found != NULL)
        return found;
    if (chunk >= compat->chunk_max && grow(compat, chunk) < 0)
        return NULL;
    struct weft__compat_file *files = weft__memory_alloc(WEFT__NODE_LOCAL,
                                                         WEFT__COMPAT_CHUNK * sizeof(*files));
    if (files == NULL)
        return NULL;
    for (uint32_t i = 0; i < WEFT__COMPAT_CHUNK; i++)
        init_file(&files[i], (int)(chunk * WEFT__COMPAT_CHUNK + i));
    compat->chunks[chunk] = files;
    return &files[(uint32_t)fd % WEFT__COMPAT_CHUNK];
}

void weft__compat_file_free(struct weft__compat *compat)
{
    for (uint32_t i = 0; i < compat->chunk_max; i++)
        weft__memory_free(compat->chunks[i], WEFT__COMPAT_CHUNK * sizeof(struct weft__compat_file));
    weft__memory_free(compat->chunks, compat->chunk_max * sizeof(*compat->chunks));
}

static struct weft__compat_op *first_of(struct weft__list *row)
{
    return WEFT__CONTAINER(row->next, struct weft__compat_op, link);
}

bool weft__compat_file_must_wait(const struct weft__compat *compat,
                                 const struct weft__compat_op *op)
{
    enum weft__opcode opcode = op->request.opcode;
    const struct weft__compat_file *file = weft__compat_file_find(compat, op->request.fd);
    enum weft__compat_row row = weft__compat_row_of(opcode);

    if (file == NULL || row == WEFT__ROW_POLL)
        return false;
    if (row == WEFT__ROW_IN)
        return !weft__list_empty(&file->rows[row]) || (opcode == WEFT__OP_RECV && file->drained);
    return !weft__list_empty(&file->rows[row]) &&
           (opcode == WEFT__OP_WRITE || opcode == WEFT__OP_WRITEV || opcode == WEFT__OP_SEND ||
            opcode == WEFT__OP_SENDMSG);
}

static void change(struct weft__compat *compat, struct weft__compat_file *file)
{
    if (weft__list_empty(&file->to_arm))
        weft__list_append(&compat->to_arm, &file->to_arm);
}

void weft__compat_file_wait(struct weft__compat *compat, struct weft__compat_op *op)
{
    struct weft__compat_file *file = op->request.fd < 0 ? NULL : make(compat, op->request.fd);

    if (file == NULL) {
        weft__compat_finish(compat, op, op->request.fd < 0 ? -EBADF : -ENOMEM);
        return;
    }
    op->state = WEFT__COMPAT_WAITING;
    op->file = file;
    weft__list_append(&file->rows[weft__compat_row_of(op->request.opcode)], &op->link);
    compat->waiting++;
    if (op->op.multishot || !op->tried)
        file->armed = 0; /* it wants to hear of what is ready already */
    change(compat, file);
}

static void take_out(struct weft__compat *compat, struct weft__compat_op *op)
{
    weft__list_remove(&op->link);
    compat->waiting--;
}

static bool is_idle(struct weft__compat_file *file)
{
    for (int row = 0; row < WEFT__ROW_COUNT; row++)
        if (!weft__list_empty(&file->rows[row]))
            return false;
    return true;
}

/* The last one that leaves takes the registration along: the number may become another file's, and
 * this file may live on elsewhere. */
void weft__compat_file_leave(struct weft__compat *compat, struct weft__compat_op *op)
{
    struct weft__compat_file *file = op->file;

    take_out(compat, op);
    if (!is_idle(file)) {
        change(compat, file);
        return;
    }
    weft__list_remove(&file->to_arm);
    if (file->registered && file->armed != 0) {
        (void)weft__sys_io_epoll_set(compat->epoll_fd, EPOLL_CTL_DEL, file->fd, 0, 0);
        file->registered = false;
        file->armed = 0;
    }
}

/* What those who wait want to hear of. Who needs a helper waits for the one that is at work. */
static uint32_t interest_of(struct weft__compat_file *file)
{
    uint32_t events = 0, mode = ONE;

    for (int row = 0; row < 2; row++) {
        struct weft__list *waiting = &file->rows[row];
        if (!weft__list_empty(waiting) && !(first_of(waiting)->blocks && file->helped[row]))
            events |= (uint32_t)(row == WEFT__ROW_IN ? EPOLLIN | EPOLLRDHUP : EPOLLOUT);
    }
    for (struct weft__list *link = file->rows[WEFT__ROW_POLL].next;
         link != &file->rows[WEFT__ROW_POLL]; link = link->next) {
        const struct weft__compat_op *op = WEFT__CONTAINER(link, struct weft__compat_op, link);
        events |= op->request.flags | EPOLLERR; /* to hear of failure is interest, too */
        if (op->op.multishot)
            mode = EDGE;
    }
    return events == 0 ? 0 : events | mode;
}

/* Tells the kernel. Whether the number and the registration still belong together only it knows. */
static int set(struct weft__compat *compat, struct weft__compat_file *file, uint32_t events)
{
    int rc = -ENOENT;
    uint64_t name = (uint64_t)file->serial << 32 | (uint32_t)file->fd;

    if (file->registered)
        rc = weft__sys_io_epoll_set(compat->epoll_fd, EPOLL_CTL_MOD, file->fd, events, name);
    if (rc == -ENOENT) {
        if (++compat->last_serial == UINT32_MAX) /* the bell's */
            compat->last_serial = 1;
        file->serial = compat->last_serial;
        name = (uint64_t)file->serial << 32 | (uint32_t)file->fd;
        rc = weft__sys_io_epoll_set(compat->epoll_fd, EPOLL_CTL_ADD, file->fd, events, name);
        if (rc == -EEXIST)
            rc = weft__sys_io_epoll_set(compat->epoll_fd, EPOLL_CTL_MOD, file->fd, events, name);
    }
    file->registered = rc == 0;
    file->armed = rc == 0 ? events : 0;
    return rc;
}

/* Lets those of a row try, until one has to wait on. */
static void drive(struct weft__compat *compat, struct weft__compat_file *file,
                  enum weft__compat_row row)
{
    struct weft__list *waiting = &file->rows[row];
    enum weft__compat_verdict verdict;

    while (!weft__list_empty(waiting)) {
        struct weft__compat_op *op = first_of(waiting);
        if (op->blocks && file->helped[row])
            return;
        verdict = op->blocks ? WEFT__VERDICT_HELP : weft__compat_try_op(compat, op);
        if (verdict == WEFT__VERDICT_WAIT)
            return;
        take_out(compat, op);
        weft__compat_settle(compat, op, verdict);
    }
}

/* A file that can't be waited for is always ready, so its calls are a helper's. A poll that has
 * found nothing there waits until it is cancelled, as poll(2) does. A recv that was not tried yet,
 * on a number that was a socket's, is told that this is none. */
static void hand_over(struct weft__compat *compat, struct weft__compat_file *file)
{
    file->drained = false;
    for (int row = 0; row < 2; row++)
        while (!weft__list_empty(&file->rows[row])) {
            struct weft__compat_op *op = first_of(&file->rows[row]);
            take_out(compat, op);
            enum weft__compat_verdict verdict = op->tried ? WEFT__VERDICT_HELP
                                                          : weft__compat_try_op(compat, op);
            weft__compat_settle(compat, op,
                                verdict == WEFT__VERDICT_DONE ? verdict : WEFT__VERDICT_HELP);
        }
}

static void fail_all(struct weft__compat *compat, struct weft__compat_file *file, int error)
{
    for (int row = 0; row < WEFT__ROW_COUNT; row++)
        while (!weft__list_empty(&file->rows[row])) {
            struct weft__compat_op *op = first_of(&file->rows[row]);
            take_out(compat, op);
            weft__compat_finish(compat, op, error);
        }
    weft__compat_note_waiting(compat);
}

void weft__compat_file_arm(struct weft__compat *compat)
{
    struct weft__list *link;

    while ((link = weft__list_take(&compat->to_arm)) != NULL) {
        struct weft__compat_file *file = WEFT__CONTAINER(link, struct weft__compat_file, to_arm);
        uint32_t events = interest_of(file);
        if (events == 0 ||
            ((events & file->armed) == events && (events & MODES) == (file->armed & MODES)))
            continue;
        uint32_t serial = file->serial;
        int rc = set(compat, file, events);
        if (serial != file->serial && file->drained) { /* another file has the number now */
            file->drained = false;
            if (rc == 0)
                drive(compat, file, WEFT__ROW_IN);
        }
        if (rc == -EPERM) {
            WEFT__FALLBACK(EPOLL_REFUSED);
            hand_over(compat, file);
        } else if (rc < 0) {
            fail_all(compat, file, rc == -ENOSPC ? -ENOMEM : rc); /* fs.epoll.max_user_watches */
        }
    }
}

/* Tells those who poll. */
static void tell(struct weft__compat *compat, struct weft__compat_file *file, uint32_t events)
{
    struct weft__list *row = &file->rows[WEFT__ROW_POLL];

    for (struct weft__list *link = row->next, *next; link != row; link = next) {
        struct weft__compat_op *op = WEFT__CONTAINER(link, struct weft__compat_op, link);
        uint32_t found = events & (op->request.flags | EPOLLERR | EPOLLHUP);
        next = link->next;
        if (found == 0)
            continue;
        if (!op->op.multishot) {
            take_out(compat, op);
            weft__compat_finish(compat, op, (int32_t)found);
        } else {
            op->result = (int64_t)((op->fired ? (uint32_t)op->result : 0) | found);
            op->fired = true;
            if (weft__list_empty(&op->done))
                weft__list_append(&compat->completions, &op->done);
        }
    }
}

void weft__compat_file_ready(struct weft__compat *compat, const struct epoll_event *event)
{
    struct weft__compat_file *file = weft__compat_file_find(compat, (int)(uint32_t)event->data.u64);

    if (file == NULL || file->serial != (uint32_t)(event->data.u64 >> 32))
        return; /* a file that had the number before */
    if ((file->armed & ONE) != 0)
        file->armed = 0;
    file->drained = false;
    tell(compat, file, event->events);
    if ((event->events & ANY_IN) != 0)
        drive(compat, file, WEFT__ROW_IN);
    if ((event->events & ANY_OUT) != 0)
        drive(compat, file, WEFT__ROW_OUT);
    weft__compat_note_waiting(compat);
    if (!is_idle(file))
        change(compat, file);
}

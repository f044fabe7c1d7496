#include "runtime/io/fd.h"

#include "runtime/base/check.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/sys.h"
#include "runtime/io/acceptor.h"
#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"

struct watch {
    struct weft__operation_watch base;
    struct weft__fd *fd;
};

static struct weft__fd *fd_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct weft__fd, record);
}

static struct weft__record_cache *own_cache(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? &worker->records : NULL;
}

/* A handle for an open descriptor, entered by @enter as the owner of its number. */
static weft_fd make(int number, int (*enter)(int number, int64_t owner))
{
    weft__record_define(WEFT__KIND_FD, sizeof(struct weft__fd));
    struct weft__record *record = weft__record_new(WEFT__KIND_FD, own_cache());

    if (record == NULL)
        return weft__record_refusal();
    weft_fd handle = weft__record_handle(record);
    int rc = enter(number, handle);
    if (rc < 0) {
        weft__record_free_locked(record, own_cache());
        return rc;
    }
    struct weft__fd *fd = fd_of(record);
    fd->number = number;
    fd->users = 0;
    weft__store_relaxed(&fd->nature, WEFT__FD_UNKNOWN);
    weft__store_relaxed(&fd->appends, false);
    weft__store_relaxed(&fd->cold, 0);
    weft__store_relaxed(&fd->misses, 0);
    fd->turn_taken = false;
    weft__line_init(&fd->turns);
    fd->closer.word = 0;
    fd->sweeping = false;
    weft__list_init(&fd->operations);
    fd->acceptor = NULL;
    weft__record_unlock(record);
    return handle;
}

weft_fd weft__fd_take(int number)
{
    weft_fd made = make(number, weft__descriptor_own);

    if (made < 0)
        (void)weft__sys_close(number);
    return made;
}

/* The locked file behind a handle that nobody is closing. */
static struct weft__fd *lock_open(weft_fd handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_FD, out_error);

    if (record == NULL) {
        *out_error = weft__fd_error(handle, *out_error);
        return NULL;
    }
    if (weft__record_has(record, WEFT__LIFE_ENDED)) {
        weft__record_unlock(record);
        *out_error = -EBADF;
        return NULL;
    }
    return fd_of(record);
}

/* The same, if the number still is its own: it is not when the descriptor was closed behind weft's
 * back and the kernel gave the number to another handle. */
static struct weft__fd *lock_owner(weft_fd handle, int *out_error)
{
    struct weft__fd *fd = lock_open(handle, out_error);

    if (fd == NULL || WEFT__LIKELY(weft__descriptor_is_owned(fd->number, handle)))
        return fd;
    weft__record_unlock(&fd->record);
    *out_error = -EBADF;
    return NULL;
}

struct weft__fd *weft__fd_hold(weft_fd handle, int *out_error)
{
    struct weft__fd *fd = lock_owner(handle, out_error);

    if (fd == NULL)
        return NULL;
    fd->users++;
    weft__record_unlock(&fd->record);
    return fd;
}

void weft__fd_let_go(struct weft__fd *fd)
{
    struct weft__task *closer = NULL;

    weft__record_lock_own(&fd->record);
    if (--fd->users == 0 && fd->closer.word != 0) {
        if (weft__park_claim(fd->closer, WEFT__WAIT_WOKEN))
            closer = fd->closer.task;
        fd->closer.word = 0;
    }
    weft__record_unlock(&fd->record);
    if (closer != NULL)
        weft__park_ready(weft__self_worker(), closer);
}

static bool note_begun(struct weft__operation_watch *base, struct weft__operation *operation)
{
    struct weft__fd *fd = WEFT__CONTAINER(base, struct watch, base)->fd;

    weft__record_lock_own(&fd->record);
    bool open = !weft__record_has(&fd->record, WEFT__LIFE_ENDED);
    weft__list_append(&fd->operations, &operation->link);
    weft__record_unlock(&fd->record);
    return open;
}

static void note_ended(struct weft__operation_watch *base, struct weft__operation *operation)
{
    struct weft__fd *fd = WEFT__CONTAINER(base, struct watch, base)->fd;

    weft__record_lock_own(&fd->record);
    weft__list_remove(&operation->link);
    weft__record_unlock(&fd->record);
}

int weft__fd_run(struct weft__fd *fd, const struct weft__request *request, weft_deadline until,
                 unsigned flags)
{
    struct watch watch = { .base = { .begun = note_begun, .ended = note_ended }, .fd = fd };
    int rc = weft__operation_run(request, until, flags, &watch.base);

    return rc == -ECANCELED && weft__record_has(&fd->record, WEFT__LIFE_ENDED) ? -EBADF : rc;
}

int weft__fd_call(weft_fd handle, struct weft__request *request, weft_deadline until,
                  unsigned flags)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(handle, &rc);

    if (held == NULL)
        return rc;
    request->fd = held->number;
    rc = weft__fd_run(held, request, until, flags);
    weft__fd_let_go(held);
    return rc;
}

/* Asks those that are in the ring of @worker. Returns a worker that has others, or NULL. */
static struct weft__worker *ask_locked(struct weft__fd *fd, struct weft__worker *worker)
{
    struct weft__worker *other = NULL;

    for (struct weft__list *link = fd->operations.next; link != &fd->operations;
         link = link->next) {
        struct weft__operation *operation = WEFT__CONTAINER(link, struct weft__operation, link);
        if (operation->fate != WEFT__OPERATION_UNWANTED)
            continue;
        if (operation->worker != worker) {
            other = operation->worker;
            continue;
        }
        (void)weft__engine_cancel(worker->engine, operation->id);
        operation->fate = WEFT__OPERATION_ASKED;
    }
    return other;
}

/* BOUND hops: at most one for each worker that has such an operation, unless more become unwanted
 * meanwhile. The worker it goes to lives: an operation in its ring has a task that waits. */
static void deliver_sweep(struct weft__worker *worker, struct weft__message *message)
{
    struct weft__fd *fd = WEFT__CONTAINER(message, struct weft__fd, sweep);

    weft__record_lock_own(&fd->record);
    struct weft__worker *next = ask_locked(fd, worker);
    fd->sweeping = next != NULL;
    if (next != NULL)
        weft__park_send(worker, next, message);
    weft__record_unlock(&fd->record);
    if (next == NULL)
        weft__fd_let_go(fd);
}

void weft__fd_sweep_locked(struct weft__fd *fd)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__worker *next = ask_locked(fd, worker);

    if (next == NULL || fd->sweeping)
        return;
    fd->sweeping = true;
    fd->users++;
    fd->sweep.deliver = deliver_sweep;
    weft__park_send(worker, next, &fd->sweep);
}

static void end_all_locked(struct weft__fd *fd)
{
    for (struct weft__list *link = fd->operations.next; link != &fd->operations;
         link = link->next) {
        struct weft__operation *operation = WEFT__CONTAINER(link, struct weft__operation, link);
        if (operation->fate == WEFT__OPERATION_WANTED)
            operation->fate = WEFT__OPERATION_UNWANTED;
    }
    weft__fd_sweep_locked(fd);
}

/* Waits until nobody uses the file, which is locked and marked; unlocks it. Whoever waits for his
 * turn there is told that it will not come. */
static void wait_unused_locked(struct weft__fd *fd)
{
    struct weft__worker *worker = weft__self_worker();
    uint32_t looks = 0;
    struct weft__waiter *turned_away = weft__line_claim_many(&fd->turns, SIZE_MAX, -EBADF);

    end_all_locked(fd);
    if (weft__worker_task(worker) != NULL) {
        struct weft__ticket ticket = weft__park_begin(weft__worker_task(worker),
                                                      WEFT__REASON_CLOSE);
        fd->closer = ticket;
        weft__record_unlock(&fd->record);
        (void)weft__line_wake_many(worker, turned_away);
        (void)weft__park_commit(worker, ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
        return;
    }
    weft__record_unlock(&fd->record);
    (void)weft__line_wake_many(worker, turned_away);
    weft__record_lock_own(&fd->record);
    while (fd->users > 0) { /* a thread of its own may block */
        weft__record_unlock(&fd->record);
        weft__lock_backoff(looks++);
        weft__record_lock_own(&fd->record);
    }
    weft__record_unlock(&fd->record);
}

int weft_close(weft_fd fd)
{
    int rc = 0;
    struct weft__fd *found = lock_open(fd, &rc);

    if (found == NULL)
        return rc;
    weft__record_set_locked(&found->record, WEFT__LIFE_ENDED);
    if (found->users > 0)
        wait_unused_locked(found);
    else
        weft__record_unlock(&found->record);
    weft__acceptor_free(found->acceptor);
    rc = weft__descriptor_close(found->number, fd);
    struct weft__worker *worker = weft__self_worker();
    if (worker != NULL)
        weft__bump(&worker->counters.system_calls);
    weft__record_lock_own(&found->record);
    weft__record_free_locked(&found->record, own_cache());
    return rc;
}

weft_fd weft_fd_adopt(int number)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    return make(number, weft__descriptor_adopt);
}

int weft_fd_number(weft_fd fd)
{
    int rc = 0;
    struct weft__fd *found = lock_owner(fd, &rc);

    if (found == NULL)
        return rc;
    rc = found->number;
    weft__record_unlock(&found->record);
    return rc;
}

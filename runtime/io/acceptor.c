#include "runtime/io/acceptor.h"

#include <string.h>
#include <sys/socket.h>

#include "numa/memory.h"
#include "runtime/base/sys.h"
#include "runtime/sched/runtime.h"

/* Whom the caller wakes once the lock is free. */
struct woken {
    struct weft__waiter *taker;
    struct weft__waiter *takers;
    struct weft__waiter *lookers;
    struct weft__waiter *enders;
};

/* All under the lock of the file's record. */
struct weft__acceptor {
    struct weft__operation operation; /* while it is armed */
    struct weft__fd *file;            /* (i) */
    bool armed;
    bool refused;              /* this kernel has no such operation */
    struct weft__line takers;  /* who waits for a connection */
    struct weft__line lookers; /* who waits until one is queued */
    struct weft__line enders;  /* who waits for its end */
    uint32_t first;            /* of those queued */
    uint32_t count;
    uint32_t room;
    int *numbers;
};

void weft__acceptor_free(struct weft__acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    for (uint32_t i = 0; i < acceptor->count; i++)
        (void)weft__sys_close(acceptor->numbers[acceptor->first + i]);
    weft__memory_free(acceptor->numbers, acceptor->room * sizeof(int));
    weft__memory_free(acceptor, sizeof(*acceptor));
}

static int pop_locked(struct weft__acceptor *acceptor)
{
    acceptor->count--;
    return acceptor->numbers[acceptor->first++];
}

/* Makes room behind the last: by moving all to the front, or in a longer array. */
static bool make_room_locked(struct weft__acceptor *acceptor)
{
    uint32_t room = acceptor->first > 0 ? acceptor->room
                                        : acceptor->room * 2 + WEFT__ACCEPTOR_QUEUED;
    int *numbers = acceptor->numbers;

    if (acceptor->first + acceptor->count < acceptor->room)
        return true;
    if (room != acceptor->room)
        numbers = weft__memory_alloc(WEFT__NODE_LOCAL, room * sizeof(int));
    if (numbers == NULL)
        return false;
    if (acceptor->count > 0)
        memmove(numbers, acceptor->numbers + acceptor->first, acceptor->count * sizeof(int));
    if (room != acceptor->room)
        weft__memory_free(acceptor->numbers, acceptor->room * sizeof(int));
    acceptor->numbers = numbers;
    acceptor->room = room;
    acceptor->first = 0;
    return true;
}

static void wake(struct weft__worker *worker, const struct woken *woken)
{
    weft__line_wake(worker, woken->taker);
    (void)weft__line_wake_many(worker, woken->takers);
    (void)weft__line_wake_many(worker, woken->lookers);
    (void)weft__line_wake_many(worker, woken->enders);
}

/* A connection for whoever has waited longest; else it is queued, which all who look are told. */
static void hand_over_locked(struct weft__acceptor *acceptor, int number, struct woken *woken)
{
    woken->taker = weft__line_claim(&acceptor->takers);
    if (woken->taker != NULL) {
        woken->taker->result = number;
        return;
    }
    if (!make_room_locked(acceptor)) {
        (void)weft__sys_close(number); /* as the kernel drops one that it has no memory for */
        return;
    }
    acceptor->numbers[acceptor->first + acceptor->count++] = number;
    woken->lookers = weft__line_claim_many(&acceptor->lookers, SIZE_MAX, 0);
}

/* It is over: those who wait go for themselves, and find out why. Nobody looks any more when it was
 * the last connection that has ended it. */
static void end_locked(struct weft__acceptor *acceptor, int32_t result, struct woken *woken)
{
    acceptor->armed = false;
    acceptor->refused = acceptor->refused || result == -EINVAL;
    weft__list_remove(&acceptor->operation.link);
    woken->takers = weft__line_claim_many(&acceptor->takers, SIZE_MAX, -EAGAIN);
    if (woken->lookers == NULL)
        woken->lookers = weft__line_claim_many(&acceptor->lookers, SIZE_MAX, -EAGAIN);
    woken->enders = weft__line_claim_many(&acceptor->enders, SIZE_MAX, 0);
}

static void came(struct weft__operation *operation, int32_t result, bool more)
{
    struct weft__acceptor *acceptor = WEFT__CONTAINER(operation, struct weft__acceptor, operation);
    struct weft__fd *file = acceptor->file;
    struct weft__worker *worker = operation->worker;
    struct woken woken = { 0 };

    weft__record_lock_own(&file->record);
    if (result >= 0)
        hand_over_locked(acceptor, result, &woken);
    if (more && acceptor->count == WEFT__ACCEPTOR_QUEUED)
        (void)weft__engine_cancel(worker->engine, operation->id);
    if (!more)
        end_locked(acceptor, result, &woken);
    weft__record_unlock(&file->record);
    wake(worker, &woken);
    if (!more)
        weft__fd_let_go(file);
}

static struct weft__acceptor *make_locked(struct weft__fd *file)
{
    struct weft__acceptor *made = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*made));

    if (made == NULL)
        return NULL;
    *made = (struct weft__acceptor){ .file = file, .operation.came = came };
    weft__line_init(&made->takers);
    weft__line_init(&made->lookers);
    weft__line_init(&made->enders);
    file->acceptor = made;
    return made;
}

/* Arms it, if the caller is alone with the file. What is in the way is no error: it accepts for
 * itself then. */
static void arm_locked(struct weft__fd *file, const struct weft__request *single)
{
    struct weft__acceptor *acceptor = file->acceptor;
    struct weft__request request = *single;

    if (file->users != 1 || weft__record_has(&file->record, WEFT__LIFE_ENDED))
        return;
    if (acceptor == NULL && (acceptor = make_locked(file)) == NULL)
        return;
    if (acceptor->armed || acceptor->refused)
        return;
    request.multishot = true;
    acceptor->operation.worker = weft__self_worker();
    acceptor->operation.fate = WEFT__OPERATION_WANTED;
    if (weft__engine_submit(acceptor->operation.worker->engine, &request, &acceptor->operation,
                            &acceptor->operation.id) < 0)
        return;
    acceptor->armed = true;
    file->users++;
    weft__list_append(&file->operations, &acceptor->operation.link);
}

/* Waits in a line of the locked file, and unlocks it. */
static int stand_locked(struct weft__fd *file, struct weft__line *line, uint8_t opcode,
                        weft_deadline until, unsigned manner)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);
    struct weft__waiter waiter = { .result = WEFT__LINE_UNSERVED };

    waiter.ticket = weft__park_begin(task, weft__task_note_operation(task, opcode, file->number));
    weft__line_append(line, &waiter);
    weft__record_unlock(&file->record);
    int rc = weft__park_commit(worker, waiter.ticket, until, manner);
    if (rc == 0)
        return waiter.result;
    weft__record_lock_own(&file->record);
    if (waiter.line != NULL)
        weft__line_remove(&waiter);
    weft__record_unlock(&file->record);
    return rc;
}

/* A connection that is queued, or that comes while it is armed; -EAGAIN when it is not. */
static int take_shot(struct weft__fd *file, const struct weft__request *request, bool arms,
                     weft_deadline until)
{
    int rc = -EAGAIN;

    weft__record_lock_own(&file->record);
    if (file->acceptor != NULL && file->acceptor->count > 0)
        rc = pop_locked(file->acceptor);
    else if (arms)
        arm_locked(file, request);
    if (rc == -EAGAIN && file->acceptor != NULL && file->acceptor->armed)
        return stand_locked(file, &file->acceptor->takers, WEFT__OP_ACCEPT, until, 0);
    weft__record_unlock(&file->record);
    return rc;
}

/* What does not wait is left to an operation of the caller's own. */
static bool may_stand(weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = worker != NULL ? weft__worker_task(worker) : NULL;

    return task != NULL && until.ns > 0 && !weft__task_canceled(task);
}

static int explain(const struct weft__fd *file, int rc)
{
    return rc == -ECANCELED && weft__record_has(&file->record, WEFT__LIFE_ENDED) ? -EBADF : rc;
}

/* A descriptor that was handed over; -EAGAIN when the caller has to accept for himself. */
static int take_handed(struct weft__fd *file, const struct weft__request *request, bool arms,
                       weft_deadline until)
{
    return may_stand(until) ? explain(file, take_shot(file, request, arms, until)) : -EAGAIN;
}

int weft__acceptor_look(struct weft__fd *held, weft_deadline until)
{
    weft__record_lock_own(&held->record);
    struct weft__acceptor *acceptor = held->acceptor;
    bool queued = acceptor != NULL && acceptor->count > 0;
    if (!queued && acceptor != NULL && acceptor->armed && may_stand(until))
        return explain(held, stand_locked(held, &acceptor->lookers, WEFT__OP_POLL, until, 0));
    weft__record_unlock(&held->record);
    return queued ? 0 : -EAGAIN;
}

/* Whether the other end is there still, and which it is. */
static bool name_peer(int number, weft_address *out_peer)
{
    weft_address peer = { .bytes = sizeof(peer.words) };

    if (out_peer == NULL)
        return true;
    if (weft__sys_socket_name(number, true, peer.words, &peer.bytes) < 0)
        return false;
    *out_peer = peer;
    return true;
}

/* BOUND: each round takes a connection, or is the last. */
static int take(struct weft__fd *file, weft_address *out_peer, bool arms, weft_deadline until)
{
    weft_address peer = { .bytes = sizeof(peer.words) };
    struct weft__request request = { .opcode = WEFT__OP_ACCEPT,
                                     .fd = file->number,
                                     .flags = SOCK_CLOEXEC };
    int number;

    while ((number = take_handed(file, &request, arms, until)) >= 0) {
        if (name_peer(number, out_peer))
            return number;
        (void)weft__sys_close(number); /* it is lost */
    }
    if (number != -EAGAIN)
        return number;
    request.address = out_peer != NULL ? peer.words : NULL;
    request.second = out_peer != NULL ? &peer.bytes : NULL;
    number = weft__fd_run(file, &request, until, 0);
    if (number >= 0 && out_peer != NULL)
        *out_peer = peer;
    return number;
}

weft_fd weft__acceptor_accept(weft_fd listener, weft_address *out_peer, bool arms,
                              weft_deadline until)
{
    int rc = 0;
    weft_address peer;
    struct weft__fd *held = weft__fd_hold(listener, &rc);

    if (held == NULL)
        return rc;
    int number = take(held, out_peer != NULL ? &peer : NULL, arms, until);
    weft__fd_let_go(held);
    if (number < 0)
        return number;
    weft_fd taken = weft__fd_take(number);
    if (taken > 0 && out_peer != NULL)
        *out_peer = peer;
    return taken;
}

void weft__acceptor_end(weft_fd listener)
{
    int rc = 0;
    struct weft__fd *file = weft__fd_hold(listener, &rc);

    if (file == NULL)
        return; /* a close has ended it, or waits for that */
    weft__record_lock_own(&file->record);
    struct weft__acceptor *acceptor = file->acceptor;
    if (acceptor != NULL && acceptor->armed) {
        if (acceptor->operation.fate == WEFT__OPERATION_WANTED)
            acceptor->operation.fate = WEFT__OPERATION_UNWANTED;
        weft__fd_sweep_locked(file);
        (void)stand_locked(file, &acceptor->enders, WEFT__OP_ACCEPT, WEFT_NEVER,
                           WEFT__PARK_SHIELDED);
    } else {
        weft__record_unlock(&file->record);
    }
    weft__fd_let_go(file);
}

/*
 * Notifiers. A send may come from a signal handler, which may have interrupted whoever holds any
 * lock, so all that it touches is one word of the record, an event descriptor and a futex.
 *
 * STATE notifier: open -> closed on release by its user; closed -> free by the last that waits, or
 * by the release when none does. Terminal: free.
 *
 * ORDERING SEND: after each send a wait returns.
 *   sender                                   waiter
 *   S1 pending 0 -> 1, or 1 -> 1: it is      W1 pending 1 -> 0: returns; it is 0 already:
 *      merged and done                       W2 a task reads the event descriptor and so empties
 *   S2 bumps sends, writes to the event         it, a thread waits until sends is not what it
 *      descriptor, wakes the futex              was before W1; then W1 again
 * Forbidden: pending stays 1 while somebody waits.
 * Because:   S1 and W1 are read-modify-writes of one word. Each change to 1 has its S2 after it. If
 *            the descriptor is empty then, a waiter has read it since, and its W1 is still to come;
 *            else no W2 of a task blocks. A thread's look at sends lies before its W1: if S1 came
 *            after W1, the bump is after the look.
 * Without:   S1 in the merged case too, what a merged sender has written is not seen.
 * Tested by: tests/unit/notifier_test.c, tests/explore/cases/notifier.c
 */
/*
 * ORDERING SENDER: a descriptor is not written to when it is another file's.
 *   sender                                   who frees it
 *   B1 senders + 1, only if the generation   F1 closed, so that no B1 succeeds from here on
 *      is the handle's and it is not closed  F2 waits until senders is 0
 *   B2 writes; senders - 1                   F3 closes the descriptor, raises the generation
 * Forbidden: B2 after F3.
 * Because:   generation, mark and count are one word. A handler that runs on the thread of F2 has
 *            come to its end before F2 goes on, so nobody waits for himself.
 * Without:   a late signal writes eight bytes into whatever file got the number.
 * Tested by: tests/unit/notifier_test.c, tests/explore/cases/notifier.c
 *
 * REJECTED a message to the inbox of the waiter's worker: keeping the runtime alive meanwhile takes
 * the lock of its handle, which the interrupted thread may hold.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include <weft/notifier.h>

#include "runtime/base/lock.h"
#include "runtime/base/sys.h"
#include "runtime/io/operation.h"
#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"

/* Below the generation in the state. */
enum { pending = 1u << 0, closed = 1u << 1, sender = 1u << 8 };

struct notifier {
    struct weft__record record;
    _Atomic uint64_t state; /* (a:SEND, SENDER) generation << 32 | senders << 8 | flags */
    _Atomic uint32_t sends; /* (a:SEND) futex of threads */
    int number;             /* (i) the event descriptor */
    uint32_t waiters;       /* (l) */
};

static struct notifier *notifier_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct notifier, record);
}

static struct weft__record_cache *own_cache(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? &worker->records : NULL;
}

weft_notifier weft_notifier_create(void)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    weft__record_define(WEFT__KIND_NOTIFIER, sizeof(struct notifier));
    int number = weft__sys_eventfd(0, EFD_CLOEXEC);
    if (number < 0)
        return number;
    struct weft__record *record = weft__record_new(WEFT__KIND_NOTIFIER, own_cache());
    if (record == NULL) {
        (void)weft__sys_close(number);
        return weft__record_refusal();
    }
    struct notifier *notifier = notifier_of(record);
    weft_notifier handle = weft__record_handle(record);
    notifier->number = number;
    notifier->waiters = 0;
    weft__store_release(&notifier->state, (uint64_t)handle >> 32 << 32); /* pairs with SENDER B1 */
    weft__record_unlock(record);
    return handle;
}

/* S1, B1. 1: S2 is due; 0: merged; -ESRCH. */
static int begin_send(struct notifier *notifier, uint64_t generation)
{
    uint64_t state = weft__load_relaxed(&notifier->state);
    uint64_t next;

    do {
        if (state >> 32 != generation || (state & closed) != 0)
            return -ESRCH;
        next = (state & pending) != 0 ? state : (state | pending) + sender;
    } while (!weft__cas_acqrel(&notifier->state, &state, next)); /* SEND S1, SENDER B1 */
    return (state & pending) == 0;
}

/* S2. */
static void ring(struct notifier *notifier)
{
    const uint64_t one = 1;

    weft__add_acqrel(&notifier->sends, 1); /* SEND S2 */
    while (weft__sys_write(notifier->number, &one, sizeof(one)) == -EINTR)
        continue;
    (void)weft__sys_futex_wake(&notifier->sends, INT32_MAX);
}

int weft_notifier_send(weft_notifier notifier)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(notifier, WEFT__KIND_NOTIFIER, &generation);
    int *place = weft__sys_errno_place();
    int saved = *place;

    if (record == NULL || weft__load_relaxed(&weft__record_forked))
        return weft__record_error(notifier);
    struct notifier *found = notifier_of(record);
    int rc = begin_send(found, generation);
    if (rc <= 0)
        return rc;
    ring(found);
    weft__sub_acqrel(&found->state, (uint64_t)sender); /* SENDER B2 */
    *place = saved;
    return 0;
}

/* W1. Whether there was a send. */
static bool take(struct notifier *notifier)
{
    return (weft__and_acqrel(&notifier->state, ~(uint64_t)pending) & pending) != 0; /* SEND W1 */
}

static bool is_closed(struct notifier *notifier)
{
    return (weft__load_acquire(&notifier->state) & closed) != 0; /* pairs with SENDER F1 */
}

/* Those who wait sleep in reads of which one empties the descriptor: each wakes the next. */
static int leave_closed(struct notifier *notifier)
{
    ring(notifier);
    return -EPIPE;
}

static int wait_as_task(struct notifier *notifier, weft_deadline until)
{
    uint64_t count;
    const struct weft__request request = { .opcode = WEFT__OP_READ,
                                           .fd = notifier->number,
                                           .address = &count,
                                           .bytes = sizeof(count),
                                           .offset = -1 };
    int rc = 0;

    while (rc >= 0) {
        if (is_closed(notifier))
            return leave_closed(notifier);
        if (take(notifier))
            return 0;
        rc = weft__operation_run(&request, until, 0, NULL); /* SEND W2 */
    }
    return rc;
}

static int wait_as_thread(struct notifier *notifier, weft_deadline until)
{
    for (;;) {
        uint32_t seen = weft__load_acquire(&notifier->sends); /* SEND W2 */
        if (is_closed(notifier))
            return -EPIPE;
        if (take(notifier))
            return 0;
        if (weft__sys_futex_wait(&notifier->sends, seen, until.ns) == -ETIMEDOUT)
            return -ETIMEDOUT;
    }
}

/* F2, F3. It is closed and locked, and nobody waits. */
static void end_locked(struct notifier *notifier)
{
    uint32_t looks = 0;

    while ((uint32_t)weft__load_acquire(&notifier->state) >= sender) /* SENDER F2 */
        weft__lock_backoff(looks++);
    (void)weft__sys_close(notifier->number);
    weft__record_free_locked(&notifier->record, own_cache());
}

/* The locked notifier behind a handle that nobody has released. */
static struct notifier *lock_open(weft_notifier handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_NOTIFIER, out_error);

    if (record == NULL)
        return NULL;
    if (!is_closed(notifier_of(record)))
        return notifier_of(record);
    weft__record_unlock(record);
    *out_error = -ESRCH;
    return NULL;
}

/* 1 when there was a send, 0 when the caller shall wait for one, or why it may not. */
static int look(struct notifier *notifier, const struct weft__worker *worker, weft_deadline until)
{
    const struct weft__task *task = weft__worker_task(worker);

    if (task != NULL && weft__task_canceled(task))
        return -ECANCELED;
    if (take(notifier))
        return 1;
    if (until.ns <= 0)
        return -ETIMEDOUT;
    return worker != NULL && task == NULL ? weft__error_outside() : 0;
}

int weft_notifier_wait(weft_notifier notifier, weft_deadline until)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct notifier *found = lock_open(notifier, &rc);

    if (found == NULL)
        return rc;
    rc = look(found, worker, until);
    found->waiters += rc == 0;
    weft__record_unlock(&found->record);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = worker != NULL ? wait_as_task(found, until) : wait_as_thread(found, until);
    weft__record_lock_own(&found->record);
    if (--found->waiters == 0 && is_closed(found))
        end_locked(found);
    else
        weft__record_unlock(&found->record);
    return rc;
}

int weft_notifier_release(weft_notifier notifier)
{
    int rc = 0;
    struct notifier *found = lock_open(notifier, &rc);

    if (found == NULL)
        return rc;
    weft__or_acqrel(&found->state, (uint64_t)closed); /* SENDER F1 */
    if (found->waiters == 0) {
        end_locked(found);
        return 0;
    }
    ring(found); /* locked: the last to leave ends it */
    weft__record_unlock(&found->record);
    return 0;
}

/*
 * Doorbells: wake-ups without content between workers, and from any other thread.
 *
 *   from a worker      MSG_RING entry in the sender's ring, which rides in its next enter; success
 *                      makes no completion at the sender (CQE_SKIP)
 *   from any thread    MSG_RING by register, without a ring (6.13 on)
 *   else, or failed    a write to the target's event descriptor
 *
 * Every engine has an event descriptor with a multishot poll armed for life. It is always armed,
 * not only on need: arming it when a doorbell has failed would itself have to reach a target that
 * sleeps. It costs a descriptor and one request per worker and nothing while it stays silent. It is
 * never read: a poll of io_uring fires on each write, whatever the counter is.
 *
 * REJECTED a read in place of the poll: it must be staged anew after each bell, and its buffer
 *   would have to outlive the engine.
 * REJECTED one helper ring behind a mutex for foreign threads: a signal handler may not take it.
 *
 * LOCK registry (leaf): guards the list of open engines; taken on open, close and for a failed
 * doorbell, whose target may be gone by then. Never across a suspension.
 */
#include <errno.h>
#include <poll.h>

#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "runtime/base/lock.h"
#include "runtime/base/sys.h"
#include "uring/kernel.h"

static struct weft__lock registry_lock;
static struct weft__list registry = { &registry, &registry };
static uint32_t last_serial;

/* The kernel orders what a sender wrote before what the woken target reads; ThreadSanitizer does
 * not see into the kernel, so its build repeats that edge on a word of the target. */
static void order_before_ring(struct weft__kernel *target)
{
#if WEFT__TSAN
    weft__add_acqrel(&target->rung, 1); /* pairs with order_after_ring */
#else
    (void)target;
#endif
}

static void order_after_ring(struct weft__kernel *kernel)
{
#if WEFT__TSAN
    (void)weft__load_acquire(&kernel->rung); /* pairs with order_before_ring */
#else
    (void)kernel;
#endif
}

void weft__message_join(struct weft__kernel *kernel)
{
    weft__lock_acquire(&registry_lock); /* pairs with the release below */
    if (++last_serial == 0)
        last_serial = 1;
    kernel->serial = last_serial;
    weft__list_append(&registry, &kernel->peers);
    weft__lock_release(&registry_lock); /* pairs with the acquire above */
}

void weft__message_leave(struct weft__kernel *kernel)
{
    weft__lock_acquire(&registry_lock); /* pairs with the release below */
    weft__list_remove(&kernel->peers);
    weft__lock_release(&registry_lock); /* pairs with the acquire above */
}

void weft__message_arm(struct weft__kernel *kernel)
{
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(kernel);

    if (sqe == NULL)
        return;
    io_uring_prep_poll_multishot(sqe, kernel->bell_fd, POLLIN);
    sqe->user_data = weft__op_user_data(WEFT__TAG_INTERNAL, WEFT__INTERNAL_BELL, 1);
    kernel->bell_armed = true;
}

/* Makes the target's armed poll fire. */
static int write_bell(const struct weft__kernel *target)
{
    const uint64_t one = 1;
    ssize_t count;

    do
        count = weft__sys_write(target->bell_fd, &one, sizeof(one));
    while (count == -EINTR);
    return count < 0 ? (int)count : 0;
}

/* Async-signal-safe: two system calls at most, no lock, errno put back. */
int weft__message_notify(struct weft__engine *engine)
{
    struct weft__kernel *target = weft__kernel_of(engine);
    int saved_errno = weft__sys_errno_get();
    int rc = -EOPNOTSUPP;

    order_before_ring(target);
    if (weft__kernel_has(target, WEFT__FEATURE_MSG_RING_SYNC)) {
        struct io_uring_sqe sqe = { 0 };
        io_uring_prep_msg_ring(&sqe, target->ring_fd, 0, weft__op_user_data(WEFT__TAG_WAKE, 0, 1),
                               0);
        rc = weft__sys_io_uring_register(-1, WEFT__REGISTER_SEND_MSG_RING, &sqe, 1);
    }
    if (rc < 0) {
        WEFT__FALLBACK(NOTIFY_BY_BELL);
        rc = write_bell(target);
    }
    weft__sys_errno_set(saved_errno);
    return rc < 0 ? rc : 0;
}

/* Posts to our own CQ. A message to itself would find its own ring locked on some kernels and go to
 * a thread of the kernel. */
static void fill_own_doorbell(struct io_uring_sqe *sqe)
{
    io_uring_prep_nop(sqe);
    sqe->user_data = weft__op_user_data(WEFT__TAG_WAKE, 0, 1);
}

static void fill_doorbell(const struct weft__kernel *kernel, const struct weft__kernel *target,
                          struct io_uring_sqe *sqe)
{
    int ring_fd = weft__fault(WEFT__FAULT_DOORBELL) == 0 ? target->ring_fd : -1;

    io_uring_prep_msg_ring(sqe, ring_fd, 0, weft__op_user_data(WEFT__TAG_WAKE, 0, 1), 0);
    sqe->user_data = weft__op_user_data(WEFT__TAG_DOORBELL, 0, target->serial);
    if (weft__kernel_has(kernel, WEFT__FEATURE_CQE_SKIP))
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

int weft__message_doorbell(struct weft__engine *from, struct weft__engine *to)
{
    struct weft__kernel *kernel = weft__kernel_of(from);
    struct weft__kernel *target = weft__kernel_of(to);
    struct io_uring_sqe *sqe = NULL;

    WEFT_DASSERT(from->ops == to->ops, "a doorbell between engines of two kinds");
    weft__bump(&from->counters.doorbells_sent);
    if (weft__kernel_has(kernel, WEFT__FEATURE_MSG_RING))
        sqe = weft__kernel_submit_entry(kernel);
    if (sqe == NULL) {
        WEFT__FALLBACK(DOORBELL_BY_BELL);
        return weft__message_notify(to);
    }
    order_before_ring(target);
    if (kernel == target)
        fill_own_doorbell(sqe);
    else
        fill_doorbell(kernel, target, sqe);
    return 0;
}

void weft__message_received(struct weft__kernel *kernel)
{
    order_after_ring(kernel);
    weft__bump(&kernel->base.counters.doorbells_received);
}

void weft__message_failed(struct weft__kernel *kernel, uint32_t target_serial)
{
    WEFT__FALLBACK(DOORBELL_FAILED);
    weft__bump(&kernel->base.counters.doorbells_failed);
    weft__lock_acquire(&registry_lock); /* pairs with the release below */
    for (struct weft__list *link = registry.next; link != &registry; link = link->next) {
        struct weft__kernel *peer = WEFT__CONTAINER(link, struct weft__kernel, peers);
        if (peer->serial == target_serial)
            (void)write_bell(peer);
    }
    weft__lock_release(&registry_lock); /* pairs with the acquire above */
}

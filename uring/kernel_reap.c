/*
 * The way out of the kernel: looking, entering for events, sleeping, reaping.
 *
 * With DEFER_TASKRUN the CQ does not move by itself: the kernel sets a flag in the SQ ring and runs
 * completions in our next enter with GETEVENTS. Newer kernels run at most 20 of them per enter,
 * hence the rounds; a larger min_complete is no way out, because it blocks when fewer arrive.
 */
#include <errno.h>

#include "runtime/base/clock.h"
#include "runtime/base/fallback.h"
#include "uring/kernel.h"

enum {
    POLL_ROUNDS = 4,  /* enters per poll while the kernel still wants us */
    WAIT_BUDGET = 256 /* completions reaped by one wait */
};

#define STARVED_WAIT_NS WEFT__NS_PER_MS /* pause when the kernel has no memory for a submit */

bool weft__kernel_reap_has_events(const struct weft__engine *engine)
{
    const struct weft__kernel *kernel = weft__kernel_of_const(engine);

    return weft__kernel_ready(kernel) != 0 || weft__kernel_wants(kernel) != 0;
}

/* A completion that names nothing of ours: stale, forged or foreign. */
static bool ignore(struct weft__kernel *kernel)
{
    weft__bump(&kernel->base.counters.ignored);
    return false;
}

static bool complete_op(struct weft__kernel *kernel, const struct io_uring_cqe *cqe)
{
    struct weft__op *op = weft__op_find(&kernel->slab, cqe->user_data);

    if (op == NULL)
        return ignore(kernel);
    void *waiter = op->waiter;
    bool more = op->multishot && (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (!more) {
        weft__op_release(&kernel->slab, op);
        kernel->base.in_flight = kernel->slab.in_use;
    }
    weft__bump(&kernel->base.counters.completed);
    weft__upcall_completed(kernel->base.owner, waiter, cqe->res, more ? WEFT__COMPLETION_MORE : 0);
    return true;
}

static bool complete_internal(struct weft__kernel *kernel, const struct io_uring_cqe *cqe)
{
    switch (weft__op_index(cqe->user_data)) {
    case WEFT__INTERNAL_BELL:
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            kernel->bell_armed = false;
        if (cqe->res < 0)
            return false;
        weft__message_received(kernel);
        return true;
    case WEFT__INTERNAL_TIMER: kernel->timer_armed = false; return false;
    case WEFT__INTERNAL_TIMER_CHANGE: return false;
    default: return ignore(kernel);
    }
}

/* True when the completion is one that the owner hears of: an op's or a doorbell. */
static bool complete(struct weft__kernel *kernel, const struct io_uring_cqe *cqe)
{
    switch (weft__op_tag(cqe->user_data)) {
    case WEFT__TAG_OP: return complete_op(kernel, cqe);
    case WEFT__TAG_WAKE: weft__message_received(kernel); return true;
    case WEFT__TAG_INTERNAL: return complete_internal(kernel, cqe);
    case WEFT__TAG_DOORBELL:
        if (cqe->res < 0)
            weft__message_failed(kernel, weft__op_generation(cqe->user_data));
        else
            WEFT__FALLBACK(COMPLETION_UNWANTED);
        return false;
    case WEFT__TAG_CANCEL:
        if (cqe->res == -ENOENT)
            weft__kernel_submit_cancel_again(kernel, cqe->user_data);
        return false;
    default: return ignore(kernel);
    }
}

/*
 * Reaps until the CQ is empty or @budget were seen. The head moves before the upcall, which may
 * enter the kernel through a submit. BOUND: entries that the owner never hears of are limited as
 * well, or a foreign flood could keep us here.
 */
static uint32_t reap(struct weft__kernel *kernel, uint32_t budget)
{
    struct io_uring_cq *cq = &kernel->ring.cq;
    uint32_t seen = 0;

    for (uint32_t taken = 0; seen < budget && taken < 2 * kernel->cq_entries; taken++) {
        unsigned head = *cq->khead;
        /* pairs with the kernel's release of the tail: the entry is filled in. */
        if (head == weft__load_acquire((_Atomic unsigned *)cq->ktail))
            break;
        struct io_uring_cqe cqe = { .user_data = 0 };
        const struct io_uring_cqe *slot = &cq->cqes[head & (kernel->cq_entries - 1)];
        cqe.user_data = slot->user_data;
        cqe.res = slot->res;
        cqe.flags = slot->flags;
        /* pairs with the kernel's acquire of the head: the slot has been read. */
        weft__store_release((_Atomic unsigned *)cq->khead, head + 1);
        seen += complete(kernel, &cqe);
    }
    return seen;
}

/* Tells the owner once that a refused submit may be tried again. */
static void announce_room(struct weft__kernel *kernel)
{
    if (!kernel->refused || kernel->slab.in_use == kernel->slab.limit ||
        kernel->base.staged == kernel->sq_entries)
        return;
    kernel->refused = false;
    kernel->room_said = true;
    weft__upcall_room(kernel->base.owner);
}

/* A backlog that the CQ could not hold is waiting in the kernel. */
static void count_overflow(struct weft__kernel *kernel)
{
    if ((weft__kernel_wants(kernel) & IORING_SQ_CQ_OVERFLOW) == 0)
        return;
    WEFT__FALLBACK(CQ_OVERFLOWED);
    weft__bump(&kernel->base.counters.overflowed);
}

/* Whether this round of a poll has to enter. In overflow the CQ is emptied first: the kernel can
 * only move its backlog into free slots. */
static bool must_enter(const struct weft__kernel *kernel, uint32_t round)
{
    uint32_t wants = weft__kernel_wants(kernel);

    if (round == 0 && kernel->base.staged != 0)
        return true;
    if ((wants & IORING_SQ_CQ_OVERFLOW) != 0 && weft__kernel_ready(kernel) != 0)
        return false;
    return wants != 0;
}

int weft__kernel_reap_poll(struct weft__engine *engine, uint32_t budget)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);
    uint32_t seen = 0;

    weft__kernel_submit_deferred(kernel);
    for (uint32_t round = 0; round < POLL_ROUNDS && seen < budget; round++) {
        if (must_enter(kernel, round)) {
            count_overflow(kernel);
            int rc = weft__kernel_submit_enter(kernel, true, 0, IORING_ENTER_GETEVENTS, NULL, 0);
            if (rc < 0 && !weft__kernel_transient(rc))
                return rc;
        }
        seen += reap(kernel, budget - seen);
        if (weft__kernel_wants(kernel) == 0)
            break;
    }
    announce_room(kernel);
    return (int)seen;
}

/* One enter that submits and may sleep for at most @wait_ns (INT64_MAX: for ever). */
static int enter_sleep(struct weft__kernel *kernel, bool submit, int64_t wait_ns)
{
    struct __kernel_timespec spec = { .tv_sec = wait_ns / WEFT__NS_PER_S,
                                      .tv_nsec = wait_ns % WEFT__NS_PER_S };
    struct io_uring_getevents_arg argument = {
        .sigmask_sz = 8,
        .ts = wait_ns == INT64_MAX ? 0 : (uint64_t)(uintptr_t)&spec,
    };

    count_overflow(kernel);
    weft__bump(&kernel->base.counters.waits);
    if (!weft__kernel_has(kernel, WEFT__FEATURE_EXT_ARG))
        return weft__kernel_submit_enter(kernel, submit, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    return weft__kernel_submit_enter(kernel, submit, 1,
                                     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
                                     sizeof(argument));
}

/* The kernel had no memory to take our entries: wait for something to end, but not for long. */
static int sleep_starved(struct weft__kernel *kernel, int64_t wait_ns)
{
    if (weft__kernel_ready(kernel) != 0)
        return 0;
    if (!weft__kernel_has(kernel, WEFT__FEATURE_EXT_ARG))
        return weft__kernel_submit_enter(kernel, false, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    return enter_sleep(kernel, false, wait_ns < STARVED_WAIT_NS ? wait_ns : STARVED_WAIT_NS);
}

/* A short submit returns at once without having slept, and a signal or a failed cancel may end a
 * sleep: the caller looks at what there is and comes back. */
static int sleep_once(struct weft__kernel *kernel, int64_t until_ns, int64_t now_ns)
{
    int64_t wait_ns = until_ns == INT64_MAX ? INT64_MAX : until_ns - now_ns;
    int rc = -EAGAIN;

    if (weft__kernel_has(kernel, WEFT__FEATURE_EXT_ARG) || weft__timeout_stage(kernel, until_ns))
        rc = enter_sleep(kernel, true, wait_ns);
    if (rc == -EAGAIN || rc == -EBUSY) {
        WEFT__FALLBACK(SUBMIT_STARVED);
        rc = sleep_starved(kernel, wait_ns);
    }
    return rc < 0 && !weft__kernel_transient(rc) ? rc : 0;
}

int weft__kernel_reap_wait(struct weft__engine *engine, int64_t until_ns)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);

    kernel->room_said = false;
    if (weft__kernel_reap_has_events(engine) || kernel->refused) {
        int seen = weft__kernel_reap_poll(engine, WAIT_BUDGET);
        if (seen != 0 || kernel->room_said)
            return seen;
    }
    for (;;) {
        weft__kernel_submit_deferred(kernel);
        int64_t now_ns = until_ns == INT64_MAX ? 0 : weft__clock_now();
        if (now_ns >= until_ns)
            return weft__kernel_reap_poll(engine, WAIT_BUDGET);
        int rc = sleep_once(kernel, until_ns, now_ns);
        if (rc < 0)
            return rc;
        uint32_t seen = reap(kernel, WAIT_BUDGET);
        announce_room(kernel);
        if (seen != 0 || kernel->room_said)
            return (int)seen;
    }
}

/*
 * The kernel engine: one io_uring, touched by its owner thread alone. Shared by the kernel*.c
 * files, message.c and timeout.c; nobody else includes it (tests do).
 */
#ifndef WEFT_URING_KERNEL_H
#define WEFT_URING_KERNEL_H

#include "uring/compat_sqe.h"
#include "uring/op.h"
#include "uring/probe.h"

enum {
    WEFT__KERNEL_SQ_DEFAULT = 256,
    WEFT__KERNEL_CQ_DEFAULT = 4096,
    WEFT__KERNEL_ENTRIES_MAX = 1 << 16,
    WEFT__KERNEL_IOWQ_BOUNDED = 4,  /* helper threads of the kernel per worker: files */
    WEFT__KERNEL_IOWQ_UNBOUNDED = 8 /* the rest */
};

struct weft__kernel {
    struct weft__engine base;

    /* (i) What it was given, and what other threads read to ring it. */
    uint32_t features; /* bit n: enum weft__feature */
    uint64_t ops;      /* bit n: enum weft__opcode */
    int ring_fd;       /* negative: none */
    int bell_fd;       /* eventfd that a poll in the ring watches; negative: none */
    uint32_t serial;   /* names this engine in a doorbell's user_data; never 0 */
    bool mapped;
    bool registered; /* enter_fd is an index into the thread's registered rings */
    int enter_fd;
    uint32_t enter_flags; /* for every io_uring_enter */
    uint32_t sq_entries;
    uint32_t cq_entries;

    /* (o) */
    struct io_uring ring;
    struct weft__op_slab slab;
    struct weft__list to_cancel; /* ops whose cancel waits for room in the SQ */
    uint32_t staged_ops;         /* of the staged entries, those that are ops */
    bool bell_armed;
    bool refused;   /* a submit got -EAGAIN since room was last announced */
    bool room_said; /* room was announced since wait began */

    /* (o) Time-out as an op; used only where enter takes no time-out. */
    bool timer_armed;
    int64_t timer_until_ns;
    struct __kernel_timespec timer_spec;

    struct weft__list peers; /* registry in message.c; its lock */
    _Atomic uint32_t rung;   /* stands for the kernel's ordering of a doorbell, for TSan only */
};

static inline struct weft__kernel *weft__kernel_of(struct weft__engine *engine)
{
    return WEFT__CONTAINER(engine, struct weft__kernel, base);
}

static inline const struct weft__kernel *weft__kernel_of_const(const struct weft__engine *engine)
{
    return WEFT__CONTAINER((uintptr_t)engine, struct weft__kernel, base);
}

static inline bool weft__kernel_has(const struct weft__kernel *kernel, enum weft__feature feature)
{
    return weft__probe_has(kernel->features, feature);
}

/* IORING_SQ_TASKRUN and IORING_SQ_CQ_OVERFLOW: what the kernel wants us to enter for. */
static inline uint32_t weft__kernel_wants(const struct weft__kernel *kernel)
{
    return weft__load_relaxed((_Atomic unsigned *)kernel->ring.sq.kflags) &
           (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static inline uint32_t weft__kernel_ready(const struct weft__kernel *kernel)
{
    return weft__load_relaxed((_Atomic unsigned *)kernel->ring.cq.ktail) - *kernel->ring.cq.khead;
}

/* An outcome of enter that trying again mends. */
static inline bool weft__kernel_transient(int code)
{
    return code == -EINTR || code == -EAGAIN || code == -EBUSY || code == -ETIME;
}

/* kernel_submit.c */
int weft__kernel_submit_op(struct weft__engine *engine, const struct weft__request *request,
                           void *waiter, weft__op_id *out_op);
int weft__kernel_submit_cancel(struct weft__engine *engine, weft__op_id id);
uint32_t weft__kernel_submit_cancel_all(struct weft__engine *engine);
/* A cancel of the record that @user_data names has found nothing: asks once more if it has not
 * ended. */
void weft__kernel_submit_cancel_again(struct weft__kernel *kernel, uint64_t user_data);
int weft__kernel_submit_flush(struct weft__engine *engine);

/* A zeroed entry, staged; flushes when the SQ is full. NULL: still no room. Its user_data must be
 * set before the next call into the engine. */
struct io_uring_sqe *weft__kernel_submit_entry(struct weft__kernel *kernel);

/* Stages what waited for room: cancels, the poll on the event descriptor. */
void weft__kernel_submit_deferred(struct weft__kernel *kernel);

/* One io_uring_enter; with @submit it takes all staged entries along. */
int weft__kernel_submit_enter(struct weft__kernel *kernel, bool submit, uint32_t wait_count,
                              uint32_t flags, void *argument, size_t argument_bytes);

/* kernel_reap.c */
bool weft__kernel_reap_has_events(const struct weft__engine *engine);
int weft__kernel_reap_poll(struct weft__engine *engine, uint32_t budget);
int weft__kernel_reap_wait(struct weft__engine *engine, int64_t until_ns);

/* message.c: doorbells. */
void weft__message_join(struct weft__kernel *kernel);
void weft__message_leave(struct weft__kernel *kernel); /* accepts one that never joined */
void weft__message_arm(struct weft__kernel *kernel);
int weft__message_doorbell(struct weft__engine *from, struct weft__engine *target);
int weft__message_notify(struct weft__engine *target);
void weft__message_received(struct weft__kernel *kernel);
void weft__message_failed(struct weft__kernel *kernel, uint32_t target_serial);

/* timeout.c: stages or moves the time-out op; false when there is no room for it. */
bool weft__timeout_stage(struct weft__kernel *kernel, int64_t until_ns);

#endif

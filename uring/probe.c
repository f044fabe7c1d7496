#include "uring/probe.h"

#include <errno.h>

#include "numa/memory.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/lock.h"
#include "runtime/base/sys.h"
#include "uring/setup_error.h"
#include "uring/trial.h"

/* Setup flags in groups by age, newest first: this is the order in which they are given up. */
#define FLAGS_DEFER (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)      /* 6.0, 6.1 */
#define FLAGS_COOP (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG)         /* 5.19 */
#define FLAGS_SUBMIT_ALL ((uint32_t)IORING_SETUP_SUBMIT_ALL)                       /* 5.18 */
#define FLAGS_BASE (IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP)                      /* 5.6 */
#define FLAGS_ALL (FLAGS_DEFER | FLAGS_COOP | FLAGS_SUBMIT_ALL | FLAGS_BASE)

enum {
    TRIAL_SQ = 4,
    TRIAL_TRIES = 4,
    TRIAL_CQ = 8,
    TRIAL_MARK = 0x5745 /* user_data of a trial message */
};

static struct weft__lock lock; /* guards the five below; held over a probe, which never suspends */
static bool known;
static struct weft__probe result;
static uint32_t result_filters; /* under which it was found */
static uint32_t pretended;      /* features hidden by a test */
static uint64_t pretended_ops;  /* and operations */

static const char *const feature_names[WEFT__FEATURE_COUNT] = {
    [WEFT__FEATURE_DEFER_TASKRUN] = "DEFER_TASKRUN",
    [WEFT__FEATURE_SUBMIT_ALL] = "SUBMIT_ALL",
    [WEFT__FEATURE_MSG_RING] = "MSG_RING",
    [WEFT__FEATURE_MSG_RING_SYNC] = "MSG_RING_SYNC",
    [WEFT__FEATURE_EXT_ARG] = "EXT_ARG",
    [WEFT__FEATURE_NODROP] = "NODROP",
    [WEFT__FEATURE_CQE_SKIP] = "CQE_SKIP",
    [WEFT__FEATURE_NO_IOWAIT] = "NO_IOWAIT",
    [WEFT__FEATURE_REGISTERED_RING] = "REGISTERED_RING",
};

static const uint8_t kernel_opcodes[WEFT__OP_COUNT] = {
    [WEFT__OP_NOP] = IORING_OP_NOP,
    [WEFT__OP_READ] = IORING_OP_READ,
    [WEFT__OP_WRITE] = IORING_OP_WRITE,
    [WEFT__OP_OPENAT] = IORING_OP_OPENAT,
    [WEFT__OP_CLOSE] = IORING_OP_CLOSE,
    [WEFT__OP_STATX] = IORING_OP_STATX,
    [WEFT__OP_FSYNC] = IORING_OP_FSYNC,
    [WEFT__OP_POLL] = IORING_OP_POLL_ADD,
    [WEFT__OP_RENAMEAT] = IORING_OP_RENAMEAT,
    [WEFT__OP_UNLINKAT] = IORING_OP_UNLINKAT,
    [WEFT__OP_MKDIRAT] = IORING_OP_MKDIRAT,
    [WEFT__OP_LINKAT] = IORING_OP_LINKAT,
    [WEFT__OP_SYMLINKAT] = IORING_OP_SYMLINKAT,
    [WEFT__OP_FALLOCATE] = IORING_OP_FALLOCATE,
    [WEFT__OP_FTRUNCATE] = WEFT__KERNEL_FTRUNCATE,
    [WEFT__OP_ACCEPT] = IORING_OP_ACCEPT,
    [WEFT__OP_CONNECT] = IORING_OP_CONNECT,
    [WEFT__OP_RECV] = IORING_OP_RECV,
    [WEFT__OP_SEND] = IORING_OP_SEND,
    [WEFT__OP_RECVMSG] = IORING_OP_RECVMSG,
    [WEFT__OP_SENDMSG] = IORING_OP_SENDMSG,
    [WEFT__OP_READV] = IORING_OP_READV,
    [WEFT__OP_WRITEV] = IORING_OP_WRITEV,
};

/* params.features bit for each of ours that the kernel states there. */
static const struct {
    uint32_t kernel_bit;
    enum weft__feature feature;
} stated_features[] = {
    { IORING_FEAT_EXT_ARG, WEFT__FEATURE_EXT_ARG },
    { IORING_FEAT_NODROP, WEFT__FEATURE_NODROP },
    { IORING_FEAT_CQE_SKIP, WEFT__FEATURE_CQE_SKIP },
    { WEFT__RING_FEATURE_NO_IOWAIT, WEFT__FEATURE_NO_IOWAIT },
};

/* A small ring of the probe. */
struct trial {
    int fd; /* negative: not made */
    bool mapped;
    struct io_uring ring;
    struct io_uring_params params;
};

const char *weft__probe_feature_name(enum weft__feature feature)
{
    return (unsigned)feature < WEFT__FEATURE_COUNT ? feature_names[feature] : "unknown";
}

int weft__probe_setup(unsigned sq_entries, unsigned cq_entries, uint32_t flags,
                      struct io_uring_params *params)
{
    static const uint32_t given_up[] = { FLAGS_DEFER, FLAGS_COOP, FLAGS_SUBMIT_ALL };
    size_t step = 0;

    for (;;) {
        *params = (struct io_uring_params){ .flags = flags | FLAGS_BASE, .cq_entries = cq_entries };
        int fd = weft__sys_io_uring_setup(sq_entries, params);
        if (fd != -EINVAL)
            return fd;
        while (step < WEFT__COUNT(given_up) && (flags & given_up[step]) == 0)
            step++;
        if (step == WEFT__COUNT(given_up))
            return -EINVAL;
        WEFT__FALLBACK(SETUP_OLDER_FLAGS);
        flags &= ~given_up[step];
    }
}

static uint32_t bit(enum weft__feature feature)
{
    return (uint32_t)1 << feature;
}

static int open_trial(struct trial *trial, uint32_t flags)
{
    trial->fd = weft__probe_setup(TRIAL_SQ, TRIAL_CQ, flags, &trial->params);
    if (trial->fd < 0)
        return trial->fd;
    int rc = weft__fault(WEFT__FAULT_MMAP);
    if (rc == 0)
        rc = io_uring_queue_mmap(trial->fd, &trial->params, &trial->ring);
    trial->mapped = rc == 0;
    return rc;
}

static void close_trial(struct trial *trial)
{
    if (trial->mapped)
        io_uring_queue_exit(&trial->ring);
    else if (trial->fd >= 0)
        (void)weft__sys_close(trial->fd);
    trial->fd = -1;
    trial->mapped = false;
}

/* A signal or a moment without memory is no answer. BOUND: at most TRIAL_TRIES enters. */
static int enter(const struct trial *trial, unsigned submit)
{
    int rc = -EINTR;

    for (int i = 0; i < TRIAL_TRIES && (rc == -EINTR || rc == -EAGAIN); i++)
        rc = weft__sys_io_uring_enter(trial->fd, submit, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    return rc;
}

/* Runs what the ring has deferred and takes all completions; true when the mark was among them. */
static bool take_mark(struct trial *trial)
{
    bool found = false;
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;

    (void)enter(trial, 0);
    io_uring_for_each_cqe(&trial->ring, head, cqe)
    {
        found = found || cqe->user_data == TRIAL_MARK;
        count++;
    }
    io_uring_cq_advance(&trial->ring, count);
    return found;
}

/* Sends a message from one trial ring to the other, as a doorbell does. */
static int try_msg_ring(struct trial *from, struct trial *to, uint32_t *features)
{
    unsigned tail = *from->ring.sq.ktail;
    struct io_uring_sqe *sqe = &from->ring.sq.sqes[tail & (TRIAL_SQ - 1)];

    *sqe = (struct io_uring_sqe){ 0 };
    io_uring_prep_msg_ring(sqe, to->fd, 0, TRIAL_MARK, 0);
    from->ring.sq.array[tail & (TRIAL_SQ - 1)] = tail & (TRIAL_SQ - 1);
    /* pairs with the kernel's acquire of the tail in io_uring_enter. */
    weft__store_release((_Atomic unsigned *)from->ring.sq.ktail, tail + 1);
    int rc = enter(from, 1);
    if (rc < 0)
        return rc;
    if (take_mark(to))
        *features |= bit(WEFT__FEATURE_MSG_RING);
    return 0;
}

static void try_msg_ring_sync(struct trial *to, uint32_t *features)
{
    struct io_uring_sqe sqe = { 0 };

    io_uring_prep_msg_ring(&sqe, to->fd, 0, TRIAL_MARK, 0);
    if (weft__sys_io_uring_register(-1, WEFT__REGISTER_SEND_MSG_RING, &sqe, 1) >= 0 &&
        take_mark(to))
        *features |= bit(WEFT__FEATURE_MSG_RING_SYNC);
}

static void try_registered_ring(struct trial *trial, uint32_t *features)
{
    struct io_uring_rsrc_update slot = { .offset = (uint32_t)-1, .data = (uint32_t)trial->fd };

    if (weft__sys_io_uring_register(trial->fd, IORING_REGISTER_RING_FDS, &slot, 1) != 1)
        return;
    slot.data = 0;
    (void)weft__sys_io_uring_register(trial->fd, IORING_UNREGISTER_RING_FDS, &slot, 1);
    *features |= bit(WEFT__FEATURE_REGISTERED_RING);
}

/* Which opcodes the kernel names. */
static int read_ops(const struct trial *trial, uint64_t *out_ops)
{
    const size_t bytes = sizeof(struct io_uring_probe) +
                         WEFT__PROBE_OPS_MAX * sizeof(struct io_uring_probe_op);
    struct io_uring_probe *probe = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);
    uint64_t ops = 0;

    if (probe == NULL)
        return -ENOMEM;
    int rc = weft__sys_io_uring_register(trial->fd, IORING_REGISTER_PROBE, probe,
                                         WEFT__PROBE_OPS_MAX);
    for (uint32_t i = 0; rc >= 0 && i < WEFT__OP_COUNT; i++) {
        if (io_uring_opcode_supported(probe, kernel_opcodes[i]))
            ops |= UINT64_C(1) << i;
    }
    weft__memory_free(probe, bytes);
    if (rc < 0)
        return rc;
    *out_ops = ops;
    return 0;
}

static uint32_t read_features(const struct io_uring_params *params)
{
    uint32_t features = 0;

    for (size_t i = 0; i < WEFT__COUNT(stated_features); i++) {
        if ((params->features & stated_features[i].kernel_bit) != 0)
            features |= bit(stated_features[i].feature);
    }
    if ((params->flags & IORING_SETUP_DEFER_TASKRUN) != 0)
        features |= bit(WEFT__FEATURE_DEFER_TASKRUN);
    if ((params->flags & IORING_SETUP_SUBMIT_ALL) != 0)
        features |= bit(WEFT__FEATURE_SUBMIT_ALL);
    return features;
}

/* Tries everything on two rings; @out_call names the call that failed. */
static int run_trials(struct trial *a, struct trial *b, struct weft__probe *probe,
                      const char **out_call)
{
    *out_call = "io_uring_setup";
    int rc = open_trial(a, FLAGS_ALL);
    if (rc == 0)
        rc = open_trial(b, a->params.flags);
    if (rc < 0)
        return rc;
    probe->setup_flags = b->params.flags;
    probe->features = read_features(&b->params);

    *out_call = "io_uring_register";
    rc = read_ops(a, &probe->ops);
    if (rc < 0)
        return rc;
    *out_call = "io_uring_enter";
    rc = try_msg_ring(a, b, &probe->features);
    if (rc < 0)
        return rc;
    try_msg_ring_sync(b, &probe->features);
    try_registered_ring(a, &probe->features);
    return 0;
}

static int run_probe(struct weft__probe *out_probe, struct weft__setup_error *error)
{
    struct trial a = { .fd = -1 }, b = { .fd = -1 };
    struct weft__probe probe = { 0 };
    const char *call;

    result_filters = weft__trial_filters();
    int rc = result_filters != 0 ? weft__trial_run(error) : 0;
    if (rc < 0)
        return rc;
    rc = run_trials(&a, &b, &probe, &call);
    close_trial(&a);
    close_trial(&b);
    if (rc < 0) {
        weft__setup_error_explain(error, rc, call, "");
        return rc;
    }
    *out_probe = probe;
    return 0;
}

int weft__probe_get(struct weft__probe *out_probe, struct weft__setup_error *error)
{
    int rc = 0;

    weft__lock_acquire(&lock); /* pairs with the release below */
    if (!known) {
        rc = run_probe(&result, error);
        known = rc == 0;
    }
    if (rc == 0) {
        *out_probe = result;
        weft__probe_hide(out_probe, pretended, pretended_ops);
    }
    weft__lock_release(&lock); /* pairs with the acquire above */
    return rc;
}

void weft__probe_renew(void)
{
    uint32_t filters = weft__trial_filters();

    weft__lock_acquire(&lock); /* pairs with the release below */
    known = known && filters == result_filters;
    weft__lock_release(&lock); /* pairs with the acquire above */
}

void weft__probe_pretend(uint32_t hidden_features)
{
    weft__lock_acquire(&lock); /* pairs with the release below */
    pretended = hidden_features;
    weft__lock_release(&lock); /* pairs with the acquire above */
}

void weft__probe_pretend_ops(uint64_t hidden_ops)
{
    weft__lock_acquire(&lock); /* pairs with the release below */
    pretended_ops = hidden_ops;
    weft__lock_release(&lock); /* pairs with the acquire above */
}

void weft__probe_forget(void)
{
    weft__lock_acquire(&lock); /* pairs with the release below */
    known = false;
    result = (struct weft__probe){ 0 };
    weft__lock_release(&lock); /* pairs with the acquire above */
}

void weft__probe_hide(struct weft__probe *probe, uint32_t hidden_features, uint64_t hidden_ops)
{
    probe->features &= ~hidden_features;
    probe->ops &= ~hidden_ops;
    if (!weft__probe_has(probe->features, WEFT__FEATURE_DEFER_TASKRUN))
        probe->setup_flags &= ~FLAGS_DEFER;
    if (!weft__probe_has(probe->features, WEFT__FEATURE_SUBMIT_ALL))
        probe->setup_flags &= ~FLAGS_SUBMIT_ALL;
}

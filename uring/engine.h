/*
 * The engine seam: the only way in which weft waits for the kernel, for time, or for another
 * worker.
 *
 * Vocabulary: an *engine* belongs to one worker and is touched by its owner thread alone, except
 * for weft__engine_notify, which any thread may call. A *request* describes one operation; an *op*
 * is the engine's record of it, named by a generation id; a *completion* ends it. A *doorbell* is a
 * sticky wake-up without content.
 *
 * Life of an op: request -> submit (record taken, entry staged) -> flush (the kernel owns buffers
 * and record) -> completion reaped -> upcall -> record free, generation raised. Cancel only asks:
 * the record and the caller's memory stay with the kernel until the terminal completion (design 7).
 */
#ifndef WEFT_URING_ENGINE_H
#define WEFT_URING_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/atomic.h"

/* What the engine can be asked to do; each is probed, and refused where the kernel lacks it. */
enum weft__opcode {
    WEFT__OP_NOP,
    WEFT__OP_READ,      /* fd, address, bytes, offset (-1: the file's position) */
    WEFT__OP_WRITE,     /* the same */
    WEFT__OP_OPENAT,    /* fd: directory, address: path, flags: O_*, bytes: mode */
    WEFT__OP_CLOSE,     /* fd */
    WEFT__OP_STATX,     /* fd: directory, address: path, flags: AT_*, bytes: mask, second: statx */
    WEFT__OP_FSYNC,     /* fd, flags: WEFT__FSYNC_DATA */
    WEFT__OP_POLL,      /* fd, flags: POLL*; multishot allowed */
    WEFT__OP_RENAMEAT,  /* fd: directory of both, address: from, second: to, flags: RENAME_* */
    WEFT__OP_UNLINKAT,  /* fd: directory, address: path, flags: AT_REMOVEDIR */
    WEFT__OP_MKDIRAT,   /* fd: directory, address: path, bytes: mode */
    WEFT__OP_LINKAT,    /* fd: directory of both, address: from, second: to, flags: AT_* */
    WEFT__OP_SYMLINKAT, /* fd: directory of the link, address: its text, second: its path */
    WEFT__OP_FALLOCATE, /* fd, flags: FALLOC_*, offset, length */
    WEFT__OP_FTRUNCATE, /* fd, length; Linux 6.9 */
    WEFT__OP_ACCEPT,    /* fd, flags: SOCK_*, address: sockaddr or NULL, second: its socklen_t;
                           multishot allowed, without address, by the kernel engine */
    WEFT__OP_CONNECT,   /* fd, address: sockaddr, bytes: its length */
    WEFT__OP_RECV,      /* fd, address, bytes, flags: MSG_* */
    WEFT__OP_SEND,      /* the same */
    WEFT__OP_RECVMSG,   /* fd, address: msghdr, flags: MSG_* */
    WEFT__OP_SENDMSG,   /* the same */
    WEFT__OP_READV,     /* fd, address: iovec, bytes: how many, offset as of READ */
    WEFT__OP_WRITEV,    /* the same */
    WEFT__OP_COUNT
};

enum { WEFT__ENGINE_OPS_MAX = 1 << 20 }; /* what an id has room for, and more than RLIMIT_NOFILE */

/* Of WEFT__OP_FSYNC: the data, and of the rest only what is needed to read it back. */
enum { WEFT__FSYNC_DATA = 1 };

struct weft__request {
    enum weft__opcode opcode;
    int fd;
    const void *address;
    void *second;
    uint32_t bytes;
    uint32_t flags;
    int64_t offset;
    int64_t length;
    bool multishot;
};

/* Names one op of one engine: slab index in the low half, generation in the high one; 0 is none. */
typedef uint64_t weft__op_id;

enum {
    WEFT__COMPLETION_MORE = 1u << 0 /* a multishot op goes on; its record stays in flight */
};

/* How a set-up failed, in words that say what to change. */
struct weft__setup_error {
    int code;       /* negative errno */
    char text[240]; /* "io_uring_setup refused by a seccomp profile (container?). Allow ..." */
};

struct weft__pool;

struct weft__engine_config {
    uint32_t sq_entries;      /* batch size; power of two; 0: 256 */
    uint32_t cq_entries;      /* completions kept; power of two, at least 4; 0: 4096 */
    uint32_t op_entries;      /* ops in flight, up to 2^20; 0: as many as the CQ has room for */
    uint64_t hidden_ops;      /* bit n: behave as if opcode n were missing (tests) */
    uint32_t hidden_features; /* bit n: as if feature n were missing, enum weft__feature (tests) */
    struct weft__pool *pool;  /* helper threads of the compat engine, which outlive it */
};

/* What the probe found by trying, once per process. Numbers are stable: tests name them. */
enum weft__feature {
    WEFT__FEATURE_DEFER_TASKRUN,
    WEFT__FEATURE_SUBMIT_ALL,
    WEFT__FEATURE_MSG_RING,      /* doorbell from ring to ring */
    WEFT__FEATURE_MSG_RING_SYNC, /* doorbell from any thread by register, 6.13+ */
    WEFT__FEATURE_EXT_ARG,       /* timeout as argument of enter */
    WEFT__FEATURE_NODROP,
    WEFT__FEATURE_CQE_SKIP,
    WEFT__FEATURE_NO_IOWAIT, /* 6.15+ */
    WEFT__FEATURE_REGISTERED_RING,
    WEFT__FEATURE_COUNT
};

/* Written by the owner, readable by any thread (relaxed). */
struct weft__engine_counters {
    _Atomic uint64_t enters;     /* io_uring_enter calls, or their equivalent */
    _Atomic uint64_t waits;      /* of these, calls that could sleep */
    _Atomic uint64_t submitted;  /* ops handed to the kernel */
    _Atomic uint64_t completed;  /* completions reaped, doorbells not counted */
    _Atomic uint64_t overflowed; /* times the CQ overflow flag was met and drained */
    _Atomic uint64_t refused;    /* submits refused for want of room */
    _Atomic uint64_t doorbells_sent;
    _Atomic uint64_t doorbells_failed; /* fell back to the event descriptor */
    _Atomic uint64_t doorbells_received;
    _Atomic uint64_t ignored; /* completions that named nothing of ours: stale or foreign */
};

struct weft__engine_ops;

/* The part that every engine shares; each kind embeds it first. */
struct weft__engine {
    const struct weft__engine_ops *ops; /* (i) */
    void *owner;                        /* (i) handed to the upcalls */
    uint32_t missing;                   /* (i) bit n: does without enum weft__feature n */
    uint32_t in_flight;                 /* (o) records taken and not yet free */
    uint32_t staged;                    /* (o) entries not yet given to the kernel */
    bool blind;                         /* (o) has_events does not see all: poll now and then */
    uint64_t looked_cycles;             /* (o) of a blind one: when it last looked */
    struct weft__engine_counters counters;
};

struct weft__engine_ops {
    const char *name; /* "kernel", "compat", "sim" */
    void (*close)(struct weft__engine *engine);
    int (*submit)(struct weft__engine *engine, const struct weft__request *request, void *waiter,
                  weft__op_id *out_op);
    int (*cancel)(struct weft__engine *engine, weft__op_id op);
    int (*flush)(struct weft__engine *engine);
    bool (*has_events)(const struct weft__engine *engine);
    int (*poll)(struct weft__engine *engine, uint32_t budget);
    int (*wait)(struct weft__engine *engine, int64_t until_ns);
    int (*doorbell)(struct weft__engine *from, struct weft__engine *target);
    int (*notify)(struct weft__engine *target);
    uint32_t (*cancel_all)(struct weft__engine *engine);
    uint32_t (*describe)(const struct weft__engine *engine, char *text, size_t text_bytes);
};

/*
 * Opens a kernel engine for @owner on the calling thread, which must be the worker, already pinned
 * (SINGLE_ISSUER binds the ring to it). On failure @error says why and what to change.
 */
int weft__engine_open_kernel(const struct weft__engine_config *config, void *owner,
                             struct weft__engine **out_engine, struct weft__setup_error *error);

/* The same without io_uring: readiness and helper threads do it; see compat.h. */
int weft__engine_open_compat(const struct weft__engine_config *config, void *owner,
                             struct weft__engine **out_engine, struct weft__setup_error *error);

/* The same in a simulation, of which the caller is a part; see simulated.h. */
int weft__engine_open_simulated(const struct weft__engine_config *config, void *owner,
                                struct weft__engine **out_engine, struct weft__setup_error *error);

/* Closes; in_flight must be 0, or the ops are abandoned to the kernel on purpose (design 7). Called
 * by the owner thread, or by another one after the owner has ended. Accepts NULL. */
static inline void weft__engine_close(struct weft__engine *engine)
{
    if (engine != NULL)
        engine->ops->close(engine);
}

/*
 * Takes a record and stages an entry. Everything @request points to must stay valid until the
 * terminal completion. Returns 0; -EAGAIN: no room in SQ or credits, weft__upcall_room will follow;
 * -EOPNOTSUPP: kernel lacks the op and there is no fallback; -ENOMEM: no record.
 */
static inline int weft__engine_submit(struct weft__engine *engine,
                                      const struct weft__request *request, void *waiter,
                                      weft__op_id *out_op)
{
    return engine->ops->submit(engine, request, waiter, out_op);
}

/* Asks the kernel to end @op soon. 0 when asked, -ENOENT when it has completed already, -EAGAIN
 * when the request was noted and will be staged as soon as there is room. Never ends
 * the op itself. */
static inline int weft__engine_cancel(struct weft__engine *engine, weft__op_id op)
{
    return engine->ops->cancel(engine, op);
}

/* Gives all staged entries to the kernel; when it has no memory for them just now some stay staged
 * and go with a later poll or wait. Negative errno only for faults that retrying can't mend. */
static inline int weft__engine_flush(struct weft__engine *engine)
{
    return engine->ops->flush(engine);
}

/* True when poll would find something. No system call; two relaxed loads. A blind engine may have
 * more to find, for which only poll and wait ask the kernel. */
static inline bool weft__engine_has_events(const struct weft__engine *engine)
{
    return engine->ops->has_events(engine);
}

/* Gives staged entries to the kernel and reaps at most @budget completions (one upcall each) and
 * doorbells, without sleeping; no system call when nothing is staged and the kernel has set no
 * flag. Returns how many it saw. */
static inline int weft__engine_poll(struct weft__engine *engine, uint32_t budget)
{
    return engine->ops->poll(engine, budget);
}

/* Flushes, then sleeps until a completion, a doorbell or @until_ns (absolute monotonic; INT64_MAX:
 * for ever) and reaps. Returns completions and doorbells seen; 0 when the time was reached or when
 * weft__upcall_room was called. */
static inline int weft__engine_wait(struct weft__engine *engine, int64_t until_ns)
{
    return engine->ops->wait(engine, until_ns);
}

/* Stages a doorbell from the calling worker's engine to @target; it rings with the next flush, poll
 * or wait. Sticky: rung before the target sleeps, it makes that sleep return at once. */
static inline int weft__engine_doorbell(struct weft__engine *from, struct weft__engine *target)
{
    return from->ops->doorbell(from, target);
}

/* The same at once, from any thread, also one without an engine. Async-signal-safe. */
static inline int weft__engine_notify(struct weft__engine *target)
{
    return target->ops->notify(target);
}

/* Asks for the end of every op in flight; returns how many there are. */
static inline uint32_t weft__engine_cancel_all(struct weft__engine *engine)
{
    return engine->ops->cancel_all(engine);
}

/* Lists the ops in flight as text ("2 read, 1 poll"); returns how many there are. */
static inline uint32_t weft__engine_describe(const struct weft__engine *engine, char *text,
                                             size_t text_bytes)
{
    return engine->ops->describe(engine, text, text_bytes);
}

/*
 * Upcalls: declared here, defined by the scheduler (or by a test's stand-in). Called on the owner's
 * thread from poll and wait, never from submit. May submit, cancel and ring doorbells.
 */
void weft__upcall_completed(void *owner, void *waiter, int32_t result, uint32_t flags);
void weft__upcall_room(void *owner); /* a submit refused with -EAGAIN may be tried again */

#endif

/*
 * The compat engine: the seam without io_uring. What can be done at once is done in submit; what
 * would wait waits for readiness in an epoll set of its own; what has no readiness (files on disk,
 * names) is done by helper threads. Shared by the compat*.c files; nobody else includes it (tests
 * do).
 *
 * STATE op: begun in submit -> DONE when its call has given a result; -> WAITING in a row of its
 * file when it would wait; -> RETRYING when it would wait and there is no readiness to wait for;
 * -> HELPING when a helper has to do it. WAITING, RETRYING -> DONE by a call that succeeds or
 * fails, or by cancel; WAITING -> HELPING when a file is ready that can't be asked without waiting.
 * HELPING -> DONE by the helper, or by a cancel that finds it still queued; HELPING -> WAITING when
 * somebody else was faster. DONE -> free when it is reaped, with the one upcall.
 *
 * ORDERING BELL: what is rung or helped is seen by the owner before it sleeps, or wakes it.
 *   any thread                               owner
 *   B1 a helper pushes its op                O1 the word |= ASLEEP; something rung or helped in it:
 *   B2 the word |= RUNG or HELPED               does not sleep
 *   B3 ASLEEP was in it: writes to the       O2 epoll_wait
 *      event descriptor                      O3 the word = 0; takes what was rung and helped
 * Forbidden: O2 sleeps on while the word says RUNG or HELPED; the owner misses what B1 pushed.
 * Because:   B2, O1 and O3 are read-modify-writes of one word. If B2 is first, O1 sees it. If O1 is
 *            first, B3 writes, and the descriptor ends O2, even one that has not begun yet.
 *            O3 acquires what B2 released, and so B1.
 * Without:   a worker sleeps beside work, until its nap is over.
 * Tested by: tests/unit/doorbell_threads_test.c, tests/stress/parking.c
 *
 * The event descriptor is edge-triggered and never read: each write makes an event, whatever its
 * counter is. An event of a former sleep only makes the owner look once more.
 */
#ifndef WEFT_URING_COMPAT_H
#define WEFT_URING_COMPAT_H

#include "runtime/base/sys_io.h"
#include "uring/op.h"
#include "uring/pool.h"

enum {
    WEFT__COMPAT_EVENTS = 128, /* readiness events taken by one look */
    WEFT__COMPAT_CHUNK = 128   /* files of the table mapped at a time */
};

/* What the word of the bell says. */
enum { WEFT__COMPAT_RUNG = 1u << 0, WEFT__COMPAT_HELPED = 1u << 1, WEFT__COMPAT_ASLEEP = 1u << 2 };

/* Those who wait for one file, oldest first. */
enum weft__compat_row {
    WEFT__ROW_IN,  /* until it has something: read, recv, accept */
    WEFT__ROW_OUT, /* until it takes something: write, send, connect */
    WEFT__ROW_POLL,
    WEFT__ROW_COUNT
};

enum weft__compat_state {
    WEFT__COMPAT_WAITING = 1,
    WEFT__COMPAT_RETRYING,
    WEFT__COMPAT_HELPING,
    WEFT__COMPAT_DONE
};

/* What one try of an op has come to. */
enum weft__compat_verdict {
    WEFT__VERDICT_DONE,  /* the result is there */
    WEFT__VERDICT_WAIT,  /* when its file is ready, again */
    WEFT__VERDICT_HELP,  /* only a call that may wait can tell */
    WEFT__VERDICT_RETRY, /* again in a moment: nothing tells when */
};

/*
 * One descriptor number that ops of this engine wait for, or have waited for; lives as long as the
 * engine. Its registration names it by number and serial. The file behind the number may change
 * under a registration: the kernel then drops it with the file, or, where the file lives on in
 * another process or under another number, goes on to report on it; such reports bear an old serial
 * and are dropped. The next op that waits finds out, as the kernel knows no registration of number
 * and file, and makes a new one.
 */
struct weft__compat_file {
    struct weft__list rows[WEFT__ROW_COUNT];
    struct weft__list to_arm; /* in the engine's to_arm: interest has changed */
    int fd;                   /* (i) */
    uint32_t serial;          /* of its registration */
    uint32_t armed;           /* events that the kernel will report; 0: none */
    bool registered;          /* as far as we know */
    bool drained;             /* the last recv took all there was */
    bool helped[2];           /* by row: a helper is at it */
};

struct weft__compat_op {
    struct weft__op op;     /* first, for the slab */
    struct weft__list link; /* in a row, or in retrying */
    struct weft__list done; /* in the engine's completions */
    struct weft__job job;
    struct weft__compat *compat;
    struct weft__compat_file *file; /* while WAITING, and what it waited for while HELPING */
    struct weft__compat_op *next_helped;
    struct weft__request request;
    int64_t result; /* of a helper's call */
    uint32_t moved; /* bytes that are through */
    uint8_t state;  /* enum weft__compat_state */
    bool tried;     /* since it was submitted */
    bool begun;     /* a connect: under way */
    bool bounded;   /* a helper may write only so much */
    bool blocks;    /* its file can't be asked without waiting */
    bool fired;     /* multishot: this completion is not the last */
};

struct weft__compat {
    struct weft__engine base;

    int epoll_fd;            /* (i) negative: none */
    int bell_fd;             /* (i) negative: none */
    struct weft__pool *pool; /* (i) not owned */
    uint64_t hidden_ops;     /* (i) bit n: behave as if opcode n were missing (tests) */

    _Atomic uint32_t bell;                    /* (a:BELL) */
    _Atomic(struct weft__compat_op *) helped; /* (a:BELL) */
    _Atomic uint32_t lent;                    /* ops that helpers have not let go of */

    /* (o) */
    struct weft__op_slab slab;
    struct weft__compat_file **chunks; /* of the table of files, by number */
    uint32_t chunk_max;
    struct weft__list to_arm;
    struct weft__list completions;
    struct weft__list retrying;
    int64_t retry_ns; /* when those are tried again */
    uint32_t waiting; /* ops in rows */
    uint32_t last_serial;
    bool refused;   /* a submit got -EAGAIN since room was last announced */
    bool room_said; /* room was announced since wait began */
    struct epoll_event events[WEFT__COMPAT_EVENTS];
};

static inline struct weft__compat *weft__compat_of(struct weft__engine *engine)
{
    return WEFT__CONTAINER(engine, struct weft__compat, base);
}

static inline const struct weft__compat *weft__compat_of_const(const struct weft__engine *engine)
{
    return WEFT__CONTAINER((uintptr_t)engine, struct weft__compat, base);
}

static inline struct weft__compat_op *weft__compat_op_of(struct weft__op *op)
{
    return WEFT__CONTAINER(op, struct weft__compat_op, op);
}

static inline enum weft__compat_row weft__compat_row_of(enum weft__opcode opcode)
{
    if (opcode == WEFT__OP_POLL)
        return WEFT__ROW_POLL;
    return opcode == WEFT__OP_READ || opcode == WEFT__OP_READV || opcode == WEFT__OP_RECV ||
                   opcode == WEFT__OP_RECVMSG || opcode == WEFT__OP_ACCEPT
               ? WEFT__ROW_IN
               : WEFT__ROW_OUT;
}

/* compat.c: has a result now; queues it for the owner to hear of. */
void weft__compat_finish(struct weft__compat *compat, struct weft__compat_op *op, int32_t result);

/* compat.c: does what a try has said, and notes how many wait. */
void weft__compat_settle(struct weft__compat *compat, struct weft__compat_op *op,
                         enum weft__compat_verdict verdict);
void weft__compat_note_waiting(struct weft__compat *compat);

/* compat_try.c: one call that does not wait. With DONE it has finished the op. */
enum weft__compat_verdict weft__compat_try_op(struct weft__compat *compat,
                                              struct weft__compat_op *op);

/* A file whose transfers are whole, unless it ends: what is short is not over. */
bool weft__compat_on_disk(int fd);

/* Begins a connect without waiting for its end. */
int weft__compat_connect_now(const struct weft__request *request);

/* 1 when the file is a disk's with O_DIRECT, which RWF_NOWAIT does not keep from waiting for the
 * device; else 0 or the error of the question. */
int weft__compat_is_direct(int fd);

/* compat_vector.c: a transfer with several buffers, without waiting and on a helper. */
enum weft__compat_verdict weft__compat_vector_try(struct weft__compat *compat,
                                                  struct weft__compat_op *op);
int64_t weft__compat_vector_run(const struct weft__compat_op *op);

/* compat_file.c: waiting for readiness. */
struct weft__compat_file *weft__compat_file_find(const struct weft__compat *compat, int fd);
bool weft__compat_file_must_wait(const struct weft__compat *compat,
                                 const struct weft__compat_op *op);
void weft__compat_file_wait(struct weft__compat *compat, struct weft__compat_op *op);
void weft__compat_file_leave(struct weft__compat *compat, struct weft__compat_op *op);
void weft__compat_file_arm(struct weft__compat *compat);
void weft__compat_file_ready(struct weft__compat *compat, const struct epoll_event *event);
void weft__compat_file_free(struct weft__compat *compat);

/* compat_help.c: helper threads. */
void weft__compat_help_begin(struct weft__compat *compat, struct weft__compat_op *op);
/* A call that has no buffers of its file: names, sizes, syncs. It may wait for a disk. */
int64_t weft__compat_help_plain(const struct weft__request *request);
bool weft__compat_help_withdraw(struct weft__compat *compat, struct weft__compat_op *op);
void weft__compat_help_collect(struct weft__compat *compat);

/* compat_bell.c: BELL. */
int weft__compat_bell_open(struct weft__compat *compat);
void weft__compat_bell_ring(struct weft__compat *compat, uint32_t what);
int weft__compat_bell_doorbell(struct weft__engine *from, struct weft__engine *target);
int weft__compat_bell_notify(struct weft__engine *target);

/* compat_reap.c */
bool weft__compat_reap_has_events(const struct weft__engine *engine);
int weft__compat_reap_poll(struct weft__engine *engine, uint32_t budget);
int weft__compat_reap_wait(struct weft__engine *engine, int64_t until_ns);
void weft__compat_reap_retry(struct weft__compat *compat, struct weft__compat_op *op);

#endif

/*
 * The one pool of helper threads of a runtime: for calls that have no asynchronous form (reading a
 * directory), for missing ops and for the compat engine. Threads start lazily, are named
 * "weft-help-N", block all signals, may use the CPUs that the opener of the pool may use, whoever
 * starts them, and end after idling. The pool knows nothing of tasks; what parks a task on it is
 * runtime/offload.
 *
 * BOUND queue: at most one job for each caller, because a job lies in its caller's own memory;
 * there is no limit that could be full. Jobs are begun in the order in which they were submitted.
 */
#ifndef WEFT_URING_POOL_H
#define WEFT_URING_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/atomic.h"

struct weft__pool;

/* One call. Belongs to the pool from submit until @run returns; @run may free it. */
struct weft__job {
    struct weft__job *next;
    void (*run)(struct weft__job *job);
};

struct weft__pool_config {
    uint32_t threads_max; /* 1 to 1,024; 0: 16 */
    int64_t idle_ns;      /* a thread without work ends after this; 0: 5 s */
    const char *name;     /* of its threads, with a number behind it; NULL: "weft-help" */
};

/* Written under the pool's lock, readable by any thread (relaxed). */
struct weft__pool_counters {
    _Atomic uint64_t jobs; /* accepted */
    _Atomic uint64_t refused;
    _Atomic uint64_t threads_started;
    _Atomic uint32_t queued;  /* now, waiting for a thread */
    _Atomic uint32_t running; /* threads now */
};

/* 0; -EINVAL for a bound out of range; -ENOMEM. Starts no thread. */
int weft__pool_open(const struct weft__pool_config *config, struct weft__pool **out_pool);

/* Any thread. 0; when no thread runs, why none can be started (-EAGAIN, -ENOMEM); -ESHUTDOWN while
 * closing. */
int weft__pool_submit(struct weft__pool *pool, struct weft__job *job);

/* Any thread. Takes a job back out of the queue. False: it was not there any more, because a thread
 * has begun it; whether it still runs the caller has to find out. */
bool weft__pool_withdraw(struct weft__pool *pool, const struct weft__job *job);

/* Whether the calling thread is one of the pool's. */
bool weft__pool_is_helper(struct weft__pool *pool);

/* Runs what is queued, joins all threads, frees. Accepts NULL. */
void weft__pool_close(struct weft__pool *pool);

const struct weft__pool_counters *weft__pool_counters(const struct weft__pool *pool);

#endif

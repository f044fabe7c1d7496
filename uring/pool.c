/*
 * Helper threads. A thread is started when a job finds none idle and the bound allows one more.
 *
 * LOCK pool room (leaf): guards everything below it in struct weft__pool; held for a few
 * instructions, except that a submit which starts a thread in the place of one that has just ended
 * joins that one first, which has nothing left to do but return.
 */
#include "uring/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "numa/memory.h"
#include "numa/plan.h"
#include "runtime/base/clock.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/native.h"
#include "runtime/base/sys.h"

enum {
    THREADS_DEFAULT = 16,
    THREADS_MAX = 1024,
};

#define IDLE_DEFAULT_NS (5 * WEFT__NS_PER_S)

/* STATE helper: empty -> running on start by submit; running -> ended on idling or close by itself;
 * ended -> empty on join by submit or close. */
enum helper_state { HELPER_EMPTY, HELPER_RUNNING, HELPER_ENDED };

struct helper {
    struct weft__pool *pool;    /* (i) */
    uint16_t number;            /* (i) */
    struct weft__native thread; /* (l) */
    enum helper_state state;    /* (l) */
};

struct weft__pool {
    uint32_t threads_max;        /* (i) */
    int64_t idle_ns;             /* (i) */
    const char *name;            /* (i) */
    struct weft__cpuset allowed; /* (i) what a helper may use; empty: what its starter may */
    struct helper *helpers;

    struct weft__native_room room; /* a job was queued, or closing */
    struct weft__job *first;
    struct weft__job **last; /* where the next job is hung in */
    uint32_t idle;           /* of the threads, waiting for work */
    bool closing;

    struct weft__pool_counters counters; /* (l) for writers */
};

static struct weft__job *take_job(struct weft__pool *pool)
{
    struct weft__job *job = pool->first;

    if (job == NULL)
        return NULL;
    pool->first = job->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    weft__bump_by(&pool->counters.queued, UINT32_MAX);
    return job;
}

static void queue_job(struct weft__pool *pool, struct weft__job *job)
{
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    weft__bump(&pool->counters.queued);
}

/* Waits for a job with the mutex held; NULL when the thread should end. */
static struct weft__job *wait_job(struct weft__pool *pool)
{
    int64_t until_ns = weft__clock_now() + pool->idle_ns;
    struct weft__job *job;
    int rc = 0;

    while ((job = take_job(pool)) == NULL && !pool->closing && rc != -ETIMEDOUT) {
        pool->idle++;
        rc = weft__native_room_wait(&pool->room, until_ns);
        pool->idle--;
    }
    return job;
}

/* A thread inherits the CPUs of the one that starts it: a worker's, which is pinned, so that all
 * helpers would share one CPU with it. Where the kernel refuses, they do. */
static void spread_out(const struct weft__cpuset *allowed)
{
    if (allowed->word_count > 0)
        (void)weft__sys_set_affinity(0, allowed->word_count * sizeof(*allowed->words),
                                     allowed->words);
}

static void *run_helper(void *arg)
{
    struct helper *helper = arg;
    struct weft__pool *pool = helper->pool;
    struct weft__job *job;

    spread_out(&pool->allowed);
    weft__native_room_lock(&pool->room);
    while ((job = wait_job(pool)) != NULL) {
        weft__native_room_unlock(&pool->room);
        job->run(job);
        weft__native_room_lock(&pool->room);
    }
    weft__bump_by(&pool->counters.running, UINT32_MAX);
    helper->state = HELPER_ENDED;
    weft__native_room_unlock(&pool->room);
    return NULL;
}

/* A signal of the process must never land on a helper: its handler would run beside the workers. */
static int create_blocked(struct weft__native *out_thread, struct helper *helper)
{
    sigset_t all, before;
    char name[16];

    int rc = weft__fault(WEFT__FAULT_THREAD);
    if (rc < 0)
        return rc;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)snprintf(name, sizeof(name), "%.9s-%hu", helper->pool->name, helper->number);
    rc = weft__native_start(out_thread, run_helper, helper, name);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Starts one more thread, mutex held. */
static int start_helper(struct weft__pool *pool)
{
    struct helper *helper = pool->helpers;

    while (helper->state == HELPER_RUNNING)
        helper++; /* one is free: running < threads_max */
    if (helper->state == HELPER_ENDED)
        weft__native_join(&helper->thread);
    helper->state = HELPER_EMPTY;
    int rc = create_blocked(&helper->thread, helper);
    if (rc < 0)
        return rc;
    helper->state = HELPER_RUNNING;
    weft__bump(&pool->counters.running);
    weft__bump(&pool->counters.threads_started);
    return 0;
}

/* Makes sure that somebody will take one more job, mutex held. */
static int ensure_helper(struct weft__pool *pool)
{
    uint32_t running = weft__load_relaxed(&pool->counters.running);

    if (pool->idle > weft__load_relaxed(&pool->counters.queued) || running == pool->threads_max)
        return 0;
    int rc = start_helper(pool);
    if (rc == 0 || running == 0)
        return rc;
    WEFT__FALLBACK(HELPERS_FEWER);
    return 0;
}

static int submit_locked(struct weft__pool *pool, struct weft__job *job)
{
    if (pool->closing)
        return -ESHUTDOWN;
    int rc = ensure_helper(pool);
    if (rc < 0)
        return rc;
    queue_job(pool, job);
    weft__bump(&pool->counters.jobs);
    return 0;
}

int weft__pool_submit(struct weft__pool *pool, struct weft__job *job)
{
    weft__native_room_lock(&pool->room);
    int rc = submit_locked(pool, job);
    if (rc < 0)
        weft__bump(&pool->counters.refused);
    else
        weft__native_room_call(&pool->room, false); /* locked: the job may end the pool at once */
    weft__native_room_unlock(&pool->room);
    return rc;
}

bool weft__pool_withdraw(struct weft__pool *pool, const struct weft__job *job)
{
    weft__native_room_lock(&pool->room);
    struct weft__job **place = &pool->first;
    while (*place != NULL && *place != job)
        place = &(*place)->next;
    bool found = *place != NULL;
    if (found) {
        *place = job->next;
        if (pool->last == &job->next)
            pool->last = place;
        weft__bump_by(&pool->counters.queued, UINT32_MAX);
    }
    weft__native_room_unlock(&pool->room);
    return found;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

bool weft__pool_is_helper(struct weft__pool *pool)
{
    bool found = false;

    weft__native_room_lock(&pool->room);
    for (uint32_t i = 0; i < pool->threads_max && !found; i++)
        found = pool->helpers[i].state == HELPER_RUNNING &&
                weft__native_is_self(&pool->helpers[i].thread);
    weft__native_room_unlock(&pool->room);
    return found;
}

static void free_pool(struct weft__pool *pool)
{
    weft__cpuset_fini(&pool->allowed);
    weft__memory_free(pool->helpers, pool->threads_max * sizeof(struct helper));
    weft__memory_free(pool, sizeof(*pool));
}

int weft__pool_open(const struct weft__pool_config *config, struct weft__pool **out_pool)
{
    static const struct weft__pool_config defaults;
    const struct weft__pool_config *chosen = config != NULL ? config : &defaults;
    uint32_t threads_max = or_default(chosen->threads_max, THREADS_DEFAULT);

    if (threads_max > THREADS_MAX || chosen->idle_ns < 0)
        return -EINVAL;
    struct weft__pool *pool = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*pool));
    if (pool == NULL)
        return -ENOMEM;
    pool->threads_max = threads_max;
    pool->idle_ns = chosen->idle_ns != 0 ? chosen->idle_ns : IDLE_DEFAULT_NS;
    pool->name = chosen->name != NULL ? chosen->name : "weft-help";
    pool->last = &pool->first;
    pool->helpers = weft__memory_alloc(WEFT__NODE_LOCAL, threads_max * sizeof(struct helper));
    int rc = pool->helpers == NULL ? -ENOMEM : weft__native_room_init(&pool->room);
    if (rc < 0) {
        free_pool(pool);
        return rc;
    }
    for (uint32_t i = 0; i < threads_max; i++) {
        pool->helpers[i].pool = pool;
        pool->helpers[i].number = (uint16_t)i;
    }
    (void)weft__affinity_get(&pool->allowed);
    *out_pool = pool;
    return 0;
}

void weft__pool_close(struct weft__pool *pool)
{
    if (pool == NULL)
        return;
    weft__native_room_lock(&pool->room);
    pool->closing = true;
    weft__native_room_call(&pool->room, true);
    weft__native_room_unlock(&pool->room);
    /* No submit can start a thread any more, so the states only move towards ended. */
    for (uint32_t i = 0; i < pool->threads_max; i++) {
        weft__native_room_lock(&pool->room);
        bool started = pool->helpers[i].state != HELPER_EMPTY;
        weft__native_room_unlock(&pool->room);
        if (started)
            weft__native_join(&pool->helpers[i].thread);
    }
    weft__native_room_fini(&pool->room);
    free_pool(pool);
}

const struct weft__pool_counters *weft__pool_counters(const struct weft__pool *pool)
{
    return &pool->counters;
}

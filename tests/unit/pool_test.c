#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "numa/plan.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "tests/support/unit.h"
#include "uring/pool.h"

/* A job that says where it ran and, when told to, stays until the gate opens. */
struct probe_job {
    struct weft__job job;
    bool waits;
    bool named;
    bool blocked;
};

static _Atomic uint32_t started, finished, gate_open;

static void run_probe_job(struct weft__job *job)
{
    struct probe_job *mine = WEFT__CONTAINER(job, struct probe_job, job);
    sigset_t mask;
    char name[16] = "";

    (void)pthread_getname_np(pthread_self(), name, sizeof(name));
    mine->named = strncmp(name, "weft-help-", strlen("weft-help-")) == 0;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    mine->blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGUSR2) == 1;
    weft__add_acqrel(&started, 1);                             /* pairs with wait_count */
    while (mine->waits && weft__load_acquire(&gate_open) == 0) /* pairs with open_gate */
        (void)sched_yield();
    weft__add_acqrel(&finished, 1); /* pairs with wait_count */
}

/* Waits until @count reaches @target, five seconds at most. */
static bool wait_count(_Atomic uint32_t *count, uint32_t target)
{
    int64_t until_ns = weft__clock_now() + 5 * WEFT__NS_PER_S;

    while (weft__load_acquire(count) < target) { /* pairs with run_probe_job */
        if (weft__clock_now() > until_ns)
            return false;
        (void)sched_yield();
    }
    return true;
}

static void open_gate(void)
{
    weft__store_release(&gate_open, 1); /* pairs with run_probe_job */
}

static struct weft__pool *open_pool(uint32_t threads, int64_t idle_ns)
{
    struct weft__pool_config config = { .threads_max = threads, .idle_ns = idle_ns };
    struct weft__pool *pool = NULL;

    weft__store_relaxed(&started, 0);
    weft__store_relaxed(&finished, 0);
    weft__store_relaxed(&gate_open, 0);
    CU_ASSERT_EQUAL_FATAL(weft__pool_open(&config, &pool), 0);
    return pool;
}

static void test_submit_jobs_run_on_named_threads_with_signals_blocked(void)
{
    static struct probe_job jobs[100];
    struct weft__pool *pool = open_pool(3, 0);

    for (size_t i = 0; i < WEFT__COUNT(jobs); i++) {
        jobs[i] = (struct probe_job){ .job.run = run_probe_job };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[i].job), 0);
    }
    CU_ASSERT_TRUE(wait_count(&finished, WEFT__COUNT(jobs)));
    for (size_t i = 0; i < WEFT__COUNT(jobs); i++)
        CU_ASSERT_TRUE(jobs[i].named && jobs[i].blocked);
    const struct weft__pool_counters *counters = weft__pool_counters(pool);
    CU_ASSERT_EQUAL(weft__load_relaxed(&counters->jobs), WEFT__COUNT(jobs));
    CU_ASSERT_TRUE(weft__load_relaxed(&counters->threads_started) <= 3);
    weft__pool_close(pool);
}

/* What one thread has begun, in that order. */
struct turn_job {
    struct weft__job job;
    uint32_t number;
};

static uint32_t turns[100];

static void note_turn(struct weft__job *job)
{
    turns[weft__load_relaxed(&finished)] = WEFT__CONTAINER(job, struct turn_job, job)->number;
    weft__add_acqrel(&finished, 1); /* pairs with wait_count */
}

static void test_submit_is_bounded_in_threads_and_keeps_the_order(void)
{
    static struct probe_job busy[2];
    static struct turn_job jobs[WEFT__COUNT(turns)];
    struct weft__pool *pool = open_pool(2, 0);

    for (uint32_t i = 0; i < WEFT__COUNT(busy); i++) { /* one at a time, so that none waits */
        busy[i] = (struct probe_job){ .job.run = run_probe_job, .waits = i == 0 };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &busy[i].job), 0);
        CU_ASSERT_TRUE(wait_count(&started, i + 1));
    }
    CU_ASSERT_TRUE(wait_count(&finished, 1));
    weft__store_relaxed(&finished, 0);
    for (uint32_t i = 0; i < WEFT__COUNT(jobs); i++) { /* all are the second thread's */
        jobs[i] = (struct turn_job){ .job.run = note_turn, .number = i };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[i].job), 0);
    }
    CU_ASSERT_TRUE(wait_count(&finished, WEFT__COUNT(jobs)));
    for (uint32_t i = 0; i < WEFT__COUNT(jobs); i++)
        CU_ASSERT_EQUAL(turns[i], i);
    CU_ASSERT_EQUAL(weft__load_relaxed(&weft__pool_counters(pool)->threads_started), 2);
    open_gate();
    weft__pool_close(pool);
}

static void test_close_runs_what_is_queued(void)
{
    static struct probe_job jobs[3];
    struct weft__pool *pool = open_pool(1, 0);

    for (size_t i = 0; i < WEFT__COUNT(jobs); i++) {
        jobs[i] = (struct probe_job){ .job.run = run_probe_job, .waits = true };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[i].job), 0);
    }
    CU_ASSERT_TRUE(wait_count(&started, 1));
    open_gate();
    weft__pool_close(pool);
    CU_ASSERT_EQUAL(weft__load_relaxed(&finished), 3);
}

/* A worker is pinned; a helper that it starts is not. */
struct place_job {
    struct weft__job job;
    struct weft__pool *pool;
    uint32_t cpus;
    bool helps;
};

static void look_where(struct weft__job *job)
{
    struct place_job *mine = WEFT__CONTAINER(job, struct place_job, job);
    struct weft__cpuset set;

    weft__cpuset_init(&set);
    if (weft__affinity_get(&set) == 0)
        mine->cpus = weft__cpuset_count(&set);
    weft__cpuset_fini(&set);
    mine->helps = weft__pool_is_helper(mine->pool);
    weft__add_acqrel(&finished, 1); /* pairs with wait_count */
}

static void *submit_pinned(void *argument)
{
    struct place_job *job = argument;
    struct weft__cpuset set;

    weft__cpuset_init(&set);
    bool ok = weft__affinity_get(&set) == 0 &&
              weft__affinity_pin((uint32_t)weft__cpuset_next(&set, 0)) == 0 &&
              weft__pool_submit(job->pool, &job->job) == 0;
    weft__cpuset_fini(&set);
    return ok ? job : NULL;
}

static void test_helpers_of_a_pinned_thread_use_all_cpus(void)
{
    struct place_job job = { .job.run = look_where, .pool = open_pool(1, 0) };
    struct weft__cpuset set;
    pthread_t thread;
    void *submitted = NULL;

    weft__cpuset_init(&set);
    CU_ASSERT_EQUAL_FATAL(weft__affinity_get(&set), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, submit_pinned, &job), 0);
    (void)pthread_join(thread, &submitted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(submitted);
    CU_ASSERT_TRUE(wait_count(&finished, 1));
    CU_ASSERT_EQUAL(job.cpus, weft__cpuset_count(&set));
    CU_ASSERT_TRUE(job.helps);
    CU_ASSERT_FALSE(weft__pool_is_helper(job.pool));
    weft__pool_close(job.pool);
    weft__cpuset_fini(&set);
}

/* Each place of the queue can be left: its middle, its end, its beginning; then it can be used. */
static void test_withdraw_takes_what_is_queued_and_no_more(void)
{
    static struct probe_job jobs[5];
    struct weft__pool *pool = open_pool(1, 0);

    for (size_t i = 0; i < WEFT__COUNT(jobs); i++)
        jobs[i] = (struct probe_job){ .job.run = run_probe_job, .waits = true };
    CU_ASSERT_FALSE(weft__pool_withdraw(pool, &jobs[0].job));
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[0].job), 0);
    CU_ASSERT_TRUE(wait_count(&started, 1));
    CU_ASSERT_FALSE(weft__pool_withdraw(pool, &jobs[0].job)); /* begun */
    for (int i = 1; i <= 3; i++)
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[i].job), 0);
    CU_ASSERT_TRUE(weft__pool_withdraw(pool, &jobs[2].job));
    CU_ASSERT_FALSE(weft__pool_withdraw(pool, &jobs[2].job));
    CU_ASSERT_TRUE(weft__pool_withdraw(pool, &jobs[3].job));
    CU_ASSERT_TRUE(weft__pool_withdraw(pool, &jobs[1].job));
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[4].job), 0);
    open_gate();
    weft__pool_close(pool);
    CU_ASSERT_EQUAL(weft__load_relaxed(&finished), 2);
}

/* Two jobs that block come while one thread is idle: the second must not wait behind the first. */
static void test_submit_two_jobs_at_one_idle_thread_run_both(void)
{
    static struct probe_job jobs[3];

    for (int round = 0; round < 50; round++) {
        struct weft__pool *pool = open_pool(2, 0);
        for (size_t i = 0; i < WEFT__COUNT(jobs); i++)
            jobs[i] = (struct probe_job){ .job.run = run_probe_job, .waits = i > 0 };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[0].job), 0);
        CU_ASSERT_TRUE(wait_count(&finished, 1));
        for (int i = 0; i < 1000; i++) /* let it become idle; either way the test holds */
            (void)sched_yield();
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[1].job), 0);
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[2].job), 0);
        CU_ASSERT_TRUE(wait_count(&started, 3));
        open_gate();
        weft__pool_close(pool);
    }
}

static void test_submit_without_threads_is_refused_with_one_it_queues(void)
{
    static struct probe_job jobs[2];
    struct weft__pool *pool = open_pool(4, 0);

    for (size_t i = 0; i < WEFT__COUNT(jobs); i++)
        jobs[i] = (struct probe_job){ .job.run = run_probe_job, .waits = true };
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -EAGAIN);
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[0].job), -EAGAIN);
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[0].job), -ENOMEM);
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[0].job), 0);
    CU_ASSERT_TRUE(wait_count(&started, 1));
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -EAGAIN);
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &jobs[1].job), 0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&weft__pool_counters(pool)->threads_started), 1);
    open_gate();
    CU_ASSERT_TRUE(wait_count(&finished, 2));
    weft__pool_close(pool);
}

/* One job after the other, each submitted when the thread of the last one has ended. */
static void test_idle_threads_end_and_are_replaced(void)
{
    static struct probe_job job;
    struct weft__pool *pool = open_pool(1, 1);
    const struct weft__pool_counters *counters = weft__pool_counters(pool);

    for (uint32_t jobs = 1; jobs <= 5; jobs++) {
        job = (struct probe_job){ .job.run = run_probe_job };
        CU_ASSERT_EQUAL(weft__pool_submit(pool, &job.job), 0);
        CU_ASSERT_TRUE_FATAL(wait_count(&finished, jobs));
        while (weft__load_relaxed(&counters->running) > 0)
            (void)sched_yield();
        CU_ASSERT_EQUAL(weft__load_relaxed(&counters->threads_started), jobs);
    }
    weft__pool_close(pool);
}

struct chain_job {
    struct weft__job job;
    struct weft__pool *pool;
};

static _Atomic int chain_end;

/* Submits itself anew until the pool refuses. */
static void run_chain_job(struct weft__job *job)
{
    struct chain_job *mine = WEFT__CONTAINER(job, struct chain_job, job);

    weft__store_relaxed(&started, 1);
    int rc = weft__pool_submit(mine->pool, job);
    if (rc < 0)
        weft__store_relaxed(&chain_end, rc);
}

static void test_submit_while_closing_is_refused(void)
{
    struct weft__pool *pool = open_pool(1, 0);
    struct chain_job job = { .job.run = run_chain_job, .pool = pool };

    weft__store_relaxed(&chain_end, 0);
    CU_ASSERT_EQUAL(weft__pool_submit(pool, &job.job), 0);
    CU_ASSERT_TRUE(wait_count(&started, 1));
    weft__pool_close(pool);
    CU_ASSERT_EQUAL(weft__load_relaxed(&chain_end), -ESHUTDOWN);
}

static void test_open_bad_bounds_and_no_memory_are_errors(void)
{
    struct weft__pool_config config = { .threads_max = 1025 };
    struct weft__pool *pool = NULL;

    CU_ASSERT_EQUAL(weft__pool_open(&config, &pool), -EINVAL);
    config = (struct weft__pool_config){ .idle_ns = -1 };
    CU_ASSERT_EQUAL(weft__pool_open(&config, &pool), -EINVAL);
    for (uint32_t nth = 1; nth <= 2; nth++) {
        weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
        CU_ASSERT_EQUAL(weft__pool_open(NULL, &pool), -ENOMEM);
    }
    CU_ASSERT_PTR_NULL(pool);
    weft__pool_close(NULL);
    CU_ASSERT_EQUAL(weft__pool_open(NULL, &pool), 0);
    weft__pool_close(pool); /* without ever a thread */
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_submit_jobs_run_on_named_threads_with_signals_blocked),
        UNIT_TEST(test_submit_is_bounded_in_threads_and_keeps_the_order),
        UNIT_TEST(test_close_runs_what_is_queued),
        UNIT_TEST(test_helpers_of_a_pinned_thread_use_all_cpus),
        UNIT_TEST(test_withdraw_takes_what_is_queued_and_no_more),
        UNIT_TEST(test_submit_two_jobs_at_one_idle_thread_run_both),
        UNIT_TEST(test_submit_without_threads_is_refused_with_one_it_queues),
        UNIT_TEST(test_idle_threads_end_and_are_replaced),
        UNIT_TEST(test_submit_while_closing_is_refused),
        UNIT_TEST(test_open_bad_bounds_and_no_memory_are_errors),
    };
    return unit_run(argc, argv, "pool", tests, WEFT__COUNT(tests));
}

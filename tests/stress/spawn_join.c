/*
 * Spawn a few empty tasks and join them, a million times: from the main task, from tasks, from
 * several scopes at once, from threads that are no workers; joined by closing, joining and waiting;
 * with workers that spin before they sleep, and with workers that sleep at once.
 */
#include <pthread.h>

#include "tests/support/stress.h"

enum { batch = 1000, most_tasks = 8, owners = 4, threads = 4 };

struct job {
    weft_runtime runtime;
    uint32_t rounds;
    _Atomic uint64_t spawned;
    _Atomic uint64_t ran;
};

static const weft_runtime_options eager = { .size = sizeof(eager), .spin_us = WEFT_SPIN_NONE };

static int empty(void *argument)
{
    struct job *job = argument;

    weft__add_relaxed(&job->ran, 1);
    return 0;
}

static weft_task spawn_empty(weft_scope scope, struct job *job)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.stack_bytes = 0);

    switch (stress_below(8)) {
    case 0: options.place = weft_place_spread(); break;
    case 1: options.place = weft_place_worker(stress_below((uint32_t)weft_worker_count(0))); break;
    case 2: options.migratable = 1; break;
    default: return weft_go(scope, empty, job);
    }
    return weft_spawn(scope, empty, job, &options);
}

/* Spawns a few, and waits for them in one of three ways. */
static void spawn_and_join(struct job *job, weft_scope scope)
{
    weft_task tasks[most_tasks];
    uint32_t count = 1 + stress_below(most_tasks);
    uint32_t way = stress_below(3);

    for (uint32_t i = 0; i < count; i++) {
        tasks[i] = spawn_empty(scope, job);
        STRESS_CHECK(tasks[i] > 0);
    }
    weft__add_relaxed(&job->spawned, count);
    if (stress_below(4) == 0)
        stress_maybe_yield();
    for (uint32_t i = 0; i < count && way != 0; i++)
        STRESS_EQUAL(weft_wait(tasks[i], WEFT_NEVER), 0);
    if (way != 1)
        STRESS_EQUAL(weft_scope_join(scope, WEFT_NEVER), 0);
}

static int join_rounds(void *argument)
{
    struct job *job = argument;

    for (uint32_t round = 0; round < job->rounds;) {
        weft_scope scope = weft_scope_open(NULL);
        uint32_t uses = 1 + stress_below(16);
        for (uint32_t i = 0; i < uses && round < job->rounds; i++, round++)
            spawn_and_join(job, scope);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

/* Each round has a scope of its own, and only the close joins. */
static int close_rounds(void *argument)
{
    struct job *job = argument;

    for (uint32_t round = 0; round < job->rounds; round++) {
        weft_scope scope = weft_scope_open(NULL);
        uint32_t count = stress_below(most_tasks);
        for (uint32_t i = 0; i < count; i++)
            STRESS_CHECK(spawn_empty(scope, job) > 0);
        weft__add_relaxed(&job->spawned, count);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static int many_owners(void *argument)
{
    struct job *job = argument;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < owners; i++) {
        options.migratable = i == 1;
        weft_task_fn fn = i % 2 == 0 ? join_rounds : close_rounds;
        STRESS_CHECK(weft_spawn(scope, fn, job, &options) > 0);
    }
    return weft_scope_close(scope);
}

/* Several scopes of one task, filled in turn, closed in an order of their own. */
static int many_scopes(void *argument)
{
    struct job *job = argument;

    for (uint32_t round = 0; round < job->rounds; round += owners) {
        weft_scope open[owners];
        for (int i = 0; i < owners; i++)
            open[i] = weft_scope_open(NULL);
        for (int i = 0; i < owners * 2; i++)
            STRESS_CHECK(spawn_empty(open[i % owners], job) > 0);
        weft__add_relaxed(&job->spawned, owners * 2);
        uint32_t first = stress_below(owners);
        for (uint32_t i = 0; i < owners; i++)
            STRESS_EQUAL(weft_scope_close(open[(first + i) % owners]), 0);
    }
    return 0;
}

static void repeat(uint32_t workers, const weft_runtime_options *options, weft_task_fn body,
                   uint32_t rounds)
{
    weft_runtime runtime = stress_start(workers, options);

    for (uint32_t done = 0; done < rounds; done += batch) {
        struct job job = { .runtime = runtime, .rounds = batch };
        stress_round(done);
        STRESS_EQUAL(weft_call(runtime, body, &job), 0);
        STRESS_EQUAL(job.ran, job.spawned);
    }
    stress_stop(runtime);
}

static uint32_t share(uint32_t full)
{
    return stress_size(full, STRESS_SANITIZED ? 2 * batch : 20 * batch);
}

static void main_task(uint32_t workers)
{
    repeat(workers, NULL, join_rounds, share(200000));
}

static void main_task_no_spin(uint32_t workers)
{
    repeat(workers, &eager, close_rounds, share(200000));
}

static void owners_at_once(uint32_t workers)
{
    repeat(workers, NULL, many_owners, share(100000));
}

static void owners_at_once_no_spin(uint32_t workers)
{
    repeat(workers, &eager, many_owners, share(100000));
}

static void scopes_at_once(uint32_t workers)
{
    repeat(workers, NULL, many_scopes, share(200000));
}

static int few_rounds(void *argument)
{
    struct job *job = argument;
    weft_scope scope = weft_scope_open(NULL);

    spawn_and_join(job, scope);
    return weft_scope_close(scope);
}

static void *call_in(void *argument)
{
    struct job *job = argument;

    for (uint32_t i = 0; i < job->rounds; i++)
        STRESS_EQUAL(weft_call(job->runtime, few_rounds, job), 0);
    return NULL;
}

static void call_from_threads(uint32_t workers, const weft_runtime_options *options)
{
    pthread_t callers[threads];
    weft_runtime runtime = stress_start(workers, options);
    uint32_t rounds = share(100000) / 100;

    for (uint32_t done = 0; done < rounds; done += 20) {
        struct job job = { .runtime = runtime, .rounds = 20 };
        stress_round(done);
        for (int i = 0; i < threads; i++)
            STRESS_EQUAL(pthread_create(&callers[i], NULL, call_in, &job), 0);
        for (int i = 0; i < threads; i++)
            STRESS_EQUAL(pthread_join(callers[i], NULL), 0);
        STRESS_EQUAL(job.ran, job.spawned);
        STRESS_CHECK(job.spawned >= threads * 20);
    }
    stress_stop(runtime);
}

static void foreign_threads(uint32_t workers)
{
    call_from_threads(workers, NULL);
}

static void foreign_threads_no_spin(uint32_t workers)
{
    call_from_threads(workers, &eager);
}

static const struct stress_case cases[] = {
    STRESS_CASE(main_task),
    STRESS_CASE(main_task_no_spin),
    STRESS_CASE(owners_at_once),
    STRESS_CASE(owners_at_once_no_spin),
    STRESS_CASE(scopes_at_once),
    STRESS_CASE(foreign_threads),
    STRESS_CASE(foreign_threads_no_spin),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

/*
 * Sleeping tasks by the hundred thousand, spawned into several scopes at once, while one worker
 * computes and only polls. All wake, none early, none twice.
 *
 * And sleepers beside a worker that computes without a call: those at home elsewhere are not held
 * up. No clock says so: the task that computes ends when they have told it that all have woken, so
 * that it never ends when one of them waits for it.
 */
#include <errno.h>

#include "tests/support/stress.h"

enum { scopes = 4, longest_us = 5000 };

struct storm {
    uint32_t count; /* sleepers of each scope */
    _Atomic uint32_t woken;
    _Atomic uint32_t canceled;
    _Atomic uint32_t running; /* scopes whose sleepers have not all ended */
    _Atomic uint64_t polls;
};

static int sleep_once(void *argument)
{
    struct storm *storm = argument;

    stress_maybe_yield();
    weft_deadline until = weft_after(stress_below(longest_us) * WEFT_MICROSECOND);
    STRESS_EQUAL(weft_sleep(until), 0);
    STRESS_CHECK(weft_clock() >= until.ns);
    weft__add_relaxed(&storm->woken, 1);
    return 0;
}

/* Nobody but a cancel wakes it. */
static int sleep_long(void *argument)
{
    struct storm *storm = argument;

    STRESS_EQUAL(weft_sleep(weft_after(3600 * WEFT_SECOND)), -ECANCELED);
    STRESS_EQUAL(weft_sleep(weft_after(0)), -ECANCELED);
    weft__add_relaxed(&storm->canceled, 1);
    return 0;
}

static weft_task spawn_sleeper(weft_scope scope, struct storm *storm, uint32_t number)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());

    if (number % 3 == 0)
        return weft_go(scope, sleep_once, storm);
    options.migratable = number % 3 == 1;
    return weft_spawn(scope, sleep_once, storm, &options);
}

/* The owner of one scope. Each thousandth sleeper is cancelled in place of waking. */
static int own_scope(void *argument)
{
    struct storm *storm = argument;
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < storm->count; i++) {
        STRESS_CHECK(spawn_sleeper(scope, storm, i) > 0);
        if (i % 1000 == 0)
            STRESS_EQUAL(weft_cancel(weft_go(scope, sleep_long, storm)), 0);
        if (i % 64 == 0)
            stress_maybe_yield();
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    weft__sub_relaxed(&storm->running, 1);
    return 0;
}

/* Keeps its worker busy until all have woken; whoever sleeps there depends on its polls. */
static int compute(void *argument)
{
    struct storm *storm = argument;

    while (weft__load_relaxed(&storm->running) > 0) {
        (void)stress_compute(200);
        STRESS_EQUAL(weft_poll(), 0);
        weft__add_relaxed(&storm->polls, 1);
    }
    return 0;
}

static int storm_once(void *argument)
{
    struct storm *storm = argument;
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options busy = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0));
    weft_spawn_options owner = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());

    STRESS_CHECK(weft_spawn(scope, compute, storm, &busy) > 0);
    for (int i = 0; i < scopes; i++)
        STRESS_CHECK(weft_spawn(scope, own_scope, storm, &owner) > 0);
    return weft_scope_close(scope);
}

static void storm_waves(uint32_t workers)
{
    uint32_t live = stress_live(STRESS_SANITIZED ? 20000 : 100000);
    uint32_t total = stress_size(5000000, STRESS_SANITIZED ? live : 2 * live);
    weft_runtime runtime = stress_start(workers, NULL);

    for (uint32_t wave = 0; wave * live < total; wave++) {
        struct storm storm = { .count = live / scopes, .running = scopes };
        stress_round(wave);
        STRESS_EQUAL(weft_call(runtime, storm_once, &storm), 0);
        STRESS_EQUAL(storm.woken, storm.count * scopes);
        STRESS_EQUAL(storm.canceled, (storm.count + 999) / 1000 * scopes);
        STRESS_CHECK(storm.polls > 0);
    }
    stress_stop(runtime);
}

/* ---- beside a worker that computes without a call ------------------------------------------ */

enum { sleeps_of_each = 8 };

struct neighbours {
    uint32_t workers;
    uint32_t sleepers;
    _Atomic uint32_t computing;
    _Atomic uint32_t done; /* sleepers that have slept all their sleeps */
};

static int compute_in_silence(void *argument)
{
    struct neighbours *all = argument;

    weft__store_relaxed(&all->computing, 1);
    while (weft__load_relaxed(&all->done) < all->sleepers)
        (void)stress_compute(200);
    return 0;
}

static int sleep_often(void *argument)
{
    struct neighbours *all = argument;

    for (int i = 0; i < sleeps_of_each; i++) {
        weft_deadline until = weft_after(stress_below(longest_us) * WEFT_MICROSECOND);
        STRESS_EQUAL(weft_sleep(until), 0);
        STRESS_CHECK(weft_clock() >= until.ns);
    }
    STRESS_CHECK(weft_worker_self() > 0);
    weft__add_relaxed(&all->done, 1);
    return 0;
}

/* Runs on worker 1. Sleeps itself until worker 0 computes, and spawns only then. */
static int settle_neighbours(void *argument)
{
    struct neighbours *all = argument;
    weft_scope scope = weft_scope_open(NULL);

    STRESS_CHECK(weft_spawn(scope, compute_in_silence, all,
                            &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0))) > 0);
    while (weft__load_relaxed(&all->computing) == 0)
        STRESS_EQUAL(weft_sleep(weft_after(100 * WEFT_MICROSECOND)), 0);
    for (uint32_t i = 0; i < all->sleepers; i++) {
        weft_place place = weft_place_worker(1 + i % (all->workers - 1));
        STRESS_CHECK(weft_spawn(scope, sleep_often, all, &WEFT_SPAWN_OPTIONS(.place = place)) > 0);
    }
    return weft_scope_close(scope);
}

static int silent_round(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    STRESS_CHECK(weft_spawn(scope, settle_neighbours, argument,
                            &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(1))) > 0);
    return weft_scope_close(scope);
}

static void silent_neighbour(uint32_t workers)
{
    if (workers < 2)
        return; /* there is nobody beside the one that computes */
    uint32_t rounds = stress_size(1000, 4);
    weft_runtime runtime = stress_start(workers, NULL);

    for (uint32_t round = 0; round < rounds; round++) {
        struct neighbours all = { .workers = workers, .sleepers = stress_live(1000) };
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, silent_round, &all), 0);
        STRESS_EQUAL(all.done, all.sleepers);
    }
    stress_stop(runtime);
}

static const struct stress_case cases[] = {
    STRESS_CASE(storm_waves),
    STRESS_CASE(silent_neighbour),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

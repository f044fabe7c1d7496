/*
 * Sleeping tasks by the hundred thousand, spawned into several scopes at once, while one worker
 * computes and only polls. All wake, none early, none twice.
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

static const struct stress_case cases[] = {
    STRESS_CASE(storm_waves),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

/*
 * S2: tasks sleep, and timers are made, set, waited for, chosen among and released, from all
 * workers and from threads at once, while one worker computes. Nobody is woken early; no tick is
 * told twice or lost; all end.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/support/stress.h"

enum { timers_count = 6, most_tasks = 12, moves = 60, threads_count = 3 };

/* A slot whose timer comes and goes; a handle in it may be stale at any moment. */
struct shop {
    _Atomic weft_timer timers[timers_count];
    _Atomic uint32_t open; /* tasks that are still busy */
};

static weft_deadline some_time(void)
{
    uint32_t kind = stress_below(8);

    return kind == 0   ? WEFT_NEVER
           : kind == 1 ? WEFT_NOW
                       : weft_after(stress_below(4000) * WEFT_MICROSECOND);
}

static int64_t some_interval(void)
{
    return stress_below(2) == 0 ? 0 : 1 + stress_below(1000) * WEFT_MICROSECOND;
}

static weft_timer some_timer(struct shop *shop)
{
    return weft__load_relaxed(&shop->timers[stress_below(timers_count)]);
}

/* Whoever replaces a timer has its old handle alone, and releases it. */
static void replace(struct shop *shop)
{
    weft_timer fresh = weft_timer_create(some_time(), some_interval());

    STRESS_CHECK(fresh > 0);
    weft_timer old = weft__swap_seqcst(&shop->timers[stress_below(timers_count)], fresh);
    STRESS_EQUAL(weft_timer_release(old), 0);
    STRESS_EQUAL(weft_timer_release(old), -ESRCH);
}

static void wait_some(struct shop *shop)
{
    weft_deadline until = weft_after(stress_below(3000) * WEFT_MICROSECOND);
    int64_t rc = weft_timer_wait(some_timer(shop), until);

    STRESS_CHECK(rc >= 1 || rc == -ETIMEDOUT || rc == -EPIPE || rc == -ESRCH);
    STRESS_CHECK(rc != -ETIMEDOUT || weft_clock() >= until.ns);
}

static void choose_some(struct shop *shop)
{
    weft_deadline until = weft_after(stress_below(3000) * WEFT_MICROSECOND);
    weft_case cases[3] = { WEFT_CASE_TIMER(some_timer(shop)), WEFT_CASE_TIMER(some_timer(shop)),
                           WEFT_CASE_AT(until) };
    ssize_t done = weft_select(cases, 3, WEFT_NEVER);

    STRESS_CHECK(done >= 0 && done < 3);
    if (done == 2)
        STRESS_CHECK(cases[2].result == 0 && weft_clock() >= until.ns);
    else if (done >= 0)
        STRESS_CHECK(cases[done].result >= 1 || cases[done].result == -EPIPE ||
                     cases[done].result == -ESRCH);
}

static void sleep_some(void)
{
    weft_deadline until = weft_after(stress_below(2000) * WEFT_MICROSECOND);

    STRESS_EQUAL(weft_sleep(until), 0);
    STRESS_CHECK(weft_clock() >= until.ns);
}

static int trade(void *argument)
{
    struct shop *shop = argument;

    for (int i = 0; i < moves; i++) {
        switch (stress_below(8)) {
        case 0: replace(shop); break;
        case 1: {
            int rc = weft_timer_set(some_timer(shop), some_time(), some_interval());
            STRESS_CHECK(rc == 0 || rc == -ESRCH);
            break;
        }
        case 2:
        case 3: wait_some(shop); break;
        case 4:
        case 5: choose_some(shop); break;
        case 6: sleep_some(); break;
        default: stress_maybe_yield(); break;
        }
    }
    weft__sub_acqrel(&shop->open, 1);
    return 0;
}

static void *trade_as_thread(void *argument)
{
    (void)trade(argument);
    return NULL;
}

/* Holds a worker up, but lets it look around now and then. */
static int compute(void *argument)
{
    struct shop *shop = argument;

    while (weft__load_acquire(&shop->open) > 0) { /* pairs with trade's end */
        (void)stress_compute(200000);
        (void)weft_poll();
    }
    return 0;
}

static int trade_all(void *unused)
{
    struct shop shop = { .open = most_tasks + threads_count };
    pthread_t threads[threads_count];
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    for (int i = 0; i < timers_count; i++)
        weft__store_relaxed(&shop.timers[i], weft_timer_create(some_time(), some_interval()));
    for (int i = 0; i < threads_count; i++)
        STRESS_EQUAL(pthread_create(&threads[i], NULL, trade_as_thread, &shop), 0);
    STRESS_CHECK(weft_go(scope, compute, &shop) > 0);
    for (int i = 0; i < most_tasks; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        options.migratable = i % 4 == 0;
        STRESS_CHECK(weft_spawn(scope, trade, &shop, &options) > 0);
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    for (int i = 0; i < threads_count; i++)
        STRESS_EQUAL(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < timers_count; i++)
        STRESS_EQUAL(weft_timer_release(weft__load_relaxed(&shop.timers[i])), 0);
    return 0;
}

static void trade_timers(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(100, STRESS_SANITIZED ? 2 : 4);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, trade_all, NULL), 0);
    }
    stress_stop(runtime);
}

/* One timer, many who wait: the ticks they are told of add up to the time that has passed. */
struct tally {
    weft_timer timer;
    int64_t end_ns;
    _Atomic int64_t ticks;
};

static int count_ticks(void *argument)
{
    struct tally *tally = argument;

    for (;;) {
        int64_t ticks = weft_timer_wait(tally->timer, (weft_deadline){ tally->end_ns });
        if (ticks < 0)
            return ticks == -ETIMEDOUT ? 0 : (int)ticks;
        weft__add_relaxed(&tally->ticks, ticks);
    }
}

static int tell_all(void *unused)
{
    int64_t interval = 1 + stress_below(300) * WEFT_MICROSECOND;
    int64_t first = weft_clock();
    struct tally tally = { .end_ns = first + 20 * WEFT_MILLISECOND };
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    tally.timer = weft_timer_create((weft_deadline){ first }, interval);
    for (int i = 0; i < most_tasks; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        STRESS_CHECK(weft_spawn(scope, count_ticks, &tally, &options) > 0);
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    int64_t rest = weft_timer_wait(tally.timer, WEFT_NOW);
    int64_t told = weft__load_relaxed(&tally.ticks) + (rest > 0 ? rest : 0);
    STRESS_CHECK(told > (tally.end_ns - first) / interval);
    STRESS_CHECK(told <= (weft_clock() - first) / interval + 1);
    STRESS_EQUAL(weft_timer_release(tally.timer), 0);
    return 0;
}

static void tell_ticks(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(100, 3);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, tell_all, NULL), 0);
    }
    stress_stop(runtime);
}

static const struct stress_case cases[] = {
    STRESS_CASE(trade_timers),
    STRESS_CASE(tell_ticks),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

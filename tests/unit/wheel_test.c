/* The timer wheel against a plain list: never early, late by at most a tick, nothing lost. */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "runtime/sched/wheel.h"
#include "tests/support/unit.h"

enum { timers = 500, rounds = 3000 };

static const int64_t tick_ns = (int64_t)1 << WEFT__WHEEL_TICK_SHIFT;

struct probe {
    struct weft__timer timer;
    int64_t until_ns;
    bool armed;
    int fired;
};

static struct weft__wheel wheel;
static struct probe probes[timers];
static int64_t now_ns;
static int wrong; /* fired early, late, twice or though disarmed */

static void fire(struct weft__worker *worker, struct weft__timer *timer)
{
    struct probe *probe = WEFT__CONTAINER(timer, struct probe, timer);

    (void)worker;
    if (!probe->armed || now_ns < probe->until_ns)
        wrong++;
    probe->armed = false;
    probe->fired++;
}

static void arm(struct probe *probe, int64_t until_ns)
{
    probe->timer.fire = fire;
    probe->until_ns = until_ns;
    probe->armed = true;
    weft__wheel_arm(&wheel, &probe->timer, until_ns);
}

/* The lateness that a timer may have once the wheel has been advanced to now. */
static bool overdue(const struct probe *probe)
{
    return probe->armed && probe->until_ns + tick_ns < now_ns - tick_ns;
}

static void restart(int64_t start_ns)
{
    now_ns = start_ns;
    wrong = 0;
    memset(probes, 0, sizeof(probes));
    weft__wheel_init(&wheel, now_ns);
}

/* Distances of all sizes: within the near slots, each far level, and beyond the wheel's reach. */
static int64_t some_distance(struct weft__random *random)
{
    unsigned bits = weft__random_below(random, 55);
    return (int64_t)(weft__random_next(random) >> (63 - bits));
}

static void random_round(struct weft__random *random)
{
    struct probe *probe = &probes[weft__random_below(random, timers)];

    if (!probe->armed) {
        arm(probe, now_ns + some_distance(random));
    } else if (weft__random_below(random, 4) == 0) {
        weft__wheel_disarm(&wheel, &probe->timer);
        probe->armed = false;
    }
    now_ns += weft__random_below(random, 50) == 0 ? some_distance(random)
                                                  : (int64_t)weft__random_below(random, 3000000);
    while (weft__wheel_advance(&wheel, NULL, now_ns, 1 + weft__random_below(random, 8)) > 0)
        ;
    for (size_t i = 0; i < timers; i++)
        wrong += overdue(&probes[i]);
}

static void test_wheel_random_timers_fire_in_time(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct weft__random random;
        weft__random_init(&random, seed);
        restart((int64_t)(weft__random_next(&random) >> 20));
        for (int i = 0; i < rounds; i++)
            random_round(&random);
        if (wrong != 0)
            fprintf(stderr, "seed %llu: %d wrong\n", (unsigned long long)seed, wrong);
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static void test_wheel_next_is_never_after_a_timer(void)
{
    struct weft__random random;

    weft__random_init(&random, 7);
    restart(123456789);
    for (size_t i = 0; i < timers; i++) {
        arm(&probes[i], now_ns + some_distance(&random));
        int64_t next = weft__wheel_next(&wheel);
        for (size_t k = 0; k <= i; k++)
            wrong += next - tick_ns > probes[k].until_ns;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Following next alone, a far timer is reached in a few steps and fires once. */
static void test_wheel_following_next_reaches_each_timer(void)
{
    static const int64_t distances[] = {
        0, 1, 524288, 2000000000, 2200000000, 200000000000, INT64_C(10000000000000000)
    };

    for (size_t i = 0; i < WEFT__COUNT(distances); i++) {
        restart(987654321);
        arm(&probes[0], now_ns + distances[i]);
        int steps = 0;
        while (probes[0].fired == 0 && steps++ < 1000) {
            int64_t next = weft__wheel_next(&wheel);
            now_ns = next > now_ns ? next : now_ns + 1;
            (void)weft__wheel_advance(&wheel, NULL, now_ns, 1);
        }
        if (probes[0].fired != 1)
            fprintf(stderr, "row %zu: fired %d\n", i, probes[0].fired);
        CU_ASSERT_EQUAL(probes[0].fired, 1);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(weft__wheel_next(&wheel), INT64_MAX);
    }
}

static void test_wheel_budget_leaves_the_rest_for_the_next_call(void)
{
    restart(0);
    for (size_t i = 0; i < 10; i++)
        arm(&probes[i], tick_ns * 3);
    now_ns = tick_ns * 3;
    CU_ASSERT_EQUAL(weft__wheel_advance(&wheel, NULL, now_ns, 4), 4);
    CU_ASSERT_EQUAL(weft__wheel_advance(&wheel, NULL, now_ns, 100), 6);
    CU_ASSERT_EQUAL(weft__load_relaxed(&wheel.armed), 0);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_wheel_disarmed_timer_never_fires(void)
{
    restart(0);
    arm(&probes[0], tick_ns * 3);
    arm(&probes[1], tick_ns * 3);
    weft__wheel_disarm(&wheel, &probes[0].timer);
    weft__wheel_disarm(&wheel, &probes[0].timer);
    probes[0].armed = false;
    now_ns = tick_ns * 5;
    CU_ASSERT_EQUAL(weft__wheel_advance(&wheel, NULL, now_ns, 100), 1);
    CU_ASSERT_EQUAL(probes[0].fired, 0);
    CU_ASSERT_EQUAL(probes[1].fired, 1);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_wheel_random_timers_fire_in_time),
        UNIT_TEST(test_wheel_next_is_never_after_a_timer),
        UNIT_TEST(test_wheel_following_next_reaches_each_timer),
        UNIT_TEST(test_wheel_budget_leaves_the_rest_for_the_next_call),
        UNIT_TEST(test_wheel_disarmed_timer_never_fires),
    };
    return unit_run(argc, argv, "wheel", tests, WEFT__COUNT(tests));
}

/*
 * Tasks with shields, deferred functions and inherited locals, which are cancelled at random
 * moments, alone and with their scope; some may move, the grace of the deferred ones is short. No
 * shielded wait is ended by a cancel, every deferred function runs once and every value is
 * destroyed once, whatever came when.
 */
#include <errno.h>
#include <string.h>

#include "runtime/sched/defer.h"
#include "tests/support/stress.h"

enum { tasks = 16, waits = 5 };

/* What has been handed over and not come back. */
static _Atomic int64_t lent_functions;
static _Atomic int64_t lent_values;
static weft_local key;
static weft_local other;

static void *copy_value(void *value)
{
    weft__add_relaxed(&lent_values, 1);
    return value;
}

static void destroy_value(void *value)
{
    (void)value;
    stress_maybe_yield();
    weft__sub_relaxed(&lent_values, 1);
}

static int wait_somehow(void)
{
    int byte = 0;

    if (stress_below(3) != 0)
        return weft_sleep(weft_after(stress_below(100) * WEFT_MICROSECOND));
    weft_chan chan = weft_chan_create(sizeof(byte), 0);
    int rc = weft_chan_take(chan, &byte, weft_after(stress_below(100) * WEFT_MICROSECOND));
    STRESS_EQUAL(weft_chan_release(chan), 0);
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* A child in a scope of the section, which the section shields. */
static int wait_in_child(void *argument)
{
    (void)argument;
    return wait_somehow();
}

static void wait_shielded(uint32_t depth)
{
    STRESS_EQUAL(weft_shield_begin(), 0);
    STRESS_EQUAL(wait_somehow(), 0);
    STRESS_EQUAL(weft_canceled(), 0);
    weft_scope scope = weft_scope_open(NULL);
    STRESS_CHECK(weft_go(scope, wait_in_child, NULL) > 0);
    if (depth > 0)
        wait_shielded(depth - 1);
    STRESS_EQUAL(wait_somehow(), 0);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    int rc = weft_shield_end();
    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
}

static void clean_up(void *argument)
{
    const uint32_t *more = argument;
    int rc = wait_somehow(); /* the grace may be over */

    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
    if (*more > 0) {
        uint32_t left = *more - 1;
        weft__add_relaxed(&lent_functions, 1);
        STRESS_EQUAL(weft_defer_copy(clean_up, &left, sizeof(left)), 0);
    }
    weft__sub_relaxed(&lent_functions, 1);
}

static void hang_something(void)
{
    static int value;
    uint32_t more = stress_below(3);

    if (stress_below(2) == 0) {
        weft__add_relaxed(&lent_functions, 1);
        STRESS_EQUAL(weft_defer_copy(clean_up, &more, sizeof(more)), 0);
        return;
    }
    weft_local chosen = stress_below(2) == 0 ? key : other;
    if (weft_local_get(chosen) == NULL) {
        weft__add_relaxed(&lent_values, 1);
        STRESS_EQUAL(weft_local_set(chosen, &value), 0);
    }
    STRESS_CHECK(weft_local_get(chosen) == &value);
}

static int be_tidy(void *argument)
{
    (void)argument;
    for (int i = 0; i < waits; i++) {
        switch (stress_below(4)) {
        case 0: wait_shielded(stress_below(3)); break;
        case 1: hang_something(); break;
        case 2: stress_maybe_yield(); break;
        default:
            if (wait_somehow() == -ECANCELED)
                return stress_below(2) == 0 ? -ECANCELED : 0;
        }
    }
    return 0;
}

static weft_task spawn_somewhere(weft_scope scope, weft_task_fn fn)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());

    if (stress_below(2) == 0)
        options.place = weft_place_local();
    options.migratable = stress_below(2) == 0;
    return weft_spawn(scope, fn, NULL, &options);
}

static int disturb(void *argument)
{
    weft_task all[tasks];
    weft_scope_options options = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL);
    weft_scope scope = weft_scope_open(&options);

    (void)argument;
    hang_something(); /* which the others inherit */
    for (int i = 0; i < tasks; i++)
        STRESS_CHECK((all[i] = spawn_somewhere(scope, be_tidy)) > 0);
    for (uint32_t i = stress_below(tasks); i > 0; i--) {
        stress_maybe_yield();
        int rc = weft_cancel(all[stress_below(tasks)]);
        STRESS_CHECK(rc == 0 || rc == -ESRCH);
    }
    if (stress_below(3) == 0)
        STRESS_EQUAL(weft_scope_cancel(scope), 0);
    int rc = weft_scope_close(scope);
    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
    return 0;
}

static int disturb_many(void *argument)
{
    uint32_t rounds = stress_size(800, STRESS_SANITIZED ? 15 : 60);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(NULL);
        stress_round(round);
        weft__store_relaxed(&weft__defer_grace_ns, (int64_t)stress_below(2000000));
        for (int i = 0; i < 4; i++)
            STRESS_CHECK(spawn_somewhere(scope, disturb) > 0);
        STRESS_EQUAL(weft_scope_close(scope), 0);
        STRESS_EQUAL(weft__load_relaxed(&lent_functions), 0);
        STRESS_EQUAL(weft__load_relaxed(&lent_values), 0);
    }
    return 0;
}

static void end_tidily(uint32_t workers)
{
    weft_local_options inherited = WEFT_LOCAL_OPTIONS(.destroy = destroy_value,
                                                      .inherit = copy_value);
    weft_local_options own = WEFT_LOCAL_OPTIONS(.destroy = destroy_value);

    key = weft_local_create(&inherited);
    other = weft_local_create(&own);
    STRESS_CHECK(key > 0 && other > 0);
    stress_run(workers, NULL, disturb_many, NULL);
    STRESS_EQUAL(weft_local_release(key), 0);
    STRESS_EQUAL(weft_local_release(other), 0);
}

static const struct stress_case cases[] = {
    STRESS_CASE(end_tidily),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

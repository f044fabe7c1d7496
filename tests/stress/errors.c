/*
 * S7: tasks fail at random, in scopes within scopes and in maps over items. With WEFT_RUN_ALL all
 * failures are listed, in the order of the spawns, and all else has run; with WEFT_FIRST_ERROR each
 * task has run to its own end or was cancelled, and the list says which. Nothing is left running.
 * (In the old runtimes a loop whose body failed returned as if nothing had happened.)
 */
#include <errno.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most_tasks = 40, most_depth = 3, most_items = 100 };

static _Atomic int32_t running;

struct plan {
    uint32_t depth;
    uint32_t index; /* among its sisters */
    int code;       /* what it will return */
    int8_t *fate;   /* where it notes its end: 1 well, 2 failed, 3 canceled */
};

static int be_parent(uint32_t depth);

/* Waits and yields at random. Returns -ECANCELED when it was cancelled meanwhile. */
static int live_for_a_while(void)
{
    int rc = 0;

    for (uint32_t i = stress_below(5); i > 0 && rc == 0; i--)
        rc = stress_below(3) == 0 ? weft_sleep(weft_after(stress_below(100) * WEFT_MICROSECOND))
                                  : weft_yield();
    return rc;
}

static int be_child(void *argument)
{
    const struct plan *plan = argument;
    int rc = 0;

    weft__add_relaxed(&running, 1);
    if (plan->depth < most_depth && stress_below(8) == 0)
        rc = be_parent(plan->depth + 1);
    if (rc == 0)
        rc = live_for_a_while();
    if (rc == 0)
        rc = plan->code;
    *plan->fate = rc == 0 ? 1 : rc == -ECANCELED ? 3 : 2;
    weft__sub_relaxed(&running, 1);
    return rc == plan->code && rc < 0 ? weft_fail(rc, NULL, "number %u", plan->index) : rc;
}

/* The list of failures against what each task did. Returns how many there were. */
static uint32_t check_failures(weft_scope scope, const int8_t *fates, const weft_task *tasks,
                               uint32_t count)
{
    uint32_t failures = 0;

    for (uint32_t i = 0; i < count; i++) {
        weft_error error = WEFT_ERROR_INIT;
        STRESS_CHECK(fates[i] >= 1 && fates[i] <= 3); /* each ran */
        if (fates[i] == 1)
            continue;
        STRESS_EQUAL(weft_scope_error(scope, failures, &error), 0);
        STRESS_CHECK(error.task == tasks[i]); /* in the order of the spawns */
        STRESS_EQUAL(error.code == -ECANCELED, fates[i] == 3);
        failures++;
    }
    STRESS_EQUAL(weft_scope_failures(scope), failures);
    return failures;
}

static int be_parent(uint32_t depth)
{
    weft_task tasks[most_tasks];
    int8_t fates[most_tasks] = { 0 };
    uint32_t count = 1 + stress_below(depth == 0 ? most_tasks : 6);
    weft_scope_policy policy = stress_below(2) == 0 ? WEFT_RUN_ALL : WEFT_FIRST_ERROR;
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = policy));

    if (scope < 0)
        return (int)scope;
    for (uint32_t i = 0; i < count; i++) {
        struct plan plan = { depth, i, stress_below(6) == 0 ? -(int)(1 + i) : 0, &fates[i] };
        if (plan.code == -ECANCELED)
            plan.code = 0;
        tasks[i] = weft_go_copy(scope, be_child, &plan, sizeof(plan));
        STRESS_CHECK(tasks[i] > 0);
    }
    (void)weft_shield_begin(); /* so that all have ended when the list is looked at */
    int rc = weft_scope_join(scope, WEFT_NEVER);
    uint32_t failures = check_failures(scope, fates, tasks, count);
    STRESS_EQUAL(rc<0, failures> 0);
    if (policy == WEFT_RUN_ALL && depth == 0)
        STRESS_CHECK(memchr(fates, 3, count) == NULL); /* nobody was cancelled */
    STRESS_EQUAL(weft_scope_close(scope), rc);
    (void)weft_shield_end();
    return rc == -ECANCELED ? 0 : rc;
}

static int fail_in_scopes(void *argument)
{
    uint32_t rounds = stress_size(4000, 30);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        (void)be_parent(0);
        STRESS_EQUAL(weft__load_relaxed(&running), 0);
    }
    return 0;
}

/* ---- maps ---- */

struct items {
    int codes[most_items]; /* what each will return */
    _Atomic uint32_t calls[most_items];
    int got[most_items];
};

static int do_item(void *context, size_t index, const void *item, void *out_result)
{
    struct items *items = context;

    (void)item;
    (void)out_result;
    weft__add_relaxed(&items->calls[index], 1);
    int rc = live_for_a_while();
    return rc < 0 ? rc : items->codes[index];
}

static void check_items(const struct items *items, uint32_t count, bool all)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t calls = weft__load_relaxed(&items->calls[i]);
        STRESS_CHECK(calls == 1 || (!all && calls == 0));
        STRESS_CHECK(items->got[i] == items->codes[i] || (!all && items->got[i] == -ECANCELED));
        STRESS_CHECK(calls == 1 || items->got[i] == -ECANCELED);
    }
}

static int map_once(void)
{
    static struct items items; /* one map at a time */
    uint32_t count = 1 + stress_below(most_items);
    size_t index = 0;
    int first = 0;
    weft_map map = WEFT_MAP(.fn = do_item, .context = &items, .count = count,
                            .out_codes = items.got, .concurrency = 1 + stress_below(10));

    memset(&items, 0, sizeof(items));
    map.policy = stress_below(2) == 0 ? WEFT_RUN_ALL : WEFT_FIRST_ERROR;
    for (uint32_t i = 0; i < count; i++) {
        items.codes[i] = stress_below(20) == 0 ? -(int)(1 + i) : 0;
        if (first == 0)
            first = items.codes[i];
    }
    int rc = weft_map_run(&map, &index, WEFT_NEVER);
    check_items(&items, count, map.policy == WEFT_RUN_ALL);
    if (map.policy == WEFT_RUN_ALL)
        STRESS_EQUAL(rc, first);
    else
        STRESS_EQUAL(rc < 0, first < 0);
    if (rc < 0)
        STRESS_EQUAL(items.codes[index], rc);
    return 0;
}

static int fail_in_maps(void *argument)
{
    uint32_t rounds = stress_size(4000, 30);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        (void)map_once();
    }
    return 0;
}

static void errors_in_scopes(uint32_t workers)
{
    stress_run(workers, NULL, fail_in_scopes, NULL);
}

static void errors_in_maps(uint32_t workers)
{
    stress_run(workers, NULL, fail_in_maps, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(errors_in_scopes),
    STRESS_CASE(errors_in_maps),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

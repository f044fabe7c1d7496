/*
 * Forks at the edges of what they belong to: in tasks that the runtime's stop cancels, on threads
 * that are no workers, in children that open scopes and spawn, in deferred functions, around static
 * loops that are cancelled midway.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/support/stress.h"

struct tree {
    uint32_t depth;
    uint32_t leaves;
};

static int count_leaves(weft_strand *strand, void *argument)
{
    struct tree *tree = argument;

    if (tree->depth == 0) {
        if (stress_below(16) == 0 && weft_self() > 0)
            stress_maybe_yield();
        tree->leaves = 1;
        return 0;
    }
    struct tree left = { tree->depth - 1, 0 };
    struct tree right = { tree->depth - 1, 0 };
    weft_fork(strand, count_leaves, &left);
    STRESS_EQUAL(count_leaves(strand, &right), 0);
    STRESS_EQUAL(weft_fork_join(strand), 0);
    tree->leaves = left.leaves + right.leaves;
    return 0;
}

static int grow_one(void *argument)
{
    struct tree tree = { 6, 0 };

    (void)argument;
    STRESS_EQUAL(weft_fork_run(count_leaves, &tree), 0);
    STRESS_EQUAL(tree.leaves, 64);
    return 0;
}

/* ---- the runtime stops under them ---- */

static int grow_until_canceled(void *argument)
{
    while (weft_canceled() == 0) {
        (void)grow_one(argument);
        (void)weft_yield();
    }
    return 0;
}

static int leave_growing(void *argument)
{
    for (int i = 0; i < 6; i++)
        (void)weft_go(WEFT_DETACHED, grow_until_canceled, argument);
    stress_maybe_yield();
    return 0;
}

static void stopped(uint32_t workers)
{
    uint32_t rounds = stress_size(500, 3);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        stress_run(workers, NULL, leave_growing, NULL);
    }
}

/* ---- threads that are no workers, beside tasks ---- */

static _Atomic uint64_t visited;

static int visit(size_t begin, size_t end, void *argument)
{
    (void)argument;
    weft__add_relaxed(&visited, end - begin);
    return 0;
}

static void *fork_outside(void *argument)
{
    for (int i = 0; i < 20; i++) {
        (void)grow_one(argument);
        STRESS_EQUAL(weft_for(0, 100, visit, NULL, NULL), 0);
        STRESS_EQUAL(weft_for(0, 100, visit, NULL, &WEFT_FOR_OPTIONS(.schedule = WEFT_GUIDED)), 0);
        STRESS_EQUAL(weft_for(0, 100, visit, NULL, &WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC)), 0);
    }
    return NULL;
}

static int fork_beside(void *argument)
{
    enum { threads = 3 };
    uint32_t rounds = stress_size(200, 2);

    for (uint32_t i = 0; i < rounds; i++) {
        pthread_t outside[threads];
        stress_round(i);
        weft__store_relaxed(&visited, 0);
        for (int t = 0; t < threads; t++)
            STRESS_EQUAL(pthread_create(&outside[t], NULL, fork_outside, NULL), 0);
        (void)fork_outside(argument);
        for (int t = 0; t < threads; t++)
            STRESS_EQUAL(pthread_join(outside[t], NULL), 0);
        STRESS_EQUAL(weft__load_relaxed(&visited), (threads + 1) * 20 * 300);
    }
    return 0;
}

static void outside(uint32_t workers)
{
    stress_run(workers, NULL, fork_beside, NULL);
}

/* ---- children that spawn, and tasks that fork when they end ---- */

static void fork_at_end(void *argument)
{
    (void)grow_one(argument);
}

static int end_with_forks(void *argument)
{
    STRESS_EQUAL(weft_defer(fork_at_end, argument), 0);
    return stress_below(2) == 0 ? grow_one(argument) : 0;
}

static int spawn_some(weft_strand *strand, void *argument)
{
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    (void)strand;
    for (int i = 0; i < 3; i++)
        (void)weft_go(scope, end_with_forks, argument);
    stress_maybe_yield();
    if (stress_below(8) == 0)
        (void)weft_scope_cancel(scope);
    return weft_scope_close(scope);
}

static int fork_spawners(weft_strand *strand, void *argument)
{
    for (int i = 0; i < 4; i++) {
        weft_fork(strand, spawn_some, argument);
        stress_maybe_yield();
    }
    for (int i = 0; i < 4; i++)
        STRESS_EQUAL(weft_fork_join(strand), 0);
    return 0;
}

static int spawn_often(void *argument)
{
    uint32_t rounds = stress_size(5000, 5);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        STRESS_EQUAL(weft_fork_run(fork_spawners, argument), 0);
    }
    return 0;
}

static void spawners(uint32_t workers)
{
    stress_run(workers, NULL, spawn_often, NULL);
}

/* ---- loops within loops of another kind, cancelled midway ---- */

static int loop_within(size_t begin, size_t end, void *argument)
{
    uint32_t depth = *(const uint32_t *)argument - 1;
    weft_schedule schedule = (weft_schedule)stress_below(3);

    if (depth > 0)
        return weft_for(begin, end + 2, loop_within, &depth,
                        &WEFT_FOR_OPTIONS(.schedule = schedule, .grain = 1 + stress_below(3)));
    stress_maybe_yield();
    return weft_canceled() != 0 ? -ECANCELED : 0;
}

static int nest(void *argument)
{
    uint32_t depth = 3;
    int rc = weft_for(0, 4, loop_within, &depth, &WEFT_FOR_OPTIONS(.grain = 1));

    (void)argument;
    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
    return rc;
}

static int nest_and_cancel(void *argument)
{
    uint32_t rounds = stress_size(2000, 3);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
        weft_task task = weft_spawn(scope, nest, argument,
                                    &WEFT_SPAWN_OPTIONS(.migratable = (int)stress_below(2)));
        for (uint32_t wait = stress_below(4); wait > 0; wait--)
            stress_maybe_yield();
        bool cancels = stress_below(2) == 0;
        if (cancels)
            (void)weft_cancel(task);
        int rc = weft_scope_close(scope);
        STRESS_CHECK(rc == 0 || (cancels && rc == -ECANCELED));
    }
    return 0;
}

static void nested(uint32_t workers)
{
    stress_run(workers, NULL, nest_and_cancel, NULL);
}

int main(int argc, char **argv)
{
    static const struct stress_case cases[] = {
        STRESS_CASE(stopped),
        STRESS_CASE(outside),
        STRESS_CASE(spawners),
        STRESS_CASE(nested),
    };

    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

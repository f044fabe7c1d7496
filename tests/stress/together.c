/*
 * Families on one worker each: a parent, its children and theirs increment a counter that nothing
 * guards, between yields, waits and hand-overs to each other, while other tasks move from worker to
 * worker. No two members ever run at once, and every hand-over is answered as documented.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/stress.h"

enum { families = 6, members_most = 12, turns = 40, movers = 24 };

struct family {
    weft_task members[members_most];
    uint32_t count;
    uint64_t steps; /* plain: only one member runs at a time */
    uint64_t wanted;
    _Atomic uint32_t inside;
    _Atomic uint32_t overlaps;
};

static void take_step(struct family *family)
{
    if (weft__add_acqrel(&family->inside, 1) != 0) /* the detector */
        weft__add_relaxed(&family->overlaps, 1);
    uint64_t seen = family->steps;
    (void)stress_compute(stress_below(200));
    family->steps = seen + 1;
    weft__sub_acqrel(&family->inside, 1); /* the detector */
}

static void hand_over(struct family *family)
{
    weft_task other = family->members[stress_below(family->count)];
    int rc = weft_yield_to(other);

    STRESS_CHECK(rc == 0 || rc == -ESRCH || rc == -EAGAIN || rc == -EDEADLK);
}

static void live(struct family *family)
{
    for (int i = 0; i < turns; i++) {
        take_step(family);
        if (stress_below(2) == 0)
            hand_over(family);
        else
            stress_maybe_yield();
    }
}

static weft_task join_family(weft_scope scope, struct family *family, weft_task_fn fn)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together());
    weft_task task = weft_spawn(scope, fn, family, &options);

    STRESS_CHECK(task > 0);
    family->wanted += turns;
    family->members[family->count++] = task;
    return task;
}

static int be_member(void *argument)
{
    live(argument);
    return 0;
}

static int be_parent(void *argument)
{
    struct family *family = argument;
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < 1 + stress_below(3) && family->count < members_most; i++)
        (void)join_family(scope, family, be_member);
    live(family);
    return weft_scope_close(scope);
}

static int found_family(void *argument)
{
    struct family family = { .members = { weft_self() }, .count = 1, .wanted = turns };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (uint32_t i = 0; i < 1 + stress_below(4) && family.count < members_most; i++)
        (void)join_family(scope, &family, be_parent);
    live(&family);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    STRESS_EQUAL(family.steps, family.wanted);
    STRESS_EQUAL(weft__load_relaxed(&family.overlaps), 0);
    return 0;
}

static int move_about(void *argument)
{
    (void)argument;
    for (int i = 0; i < turns; i++)
        stress_maybe_yield();
    return 0;
}

static int live_together(void *argument)
{
    uint32_t rounds = stress_size(1500, STRESS_SANITIZED ? 10 : 50);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        weft_spawn_options free_to_move = WEFT_SPAWN_OPTIONS(.migratable = 1);
        weft_scope scope = weft_scope_open(NULL);
        stress_round(round);
        for (int i = 0; i < movers; i++)
            STRESS_CHECK(weft_spawn(scope, move_about, NULL, &free_to_move) > 0);
        for (int i = 0; i < families; i++)
            STRESS_CHECK(weft_go(scope, found_family, NULL) > 0);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static void exclusive(uint32_t workers)
{
    stress_run(workers, NULL, live_together, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(exclusive),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

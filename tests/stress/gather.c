/*
 * Several tasks wait for the same lists of tasks, which end at random moments, on all workers, well
 * or not: for all, or for the first failure; some with a deadline, some are cancelled, some lists
 * hold a task twice. No wait is lost, and what it says is what the tasks did.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most_tasks = 24, most_waiters = 6 };

struct group;

struct member {
    struct group *group;
    int result;
    _Atomic uint32_t over; /* set as its last act */
};

struct group {
    weft_task tasks[most_tasks];
    struct member members[most_tasks];
    uint32_t count;
    bool disturbed; /* some waiters are cancelled or have a deadline */
};

static weft_task spawn_somewhere(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());

    if (stress_below(2) == 0)
        options.place = weft_place_local();
    options.migratable = stress_below(4) == 0;
    return weft_spawn(scope, fn, argument, &options);
}

static int be_member(void *argument)
{
    struct member *member = argument;

    for (uint32_t i = stress_below(6); i > 0; i--)
        stress_maybe_yield();
    weft__store_relaxed(&member->over, 1); /* the wait must order it */
    return member->result;
}

/* What a wait said against what the tasks did. */
static void judge(struct group *group, weft_wait_all_kind goal, const unsigned char *ended, int rc)
{
    int first = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        const struct member *member = &group->members[i];
        STRESS_CHECK(ended[i] <= 1);
        if (ended[i] != 1)
            continue;
        count++;
        STRESS_EQUAL(weft__load_relaxed(&member->over), 1);
        if (first == 0 && member->result < 0)
            first = member->result;
    }
    if (rc == -ETIMEDOUT || rc == -ECANCELED) {
        STRESS_CHECK(group->disturbed && count < group->count);
        STRESS_CHECK(goal == WEFT_ALL_ENDED || first == 0);
        return;
    }
    STRESS_EQUAL(rc, first);
    STRESS_CHECK(count == group->count || (goal == WEFT_ALL_OR_FAILURE && rc < 0));
}

static int be_waiter(void *argument)
{
    struct group *group = argument;
    unsigned char ended[most_tasks + 1];
    weft_wait_all_kind goal = stress_below(2) == 0 ? WEFT_ALL_ENDED : WEFT_ALL_OR_FAILURE;
    weft_deadline until = WEFT_NEVER;

    if (group->disturbed && stress_below(3) == 0)
        until = stress_below(3) == 0 ? WEFT_NOW : weft_after(stress_below(200) * WEFT_MICROSECOND);
    stress_maybe_yield();
    memset(ended, 9, sizeof(ended));
    int rc = weft_wait_all(group->tasks, group->count, goal, ended, until);
    judge(group, goal, ended, rc);
    STRESS_EQUAL(ended[group->count], 9);
    return 0;
}

static void fill(struct group *group, weft_scope scope)
{
    group->count = 1 + stress_below(most_tasks);
    group->disturbed = stress_below(2) == 0;
    for (uint32_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];
        if (i > 0 && stress_below(8) == 0) { /* the one before once more */
            member->result = group->members[i - 1].result;
            group->tasks[i] = group->tasks[i - 1];
            weft__store_relaxed(&member->over, 1); /* the other's says it */
            continue;
        }
        member->result = stress_below(8) == 0 ? -1 - (int)stress_below(90) : (int)i;
        weft__store_relaxed(&member->over, 0);
        group->tasks[i] = spawn_somewhere(scope, be_member, member);
        STRESS_CHECK(group->tasks[i] > 0);
    }
}

static int gather_once(void *argument)
{
    struct group group;
    weft_task waiters[most_waiters];
    weft_scope_options all = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL);
    weft_scope scope = weft_scope_open(&all);
    weft_scope waiting = weft_scope_open(NULL);
    uint32_t count = 1 + stress_below(most_waiters);

    (void)argument;
    fill(&group, scope);
    for (uint32_t i = 0; i < count; i++)
        waiters[i] = spawn_somewhere(waiting, be_waiter, &group);
    if (group.disturbed && stress_below(2) == 0) {
        stress_maybe_yield();
        int rc = weft_cancel(waiters[stress_below(count)]);
        STRESS_CHECK(rc == 0 || rc == -ESRCH);
    }
    STRESS_EQUAL(weft_scope_close(waiting), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static int gather_many(void *argument)
{
    uint32_t rounds = stress_size(4000, STRESS_SANITIZED ? 20 : 100);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(NULL);
        stress_round(round);
        for (int i = 0; i < 4; i++)
            STRESS_CHECK(spawn_somewhere(scope, gather_once, NULL) > 0);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static void wait_for_all(uint32_t workers)
{
    stress_run(workers, NULL, gather_many, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(wait_for_all),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

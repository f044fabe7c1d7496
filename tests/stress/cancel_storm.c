/*
 * Random trees of scopes and tasks; cancels of tasks and scopes come from random tasks and from
 * threads that are no workers, with stale handles among them; deadlines pass, handles are released.
 * Every task ends, every scope closes, and nothing is left when the runtime stops.
 */
#include <errno.h>
#include <pthread.h>

#include "tests/support/stress.h"

enum { handles_kept = 256, threads = 3, deepest = 5, most_children = 4 };

struct storm {
    _Atomic uint64_t begun;
    _Atomic uint64_t ended;
    _Atomic uint64_t spawned;
    _Atomic weft_task tasks[handles_kept]; /* some handles, many of them stale */
    _Atomic weft_scope scopes[handles_kept];
    _Atomic uint32_t over; /* foreign threads leave */
    weft_chan silent;      /* nobody ever puts */
    weft_chan slots;       /* two slots, anybody puts and takes */
    weft_fd pipe[2];       /* nobody ever writes */
};

struct branch {
    struct storm *storm;
    uint32_t depth;
};

static bool is_code_of_storm(int rc)
{
    return rc == 0 || rc == -ECANCELED || rc == -ETIMEDOUT || rc == -EIO || rc == -ESRCH;
}

/* ---- who cancels ----------------------------------------------------------------------------- */

static void cancel_something(struct storm *storm)
{
    uint32_t which = stress_below(handles_kept);
    int rc;

    if (stress_below(2) == 0) {
        weft_task task = weft__load_relaxed(&storm->tasks[which]);
        rc = task > 0 ? weft_cancel(task) : 0;
    } else {
        weft_scope scope = weft__load_relaxed(&storm->scopes[which]);
        rc = scope > 0 ? weft_scope_cancel(scope) : 0;
    }
    STRESS_CHECK(rc == 0 || rc == -ESRCH);
}

/* The handle is stale, of a task, or of nothing yet. Nobody may get hold of another object by it.
 * */
static void look_at_something(struct storm *storm)
{
    weft_task task = weft__load_relaxed(&storm->tasks[stress_below(handles_kept)]);
    weft_error error = WEFT_ERROR_INIT;
    char name[WEFT_NAME];

    if (task == 0)
        return;
    int state = weft_task_state_of(task);
    STRESS_CHECK(state == -ESRCH || (state >= WEFT_TASK_FRESH && state <= WEFT_TASK_ENDED));
    int rc = weft_task_error_of(task, &error);
    STRESS_CHECK(rc == 0 || rc == -ESRCH || rc == -EBUSY);
    rc = weft_task_name_of(task, name);
    STRESS_CHECK(rc == 0 || rc == -ESRCH);
    rc = weft_scope_cancel(task); /* a task is no scope */
    STRESS_EQUAL(rc, -ESRCH);
}

static void *disturb_from_outside(void *argument)
{
    struct storm *storm = argument;

    while (weft__load_relaxed(&storm->over) == 0) {
        (void)stress_compute(stress_below(20000));
        if (stress_below(4) == 0)
            cancel_something(storm);
        else
            look_at_something(storm);
    }
    return NULL;
}

/* ---- the trees ------------------------------------------------------------------------------- */

/* One wait of any kind, most of which only a cancel or a deadline ends. */
static int wait_somehow(struct storm *storm)
{
    weft_deadline until = stress_below(2) == 0 ? weft_after(3600 * WEFT_SECOND)
                                               : weft_after(stress_below(2000) * WEFT_MICROSECOND);
    char byte;
    int rc;

    switch (stress_below(6)) {
    case 0: return weft_sleep(until);
    case 1: return weft_chan_take(storm->silent, NULL, until);
    case 2: return (int)weft_read(storm->pipe[0], &byte, 1, until);
    case 3: return weft_chan_put(storm->slots, NULL, until);
    case 4: return weft_chan_take(storm->slots, NULL, until);
    default:
        while ((rc = weft_yield()) == 0 && weft_clock() < until.ns && stress_below(1000) != 0)
            (void)stress_compute(200);
        return rc;
    }
}

static weft_scope open_some_scope(struct storm *storm)
{
    weft_scope_options options = WEFT_SCOPE_OPTIONS(.policy = WEFT_FIRST_ERROR);

    options.policy = stress_below(2) == 0 ? WEFT_RUN_ALL : WEFT_FIRST_ERROR;
    options.forget = stress_below(4) == 0;
    if (stress_below(3) == 0)
        options.until = weft_after(stress_below(3000) * WEFT_MICROSECOND);
    weft_scope scope = weft_scope_open(&options);
    STRESS_CHECK(scope > 0);
    weft__store_relaxed(&storm->scopes[stress_below(handles_kept)], scope);
    return scope;
}

static int grow(void *argument);

static void spawn_children(struct branch branch, weft_scope scope, weft_task *last)
{
    uint32_t count = stress_below(most_children + 1);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(branch));

    branch.depth--;
    for (uint32_t i = 0; i < count; i++) {
        options.migratable = stress_below(3) == 0;
        options.place = stress_below(2) == 0 ? weft_place_local() : weft_place_spread();
        options.name = stress_below(8) == 0 ? "leaf" : NULL;
        weft_task task = weft_spawn(scope, grow, &branch, &options);
        STRESS_CHECK(task > 0);
        weft__add_relaxed(&branch.storm->spawned, 1);
        weft__store_relaxed(&branch.storm->tasks[stress_below(handles_kept)], task);
        *last = task;
        if (stress_below(6) == 0) {
            int rc = weft_release(task); /* a forgetting scope may have dropped it */
            STRESS_CHECK(rc == 0 || rc == -ESRCH);
        }
        stress_maybe_yield();
    }
}

static void act(struct storm *storm, weft_scope scope, weft_task last)
{
    int rc = 0;

    switch (stress_below(8)) {
    case 0:
        rc = weft_scope_cancel(scope);
        STRESS_EQUAL(rc, 0);
        break;
    case 1:
        rc = last > 0 ? weft_wait(last, weft_after(stress_below(1000) * WEFT_MICROSECOND)) : 0;
        break;
    case 2: rc = weft_scope_join(scope, weft_after(stress_below(1000) * WEFT_MICROSECOND)); break;
    case 3: cancel_something(storm); break;
    case 4:
        rc = weft_cancel(weft_self()); /* -ESRCH: somebody has released its handle */
        break;
    case 5:
        STRESS_CHECK(weft_scope_failures(scope) >= 0);
        look_at_something(storm);
        break;
    default: rc = wait_somehow(storm); break;
    }
    STRESS_CHECK(is_code_of_storm(rc));
}

static int grow(void *argument)
{
    struct branch branch = *(struct branch *)argument;
    struct storm *storm = branch.storm;
    weft_task last = 0;
    int rc = 0;

    weft__add_relaxed(&storm->begun, 1);
    if (branch.depth > 0) {
        weft_scope scope = open_some_scope(storm);
        spawn_children(branch, scope, &last);
        act(storm, scope, last);
        if (stress_below(4) == 0)
            (void)weft_scope_cancel(scope);
        rc = weft_scope_close(scope);
        STRESS_EQUAL(weft_scope_close(scope), -ESRCH);
    } else {
        rc = wait_somehow(storm);
    }
    STRESS_CHECK(is_code_of_storm(rc));
    weft__add_relaxed(&storm->ended, 1);
    return stress_below(4) == 0 ? weft_fail(-EIO, NULL, "leaf %d gives up", rc) : 0;
}

/* ---- one storm ------------------------------------------------------------------------------- */

/* A tree that grows in its own time, until its scope is cancelled and closed. */
static int grow_trees(void *argument)
{
    struct storm *storm = argument;
    weft_scope_options options = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL);
    weft_scope scope = weft_scope_open(&options);
    struct branch branch = { storm, deepest };

    for (int i = 0; i < 8; i++) {
        weft_task task = weft_go_copy(scope, grow, &branch, sizeof(branch));
        STRESS_CHECK(task > 0);
        weft__add_relaxed(&storm->spawned, 1);
        weft__store_relaxed(&storm->tasks[stress_below(handles_kept)], task);
        stress_maybe_yield();
    }
    (void)!weft_sleep(weft_after(stress_below(5000) * WEFT_MICROSECOND));
    STRESS_EQUAL(weft_scope_cancel(scope), 0);
    int rc = weft_scope_close(scope);
    STRESS_CHECK(is_code_of_storm(rc));
    return 0;
}

static int end_storm(void *argument)
{
    struct storm *storm = argument;

    STRESS_EQUAL(weft_chan_release(storm->silent), 0);
    STRESS_EQUAL(weft_chan_release(storm->slots), 0);
    STRESS_EQUAL(weft_close(storm->pipe[0]), 0);
    STRESS_EQUAL(weft_close(storm->pipe[1]), 0);
    return 0;
}

static void storm_once(weft_runtime runtime, struct storm *storm)
{
    pthread_t outside[threads];

    storm->silent = weft_chan_create(0, 0);
    storm->slots = weft_chan_create(0, 2);
    STRESS_EQUAL(weft_pipe(storm->pipe), 0);
    for (int i = 0; i < threads; i++)
        STRESS_EQUAL(pthread_create(&outside[i], NULL, disturb_from_outside, storm), 0);
    STRESS_EQUAL(weft_call(runtime, grow_trees, storm), 0);
    STRESS_EQUAL(weft_call(runtime, grow_trees, storm), 0);
    weft__store_relaxed(&storm->over, 1);
    for (int i = 0; i < threads; i++)
        STRESS_EQUAL(pthread_join(outside[i], NULL), 0);
    STRESS_EQUAL(weft_call(runtime, end_storm, storm), 0);
    STRESS_EQUAL(storm->begun, storm->spawned);
    STRESS_EQUAL(storm->ended, storm->spawned);
}

static void storms(uint32_t workers)
{
    static struct storm storm; /* large */
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(3000, STRESS_SANITIZED ? 5 : 100);
    uint32_t files = stress_open_files();

    for (uint32_t round = 0; round < rounds; round++) {
        storm = (struct storm){ .over = 0 };
        stress_round(round);
        storm_once(runtime, &storm);
    }
    STRESS_EQUAL(stress_open_files(), files);
    stress_stop(runtime);
}

/* The same, with a runtime for each storm that is stopped while trees grow. */
static int leave_trees(void *argument)
{
    struct storm *storm = argument;
    struct branch branch = { storm, deepest };

    for (int i = 0; i < 8; i++) {
        weft_task task = weft_go_copy(WEFT_DETACHED, grow, &branch, sizeof(branch));
        STRESS_CHECK(task > 0 || task == -ESHUTDOWN);
        weft__add_relaxed(&storm->spawned, task > 0);
        stress_maybe_yield();
    }
    return 0;
}

static void stopped_storms(uint32_t workers)
{
    static struct storm storm;
    uint32_t rounds = stress_size(3000, STRESS_SANITIZED ? 5 : 50);

    for (uint32_t round = 0; round < rounds; round++) {
        storm = (struct storm){ .over = 0 };
        stress_round(round);
        weft_runtime runtime = stress_start(workers, NULL);
        storm.silent = weft_chan_create(0, 0);
        storm.slots = weft_chan_create(0, 2);
        STRESS_EQUAL(weft_pipe(storm.pipe), 0);
        STRESS_EQUAL(weft_call(runtime, leave_trees, &storm), 0);
        (void)stress_compute(stress_below(300000));
        stress_stop(runtime);
        STRESS_EQUAL(storm.begun, storm.spawned);
        STRESS_EQUAL(storm.ended, storm.spawned);
        (void)end_storm(&storm);
    }
}

static const struct stress_case cases[] = {
    STRESS_CASE(storms),
    STRESS_CASE(stopped_storms),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

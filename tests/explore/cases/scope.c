/*
 * runtime/sched/scope.c, finish.c, join.c and release.c: the last child against whoever waits for
 * it, and against what follows: the record of a scope or a task that is over is another's at once.
 * SOURCES: runtime/sched/scope.c runtime/sched/scope_calls.c runtime/sched/finish.c
 * SOURCES: runtime/sched/join.c runtime/sched/release.c runtime/sched/hold.c runtime/sched/spawn.c
 * SOURCES: runtime/sched/park.c runtime/sched/permit.c runtime/sched/cancel.c runtime/sched/sleep.c
 * SOURCES: runtime/sched/step.c runtime/sched/search.c runtime/sched/offer.c runtime/sched/wheel.c
 * SOURCES: runtime/sched/ring.c runtime/sched/task.c runtime/sched/self.c runtime/sched/local.c
 * SOURCES: runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/crew.c
 * WRAPS: weft__thread_self
 */
#include <errno.h>
#include <weft/park.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "runtime/task/stack.h"
#include "tests/explore/support/crew.h"

enum { CHILDREN = 2 };

static uint32_t made[CHILDREN]; /* plain: by the children */
static weft_scope scope;
static weft_task children[CHILDREN];

static const weft_deadline soon = { 50000000 };

int weft__stack_class_of(size_t bytes)
{
    (void)bytes;
    return WEFT__STACK_64K;
}

static void setup_for(int workers)
{
    crew_setup(workers, 1);
    made[0] = made[1] = 0;
}

static void setup(void)
{
    setup_for(2);
}

static void setup_three(void)
{
    setup_for(3);
}

/* ---- children ---- */

static int makes(void *argument)
{
    uint32_t *mine = argument;

    *mine = 11;
    return 0;
}

static int fails(void *argument)
{
    (void)makes(argument);
    return -EIO;
}

static int parks(void *argument)
{
    int rc = weft_park(WEFT_NEVER);

    (void)makes(argument);
    return rc;
}

/* The owner may wait for the end of this one, or not yet. */
static int spawns(void *argument)
{
    EXPLORE_NEED(weft_go(scope, makes, &made[1]) > 0, "the scope takes no task");
    return makes(argument);
}

/* ---- the owner ---- */

static void opens(void)
{
    scope = weft_scope_open(NULL);
    EXPLORE_NEED(scope > 0, "it can't be opened");
}

static void spawn_on(uint32_t worker, size_t i, weft_task_fn fn)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS_INIT;

    options.place = weft_place_worker(worker);
    children[i] = weft_spawn(scope, fn, &made[i], &options);
    EXPLORE_NEED(children[i] > 0, "the spawn says %lld", (long long)children[i]);
}

static void closes(int wanted)
{
    int rc = weft_scope_close(scope);

    EXPLORE_NEED(rc == wanted, "the close says %d", rc);
}

/* The next scope and its task have the same records: a child that is late writes to them. */
static void goes_on(void)
{
    weft_scope before = scope;

    opens();
    EXPLORE_NEED(scope != before, "two scopes have one handle");
    EXPLORE_NEED(weft_go(scope, makes, &made[0]) > 0, "the next scope takes no task");
    closes(0);
    crew_end();
    crew_stop();
}

static void closes_after_one(void)
{
    opens();
    spawn_on(1, 0, makes);
    closes(0);
    EXPLORE_NEED(made[0] == 11, "the close does not wait for the child");
    goes_on();
}

static void closes_after_two(void)
{
    opens();
    spawn_on(1, 0, makes);
    spawn_on(2, 1, makes);
    closes(0);
    EXPLORE_NEED(made[0] == 11 && made[1] == 11, "the close does not wait for a child");
    goes_on();
}

static void closes_while_it_spawns(void)
{
    opens();
    spawn_on(1, 0, spawns);
    closes(0);
    EXPLORE_NEED(made[0] == 11 && made[1] == 11, "the close does not wait for a child");
    goes_on();
}

static void closes_after_a_failure(void)
{
    opens();
    spawn_on(1, 0, parks);
    spawn_on(2, 1, fails);
    closes(-EIO);
    EXPLORE_NEED(made[0] == 11 && made[1] == 11, "the close does not wait for a child");
    goes_on();
}

static void closes_after_a_cancel(void)
{
    opens();
    spawn_on(1, 0, parks);
    EXPLORE_NEED(weft_scope_cancel(scope) == 0, "it can't be cancelled");
    closes(-ECANCELED);
    goes_on();
}

static void joins_hastily(void)
{
    opens();
    spawn_on(1, 0, makes);
    int rc = weft_scope_join(scope, soon);
    EXPLORE_NEED(rc == 0 || rc == -ETIMEDOUT, "the join says %d", rc);
    if (rc == 0)
        EXPLORE_NEED(made[0] == 11, "the join does not wait for the child");
    closes(0);
    goes_on();
}

static void waits_hastily(void)
{
    opens();
    spawn_on(1, 0, makes);
    int rc = weft_wait(children[0], soon);
    EXPLORE_NEED(rc == 0 || rc == -ETIMEDOUT, "the wait says %d", rc);
    if (rc < 0)
        rc = weft_wait(children[0], WEFT_NEVER);
    EXPLORE_NEED(rc == 0 && made[0] == 11, "the wait does not wait for the child: %d", rc);
    closes(0);
    goes_on();
}

/* Its record may be that of the next child at once. */
static void releases(void)
{
    opens();
    spawn_on(1, 0, makes);
    EXPLORE_NEED(weft_release(children[0]) == 0, "it can't be released");
    EXPLORE_NEED(weft_release(children[0]) == -ESRCH, "it is released twice");
    EXPLORE_NEED(weft_go(scope, makes, &made[1]) > 0, "the scope takes no task");
    closes(0);
    EXPLORE_NEED(made[0] == 11 && made[1] == 11, "the close does not wait for a child");
    crew_end();
    crew_stop();
}

/* ---- cases ---- */

static const struct explore_plant plants[] = {
    { "the scope is unlocked relaxed", "weft__record_unlock_known", "store_release",
      "&record->life" },
    { "the scope is locked relaxed", "weft__record_lock_known", "cas_acquire", "&record->life" },
    { "a message is pushed relaxed", "weft__inbox_push", "cas_release", "&inbox->head" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant wait_plants[] = {
    { "the end of a task is marked relaxed", "mark_ended", "cas_acqrel", "&task->record.life" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "scope: the last child against the close",
      .setup = setup,
      .threads = { closes_after_one, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1,
      .plants = plants },
    { .name = "scope: two children against the close",
      .setup = setup_three,
      .threads = { closes_after_two, crew_loop, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 0 },
    { .name = "scope: a child spawns another while it is closed",
      .setup = setup,
      .threads = { closes_while_it_spawns, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "scope: a child fails, which cancels the other",
      .setup = setup_three,
      .threads = { closes_after_a_failure, crew_loop, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 0 },
    { .name = "scope: a cancel",
      .setup = setup,
      .threads = { closes_after_a_cancel, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "scope: a join with a deadline",
      .setup = setup,
      .threads = { joins_hastily, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "scope: two waits for a child, the first with a deadline",
      .setup = setup,
      .threads = { waits_hastily, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0,
      .plants = wait_plants },
    { .name = "scope: a child's handle is released as it ends",
      .setup = setup,
      .threads = { releases, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

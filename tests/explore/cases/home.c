/*
 * runtime/sched/task.h, ORDERING HOME: fresh tasks that change their worker, and a cancel that must
 * reach them wherever they are: in a queue, on their way, or at the first wait elsewhere.
 * SOURCES: runtime/sched/cancel.c runtime/sched/search.c runtime/sched/scope.c
 * SOURCES: runtime/sched/scope_calls.c runtime/sched/finish.c runtime/sched/join.c
 * SOURCES: runtime/sched/hold.c runtime/sched/spawn.c runtime/sched/park.c
 * SOURCES: runtime/sched/sleep.c runtime/sched/step.c runtime/sched/offer.c runtime/sched/wheel.c
 * SOURCES: runtime/sched/ring.c runtime/sched/task.c runtime/sched/self.c runtime/sched/local.c
 * SOURCES: runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/crew.c
 * WRAPS: weft__thread_self
 */
#include <errno.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "runtime/base/clock.h"
#include "runtime/sched/park.h"
#include "runtime/sched/search.h"
#include "tests/explore/support/crew.h"

enum { CHILDREN = 2 };

static uint32_t ended[CHILDREN]; /* plain: by the children */
static weft_scope scope;

static void setup_for(int workers)
{
    crew_setup(workers, 1);
    ended[0] = ended[1] = 0;
}

static void setup(void)
{
    setup_for(2);
}

static void setup_three(void)
{
    setup_for(3);
}

/* Any wait, as every call has it; nothing but the cancel ends it. */
static int waits(void *argument)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__ticket ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_SLEEP);
    int rc = weft__park_commit(worker, ticket, WEFT_NEVER, 0);

    EXPLORE_NEED(rc == -ECANCELED, "the wait says %d", rc);
    *(uint32_t *)argument = 1;
    return rc;
}

/* Its own scope is cancelled with it. */
static int opens_and_closes(void *argument)
{
    weft_scope own = weft_scope_open(NULL);

    EXPLORE_NEED(weft_go(own, waits, argument) > 0, "the scope takes no task");
    return weft_scope_close(own);
}

static void spawn(size_t i, weft_task_fn fn)
{
    EXPLORE_NEED(weft_go(scope, fn, &ended[i]) > 0, "the scope takes no task");
}

/* They are old enough to be taken by others, if anybody is idle. */
static void publish(void)
{
    struct weft__worker *worker = home_worker(0);

    worker->fresh_aged = worker->fresh_count;
    worker->fresh_mark = 0;
    weft__search_publish(worker, weft__clock_cycles());
}

static void cancel_and_close(size_t count)
{
    EXPLORE_NEED(weft_scope_cancel(scope) == 0, "it can't be cancelled");
    int rc = weft_scope_close(scope);
    EXPLORE_NEED(rc == -ECANCELED, "the close says %d", rc);
    for (size_t i = 0; i < count; i++)
        EXPLORE_NEED(ended[i] == 1, "child %zu was not waited for", i);
    crew_end();
    crew_stop();
}

static void cancels_one(void)
{
    scope = weft_scope_open(NULL);
    spawn(0, waits);
    publish();
    cancel_and_close(1);
}

static void cancels_two(void)
{
    scope = weft_scope_open(NULL);
    spawn(0, waits);
    spawn(1, waits);
    publish();
    cancel_and_close(2);
}

static void cancels_what_has_a_scope(void)
{
    scope = weft_scope_open(NULL);
    spawn(0, opens_and_closes);
    publish();
    cancel_and_close(1);
}

/* The fences of HOME are not planted: on each way that these cases take others lie behind them (of
 * a search that ends, of a worker that sleeps). */
static const struct explore_plant plants[] = {
    { "a cancel is pushed relaxed", "weft__inbox_push", "cas_release", "&inbox->head" },
    { "a task is published relaxed", "weft__ring_push", "store_release", "&ring->tail" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "home: a fresh task is stolen and cancelled",
      .setup = setup,
      .threads = { cancels_one, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0,
      .plants = plants },
    { .name = "home: two, and two thieves",
      .setup = setup_three,
      .threads = { cancels_two, crew_loop, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 0 },
    { .name = "home: one that has a scope of its own",
      .setup = setup,
      .threads = { cancels_what_has_a_scope, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

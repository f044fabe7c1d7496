/*
 * runtime/sched/search.c, step.c and sleep.c: workers that look for work, find it, wake each other
 * and sleep. Who publishes work does not look at it again himself: so it must be found by one that
 * searches, or one must be woken for it.
 * SOURCES: runtime/sched/search.c runtime/sched/step.c runtime/sched/sleep.c runtime/sched/offer.c
 * SOURCES: runtime/sched/spawn.c runtime/sched/finish.c runtime/sched/scope.c runtime/sched/park.c
 * SOURCES: runtime/sched/wheel.c runtime/sched/ring.c runtime/sched/task.c runtime/sched/self.c
 * SOURCES: runtime/sched/local.c runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/crew.c
 * WRAPS: weft__thread_self
 */
#include "runtime/base/clock.h"
#include "runtime/sched/search.h"
#include "tests/explore/support/crew.h"

enum { TASKS = 2 };

static struct weft__task *tasks[TASKS];
static uint32_t ran[TASKS]; /* plain: who has run a task orders it for who waits for that */
static _Atomic uint32_t over[TASKS];

/* ---- tasks ---- */

static void compute_until(size_t i)
{
    while (weft__load_acquire(&over[i]) == 0)
        explore_backoff();
    EXPLORE_NEED(ran[i] == 1, "task %zu ran %u times", i, ran[i]);
}

static int runs(void *argument)
{
    size_t i = (size_t)((uint32_t *)argument - ran);

    ran[i]++;
    weft__store_release(&over[i], 1);
    return 0;
}

static int runs_last(void *argument)
{
    (void)runs(argument);
    crew_stop();
    return 0;
}

/* It has its worker to itself until the other one has been run: by another worker, so. */
static int runs_after_the_other(void *argument)
{
    compute_until(1);
    return runs_last(argument);
}

static void setup_for(int workers, int with_task, weft_task_fn first)
{
    crew_setup(workers, with_task);
    for (size_t i = 0; i < TASKS; i++) {
        ran[i] = 0;
        weft__store_relaxed(&over[i], 0);
    }
    tasks[0] = crew_task(home_worker(0), first, &ran[0]);
}

static void setup_busy(void)
{
    setup_for(2, 1, runs);
}

static void setup_idle(void)
{
    setup_for(2, 0, runs_last);
}

static void setup_pair(void)
{
    setup_for(2, 0, runs_after_the_other);
    tasks[1] = crew_task(home_worker(0), runs, &ran[1]);
}

/* Both lie with worker 0 for long enough. */
static void setup_fresh(void)
{
    struct weft__worker *worker = home_worker(0);

    setup_for(3, 1, runs_after_the_other);
    tasks[1] = crew_task(worker, runs, &ran[1]);
    for (size_t i = 0; i < TASKS; i++) {
        weft__store_relaxed(&tasks[i]->home, worker);
        weft__queue_append(&worker->fresh, tasks[i]);
    }
    worker->fresh_count = worker->fresh_aged = TASKS;
    worker->fresh_mark = 0;
}

/* ---- publishers ---- */

static void injects(void)
{
    weft__search_inject(home_worker(0)->team, NULL, tasks[0]);
}

static void injects_both(void)
{
    injects();
    weft__search_inject(home_worker(0)->team, NULL, tasks[1]);
}

static void injects_and_computes(void)
{
    struct weft__worker *worker = home_worker(0);

    weft__search_inject(worker->team, worker, tasks[0]);
    compute_until(0);
    crew_end();
    crew_stop();
}

/* At each of its poll points it looks for somebody who is idle. */
static void publishes_and_computes(void)
{
    struct weft__worker *worker = home_worker(0);

    while (worker->fresh_count > 0) {
        worker->fresh_mark = 0;
        weft__search_publish(worker, weft__clock_cycles());
        if (worker->fresh_count > 0 && weft__load_relaxed(&worker->team->idle.sleeping) == 0)
            explore_backoff();
    }
    compute_until(0);
    crew_end();
}

/* ---- cases ---- */

static const struct explore_plant plants[] = {
    { "the publisher's fence is left out", "weft__search_announce", "fence", "" },
    { "the sleeper's fences are left out", "weft__sleep_park", "fence", "" },
    { "a task's injection is unlocked relaxed", "weft__lock_release", "store_release",
      "&lock->held" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant pair_plants[] = { { "a searcher's fence is left out",
                                                      "weft__search_end", "fence", "" },
                                                    { NULL, NULL, NULL, NULL } };

static const struct explore_case cases[] = {
    { .name = "search: a task injects another and computes on",
      .setup = setup_busy,
      .threads = { injects_and_computes, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 2,
      .plants = plants },
    { .name = "search: a thread injects a task, two workers",
      .setup = setup_idle,
      .threads = { crew_loop, crew_loop, injects },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
    { .name = "search: two tasks, the first waits for the second",
      .setup = setup_pair,
      .threads = { crew_loop, crew_loop, injects_both },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 1,
      .plants = pair_plants },
    { .name = "search: two tasks, the first waits for the second, further",
      .setup = setup_pair,
      .threads = { crew_loop, crew_loop, injects_both },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "search: two fresh tasks are published, two thieves",
      .setup = setup_fresh,
      .threads = { publishes_and_computes, crew_loop, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 1 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

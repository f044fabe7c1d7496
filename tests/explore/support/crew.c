#include "tests/explore/support/crew.h"

#include "runtime/base/clock.h"
#include "runtime/sched/finish.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/spawn.h"
#include "runtime/sched/switch.h"
#include "tests/explore/support/foreign.h"

enum { WORKERS = 3, RECORDS = 3, STACKS = 6 };

/* A task that waits, and has been called by a task or a loop of the same thread. */
struct wait {
    const struct weft__task *task;
    struct wait *below;
    bool over;
};

static struct weft__task tasks[WORKERS * RECORDS];
static struct weft__scope scopes[WORKERS * RECORDS];
static struct weft__scope root; /* of the tasks of setups */
static struct weft__stack stacks[WORKERS][STACKS];
static uint32_t others[WORKERS][WORKERS];
static int stacks_used[WORKERS];
static struct wait *waits[WORKERS];
static int workers;

/* ---- tasks ---- */

bool weft__start_task(struct weft__worker *worker, struct weft__task *task)
{
    EXPLORE_NEED(stacks_used[worker->index] < STACKS, "the explorer: too many tasks");
    task->stack = &stacks[worker->index][stacks_used[worker->index]++];
    task->stack->forks = NULL;
    weft__store_release(&task->seen, WEFT__TASK_STARTED); /* pairs with cancel.c */
    return true;
}

/* As start.c does it. */
static void run(struct weft__worker *worker, struct weft__task *task)
{
    weft__store_release(&worker->current, task); /* SIGHT S2 */
    int result = task->fn(task->argument);
    worker = weft__finish_body(worker, task);
    weft__finish_task(worker, task, result);
    weft__store_release(&worker->current, NULL); /* SIGHT S2 */
}

void explore_switch_to(struct weft__worker *worker, struct weft__task *task)
{
    for (struct wait *wait = waits[worker->index]; wait != NULL; wait = wait->below)
        if (wait->task == task) {
            EXPLORE_NEED(!wait->over, "a task was made ready twice");
            wait->over = true;
            return;
        }
    run(worker, task);
}

static void step(struct weft__worker *worker)
{
    if (weft__step_worker(worker))
        return;
    weft__search_end(worker, false);
    worker->doorbell_staged = false; /* the wait submits it */
    weft__sleep_park(worker);
}

struct weft__worker *explore_switch_away(struct weft__worker *worker, struct weft__task *task)
{
    struct wait wait = { .task = task, .below = waits[worker->index] };

    waits[worker->index] = &wait;
    weft__store_release(&worker->current, NULL); /* SIGHT S2 */
    while (!wait.over)
        step(worker);
    waits[worker->index] = wait.below;
    weft__store_release(&worker->current, task); /* SIGHT S2 */
    return worker;
}

/* ---- workers ---- */

void crew_loop(void)
{
    weft__step_loop(home_worker(explore_self()));
}

void crew_stop(void)
{
    weft__store_relaxed(&home_worker(0)->runtime->stopping, WEFT__RUNTIME_LEAVING); /* SLEEP S1 */
    for (int i = 0; i < workers; i++)
        (void)weft__sleep_wake(NULL, home_worker(i), WEFT__WORKER_NOTIFIED);
}

void crew_end(void)
{
    struct weft__worker *worker = home_worker(explore_self());

    (void)weft__finish_body(worker, foreign_task(explore_self()));
    weft__store_release(&worker->current, NULL); /* SIGHT S2 */
}

static void take_records(struct weft__worker *worker)
{
    worker->records = (struct weft__record_cache){ .count = { 0 } };
    for (uint32_t i = RECORDS; i-- > 0;) {
        weft__record_put(&tasks[worker->index * RECORDS + i].record, &worker->records);
        weft__record_put(&scopes[worker->index * RECORDS + i].record, &worker->records);
    }
}

static void join_crew(struct weft__worker *worker, uint32_t count)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++)
        if (i != worker->index)
            others[worker->index][used++] = i;
    worker->victims = others[worker->index];
    for (uint32_t level = 0; level < WEFT__VICTIM_LEVELS; level++) /* one in each: no chance */
        worker->level_end[level] = level < used ? level + 1 : used;
    weft__store_relaxed(&worker->ring.head, 0);
    weft__store_relaxed(&worker->ring.tail, 0);
    worker->offers = (struct weft__offers){ .count = 0 };
    weft__list_init(&worker->offers.list);
    worker->fresh_count = worker->fresh_aged = 0;
    worker->mixed = false;
    worker->ticks = 0;
    worker->stride = 1;
    worker->slice_cycles = WEFT__NS_PER_MS;
    worker->step_cycles = worker->tended_cycles = worker->fresh_mark = weft__clock_cycles();
    take_records(worker);
    stacks_used[worker->index] = 0;
    waits[worker->index] = NULL;
}

void crew_setup(int count, int with_task)
{
    foreign_setup();
    home_setup(count);
    foreign_spare(2, tasks, sizeof(tasks[0]), WORKERS * RECORDS, WEFT__KIND_TASK);
    foreign_spare(3, scopes, sizeof(scopes[0]), WORKERS * RECORDS, WEFT__KIND_SCOPE);
    workers = count;
    for (int i = 0; i < count; i++) {
        join_crew(home_worker(i), (uint32_t)count);
        weft__load_relaxed(&home_worker(i)->current)->scope = &root;
        if (i >= with_task)
            weft__store_relaxed(&home_worker(i)->current, NULL);
    }
    struct weft__runtime *runtime = home_worker(0)->runtime;
    foreign_spare(4, &root, sizeof(root), 1, WEFT__KIND_SCOPE);
    weft__store_relaxed(&root.record.life, UINT64_C(1) << WEFT__LIFE_GENERATION_SHIFT);
    weft__list_init(&root.tasks);
    root.runtime = runtime;
    root.forget = true;
    root.due_ns = INT64_MAX;
    runtime->teams[0].inject = (struct weft__inject){ .length = 0 };
    weft__store_relaxed(&runtime->stopping, WEFT__RUNTIME_OPEN);
}

struct weft__task *crew_task(struct weft__worker *worker, weft_task_fn fn, void *argument)
{
    struct weft__task *task = weft__spawn_blank(worker);

    task->flags = 0;
    task->fn = fn;
    task->argument = argument;
    task->scope = &root;
    weft__store_relaxed(&task->home, NULL);
    weft__scope_add_locked(&root, task);
    weft__record_unlock(&task->record);
    return task;
}

static void judge_worker(const struct weft__worker *worker)
{
    EXPLORE_NEED(worker->ready.head == NULL && worker->fresh.head == NULL && worker->lifo == NULL,
                 "a task is left");
    EXPLORE_NEED(weft__ring_count(&worker->ring) == 0 && weft__list_empty(&worker->offers.list) &&
                     weft__load_relaxed(&worker->offers.count) == 0,
                 "something to steal is left");
    EXPLORE_NEED(weft__load_relaxed(&worker->wheel.armed) == 0, "a timer is left");
}

void crew_judge(void)
{
    const struct weft__runtime *runtime = home_worker(0)->runtime;
    uint32_t records[2] = { 0 };
    int32_t searching = 0;

    for (int i = 0; i < workers; i++) {
        home_resumed(i); /* what it frees is its own */
        while (weft__step_drain(home_worker(i)))
            continue;
    }
    for (int i = 0; i < workers; i++) {
        const struct weft__worker *worker = home_worker(i);
        judge_worker(worker);
        searching += worker->searching;
        records[0] += worker->records.count[WEFT__KIND_TASK];
        records[1] += worker->records.count[WEFT__KIND_SCOPE];
    }
    EXPLORE_NEED(weft__load_relaxed(&runtime->teams[0].inject.length) == 0,
                 "an injected task is left");
    EXPLORE_NEED(weft__load_relaxed(&runtime->teams[0].idle.searching) == searching &&
                     weft__load_relaxed(&runtime->teams[0].idle.sleeping) == 0,
                 "the counts of the idle are wrong");
    EXPLORE_NEED(records[0] == (uint32_t)(workers * RECORDS), "a record of a task is lost");
    EXPLORE_NEED(records[1] == (uint32_t)(workers * RECORDS), "a record of a scope is lost");
    EXPLORE_NEED(root.pending == 0 && weft__list_empty(&root.tasks), "a task has not ended");
    EXPLORE_NEED(explore_lent() == 0, "%zu bytes are not freed", explore_lent());
}

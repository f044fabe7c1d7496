#include "tests/explore/support/home.h"

#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "tests/explore/support/foreign.h"

enum { WORKERS = 3, TIMERS = 4 };

static struct weft__runtime runtime;
static struct weft__worker workers[WORKERS];
static struct weft__engine engines[WORKERS];
static struct explore_bell bells[WORKERS];
static struct weft__stack task_stacks[WORKERS];
static int worker_count;

extern _Thread_local struct weft__worker *weft__self_slot;

/* ---- the engine ---- */

static int number_of(const struct weft__engine *engine)
{
    return (int)(engine - engines);
}

static int wait(struct weft__engine *engine, int64_t until_ns)
{
    int number = number_of(engine);

    (void)until_ns; /* the limit of a nap, or a timer's time: only that counts here */
    return explore_bell_wait(&bells[number], weft__wheel_next(&workers[number].wheel));
}

static int notify(struct weft__engine *target)
{
    explore_bell_ring(&bells[number_of(target)]);
    return 0;
}

static int doorbell(struct weft__engine *from, struct weft__engine *target)
{
    (void)from;
    return notify(target);
}

static int flush(struct weft__engine *engine)
{
    (void)engine;
    return 0;
}

static bool has_events(const struct weft__engine *engine)
{
    (void)engine;
    return false;
}

static const struct weft__engine_ops ops = {
    .wait = wait, .notify = notify, .doorbell = doorbell, .flush = flush, .has_events = has_events
};

/* ---- what the scheduler's other files would do ---- */

bool weft__search_sees_work(const struct weft__worker *worker)
{
    (void)worker;
    return false;
}

uint64_t weft__search_mark(const struct weft__worker *worker)
{
    (void)worker;
    return 0;
}

void weft__search_join(struct weft__worker *worker)
{
    worker->searching = true;
}

void weft__handle_keep(struct weft__runtime *kept)
{
    (void)kept;
}

void weft__handle_let_go(struct weft__runtime *kept)
{
    (void)kept;
}

/* ---- the loop ---- */

void home_drain(int thread)
{
    struct weft__worker *worker = &workers[thread];
    struct weft__message *message = weft__inbox_take(&worker->inbox);

    while (message != NULL) {
        struct weft__message *next = message->next;
        message->deliver(worker, message);
        message = next;
    }
}

static bool step(struct weft__worker *worker)
{
    if (weft__inbox_empty(&worker->inbox))
        return weft__load_relaxed(&worker->wheel.armed) != 0 &&
               weft__wheel_advance(&worker->wheel, worker, explore_now(), TIMERS) > 0;
    home_drain((int)worker->index);
    return true;
}

static bool is_picked(struct weft__worker *worker, const struct weft__task *task)
{
    struct weft__task *next = worker->lifo != NULL ? worker->lifo
                                                   : weft__queue_take(&worker->ready);

    worker->lifo = NULL;
    EXPLORE_NEED(next == NULL || next == task, "a task is ready that does not live here");
    return next != NULL;
}

struct weft__worker *explore_switch_away(struct weft__worker *worker, struct weft__task *task)
{
    weft__store_release(&worker->current, NULL);
    while (!is_picked(worker, task))
        if (!step(worker))
            weft__sleep_park(worker);
    EXPLORE_NEED(worker->ready.head == NULL && worker->lifo == NULL, "it was made ready twice");
    weft__store_release(&worker->current, task);
    return worker;
}

/* ---- set-up ---- */

static void make_worker(int number)
{
    struct weft__worker *worker = &workers[number];
    struct weft__task *task = foreign_task(number);

    worker->runtime = &runtime;
    worker->engine = &engines[number];
    worker->index = (uint32_t)number;
    worker->nap_doublings = 0;
    worker->searching = worker->woken = worker->doorbell_staged = false;
    worker->inbox = (struct weft__inbox){ .head = NULL };
    worker->ready.head = worker->fresh.head = worker->lifo = NULL;
    weft__store_relaxed(&worker->state, WEFT__WORKER_RUNNING);
    weft__wheel_init(&worker->wheel, explore_now());
    engines[number].ops = &ops;
    bells[number].rung = 0;
    weft__store_relaxed(&worker->current, task);
    task->flags = 0;
    task->stack = &task_stacks[number];
    weft__store_relaxed(&task->home, worker);
    weft__store_relaxed(&task->seen, WEFT__TASK_STARTED);
    weft__store_relaxed(&task->record.life,
                        weft__load_relaxed(&task->record.life) & ~(uint64_t)WEFT__LIFE_RELEASED);
}

void home_setup(int count)
{
    worker_count = count;
    runtime.idle = (struct weft__idle){ .searching = 0 };
    runtime.worker_count = (uint32_t)count;
    for (int i = 0; i < count; i++)
        make_worker(i);
    explore_ignore(&weft__self_slot, sizeof(weft__self_slot));
}

struct weft__worker *home_worker(int thread)
{
    return &workers[thread];
}

weft_task home_handle(int thread)
{
    return weft__task_handle(foreign_task(thread));
}

void home_resumed(int thread)
{
    weft__self_set(thread >= 0 && thread < worker_count ? &workers[thread] : NULL);
}

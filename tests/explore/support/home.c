#include "tests/explore/support/home.h"

#include "tests/explore/support/foreign.h"

enum { WORKERS = 3 };

static struct weft__runtime runtime;
static struct weft__worker workers[WORKERS];
static struct weft__worker *all[WORKERS];
static struct weft__engine engines[WORKERS];
static struct explore_bell bells[WORKERS];
static uint32_t rings_staged[WORKERS]; /* bit n: a doorbell for engine n waits for a flush */
static struct weft__stack task_stacks[WORKERS];
static int worker_count;

extern _Thread_local struct weft__worker *weft__self_slot;

/* ---- the engine ---- */

static int number_of(const struct weft__engine *engine)
{
    return (int)(engine - engines);
}

static int notify(struct weft__engine *target)
{
    explore_bell_ring(&bells[number_of(target)]);
    return 0;
}

static int doorbell(struct weft__engine *from, struct weft__engine *target)
{
    rings_staged[number_of(from)] |= 1u << number_of(target);
    from->staged = 1;
    return 0;
}

static int flush(struct weft__engine *engine)
{
    uint32_t *staged = &rings_staged[number_of(engine)];

    for (int i = 0; i < WORKERS; i++)
        if ((*staged >> i & 1) != 0)
            (void)notify(&engines[i]);
    *staged = 0;
    engine->staged = 0;
    return 0;
}

static int wait(struct weft__engine *engine, int64_t until_ns)
{
    int number = number_of(engine);

    (void)until_ns; /* the limit of a nap, or a timer's time: only that counts here */
    (void)flush(engine);
    return explore_bell_wait(&bells[number], weft__wheel_next(&workers[number].wheel));
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

void weft__handle_keep(struct weft__runtime *kept)
{
    (void)kept;
}

void weft__handle_let_go(struct weft__runtime *kept)
{
    (void)kept;
}

/* ---- set-up ---- */

static void make_worker(int number)
{
    struct weft__worker *worker = &workers[number];
    struct weft__task *task = foreign_task(number);

    worker->runtime = &runtime;
    worker->team = &runtime.teams[0];
    worker->engine = &engines[number];
    worker->index = (uint32_t)number;
    worker->nap_doublings = 0;
    worker->searching = worker->woken = worker->doorbell_staged = false;
    worker->inbox = (struct weft__inbox){ .head = NULL };
    worker->ready.head = worker->fresh.head = worker->lifo = NULL;
    weft__store_relaxed(&worker->state, WEFT__WORKER_RUNNING);
    weft__wheel_init(&worker->wheel, explore_now());
    engines[number].ops = &ops;
    engines[number].staged = 0;
    rings_staged[number] = 0;
    bells[number].rung = 0;
    weft__store_relaxed(&worker->current, task);
    task->flags = 0;
    task->stack = &task_stacks[number];
    task->stack->forks = NULL;
    weft__store_relaxed(&task->home, worker);
    weft__store_relaxed(&task->seen, WEFT__TASK_STARTED);
    weft__store_relaxed(&task->record.life,
                        weft__load_relaxed(&task->record.life) & ~(uint64_t)WEFT__LIFE_RELEASED);
}

void home_setup(int count)
{
    worker_count = count;
    runtime.teams[0] = (struct weft__team){ .workers = all, .count = (uint32_t)count };
    runtime.worker_count = (uint32_t)count;
    runtime.workers = all;
    for (int i = 0; i < count; i++) {
        all[i] = &workers[i];
        make_worker(i);
    }
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

/*
 * The loop of a worker. One step: messages, completions and timers within budgets, then tasks until
 * the switch budget or the slice is spent.
 *
 * Budgets (starting values): all messages, since they only queue; 128 completions, 64 timers,
 * 61 switches or 100 us of tasks, whichever comes first; global queues every 61 steps. Source: Go
 * and Tokio look at global work every 61 ticks; Photon polls I/O at least every millisecond.
 *
 * The 100 us are kept without reading the clock at each switch (9.5 ns, and a switch takes 7): the
 * step runs *stride* switches between two looks; when a step was short the stride doubles up to 61,
 * when it overran its slice the stride falls back to one. So tasks that turn slow overrun it once.
 */
#include "runtime/base/clock.h"
#include "runtime/sched/notice.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "runtime/sched/watchdog.h"

enum { completion_budget = 128, timer_budget = 64, switch_budget = 61, global_every = 61 };
enum { flush_entries = 32, flush_ns = 50000, look_ns = 20000, slices_per_tending = 10000 };

bool weft__step_drain(struct weft__worker *worker)
{
    struct weft__message *message;

    if (weft__inbox_empty(&worker->inbox))
        return false;
    message = weft__inbox_take(&worker->inbox);
    while (message != NULL) {
        struct weft__message *next = message->next;
        message->deliver(worker, message);
        message = next;
    }
    return true;
}

static bool fire_timers(struct weft__worker *worker)
{
    if (weft__load_relaxed(&worker->wheel.armed) == 0)
        return false;
    uint32_t fired = weft__wheel_advance(&worker->wheel, worker, weft__clock_now(), timer_budget);
    weft__bump_by(&worker->counters.timers, fired);
    return fired > 0;
}

/* Who let the loop look comes behind those that it has woken. */
static void take_back(struct weft__worker *worker)
{
    if (worker->gave_way == NULL)
        return;
    weft__queue_append(&worker->ready, worker->gave_way);
    worker->gave_way = NULL;
}

/* Gives staged entries to the kernel when one of the rules says so: a doorbell, enough of them, or
 * old ones. When nothing is runnable they go with the wait instead. */
static void flush_if_due(struct weft__worker *worker, uint64_t cycles)
{
    uint32_t staged = worker->engine->staged;

    if (staged == 0) {
        worker->staged_cycles = 0;
        return;
    }
    if (worker->staged_cycles == 0)
        worker->staged_cycles = cycles;
    if (!worker->doorbell_staged && staged < flush_entries &&
        cycles - worker->staged_cycles < weft__clock_cycles_in(flush_ns))
        return;
    weft__sleep_flush(worker);
}

/* Adapts the stride to how long the last step took. */
static void pace(struct weft__worker *worker, uint64_t cycles)
{
    uint64_t took = cycles - worker->step_cycles;

    if (took > worker->slice_cycles)
        worker->stride = 1;
    else if (took < worker->slice_cycles / 4 && worker->stride < switch_budget)
        worker->stride = worker->stride * 2 < switch_budget ? worker->stride * 2 : switch_budget;
    worker->step_cycles = cycles;
}

/* What can wait a second: idle stacks that nobody has wanted meanwhile, and notices. */
static void tend(struct weft__worker *worker, uint64_t cycles)
{
    if (WEFT__LIKELY(cycles - worker->tended_cycles < worker->slice_cycles * slices_per_tending))
        return;
    worker->tended_cycles = cycles;
    weft__stack_tend(worker->stacks.depot);
    weft__notice_later(worker->runtime);
}

static struct weft__task *next_task(struct weft__worker *worker)
{
    if (++worker->ticks % global_every == 0) {
        struct weft__task *task = weft__search_find_injected(worker);
        if (task != NULL)
            return task;
    }
    struct weft__task *task = weft__switch_pick(worker);
    return task != NULL ? task : weft__search_find(worker);
}

/* Runs tasks until one of them finds the budget spent or nothing to run. */
static bool run_tasks(struct weft__worker *worker)
{
    struct weft__task *task = next_task(worker);

    if (task == NULL)
        return false;
    if (worker->searching)
        weft__search_end(worker, true);
    if (WEFT__UNLIKELY(worker->doorbell_staged))
        weft__sleep_flush(worker);
    weft__watchdog_note(worker->runtime);
    worker->budget = (int32_t)worker->stride - 1;
    if (task->stack == NULL && !weft__start_task(worker, task))
        return true;
    (void)weft__switch_to_task(worker, &worker->loop, task, 0);
    return true;
}

/* A blind engine is asked now and then, which costs a system call, while there are tasks to run. */
static bool look_is_due(const struct weft__engine *engine)
{
    return WEFT__UNLIKELY(engine->blind) &&
           weft__clock_cycles() - engine->looked_cycles >= weft__clock_cycles_in(look_ns);
}

bool weft__step_worker(struct weft__worker *worker)
{
    weft__sim_point(WEFT__SIM_STEP);
    bool busy = weft__step_drain(worker);

    if (weft__engine_has_events(worker->engine) || look_is_due(worker->engine))
        busy |= weft__engine_poll(worker->engine, completion_budget) > 0;
    busy |= fire_timers(worker);
    take_back(worker);
    uint64_t cycles = weft__clock_cycles();
    pace(worker, cycles);
    tend(worker, cycles);
    weft__search_publish(worker, cycles);
    flush_if_due(worker, cycles);
    busy |= run_tasks(worker);
    return busy;
}

bool weft__step_is_alone(const struct weft__worker *worker)
{
    return worker->ready.head == NULL && worker->lifo == NULL && !worker->mixed &&
           worker->engine->staged == 0 && weft__inbox_empty(&worker->inbox) &&
           !weft__engine_has_events(worker->engine) &&
           weft__clock_cycles() - worker->step_cycles <= worker->slice_cycles;
}

/* Nothing was found: staged entries go out, then the worker looks a while, then it sleeps. */
static void rest(struct weft__worker *worker)
{
    if (weft__search_may_spin(worker)) {
        if (worker->engine->staged > 0)
            weft__sleep_flush(worker);
        if (weft__search_spin(worker)) {
            worker->step_cycles = weft__clock_cycles();
            return;
        }
    }
    weft__search_end(worker, false);
    worker->doorbell_staged = false; /* the wait submits it */
    weft__sleep_park(worker);
    worker->step_cycles = weft__clock_cycles(); /* sleep is not a long slice */
}

void weft__step_loop(struct weft__worker *worker)
{
    while (weft__load_relaxed(&worker->runtime->stopping) != WEFT__RUNTIME_LEAVING)
        if (!weft__step_worker(worker))
            rest(worker);
}

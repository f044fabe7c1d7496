/*
 * A started task, its I/O and its timers wait while another task of their worker computes without a
 * switch, or sits in a blocking call of its own (design 5a). One thread per runtime looks at all
 * workers and names the offender. The workers do nothing for it but the load of
 * weft__watchdog_note: it compares the count of switches and the running task of two looks.
 *
 * It looks four times per limit (every 250 ms by default: 0.01 % of a CPU, measured), and not at
 * all while all workers sleep. A look that comes late counts as at most two intervals: then the
 * machine is short of CPUs, and no task is to blame.
 *
 * ORDERING WATCH: while a worker runs tasks, the watchdog is awake or is being woken.
 *   watchdog                                 worker
 *   W1 state = ASLEEP                        L1 its own state = RUNNING (sleep.c, P5)
 *   W2 store-load fence                      L2 store-load fence (sleep.c, P5)
 *   W3 if no worker's state is RUNNING:      L3 before it runs tasks: if the watchdog's state is
 *      wait on the word, else AWAKE             ASLEEP, make it AWAKE and wake it
 * Forbidden: W3 sees a sleeping worker and L3 sees AWAKE.
 * Because:   each side stores, fences, loads; whichever fence is second sees the other's store.
 * Without:   the first task that runs after a quiet time holds its worker up unseen.
 * Tested by: tests/unit/watchdog_test.c
 *
 * REJECTED reading the clock at each switch for an exact time: 9.5 ns, and a switch takes 7.
 * REJECTED a default of 20 ms, as others report: 200 looks a second, and on a shared machine a
 *          thread that is scheduled out for so long is no news. A second is what a user notices.
 */
#include "runtime/sched/watchdog.h"

#include <stdio.h>

#include "numa/memory.h"
#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/launch.h"
#include "runtime/sched/site.h"

enum { looks_per_limit = 4, intervals_at_most = 2 };

int64_t weft__watchdog_judge(struct weft__watch_slot *slot, const struct weft__task *task,
                             uint64_t switches, int64_t elapsed_ns, int64_t limit_ns)
{
    if (task == NULL || slot->task != task || slot->switches != switches) {
        *slot = (struct weft__watch_slot){ .task = task,
                                           .switches = switches,
                                           .next_ns = limit_ns };
        return 0;
    }
    slot->held_ns += elapsed_ns;
    if (slot->held_ns < slot->next_ns)
        return 0;
    slot->next_ns = 2 * slot->held_ns;
    return slot->held_ns;
}

/* Live tasks of a worker beside the running one; a guess, as the two parts are read one by one. */
static int64_t others_of(const struct weft__worker *worker)
{
    return weft__load_relaxed(&worker->local_load) + weft__load_relaxed(&worker->sent_load) - 1;
}

/*
 * The name and site of the task, if it still runs there and has not switched: under the lock of its
 * record, with the generation that the record has now, so that it can't end or be another one
 * meanwhile. What the two counts show is then true of it.
 */
static bool identify(const struct weft__worker *worker, const struct weft__watch_slot *slot,
                     char name[WEFT_NAME], const void **out_site)
{
    struct weft__task *task = (struct weft__task *)(uintptr_t)slot->task;
    uint64_t life = weft__load_relaxed(&task->record.life);

    if ((life & WEFT__LIFE_FREE) != 0 || !weft__record_lock_as(&task->record, life >> 32))
        return false;
    bool same = weft__load_relaxed(&worker->current) == task &&
                weft__load_relaxed(&worker->counters.switches) == slot->switches &&
                !weft__record_has(&task->record, WEFT__LIFE_ENDED);
    if (same) {
        (void)snprintf(name, WEFT_NAME, "%s", weft__task_label(task));
        *out_site = task->site;
    }
    weft__record_unlock(&task->record);
    return same;
}

static void blame(struct weft__worker *worker, const struct weft__watch_slot *slot, int64_t held_ns)
{
    const void *place = NULL;
    char name[WEFT_NAME];
    char site[128];
    int64_t others = others_of(worker);

    if (!identify(worker, slot, name, &place))
        return;
    weft__site_describe(place, site, sizeof(site));
    weft__runtime_report(worker->runtime,
                         "weft: worker %u has been in task %s (spawned at %s) for %lld.%03lld s "
                         "without a wait: its %lld other task%s, their I/O and timers wait; call "
                         "weft_poll() or weft_yield() in long loops, and no blocking calls that "
                         "are not weft's",
                         worker->index, name, site, (long long)(held_ns / WEFT__NS_PER_S),
                         (long long)(held_ns % WEFT__NS_PER_S / WEFT__NS_PER_MS),
                         (long long)(others > 0 ? others : 0), others == 1 ? "" : "s");
}

/* A task that is alone on its worker holds nobody up, unless somebody sends it something. */
static const struct weft__task *offender_of(const struct weft__worker *worker)
{
    const struct weft__task *task = weft__load_relaxed(&worker->current);
    return others_of(worker) > 0 || !weft__inbox_empty(&worker->inbox) ? task : NULL;
}

/* Looks at all workers. True when any of them has switched since the last look. */
static bool look(struct weft__runtime *runtime, int64_t elapsed_ns)
{
    struct weft__watch *watch = &runtime->watch;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        struct weft__worker *worker = runtime->workers[i];
        uint64_t switches = weft__load_relaxed(&worker->counters.switches);
        int64_t held_ns = weft__watchdog_judge(&watch->slots[i], offender_of(worker), switches,
                                               elapsed_ns, watch->limit_ns);
        if (held_ns > 0)
            blame(worker, &watch->slots[i], held_ns);
        sum += switches;
    }
    bool moved = sum != watch->switches;
    watch->switches = sum;
    weft__bump(&watch->looks);
    return moved;
}

static bool all_sleep(const struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++)
        if (weft__load_relaxed(&runtime->workers[i]->state) == WEFT__WORKER_RUNNING)
            return false;
    return true;
}

static bool change(struct weft__watch *watch, uint32_t from, uint32_t to)
{
    return weft__cas_acqrel(&watch->state, &from, to); /* WATCH; against wake and stop */
}

/* Waits until a worker runs tasks, or not at all. */
static void sleep_if_quiet(struct weft__runtime *runtime)
{
    struct weft__watch *watch = &runtime->watch;

    if (!change(watch, WEFT__WATCH_AWAKE, WEFT__WATCH_ASLEEP)) /* WATCH W1 */
        return;
    weft__fence_store_load(); /* WATCH W2 */
    if (!all_sleep(runtime)) {
        (void)change(watch, WEFT__WATCH_ASLEEP, WEFT__WATCH_AWAKE);
        return;
    }
    while (weft__load_relaxed(&watch->state) == WEFT__WATCH_ASLEEP) /* WATCH W3 */
        (void)weft__sys_futex_wait(&watch->state, WEFT__WATCH_ASLEEP, INT64_MAX);
}

static void *watch_main(void *argument)
{
    struct weft__runtime *runtime = argument;
    struct weft__watch *watch = &runtime->watch;
    int64_t interval_ns = watch->limit_ns / looks_per_limit;
    int64_t last_ns = weft__clock_now();

    while (weft__load_relaxed(&watch->state) != WEFT__WATCH_LEAVING) {
        (void)weft__sys_futex_wait(&watch->state, WEFT__WATCH_AWAKE, last_ns + interval_ns);
        int64_t now_ns = weft__clock_now();
        int64_t elapsed_ns = now_ns - last_ns;
        if (elapsed_ns < interval_ns) /* woken to leave, or for nothing */
            continue;
        if (elapsed_ns > intervals_at_most * interval_ns)
            elapsed_ns = intervals_at_most * interval_ns;
        if (!look(runtime, elapsed_ns))
            sleep_if_quiet(runtime);
        last_ns = weft__clock_now();
    }
    return NULL;
}

void weft__watchdog_wake(struct weft__runtime *runtime)
{
    if (change(&runtime->watch, WEFT__WATCH_ASLEEP, WEFT__WATCH_AWAKE)) /* WATCH L3 */
        (void)weft__sys_futex_wake(&runtime->watch.state, 1);
}

static size_t slots_bytes(const struct weft__runtime *runtime)
{
    return runtime->worker_count * sizeof(struct weft__watch_slot);
}

int weft__watchdog_start(struct weft__runtime *runtime)
{
    struct weft__watch *watch = &runtime->watch;

    if (runtime->options.watchdog_ns == 0 || runtime->options.report == NULL)
        return 0;
    watch->limit_ns = runtime->options.watchdog_ns;
    watch->slots = weft__memory_alloc(WEFT__NODE_LOCAL, slots_bytes(runtime));
    if (watch->slots == NULL)
        return -ENOMEM;
    weft__store_relaxed(&watch->state, WEFT__WATCH_AWAKE);
    int rc = weft__launch_thread(&watch->thread, watch_main, runtime, "weft-watch");
    watch->started = rc == 0;
    return rc;
}

void weft__watchdog_stop(struct weft__runtime *runtime)
{
    struct weft__watch *watch = &runtime->watch;

    if (watch->started) {
        (void)weft__swap_acqrel(&watch->state, WEFT__WATCH_LEAVING); /* pairs with change */
        (void)weft__sys_futex_wake(&watch->state, 1);
        (void)pthread_join(watch->thread, NULL);
        watch->started = false;
    }
    weft__memory_free(watch->slots, slots_bytes(runtime));
    watch->slots = NULL;
}

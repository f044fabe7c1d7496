/*
 * A started task, its I/O and its timers wait while another task of their worker computes without a
 * switch, or sits in a blocking call of its own (design 5a). One thread per runtime looks at all
 * workers and names the offender, with its stack. The workers do nothing for it but the load of
 * weft__watchdog_note: it compares the count of switches and the running task of two looks.
 *
 * It looks twice per limit (every 10 ms by default), and not at all while all workers sleep, but
 * once after a second of that, for a deadlock (deadlock.c). A look
 * that comes late counts as at most two intervals, and a worker that would compute is excused until
 * its task has used half of the limit as CPU time: until then the machine is short of CPUs, and no
 * task is to blame.
 *
 * BOUND notices: one a second for each place where tasks are spawned, of eight such places; what is
 * beyond that is not said. A task that holds on is named again when its time has doubled.
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
 * REJECTED a default of a second: it names only what a user has noticed already; and 20 ms without
 *          a look at CPU times: on a shared machine threads are scheduled out for so long.
 */
#include "runtime/sched/watchdog.h"

#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/capture.h"
#include "runtime/sched/deadlock.h"
#include "runtime/sched/launch.h"
#include "runtime/sched/site.h"

enum { looks_per_limit = 2, intervals_at_most = 2, patience_ms = 20 };

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

bool weft__watchdog_excuses(int64_t limit_ns, int64_t used_ns, int call)
{
    return call == WEFT__CALL_NONE && used_ns < limit_ns / 2;
}

bool weft__watchdog_may_say(struct weft__watch *watch, const void *site, int64_t now_ns)
{
    int64_t gap_ns = weft__load_relaxed(&watch->gap_ns);
    struct weft__watch_site *oldest = &watch->said[0];

    for (int i = 0; i < WEFT__WATCH_SITES; i++) {
        struct weft__watch_site *entry = &watch->said[i];
        if (entry->said_ns != 0 && entry->site == site) {
            oldest = entry;
            break;
        }
        if (entry->said_ns < oldest->said_ns)
            oldest = entry;
    }
    if (oldest->said_ns != 0 && now_ns - oldest->said_ns < gap_ns)
        return false;
    *oldest = (struct weft__watch_site){ site, now_ns };
    return true;
}

/* Whom a notice is about. */
struct suspect {
    struct weft__worker *worker;
    struct weft__task *task;
    int64_t held_ns;
    int64_t used_ns; /* of CPU time meanwhile */
    const void *site;
    char name[WEFT_NAME];
    struct weft__captured captured;
};

/*
 * The name and site of the task, if it still runs there and has not switched: under the lock of its
 * record, with the generation that the record has now, so that it can't end or be another one
 * meanwhile. What the two counts show is then true of it.
 */
static bool identify(struct suspect *suspect, const struct weft__watch_slot *slot)
{
    struct weft__task *task = suspect->task;
    uint64_t life = weft__load_relaxed(&task->record.life);

    if ((life & WEFT__LIFE_FREE) != 0 || !weft__record_lock_as(&task->record, life >> 32))
        return false;
    bool same = weft__load_relaxed(&suspect->worker->current) == task &&
                weft__load_relaxed(&suspect->worker->counters.switches) == slot->switches &&
                !weft__record_has(&task->record, WEFT__LIFE_ENDED);
    if (same) {
        (void)snprintf(suspect->name, WEFT_NAME, "%s", weft__task_label(task));
        suspect->site = task->site;
    }
    weft__record_unlock(&task->record);
    return same;
}

/* Its frames, if it stays there for so long. The owner writes the pointer to the stack without a
 * lock, so it is peeked at. */
WEFT__NOINLINE static void capture(struct suspect *suspect)
{
    struct weft__peek peek;
    struct weft__stack *where = NULL;
    struct weft__stack stack;

    suspect->captured.frames.count = 0;
    suspect->captured.system_call = WEFT__CALL_UNKNOWN;
    weft__peek_open(&peek);
    if (weft__peek_copy(&peek, &suspect->task->stack, &where, sizeof(where)) && where != NULL &&
        weft__peek_copy(&peek, where, &stack, sizeof(stack)))
        (void)weft__capture_task(&peek, weft__load_relaxed(&suspect->worker->thread_id),
                                 suspect->task, &stack, patience_ms * WEFT__NS_PER_MS,
                                 &suspect->captured);
    weft__peek_close(&peek);
}

/* "; it is at a+0x1, b+0x2", innermost first, as far as there is room; "" when nothing is known. */
WEFT__NOINLINE static void describe_frames(const struct weft__frames *frames, char *text,
                                           size_t text_bytes)
{
    char place[128];
    size_t length = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < frames->count; i++) {
        weft__site_describe((const void *)frames->at[i], place, sizeof(place));
        const char *slash = strrchr(place, '/');
        const char *last = slash != NULL ? slash + 1 : place;
        if (length + strlen(last) + sizeof("; it is at ") > text_bytes)
            return;
        length += (size_t)snprintf(text + length, text_bytes - length, "%s%s",
                                   i == 0 ? "; it is at " : ", ", last);
    }
}

WEFT__NOINLINE static void say(const struct suspect *suspect)
{
    char site[128];
    char where[40] = "";
    char frames[256];
    int64_t others = others_of(suspect->worker);

    weft__site_describe(suspect->site, site, sizeof(site));
    if (suspect->captured.system_call >= 0)
        (void)snprintf(where, sizeof(where), ", in system call %d", suspect->captured.system_call);
    describe_frames(&suspect->captured.frames, frames, sizeof(frames));
    weft__bump(&suspect->worker->runtime->watch.reports);
    weft__runtime_report(suspect->worker->runtime,
                         "weft: worker %u has been in task %s (spawned at %s) for %lld.%03lld s "
                         "without a wait (%lld.%03lld s of CPU time%s): its %lld other task%s, "
                         "their I/O and timers wait; call weft_poll() in long loops, and no "
                         "blocking calls that are not weft's%s",
                         suspect->worker->index, suspect->name, site,
                         (long long)(suspect->held_ns / WEFT__NS_PER_S),
                         (long long)(suspect->held_ns % WEFT__NS_PER_S / WEFT__NS_PER_MS),
                         (long long)(suspect->used_ns / WEFT__NS_PER_S),
                         (long long)(suspect->used_ns % WEFT__NS_PER_S / WEFT__NS_PER_MS), where,
                         (long long)(others > 0 ? others : 0), others == 1 ? "" : "s", frames);
}

static int64_t cpu_of(const struct weft__worker *worker)
{
    int64_t used_ns = weft__sys_thread_cpu(weft__load_relaxed(&worker->thread_id));
    return used_ns > 0 ? used_ns : 0;
}

/* A worker whose task has held it for too long: names it, or looks again later. */
static void accuse(struct weft__worker *worker, struct weft__watch_slot *slot, int64_t held_ns)
{
    struct suspect suspect = { .worker = worker,
                               .task = (struct weft__task *)(uintptr_t)slot->task,
                               .held_ns = held_ns,
                               .used_ns = cpu_of(worker) - slot->cpu_ns };
    int call = weft__capture_call(weft__load_relaxed(&worker->thread_id));

    if (weft__watchdog_excuses(worker->runtime->watch.limit_ns, suspect.used_ns, call)) {
        slot->next_ns = held_ns; /* unless it goes on, at the next look */
        return;
    }
    if (!identify(&suspect, slot) ||
        !weft__watchdog_may_say(&worker->runtime->watch, suspect.site, weft__clock_now()))
        return;
    capture(&suspect);
    say(&suspect);
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
            accuse(worker, &watch->slots[i], held_ns);
        else if (watch->slots[i].task != NULL && watch->slots[i].held_ns == 0)
            watch->slots[i].cpu_ns = cpu_of(worker);
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
    int64_t until_ns = weft__clock_now() + weft__load_relaxed(&watch->quiet_ns);
    while (weft__load_relaxed(&watch->state) == WEFT__WATCH_ASLEEP) { /* WATCH W3 */
        if (weft__sys_futex_wait(&watch->state, WEFT__WATCH_ASLEEP, until_ns) != -ETIMEDOUT)
            continue;
        weft__deadlock_look(runtime);
        weft__bump(&watch->quiet_looks);
        until_ns = INT64_MAX;
    }
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
    weft__store_relaxed(&watch->gap_ns, WEFT__NS_PER_S);
    weft__store_relaxed(&watch->quiet_ns, WEFT__NS_PER_S);
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
        weft__native_join(&watch->thread);
        watch->started = false;
    }
    weft__memory_free(watch->slots, slots_bytes(runtime));
    watch->slots = NULL;
}

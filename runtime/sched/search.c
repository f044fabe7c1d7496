/*
 * Who wakes whom for stealable work. Two counts per team of workers: workers that search and
 * workers that sleep. Publishing work wakes one sleeper, and only if nobody searches: the searcher
 * will find it. A searcher that has a task to run, however it came by it, leaves the count and
 * wakes another if there is more. At most half of the workers search. A searcher that gives up
 * first leaves the count, then fences, then looks at every queue once more before it sleeps
 * (sleep.c, P2): so work that was published while it searched is seen by it or by the publisher's
 * look at the counts.
 *
 * ORDERING SEARCH: stealable work never lies still while all workers sleep.
 *   publisher                                searcher
 *   A1 push to a ring, the inject queue      B1 searching -= 1
 *      or a worker's offers
 *   A2 store-load fence                      B2 store-load fence (with SLEEP P2)
 *   A3 if searching == 0 and one sleeps:     B3 look at all rings, offers and the inject queue
 *      wake it
 * Forbidden: A3 sees searching > 0 and B3 sees nothing.
 * Because:   A1, B1 are stores, A3, B3 loads, split by fences: the second sees the first's store.
 * Without:   a task waits until the next nap ends: counted as a rescued wake.
 * Tested by: tests/model/search.pml, tests/stress/steal.c, tests/explore/cases/search.c
 *
 * A fresh task with place local is private to its spawner for 20 us, so that a parent that parks
 * soon runs it itself and partners stay together: a wake costs 25 to 40 us, a local start 30 ns.
 * Its age is kept per batch: all that was spawned before the mark is at least as old as the mark.
 *
 * REJECTED wake all sleepers: each wake costs the waker 7 to 9 us, and all but one are futile.
 */
#include "runtime/sched/search.h"

#include "runtime/base/chaos.h"
#include "runtime/base/clock.h"
#include "runtime/sched/defer.h"
#include "runtime/sched/offer.h"
#include "runtime/sched/pin.h"
#include "runtime/sched/policy.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/sleep.h"

enum { publish_age_ns = 20000, steal_most = 128, rounds = 4, spin_retry = 16, look_budget = 128 };

void weft__search_adopt(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__worker *before = weft__load_relaxed(&task->home);

    if (before == worker)
        return;
    if (before != NULL)
        weft__sub_relaxed(&before->sent_load, (int64_t)1);
    weft__bump(&worker->local_load);
    weft__store_relaxed(&task->home, worker); /* HOME H1 */
    weft__fence_store_load();                 /* HOME H2 */
}

/* A piece of the work of some task, as a task. */
static struct weft__task *take_offer(struct weft__worker *worker, struct weft__offers *offers)
{
    struct weft__task *task = weft__offer_take(worker, offers);

    if (task != NULL)
        weft__bump(&worker->counters.steals);
    return task;
}

/* One of the victim's tasks; others that came along sit in this worker's ring and are adopted when
 * they are picked. */
static struct weft__task *steal_from(struct weft__worker *worker, struct weft__worker *victim)
{
    uint32_t count = 0;

    if (weft__ring_count(&victim->ring) == 0)
        return take_offer(worker, &victim->offers);
    struct weft__task *task = weft__ring_steal(&victim->ring, &worker->ring, steal_most, &count);

    if (task == NULL)
        return NULL;
    worker->mixed = true; /* the others lie in this worker's ring */
    weft__bump_by(&worker->counters.steals, count);
    weft__search_adopt(worker, task);
    return task;
}

/* Victims of one level, [first, end), from a random start. */
static struct weft__task *steal_level(struct weft__worker *worker, uint32_t first, uint32_t end)
{
    uint32_t count = end - first;

    if (count == 0)
        return NULL;
    uint32_t start = weft__random_below(&worker->random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = worker->victims[first + (start + i) % count];
        struct weft__worker *victim = worker->runtime->workers[index];
        struct weft__task *task = steal_from(worker, victim);
        if (task != NULL)
            return task;
    }
    return NULL;
}

/* Nearest level first: same cache, same node, the rest. */
static struct weft__task *steal_round(struct weft__worker *worker)
{
    struct weft__task *task = worker->policy != NULL ? weft__policy_steal(worker) : NULL;
    uint32_t first = 0;

    if (task != NULL)
        return task;
    if (weft__chaos(WEFT__CHAOS_VICTIM))
        return steal_level(worker, 0, worker->level_end[WEFT__VICTIM_LEVELS - 1]);
    for (int level = 0; level < WEFT__VICTIM_LEVELS && task == NULL; level++) {
        task = steal_level(worker, first, worker->level_end[level]);
        first = worker->level_end[level];
    }
    return task;
}

struct weft__task *weft__search_find_injected(struct weft__worker *worker)
{
    struct weft__task *task = weft__inject_take(&worker->team->inject);

    if (task == NULL)
        return take_offer(worker, &worker->offers);
    weft__search_adopt(worker, task);
    return task;
}

/* Joins the searchers unless half of the workers search already. */
static bool begin(struct weft__worker *worker)
{
    const struct weft__team *team = worker->team;

    if (worker->searching)
        return true;
    if (2 * weft__load_relaxed(&team->idle.searching) >= (int32_t)team->count)
        return false;
    weft__search_join(worker);
    return true;
}

void weft__search_join(struct weft__worker *worker)
{
    weft__add_acqrel(&worker->team->idle.searching, 1); /* SEARCH */
    worker->searching = true;
}

void weft__search_end(struct weft__worker *worker, bool found)
{
    struct weft__team *team = worker->team;

    if (!worker->searching)
        return;
    worker->searching = false;
    weft__sub_acqrel(&team->idle.searching, 1); /* SEARCH B1 */
    weft__fence_store_load();                   /* SEARCH B2, pairs with A2 */
    weft__sim_point(WEFT__SIM_SEARCH);
    if (found && weft__search_sees_work(worker))
        weft__search_announce(team, worker);
}

struct weft__task *weft__search_find(struct weft__worker *worker)
{
    struct weft__task *task = weft__search_find_injected(worker);

    if (task != NULL || worker->team->count == 1)
        return task;
    if (!begin(worker))
        return NULL;
    for (int i = 0; i < rounds && task == NULL; i++) {
        task = steal_round(worker);
        if (task == NULL)
            weft__pause();
    }
    return task;
}

static bool something_came(const struct weft__worker *worker)
{
    return !weft__inbox_empty(&worker->inbox) || weft__engine_has_events(worker->engine) ||
           weft__search_sees_work(worker) ||
           weft__load_relaxed(&worker->runtime->stopping) == WEFT__RUNTIME_LEAVING;
}

/* A blind engine sees only what it asks for. */
static bool look(struct weft__worker *worker)
{
    return something_came(worker) || (WEFT__UNLIKELY(worker->engine->blind) &&
                                      weft__engine_poll(worker->engine, look_budget) > 0);
}

/*
 * The spin grows when it pays and shrinks when it does not, between a sixteenth and all of its
 * limit. Below the sixteenth it is left out, but for a try at every 16th occasion.
 */
static void adapt(struct weft__worker *worker, bool paid)
{
    int64_t spin_ns = worker->runtime->options.spin_ns;

    if (spin_ns > 0)
        return; /* the user has fixed it */
    uint64_t most = weft__clock_cycles_in(-spin_ns);
    uint64_t next = paid ? worker->spin_cycles * 2 : worker->spin_cycles - worker->spin_cycles / 4;
    worker->spin_skips = !paid && next < most / 16 ? spin_retry : 0;
    worker->spin_cycles = next > most ? most : next < most / 16 ? most / 16 : next;
}

bool weft__search_may_spin(struct weft__worker *worker)
{
    if (!worker->spins)
        return false;
    if (worker->spin_skips == 0)
        return true;
    worker->spin_skips--;
    return false;
}

bool weft__search_spin(struct weft__worker *worker)
{
    uint64_t begun = weft__clock_cycles();
    bool came = false;

    weft__bump(&worker->counters.spins);
    int64_t next_timer = weft__wheel_next(&worker->wheel);
    if (next_timer != INT64_MAX && next_timer <= weft__clock_now())
        return true;
    while (!(came = look(worker)) && weft__clock_cycles() - begun < worker->spin_cycles)
        weft__pause();
    adapt(worker, came);
    return came;
}

bool weft__search_sees_work(const struct weft__worker *worker)
{
    const struct weft__team *team = worker->team;

    if (weft__load_relaxed(&team->inject.length) != 0 ||
        weft__load_relaxed(&worker->runtime->policy.shared) > 0)
        return true;
    for (uint32_t i = 0; i < team->count; i++)
        if (weft__ring_count(&team->workers[i]->ring) != 0 ||
            weft__load_relaxed(&team->workers[i]->offers.count) != 0)
            return true;
    return false;
}

/* A queue of which nothing is taken keeps its head, a list of offers the steals of all. */
uint64_t weft__search_mark(const struct weft__worker *worker)
{
    const struct weft__team *team = worker->team;
    uint64_t mark = weft__load_relaxed(&team->inject.taken) + 1 +
                    weft__load_relaxed(&worker->runtime->policy.taken);

    if (!weft__search_sees_work(worker))
        return 0;
    for (uint32_t i = 0; i < team->count; i++) /* all of them only grow */
        mark += (uint32_t)weft__load_relaxed(&team->workers[i]->ring.head) +
                weft__load_relaxed(&team->workers[i]->counters.steals);
    return mark;
}

/* The @attempt-th that may be woken: the nearest first, unless a policy has its say. NULL: none any
 * more. */
static struct weft__worker *whom(const struct weft__team *team, const struct weft__worker *worker,
                                 uint32_t attempt)
{
    const struct weft__runtime *runtime = team->workers[0]->runtime;

    if (WEFT__UNLIKELY(runtime->policy.calls.wake != NULL))
        return weft__policy_wake(runtime, worker, attempt);
    if (worker == NULL || worker->team != team)
        return team->workers[attempt];
    return runtime->workers[attempt == 0 ? worker->index : worker->victims[attempt - 1]];
}

/*
 * The sleeper is woken first and counted then: a count that had to be taken back would hold off
 * another publisher meanwhile (model: COUNT_FIRST). So the count may dip below zero for a moment.
 */
void weft__search_announce(struct weft__team *team, struct weft__worker *worker)
{
    weft__sim_point(WEFT__SIM_SEARCH);
    weft__fence_store_load(); /* SEARCH A2, pairs with B2 */
    if (weft__load_relaxed(&team->idle.sleeping) == 0 ||
        weft__load_relaxed(&team->idle.searching) > 0) /* SEARCH A3 */
        return;
    for (uint32_t i = 0; i < team->count; i++) {
        struct weft__worker *target = whom(team, worker, i);
        if (target == NULL)
            return;
        if (target != worker && weft__sleep_wake(worker, target, WEFT__WORKER_NOTIFIED_SEARCH)) {
            weft__add_acqrel(&team->idle.searching, 1); /* on behalf of the woken one: SEARCH */
            return;
        }
    }
}

static bool anybody_idle(const struct weft__team *team)
{
    return weft__load_relaxed(&team->idle.sleeping) != 0 ||
           weft__load_relaxed(&team->idle.searching) > 0;
}

/* The deadline of a scope is a timer of the worker where it was opened: its owner stays there until
 * it has closed the scope, or two workers would change one wheel. So is the grace of a task's
 * deferred functions. And a task may have pinned itself. */
static bool is_anchored(struct weft__task *task)
{
    struct weft__list *link = task->scopes.next;

    if ((task->manner & WEFT__PARK_ANCHORED) != 0 || weft__defer_is_timed(task) ||
        weft__pin_holds(task))
        return true;
    while (link != &task->scopes &&
           !WEFT__CONTAINER(link, struct weft__scope, open)->deadline_armed)
        link = link->next;
    return link != &task->scopes;
}

bool weft__search_may_move(const struct weft__worker *worker, struct weft__task *task)
{
    if (task->stack == NULL)
        return (task->flags & WEFT__TASK_PINNED) == 0;
    return (task->flags & WEFT__TASK_MIGRATABLE) != 0 && !is_anchored(task) &&
           task != weft__worker_task(worker);
}

bool weft__search_offer(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__team *team = worker->team;
    bool forced = weft__chaos(WEFT__CHAOS_MIGRATE);

    if (team->count == 1 || worker->policy != NULL || (!forced && !anybody_idle(team)) ||
        !weft__search_may_move(worker, task))
        return false;
    if (forced) {
        weft__search_inject(team, worker, task);
        return true;
    }
    if (weft__chaos(WEFT__CHAOS_QUEUE) || !weft__ring_push(&worker->ring, task))
        return false;
    worker->mixed = true;
    weft__search_announce(team, worker);
    return true;
}

void weft__search_publish(struct weft__worker *worker, uint64_t cycles)
{
    struct weft__team *team = worker->team;

    if (worker->fresh_count == 0 || team->count == 1 || worker->policy != NULL ||
        cycles - worker->fresh_mark < weft__clock_cycles_in(publish_age_ns))
        return;
    if (anybody_idle(team)) {
        bool published = false;
        while (worker->fresh_aged > 0) {
            struct weft__task *oldest = worker->fresh.head;
            struct weft__task *rest = weft__queue_next(oldest); /* once pushed it is a thief's */
            if (!weft__ring_push(&worker->ring, oldest))
                break;
            worker->fresh.head = rest;
            worker->fresh_count--;
            worker->fresh_aged--;
            published = true;
        }
        if (published)
            weft__search_announce(team, worker);
    }
    worker->fresh_aged = worker->fresh_count;
    worker->fresh_mark = cycles;
}

void weft__search_inject(struct weft__team *team, struct weft__worker *worker,
                         struct weft__task *task)
{
    struct weft__runtime *runtime = team->workers[0]->runtime;

    if (WEFT__UNLIKELY(runtime->policy.calls.put != NULL)) {
        weft__policy_inject(runtime, worker, task);
        return;
    }
    weft__inject_put(&team->inject, task);
    weft__search_announce(team, worker);
}

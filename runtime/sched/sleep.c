/*
 * ORDERING SLEEP: work that was published for a worker is never left while it sleeps.
 *   sender                                   worker
 *   S1 publish: inbox, ring, inject queue    P1 state = PARKED
 *   S2 store-load fence                      P2 store-load fence; look again: inbox, queues,
 *   S3 if state is PARKED and the               inject, others' rings, completions, stop
 *      compare-and-swap to NOTIFIED          P3 if there is something: state = RUNNING, go on
 *      succeeds: ring the doorbell           P4 wait in the ring, at most 2 s
 *                                            P5 state = RUNNING, store-load fence
 * Forbidden: S3 reads RUNNING and P2 finds nothing.
 * Because:   S1 and P1 are stores, S3 and P2 loads, each pair split by a fence. One fence is first.
 *            If the worker's is, S3 sees PARKED or something later: NOTIFIED (somebody else rings),
 *            or RUNNING from P3 or P5, after which the worker looks at everything again before it
 *            can sleep. If the sender's is first, P2 finds what S1 published. Exactly one sender
 *            wins the compare-and-swap, so a sleep gets at most one doorbell. A doorbell can't be
 *            lost between P2 and P4: it is a completion, and a ring with completions does not
 *            sleep. One that arrives after P3 is stray, and ignored.
 * Without:   both loads may pass both stores, on x86-64 too: spin finds the deadlock when either
 *            fence is taken out of the model.
 * Tested by: tests/model/park_wake.pml, tests/stress/rendezvous.c
 */
#include "runtime/sched/sleep.h"

#include "runtime/base/chaos.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/search.h"

/* The limit on a nap doubles while nothing at all happens: eight idle workers would else use a
 * tenth of a percent of a CPU with looking (measured: 0.06 to 0.1 %). */
static const int64_t nap_ns = 250 * WEFT__NS_PER_MS;
enum { most_doublings = 3 };

bool weft__sleep_wake(struct weft__worker *worker, struct weft__worker *target,
                      enum weft__worker_state how)
{
    weft__fence_store_load(); /* SLEEP S2 */
    uint32_t state = weft__load_relaxed(&target->state);
    if (state != WEFT__WORKER_PARKED ||
        !weft__cas_acqrel(&target->state, &state, (uint32_t)how)) /* SLEEP S3 */
        return false;
    weft__chaos_pause(WEFT__CHAOS_DOORBELL);
    weft__sim_point(WEFT__SIM_WAKE);
    if (worker == NULL || worker->runtime != target->runtime ||
        weft__engine_doorbell(worker->engine, target->engine) < 0) {
        (void)weft__engine_notify(target->engine);
        return true;
    }
    worker->doorbell_staged = true; /* the loop flushes it before it runs the next task */
    if (weft__worker_task(worker) != NULL)
        weft__sleep_flush(worker); /* who knows for how long this one computes on */
    return true;
}

void weft__sleep_flush(struct weft__worker *worker)
{
    worker->doorbell_staged = false;
    worker->staged_cycles = 0;
    int rc = weft__engine_flush(worker->engine);
    WEFT_ASSERT(rc >= 0, "worker %u can't submit to its ring: error %d", worker->index, rc);
}

static bool has_own_work(const struct weft__worker *worker)
{
    return !weft__inbox_empty(&worker->inbox) || worker->ready.head != NULL ||
           worker->fresh.head != NULL || worker->lifo != NULL ||
           weft__engine_has_events(worker->engine);
}

/* That others can't do in its place. */
static bool is_wanted(const struct weft__worker *worker)
{
    return has_own_work(worker) ||
           weft__load_relaxed(&worker->runtime->stopping) == WEFT__RUNTIME_LEAVING;
}

/* P2: everything that could have been published for this worker. */
static bool has_work(const struct weft__worker *worker)
{
    return is_wanted(worker) || weft__search_sees_work(worker);
}

/* When the wait must end for a timer; *out_bounded: when the limit on naps comes first. */
static int64_t wake_time(const struct weft__worker *worker, bool *out_bounded)
{
    int64_t timer = weft__wheel_next(&worker->wheel);
    int64_t limit = weft__sim_limit(weft__clock_now() + (nap_ns << worker->nap_doublings));

    *out_bounded = limit < timer;
    return *out_bounded ? limit : timer;
}

/* P4. A nap that runs into its limit and finds work is looked at again after another nap: a sender
 * may stand between S1 and S3. When he has not rung by then, a wake-up was lost: counted. Stealable
 * work counts only if it has lain still: where others take one piece after the other, there is
 * always some to be seen. */
static void nap(struct weft__worker *worker)
{
    bool bounded = false;
    int found = weft__engine_wait(worker->engine, wake_time(worker, &bounded));

    bool quiet = found == 0 && bounded;
    worker->nap_doublings = (uint8_t)(!quiet ? 0
                                      : worker->nap_doublings < most_doublings
                                          ? worker->nap_doublings + 1
                                          : most_doublings);
    if (!quiet || weft__load_relaxed(&worker->state) != WEFT__WORKER_PARKED || !has_work(worker))
        return;
    uint64_t mark = weft__search_mark(worker);
    found = weft__engine_wait(worker->engine, wake_time(worker, &bounded));
    if (found == 0 && bounded && weft__load_relaxed(&worker->state) == WEFT__WORKER_PARKED &&
        (is_wanted(worker) || (mark != 0 && mark == weft__search_mark(worker))))
        weft__bump(&worker->counters.rescued_wakes);
}

void weft__sleep_park(struct weft__worker *worker)
{
    struct weft__idle *idle = &worker->team->idle;

    (void)weft__swap_seqcst(&worker->state, WEFT__WORKER_PARKED); /* SLEEP P1 */
    weft__add_acqrel(&idle->sleeping, 1);                         /* SLEEP P1 */
    weft__fence_store_load();                                     /* SLEEP P2 */
    weft__chaos_pause(WEFT__CHAOS_PAUSE);
    weft__sim_point(WEFT__SIM_PARK);
    if (!has_work(worker) && !weft__chaos(WEFT__CHAOS_WAKE)) {
        weft__bump(&worker->counters.parks);
        weft__sim_point(WEFT__SIM_PARK);
        nap(worker); /* SLEEP P4 */
    }
    weft__sim_point(WEFT__SIM_PARK);
    weft__sub_acqrel(&idle->sleeping, 1);                                     /* SLEEP P5 */
    uint32_t state = weft__swap_seqcst(&worker->state, WEFT__WORKER_RUNNING); /* SLEEP P3, P5 */
    weft__fence_store_load();                                                 /* SLEEP P5 */
    if (state == WEFT__WORKER_NOTIFIED_SEARCH)
        worker->searching = true; /* counted by whoever woke it */
    else if (weft__search_sees_work(worker))
        weft__search_join(worker); /* or others would leave it to a searcher that is none */
}

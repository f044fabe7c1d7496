/*
 * A deadlock that involves all tasks of a runtime is stable: when every task waits for another one,
 * no timer is armed and no other thread can act, nothing changes any more. So it can be found late,
 * by looking: the watchdog looks when all workers have slept for a second, and once for each such
 * quiet time.
 *
 * ORDERING DEADLOCK: a notice is given only of a state that is over for ever.
 *   look                                     runtime
 *   D1 notes switches and foreign spawns     R1 makes a task ready: by a task that runs, a timer, a
 *   D2 all workers parked, all inboxes and      completion, or a thread outside
 *      the inject queue empty, no timer
 *   D3 no thread outside that could act
 *   D4 each live task waits, for a reason
 *      that only a task can end
 *   D5 D1 and D2 again: nothing has changed
 * Forbidden: a notice, and later R1.
 * Because:   between D1 and D5 no task ran (each dispatch counts a switch), and no worker has been
 *            given anything. At D5 no task runs, no timer is armed, and D4 saw no wait that a
 *            completion ends. A thread outside is neither one of weft's own nor one that sleeps
 *            without a deadline in a call of weft, so there is none by D3: by count, and a thread
 *            that comes later can only be made by one that runs. Whoever lets such a thread go
 *            takes it out of the count first, and parks later: D2 reads that it has parked.
 * Without:   D5, a task that D4 saw waiting may have been woken and run meanwhile; counts that the
 *            thread itself takes back, one that gets no CPU for a second.
 * Tested by: tests/unit/deadlock_test.c
 *
 * Not seen: a deadlock of some tasks while others go on, or while any thread of the program's own
 * runs or sleeps outside of weft. A dump shows those.
 */
#include "runtime/sched/deadlock.h"

#include "runtime/base/sys.h"
#include "runtime/sched/census.h"
#include "runtime/sched/thread.h"

bool weft__deadlock_counts(unsigned reason)
{
    switch (reason) {
    case WEFT__REASON_JOIN:
    case WEFT__REASON_SCOPE:
    case WEFT__REASON_PUT:
    case WEFT__REASON_TAKE:
    case WEFT__REASON_SELECT:
    case WEFT__REASON_TIMER: /* one that is not set: else its wait has armed one of its worker's */
    case WEFT__REASON_LOCK:
    case WEFT__REASON_CONDITION:
    case WEFT__REASON_SEMAPHORE:
    case WEFT__REASON_EVENT:
    case WEFT__REASON_BARRIER:
    case WEFT__REASON_LATCH:
    case WEFT__REASON_ONCE:
    case WEFT__REASON_FUTURE:
    case WEFT__REASON_PERMIT: return true;
    default: return false;
    }
}

/* D1, D5. */
static uint64_t sum_of_moves(const struct weft__runtime *runtime)
{
    uint64_t sum = weft__load_acquire(&runtime->foreign_spawned); /* DEADLOCK D1 */

    for (uint32_t i = 0; i < runtime->worker_count; i++)
        sum += weft__load_acquire(&runtime->workers[i]->counters.switches); /* DEADLOCK D1 */
    return sum;
}

static bool has_injected(const struct weft__runtime *runtime)
{
    bool some = weft__load_relaxed(&runtime->policy.shared) > 0;

    for (int i = 0; i < WEFT__TEAMS; i++)
        some |= weft__load_relaxed(&runtime->teams[i].inject.length) > 0;
    return some;
}

/* D2. */
static bool nothing_comes(const struct weft__runtime *runtime)
{
    if (has_injected(runtime) || weft__load_relaxed(&runtime->stopping) != WEFT__RUNTIME_OPEN)
        return false;
    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        const struct weft__worker *worker = runtime->workers[i];
        if (weft__load_acquire(&worker->state) != WEFT__WORKER_PARKED || /* DEADLOCK D2 */
            !weft__inbox_empty(&worker->inbox) || weft__load_relaxed(&worker->wheel.armed) > 0)
            return false;
    }
    return true;
}

/* D3: threads of the process beside our own and those that wait for a task without a deadline. */
static bool threads_outside(const struct weft__runtime *runtime)
{
    uint32_t known = runtime->worker_count + 1 + runtime->overflow.started +
                     weft__load_relaxed(&weft__pool_counters(runtime->pool)->running) +
                     weft__load_relaxed(&runtime->callers) + weft__thread_sleepers();
    int all = weft__sys_thread_count();

    return all < 0 || (uint32_t)all > known;
}

void weft__deadlock_look(struct weft__runtime *runtime)
{
    char who[360];
    uint64_t moves = sum_of_moves(runtime);

    if (!nothing_comes(runtime) || threads_outside(runtime) ||
        !weft__census_all_wait(runtime, weft__deadlock_counts) || !nothing_comes(runtime) ||
        sum_of_moves(runtime) != moves)
        return;
    uint32_t live = weft__census_take(runtime, who, sizeof(who));
    weft__runtime_report(
        runtime,
        "weft: deadlock: %s, and no timer, no I/O and no other thread will "
        "end that: %s",
        live == 1 ? "the only task waits for another one" : "all tasks wait for one another", who);
}

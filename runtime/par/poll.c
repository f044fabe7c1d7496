/*
 * Poll points. Each join burns one unit of fuel of its strand, and its limit lets as many forks go
 * by that are not joined; when either is used up, the strand looks at the world: idle workers,
 * messages, completions, its slice. It is given as much as should last for 10 us, by the last time:
 * so children of 10 ns look every thousandth time, those of a millisecond each time, and no other
 * thread has to write to what a fork reads. (Fuel for forks too made a pair of them take 4.4 ns
 * where it takes 3.1: two read-modify-writes of one word, one behind the other.)
 *
 * BOUND I/O of the worker while it forks: looked at after 10 us, or at the next fork or join if
 * that comes later; twice that where children become slower all at once. Growth is at most twofold.
 *
 * REJECTED a word that others set (idle workers, the watchdog): nobody can set one for a
 * completion, which the kernel puts into the ring without a call; and its line would be shared by
 * all.
 */
#include "runtime/par/poll.h"

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/par/share.h"
#include "runtime/sched/yield.h"

enum { period_ns = 10000, most_fuel = 1 << 14, most_offers = 4 };
enum { fork_ns = 100 }; /* how long a simulated one takes */

static const int64_t young_ns = 20000; /* see ORDERING SEARCH: a wake costs 25 to 40 us */

static int next_fuel(const struct weft__strand *strand, uint64_t took)
{
    uint64_t period = weft__clock_cycles_in(period_ns);
    uint64_t given = (uint64_t)strand->fuel_given;
    uint64_t next = took == 0 ? 2 * given : given * period / took;

    next = next > 2 * given ? 2 * given : next;
    return next < 1 ? 1 : next > most_fuel ? most_fuel : (int)next;
}

void weft__poll_begin(struct weft__strand *strand)
{
    strand->polled_cycles = weft__clock_cycles();
    strand->since_cycles = strand->polled_cycles;
}

/* Those that look for work get some at once; those that sleep when it may be worth their wake. */
static bool is_wanted(const struct weft__worker *worker, const struct weft__strand *strand,
                      uint64_t cycles)
{
    const struct weft__idle *idle = &worker->team->idle;

    if (weft__load_relaxed(&worker->offers.count) >= most_offers)
        return false;
    if (weft__load_relaxed(&idle->searching) > 0)
        return true;
    return weft__load_relaxed(&idle->sleeping) != 0 &&
           cycles - strand->since_cycles >= weft__clock_cycles_in(young_ns);
}

void weft__poll_refuel(struct weft__strand *strand)
{
    if (weft__sim_is_on())
        weft__sim_elapse((int64_t)strand->fuel_given * fork_ns);
    uint64_t cycles = weft__clock_cycles();
    struct weft__worker *worker = weft__self_worker();

    WEFT_ASSERT(weft__worker_task(worker) == strand->task,
                "weft_fork: a strand is used by the function that was called with it, and by no "
                "other task or thread");
    strand->fuel_given = next_fuel(strand, cycles - strand->polled_cycles);
    if (strand->task != NULL && !weft__load_relaxed(&weft__record_forked)) {
        bool due = weft__yield_is_due(worker, cycles);
        if (due || is_wanted(worker, strand, cycles))
            (void)weft__share_offer(worker, strand);
        if (due) {
            weft__yield_loop(worker, strand->task);
            cycles = weft__clock_cycles();
        }
    }
    strand->polled_cycles = cycles;
    strand->face.fuel = strand->fuel_given;
    weft__strand_set_limit(strand);
}

uint64_t weft__poll_chunk(struct weft__strand *strand, struct weft__worker *worker, uint64_t now)
{
    uint64_t cycles = now != 0 ? now : weft__clock_cycles();

    if (worker == NULL || strand->task == NULL || weft__load_relaxed(&weft__record_forked) ||
        !weft__yield_is_due(worker, cycles))
        return cycles;
    weft__yield_loop(worker, strand->task);
    return weft__clock_cycles();
}

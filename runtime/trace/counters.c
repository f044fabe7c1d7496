/* Readers of the counters. */
#include <errno.h>

#include <weft/counters.h>

#include "runtime/base/check.h"
#include "runtime/sched/runtime.h"

static void add_engine(weft_counters *sum, const struct weft__engine_counters *engine)
{
    sum->system_calls += weft__load_relaxed(&engine->enters);
    sum->submissions += weft__load_relaxed(&engine->submitted);
    sum->completions += weft__load_relaxed(&engine->completed);
    sum->overflows += weft__load_relaxed(&engine->overflowed);
    sum->doorbells += weft__load_relaxed(&engine->doorbells_sent);
    sum->doorbells_failed += weft__load_relaxed(&engine->doorbells_failed);
}

static uint64_t live_at(const struct weft__worker *worker)
{
    int64_t load = weft__load_relaxed(&worker->local_load) + weft__load_relaxed(&worker->sent_load);
    return load > 0 ? (uint64_t)load : 0; /* two parts, read one by one */
}

static void add_worker(weft_counters *sum, const struct weft__worker *worker)
{
    const struct weft__worker_counters *own = &worker->counters;

    sum->spawned += weft__load_relaxed(&own->spawned);
    sum->ended += weft__load_relaxed(&own->ended);
    sum->switches += weft__load_relaxed(&own->switches);
    sum->waits += weft__load_relaxed(&own->waits);
    sum->steals += weft__load_relaxed(&own->steals);
    sum->remote_wakes += weft__load_relaxed(&own->remote_wakes);
    sum->parks += weft__load_relaxed(&own->parks);
    sum->spins += weft__load_relaxed(&own->spins);
    sum->rescued_wakes += weft__load_relaxed(&own->rescued_wakes);
    sum->timers += weft__load_relaxed(&own->timers);
    sum->system_calls += weft__load_relaxed(&own->system_calls);
    sum->helper_calls += weft__load_relaxed(&own->helper_calls);
    sum->live += live_at(worker);
    sum->timers_pending += weft__load_relaxed(&worker->wheel.armed);
    add_engine(sum, &worker->engine->counters);
}

static void add_pool(weft_counters *sum, const struct weft__pool_counters *pool)
{
    sum->helper_refusals += weft__load_relaxed(&pool->refused);
    sum->helper_threads_started += weft__load_relaxed(&pool->threads_started);
    sum->helper_threads += weft__load_relaxed(&pool->running);
    sum->helper_queue += weft__load_relaxed(&pool->queued);
}

/* What belongs to the runtime and to no worker. */
static void add_shared(weft_counters *sum, const struct weft__runtime *runtime)
{
    sum->spawned += weft__load_relaxed(&runtime->foreign_spawned);
    sum->live = sum->spawned > sum->ended ? sum->spawned - sum->ended : 0;
    sum->watchdog_reports += weft__load_relaxed(&runtime->watch.reports);
    add_pool(sum, weft__pool_counters(runtime->pool));
    for (uint32_t i = 0; i < runtime->topology->node_count; i++) {
        sum->stacks_made += weft__load_relaxed(&runtime->depots[i].made);
        sum->stack_bytes += weft__load_relaxed(&runtime->depots[i].bytes);
    }
}

int weft_counters_read(weft_runtime runtime, int worker, weft_counters *out_counters)
{
    int rc = 0;
    weft_counters sum = WEFT_COUNTERS_INIT;
    struct weft__runtime *found = weft__runtime_find(runtime, &rc);

    WEFT_NEED(out_counters);
    if (found == NULL)
        return rc;
    if (out_counters->size != sizeof(*out_counters) || worker < -1 ||
        worker >= (int)found->worker_count)
        rc = -EINVAL;
    for (uint32_t i = 0; i < found->worker_count; i++)
        if (worker == -1 || (uint32_t)worker == i)
            add_worker(&sum, found->workers[i]);
    if (worker == -1)
        add_shared(&sum, found);
    weft__runtime_found(found);
    if (rc == 0)
        *out_counters = sum;
    return rc;
}

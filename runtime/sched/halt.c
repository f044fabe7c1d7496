#include "runtime/sched/halt.h"

#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/sys.h"
#include "runtime/sched/census.h"
#include "runtime/sched/error.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/notice.h"
#include "runtime/sched/overflow.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/watchdog.h"

void weft__halt_note_quiet(struct weft__runtime *runtime)
{
    weft__add_acqrel(&runtime->quiet, 1); /* pairs with wait_quiet */
    (void)weft__sys_futex_wake(&runtime->quiet, INT32_MAX);
}

static uint32_t pending_of(struct weft__scope *root)
{
    weft__record_lock_own(&root->record);
    uint32_t pending = root->pending;
    weft__record_unlock(&root->record);
    return pending;
}

static uint32_t pending_in(struct weft__runtime *runtime)
{
    uint32_t pending = 0;

    for (uint32_t i = 0; i < runtime->worker_count; i++)
        pending += pending_of(runtime->workers[i]->root);
    return pending;
}

/* Waits until all roots are empty; the tasks that are left. A root that runs empty after it was
 * looked at sees the phase, because its lock was taken in between, and bumps the word. */
static uint32_t wait_quiet(struct weft__runtime *runtime, weft_deadline until)
{
    for (;;) {
        uint32_t seen = weft__load_acquire(&runtime->quiet); /* pairs with note_quiet */
        uint32_t pending = pending_in(runtime);
        if (pending == 0)
            return 0;
        if (weft__sys_futex_wait(&runtime->quiet, seen, until.ns > 0 ? until.ns : 0) == -ETIMEDOUT)
            return pending_in(runtime);
    }
}

static void cancel_roots(struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        struct weft__scope *root = runtime->workers[i]->root;
        weft__record_lock_own(&root->record);
        weft__scope_cancel_locked(weft__self_worker(), root);
        weft__record_unlock(&root->record);
    }
}

/* Says what is left behind, and how many tasks that is. @pending: what the roots say, where tasks
 * count that have ended a moment ago. */
static uint32_t report_left(struct weft__runtime *runtime, uint32_t pending)
{
    char names[400];

    uint32_t live = weft__census_take(runtime, names, sizeof(names));
    uint32_t left = live > 0 ? live : pending;
    weft__runtime_report(runtime,
                         "weft: stop: %u task%s did not end in time and %s left behind: %s", left,
                         left == 1 ? "" : "s", left == 1 ? "is" : "are", names);
    return left;
}

static void free_worker(struct weft__worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->started)
        weft__native_join(&worker->thread);
    weft__engine_close(worker->engine);
    if (worker->root != NULL) {
        weft__record_lock_own(&worker->root->record);
        weft__scope_end_locked(worker->root, NULL);
    }
    weft__memory_free(worker->victims, worker->team->count * sizeof(*worker->victims));
    weft__memory_free(worker, sizeof(*worker));
}

static void wake_all(struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++)
        if (runtime->workers[i] != NULL && runtime->workers[i]->started)
            (void)weft__sleep_wake(NULL, runtime->workers[i], WEFT__WORKER_NOTIFIED);
}

static void join_all(struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++)
        if (runtime->workers[i] != NULL && runtime->workers[i]->started) {
            weft__native_join(&runtime->workers[i]->thread);
            runtime->workers[i]->started = false;
        }
}

/* Cancels that found their task ended and their worker leaving: they still pin the task's record.
 * One may go on to another worker, so it takes rounds until a round delivers none. */
static void drain_all(struct weft__runtime *runtime)
{
    bool delivered = true;

    while (delivered) {
        delivered = false;
        for (uint32_t i = 0; i < runtime->worker_count; i++)
            if (runtime->workers[i] != NULL && weft__step_drain(runtime->workers[i]))
                delivered = true;
    }
}

void weft__halt_free(struct weft__runtime *runtime)
{
    weft__watchdog_stop(runtime);
    weft__store_relaxed(&runtime->stopping, WEFT__RUNTIME_LEAVING); /* SLEEP S1 */
    if (runtime->workers != NULL) {
        wake_all(runtime);
        join_all(runtime);
    }
    weft__overflow_stop(runtime);
    weft__overflow_give_back(runtime);
    if (runtime->handle > 0)
        weft__handle_free(runtime->handle); /* waits for threads that still send something */
    if (runtime->workers != NULL)
        drain_all(runtime);
    weft__policy_stop(runtime);
    weft__pool_close(runtime->pool);
    weft__pool_close(runtime->engine_pool);
    for (uint32_t i = 0; runtime->workers != NULL && i < runtime->worker_count; i++)
        free_worker(runtime->workers[i]);
    for (uint32_t i = 0; runtime->depots != NULL && i < runtime->topology->node_count; i++)
        weft__stack_depot_fini(&runtime->depots[i], false);
    weft__memory_free(runtime->workers, runtime->worker_count * sizeof(void *));
    if (runtime->topology != NULL)
        weft__memory_free(runtime->depots,
                          runtime->topology->node_count * sizeof(*runtime->depots));
    weft__plan_destroy(runtime->plan);
    weft__topology_destroy(runtime->topology);
    weft__memory_free(runtime, sizeof(*runtime));
}

/* A worker or a helper of the runtime: a task of it would wait for itself. */
static bool is_own_thread(weft_runtime runtime)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();

    if (worker != NULL)
        return worker->runtime->handle == runtime;
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);
    if (found == NULL)
        return false;
    bool own = weft__pool_is_helper(found->pool);
    weft__handle_unpin(runtime);
    return own;
}

int weft_stop(weft_runtime runtime, weft_deadline until)
{
    int rc = 0;

    if (is_own_thread(runtime))
        return -EDEADLK;
    struct weft__runtime *found = weft__handle_retire(runtime, &rc);
    if (found == NULL)
        return rc;
    weft__store_relaxed(&found->stopping, WEFT__RUNTIME_CLOSING); /* the roots' locks order it */
    cancel_roots(found);
    uint32_t left = wait_quiet(found, until);
    weft__notice_later(found);
    if (left > 0) {
        weft__watchdog_stop(found);
        left = report_left(found, left);
        weft__notice_mute(found);
        weft__overflow_stop(found);
        return (int)left;
    }
    weft__halt_free(found);
    return 0;
}

/*
 * Who holds a lock: the task or the thread, by the handle of its record, so that an owner that has
 * ended is not taken for the task that got its record next.
 */
#ifndef WEFT_SYNC_OWNER_H
#define WEFT_SYNC_OWNER_H

#include "runtime/sched/error.h"
#include "runtime/sched/thread.h"

/* Who calls: its task, or its thread. NULL with *out_error: -EPERM in a callback of the runtime,
 * -EOWNERDEAD in the child of a fork, where locks stand as the parent's threads left them. */
static inline struct weft__task *weft__owner_self(const struct weft__worker *worker, int *out_error)
{
    struct weft__task *task = NULL;

    if (WEFT__LIKELY(!weft__load_relaxed(&weft__record_forked)))
        task = weft__thread_or_task(worker);
    if (WEFT__UNLIKELY(task == NULL))
        *out_error = weft__error_outside();
    return task;
}

/* The handle of a task or thread that runs, whose life has been read: > 0. */
static inline uint64_t weft__owner_id_of(const struct weft__task *task, uint64_t life)
{
    return (life & ~(uint64_t)UINT32_MAX) | (uint64_t)WEFT__KIND_TASK << 27 | task->record.index;
}

static inline uint64_t weft__owner_id(const struct weft__task *task)
{
    return weft__owner_id_of(task, weft__load_relaxed(&task->record.life));
}

enum { WEFT__OWNER_TEXT = 64 };

/* "task reader", "a thread that is no worker", "a task that has ended", for fatal sentences. */
void weft__owner_describe(uint64_t id, char text[WEFT__OWNER_TEXT]);

/* Whether an owner may be running while the caller runs on @worker: it does not wait, and is not of
 * the same worker. A guess. NULL is the worker of all threads that are none, which so do not spin
 * for each other. */
bool weft__owner_runs_beside(uint64_t id, const struct weft__worker *worker);

#endif

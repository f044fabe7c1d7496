/*
 * The inject queue: fresh tasks that belong to no worker yet (spawned by threads that are none, or
 * overflowed from a ring). A lock, a FIFO and a length that can be read without the lock.
 */
#ifndef WEFT_SCHED_INJECT_H
#define WEFT_SCHED_INJECT_H

#include "runtime/base/lock.h"
#include "runtime/sched/queue.h"

struct weft__inject {
    WEFT__ALIGNED_LINE struct weft__lock lock;
    struct weft__fifo fifo;  /* (l) */
    _Atomic uint32_t length; /* written under the lock */
    _Atomic uint32_t taken;  /* in all; written under the lock */
};

static inline void weft__inject_put(struct weft__inject *inject, struct weft__task *task)
{
    weft__lock_acquire(&inject->lock); /* pairs with weft__lock_release */
    weft__queue_append(&inject->fifo, task);
    weft__bump(&inject->length);
    weft__lock_release(&inject->lock);
}

static inline struct weft__task *weft__inject_take(struct weft__inject *inject)
{
    struct weft__task *task;

    if (weft__load_relaxed(&inject->length) == 0)
        return NULL;
    weft__lock_acquire(&inject->lock); /* pairs with weft__lock_release */
    task = weft__queue_take(&inject->fifo);
    if (task != NULL) {
        weft__bump_by(&inject->length, UINT32_MAX);
        weft__bump(&inject->taken);
    }
    weft__lock_release(&inject->lock);
    return task;
}

#endif

/*
 * Channels. One lock (that of the record) guards buffer and both queues of waiters.
 *
 * Invariant: takers wait only while the buffer is empty and no putter waits; putters wait only
 * while the buffer is full (an unbuffered one always is) and no taker waits. So a put looks for a
 * taker first, a take for the buffer first and then for a putter, and whoever waits longest is
 * served first: a message or a slot is handed to a waiter under the lock, so nobody who comes later
 * can have it.
 *
 * A hand-off is all or nothing: the waiter's wait is claimed (park.h) before a byte is copied, and
 * whoever fails to claim it (its deadline or a cancel was first) goes on to the next waiter. A
 * waiter that was not claimed takes itself out under the lock; nobody has touched its message.
 */
#include <errno.h>
#include <string.h>

#include <weft/chan.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/join.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/thread.h"
#include "runtime/sync/line.h"

enum { message_max = 64 * 1024, depth_max = 1 << 24, buffer_max = 1 << 30, inline_bytes = 64 };

struct chan {
    struct weft__record record;
    uint32_t message_bytes; /* (i) */
    uint32_t depth;         /* (i) */
    uint32_t count;         /* (l) messages in the buffer */
    uint32_t head;          /* (l) index of the oldest */
    char *buffer;           /* (i) */
    size_t buffer_bytes;    /* (i) 0: inline */
    struct weft__line putters; /* (l) */
    struct weft__line takers;  /* (l) */
    int error;              /* (l) what put and take return once closed; 0: open */
    _Alignas(16) char inline_buffer[inline_bytes];
};

static struct chan *chan_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct chan, record);
}

static inline void copy_message(void *to, const void *from, uint32_t bytes)
{
    if (WEFT__LIKELY(bytes == sizeof(uint64_t)))
        memcpy(to, from, sizeof(uint64_t));
    else if (bytes == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else if (bytes != 0)
        memcpy(to, from, bytes);
}

static inline char *slot(struct chan *chan, uint32_t index)
{
    return chan->buffer + (size_t)index * chan->message_bytes;
}

static inline void buffer_put(struct chan *chan, const void *message)
{
    uint32_t tail = chan->head + chan->count;

    if (tail >= chan->depth)
        tail -= chan->depth;
    copy_message(slot(chan, tail), message, chan->message_bytes);
    chan->count++;
}

static inline void buffer_take(struct chan *chan, void *out_message)
{
    copy_message(out_message, slot(chan, chan->head), chan->message_bytes);
    chan->head = chan->head + 1 == chan->depth ? 0 : chan->head + 1;
    chan->count--;
}

/* Puts without waiting. 0, -EAGAIN or the close error; *out_woken gets a taker to make ready. */
static inline int put_locked(struct chan *chan, const void *message, struct weft__waiter **out_woken)
{
    struct weft__waiter *taker;

    if (WEFT__UNLIKELY(chan->error != 0))
        return chan->error;
    taker = weft__line_claim(&chan->takers);
    if (taker != NULL) {
        copy_message(taker->message, message, chan->message_bytes);
        taker->result = 0;
        *out_woken = taker;
        return 0;
    }
    if (chan->count == chan->depth)
        return -EAGAIN;
    buffer_put(chan, message);
    return 0;
}

/* Takes without waiting; a putter that waits moves up into the freed slot. */
static inline int take_locked(struct chan *chan, void *out_message, struct weft__waiter **out_woken)
{
    struct weft__waiter *putter = NULL;

    if (chan->count > 0) {
        buffer_take(chan, out_message);
        putter = weft__line_claim(&chan->putters);
        if (putter != NULL)
            buffer_put(chan, putter->message);
    } else {
        putter = weft__line_claim(&chan->putters);
        if (putter == NULL)
            return chan->error != 0 ? chan->error : -EAGAIN;
        copy_message(out_message, putter->message, chan->message_bytes);
    }
    if (putter != NULL) {
        putter->result = 0;
        *out_woken = putter;
    }
    return 0;
}

/*
 * Waits in @line of @chan, which is locked; unlocks it. A wait that ends by deadline or cancel takes
 * itself out, unless the channel is gone, which has emptied its lines.
 */
static int wait_locked(struct weft__worker *worker, struct chan *chan, struct weft__line *line,
                       void *message, weft_deadline until, enum weft__wait_reason reason)
{
    struct weft__waiter waiter = { .message = message };
    uint64_t generation = weft__load_relaxed(&chan->record.life) >> 32;

    waiter.ticket = weft__park_begin(weft__thread_or_task(worker), reason);
    weft__line_append(line, &waiter);
    weft__record_unlock(&chan->record);
    int rc = weft__park_commit(worker, waiter.ticket, until, 0);
    if (WEFT__LIKELY(rc == 0))
        return waiter.result;
    if (weft__record_lock_as(&chan->record, generation)) {
        if (waiter.line != NULL)
            weft__line_remove(&waiter);
        weft__record_unlock(&chan->record);
    }
    return rc;
}

static inline bool is_canceled(const struct weft__worker *worker)
{
    const struct weft__task *task = weft__worker_task(worker);
    return task != NULL && weft__task_canceled(task);
}

/* What a cancelled task is told; a negative handle comes before all else. */
static WEFT__COLD int refuse_canceled(weft_chan chan)
{
    return chan < 0 ? weft__record_error(chan) : -ECANCELED;
}

/* Why a call may not wait here and now; 0: it may. */
static inline int refuse_wait(const struct weft__worker *worker, weft_deadline until)
{
    if (WEFT__UNLIKELY(until.ns <= 0))
        return -ETIMEDOUT;
    return WEFT__LIKELY(weft__thread_or_task(worker) != NULL) ? 0 : weft__error_outside();
}

weft_chan weft_chan_create(size_t message_bytes, size_t depth)
{
    if (message_bytes > message_max || depth > depth_max || message_bytes * depth > buffer_max)
        return -EINVAL;
    weft__record_define(WEFT__KIND_CHAN, sizeof(struct chan));
    struct weft__worker *worker = weft__self_worker();
    struct weft__record *record = weft__record_new(WEFT__KIND_CHAN,
                                                   worker != NULL ? &worker->records : NULL);
    if (record == NULL)
        return weft__record_refusal();
    struct chan *chan = chan_of(record);
    chan->message_bytes = (uint32_t)message_bytes;
    chan->depth = (uint32_t)depth;
    chan->count = 0;
    chan->head = 0;
    chan->error = 0;
    chan->buffer = chan->inline_buffer;
    chan->buffer_bytes = message_bytes * depth > inline_bytes ? message_bytes * depth : 0;
    weft__line_init(&chan->putters);
    weft__line_init(&chan->takers);
    if (chan->buffer_bytes > 0)
        chan->buffer = weft__memory_alloc(WEFT__NODE_LOCAL, chan->buffer_bytes);
    if (chan->buffer == NULL) {
        weft__record_free_locked(record, worker != NULL ? &worker->records : NULL);
        return -ENOMEM;
    }
    weft__record_unlock(record);
    return weft__record_handle(record);
}

static inline struct chan *lock_chan(weft_chan handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_CHAN, out_error);
    return WEFT__LIKELY(record != NULL) ? chan_of(record) : NULL;
}

int weft_chan_put(weft_chan chan, const void *message, weft_deadline until)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__waiter *woken = NULL;
    struct chan *found;

    if (WEFT__UNLIKELY(is_canceled(worker)))
        return refuse_canceled(chan);
    found = lock_chan(chan, &rc);
    if (WEFT__UNLIKELY(found == NULL))
        return rc;
    WEFT_NEED_BYTES(message, found->message_bytes);
    rc = put_locked(found, message, &woken);
    if (rc == -EAGAIN && (rc = refuse_wait(worker, until)) == 0)
        return wait_locked(worker, found, &found->putters, (void *)(uintptr_t)message, until,
                           WEFT__REASON_PUT);
    weft__record_unlock(&found->record);
    weft__line_wake(worker, woken);
    return rc;
}

int weft_chan_take(weft_chan chan, void *out_message, weft_deadline until)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__waiter *woken = NULL;
    struct chan *found;

    if (WEFT__UNLIKELY(is_canceled(worker)))
        return refuse_canceled(chan);
    found = lock_chan(chan, &rc);
    if (WEFT__UNLIKELY(found == NULL))
        return rc;
    WEFT_NEED_BYTES(out_message, found->message_bytes);
    rc = take_locked(found, out_message, &woken);
    if (rc == -EAGAIN && (rc = refuse_wait(worker, until)) == 0)
        return wait_locked(worker, found, &found->takers, out_message, until, WEFT__REASON_TAKE);
    weft__record_unlock(&found->record);
    weft__line_wake(worker, woken);
    return rc;
}

int weft_chan_try_put(weft_chan chan, const void *message)
{
    int rc = 0;
    struct weft__waiter *woken = NULL;
    struct chan *found = lock_chan(chan, &rc);

    if (found == NULL)
        return rc;
    WEFT_NEED_BYTES(message, found->message_bytes);
    rc = put_locked(found, message, &woken);
    weft__record_unlock(&found->record);
    weft__line_wake(weft__self_worker(), woken);
    return rc;
}

int weft_chan_try_take(weft_chan chan, void *out_message)
{
    int rc = 0;
    struct weft__waiter *woken = NULL;
    struct chan *found = lock_chan(chan, &rc);

    if (found == NULL)
        return rc;
    WEFT_NEED_BYTES(out_message, found->message_bytes);
    rc = take_locked(found, out_message, &woken);
    weft__record_unlock(&found->record);
    weft__line_wake(weft__self_worker(), woken);
    return rc;
}

int weft_chan_close(weft_chan chan, int error)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct chan *found = lock_chan(chan, &rc);

    if (found == NULL)
        return rc;
    if (error > 0) {
        weft__record_unlock(&found->record);
        return -EINVAL;
    }
    if (found->error == 0)
        found->error = error == 0 ? -EPIPE : error;
    struct weft__waiter *putters = weft__line_claim_many(&found->putters, SIZE_MAX, found->error);
    struct weft__waiter *takers = weft__line_claim_many(&found->takers, SIZE_MAX, found->error);
    weft__record_unlock(&found->record);
    (void)weft__line_wake_many(worker, putters);
    (void)weft__line_wake_many(worker, takers);
    return 0;
}

int weft_chan_release(weft_chan chan)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct chan *found = lock_chan(chan, &rc);

    if (found == NULL)
        return rc;
    struct weft__waiter *putters = weft__line_claim_many(&found->putters, SIZE_MAX, -EPIPE);
    struct weft__waiter *takers = weft__line_claim_many(&found->takers, SIZE_MAX, -EPIPE);
    if (found->buffer_bytes > 0)
        weft__memory_free(found->buffer, found->buffer_bytes);
    weft__record_free_locked(&found->record, worker != NULL ? &worker->records : NULL);
    (void)weft__line_wake_many(worker, putters);
    (void)weft__line_wake_many(worker, takers);
    return 0;
}

struct binding {
    struct weft__hook hook;
    weft_chan chan;
};

static void close_bound(struct weft__hook *hook, int result)
{
    struct binding *binding = WEFT__CONTAINER(hook, struct binding, hook);

    (void)weft_chan_close(binding->chan, result < 0 ? result : 0); /* stale: released before */
    weft__memory_free(binding, sizeof(*binding));
}

int weft_chan_bind(weft_chan chan, weft_task task)
{
    int rc = 0;
    struct chan *found = lock_chan(chan, &rc);

    if (found == NULL)
        return rc;
    weft__record_unlock(&found->record);
    struct binding *binding = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*binding));
    if (binding == NULL)
        return -ENOMEM;
    *binding = (struct binding){ .hook.run = close_bound, .chan = chan };
    struct weft__task *bound = weft__task_lock(task, &rc);
    if (bound == NULL) {
        weft__memory_free(binding, sizeof(*binding));
        return rc;
    }
    bool waits = weft__join_hook_locked(bound, &binding->hook);
    int result = weft__load_relaxed(&bound->result);
    weft__record_unlock(&bound->record);
    if (!waits)
        close_bound(&binding->hook, result);
    return 0;
}

/* Put and take, one message at a time. */
#include "runtime/sync/chan.h"

#include "runtime/base/check.h"
#include "runtime/sched/error.h"

WEFT__COLD int weft__chan_refuse_canceled(weft_chan chan)
{
    return chan < 0 ? weft__record_error(chan) : -ECANCELED;
}

/* Why the caller may not wait here and now; 0: it may. */
static int refuse_wait(const struct weft__worker *worker, weft_deadline until)
{
    if (WEFT__UNLIKELY(until.ns <= 0))
        return -ETIMEDOUT;
    return WEFT__LIKELY(weft__thread_or_task(worker) != NULL) ? 0 : weft__error_outside();
}

/* An unbounded channel is full: it grows. */
static int grow(struct weft__chan *chan, uint64_t life)
{
    uint32_t depth = weft__load_relaxed(&chan->depth);
    weft_chan handle = weft__record_handle(&chan->record);

    weft__chan_unlock(chan, life);
    int rc = weft__chan_grow(handle, depth);
    return rc == 0 ? WEFT__CHAN_WAITS : rc;
}

int weft__chan_put_slowly(struct weft__worker *worker, struct weft__chan *chan, uint64_t life,
                          const void *message, weft_deadline until, struct weft__waiter *woken)
{
    struct weft__waiter waiter = { .message = (void *)(uintptr_t)message };
    struct weft__waiter *shown = NULL;
    int rc;

    if (chan->unbounded) { /* unlocked by grow, it may be another channel, or none, afterwards */
        rc = grow(chan, life);
        weft__chan_wake(worker, woken);
        return rc;
    }
    rc = refuse_wait(worker, until);
    if (WEFT__UNLIKELY(rc != 0)) {
        weft__chan_unlock(chan, life);
        weft__chan_wake(worker, woken);
        return rc;
    }
    if (WEFT__UNLIKELY(weft__line_first(&chan->lookers) != NULL))
        shown = weft__chan_show(chan, NULL); /* from now on it can be taken */
    weft__chan_stand(worker, &chan->putters, &waiter, WEFT__REASON_PUT);
    weft__chan_unlock(chan, life);
    weft__chan_wake(worker, woken);
    weft__chan_wake(worker, shown);
    return weft__wait_on_record(worker, &chan->record, life, &waiter, until);
}

int weft__chan_take_slowly(struct weft__worker *worker, struct weft__chan *chan, uint64_t life,
                           struct weft__line *line, void *out_message, weft_deadline until)
{
    struct weft__waiter waiter = { .message = out_message };
    int rc = refuse_wait(worker, until);

    if (WEFT__LIKELY(rc == 0))
        weft__chan_stand(worker, line, &waiter, WEFT__REASON_TAKE);
    weft__chan_unlock(chan, life);
    return WEFT__LIKELY(rc == 0) ? weft__wait_on_record(worker, &chan->record, life, &waiter, until)
                                 : rc;
}

int weft_chan_put(weft_chan chan, const void *message, weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__worker *worker = weft__self_worker();

    if (WEFT__UNLIKELY(weft__wait_is_canceled(worker)))
        return weft__chan_refuse_canceled(chan);
    do {
        struct weft__waiter *woken = NULL;
        struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
        if (WEFT__UNLIKELY(found == NULL))
            return rc;
        WEFT_NEED_BYTES(message, found->message_bytes);
        rc = weft__chan_put_locked(found, message, &woken);
        if (WEFT__LIKELY(rc != WEFT__CHAN_WAITS)) {
            weft__chan_unlock(found, life);
            weft__chan_wake(worker, woken);
            return rc;
        }
        rc = weft__chan_put_slowly(worker, found, life, message, until, woken);
    } while (WEFT__UNLIKELY(rc == WEFT__CHAN_WAITS));
    return rc;
}

int weft_chan_take(weft_chan chan, void *out_message, weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__waiter *woken = NULL;

    if (WEFT__UNLIKELY(weft__wait_is_canceled(worker)))
        return weft__chan_refuse_canceled(chan);
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
    if (WEFT__UNLIKELY(found == NULL))
        return rc;
    WEFT_NEED_BYTES(out_message, found->message_bytes);
    rc = weft__chan_take_locked(found, out_message, &woken);
    if (rc == WEFT__CHAN_WAITS)
        return weft__chan_take_slowly(worker, found, life, &found->takers, out_message, until);
    weft__chan_unlock(found, life);
    weft__chan_wake(worker, woken);
    return rc;
}

int weft_chan_next(weft_chan chan, void *out_message, weft_deadline until)
{
    int rc = weft_chan_take(chan, out_message, until);
    return rc == 0 ? 1 : rc == -EPIPE ? 0 : rc;
}

int weft_chan_try_put(weft_chan chan, const void *message)
{
    int rc = 0;
    uint64_t life = 0;

    do {
        struct weft__waiter *woken = NULL;
        struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
        if (found == NULL)
            return rc;
        WEFT_NEED_BYTES(message, found->message_bytes);
        rc = weft__chan_put_locked(found, message, &woken);
        if (rc != WEFT__CHAN_WAITS || !found->unbounded) {
            weft__chan_unlock(found, life);
            weft__chan_wake(weft__self_worker(), woken);
            return rc == WEFT__CHAN_WAITS ? -EAGAIN : rc;
        }
        rc = grow(found, life);
    } while (rc == WEFT__CHAN_WAITS);
    return rc;
}

int weft_chan_try_take(weft_chan chan, void *out_message)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__waiter *woken = NULL;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    WEFT_NEED_BYTES(out_message, found->message_bytes);
    rc = weft__chan_take_locked(found, out_message, &woken);
    weft__chan_unlock(found, life);
    weft__chan_wake(weft__self_worker(), woken);
    return rc == WEFT__CHAN_WAITS ? -EAGAIN : rc;
}

/* Looking into channels: fetch and wait, which take nothing, and what a channel holds. */
#include "runtime/base/check.h"
#include "runtime/sync/chan.h"

struct weft__waiter *weft__chan_show(struct weft__chan *chan, const void *message)
{
    struct weft__waiter *shown = weft__line_claim_many(&chan->lookers, SIZE_MAX, 0);

    for (struct weft__waiter *waiter = shown; waiter != NULL; waiter = waiter->next)
        if (waiter->message != NULL)
            weft__chan_copy(waiter->message, message, chan->message_bytes);
    return shown;
}

int weft__chan_fetch_locked(struct weft__chan *chan, void *out_message)
{
    int error = weft__load_relaxed(&chan->error);

    if (weft__load_relaxed(&chan->depth) == 0)
        return -EOPNOTSUPP;
    if (weft__load_relaxed(&chan->count) == 0)
        return error != 0 ? error : WEFT__CHAN_WAITS;
    weft__chan_copy(out_message, weft__chan_slot(chan, chan->head), chan->message_bytes);
    return 0;
}

/* How many putters wait whose wait has not ended. Who else could claim them does so under the lock
 * of another object, so the answer is of this moment. */
static size_t count_putters(const struct weft__chan *chan)
{
    size_t count = 0;

    for (struct weft__waiter *putter = weft__line_first(&chan->putters); putter != NULL;
         putter = putter->next)
        if (weft__load_relaxed(&putter->ticket.task->wait) == putter->ticket.word)
            count++;
    return count;
}

int weft_chan_fetch(weft_chan chan, void *out_message, weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__worker *worker = weft__self_worker();

    if (WEFT__UNLIKELY(weft__wait_is_canceled(worker)))
        return weft__chan_refuse_canceled(chan);
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
    if (found == NULL)
        return rc;
    WEFT_NEED_BYTES(out_message, found->message_bytes);
    rc = weft__chan_fetch_locked(found, out_message);
    if (rc == WEFT__CHAN_WAITS)
        return weft__chan_take_slowly(worker, found, life, &found->lookers, out_message, until);
    weft__chan_unlock(found, life);
    return rc;
}

int weft_chan_wait(weft_chan chan, weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__worker *worker = weft__self_worker();

    if (WEFT__UNLIKELY(weft__wait_is_canceled(worker)))
        return weft__chan_refuse_canceled(chan);
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
    if (found == NULL)
        return rc;
    if (weft__load_relaxed(&found->count) == 0 && count_putters(found) == 0) {
        rc = weft__load_relaxed(&found->error);
        if (rc == 0)
            return weft__chan_take_slowly(worker, found, life, &found->lookers, NULL, until);
    }
    weft__chan_unlock(found, life);
    return rc;
}

int weft_chan_ready(weft_chan chan)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    rc = weft__load_relaxed(&found->count) > 0 || count_putters(found) > 0;
    weft__chan_unlock(found, life);
    return rc;
}

ssize_t weft_chan_count(weft_chan chan)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    size_t count = weft__load_relaxed(&found->count) + count_putters(found);
    weft__chan_unlock(found, life);
    return (ssize_t)count;
}

int weft_chan_full(weft_chan chan)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    rc = !found->unbounded &&
         weft__load_relaxed(&found->count) == weft__load_relaxed(&found->depth);
    weft__chan_unlock(found, life);
    return rc;
}

int weft_chan_closed(weft_chan chan)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    int error = weft__load_relaxed(&found->error);
    weft__chan_unlock(found, life);
    return error != 0;
}

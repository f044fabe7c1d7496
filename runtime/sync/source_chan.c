/* Channels as cases of a select: put, take and fetch. */
#include "runtime/base/check.h"
#include "runtime/sync/chan.h"
#include "runtime/sync/source.h"

/* A handle that leads nowhere is ready: with an error. */
static bool chan_peek(const weft_case *one, int64_t now)
{
    struct weft__record *record = weft__source_record(one, WEFT__KIND_CHAN);

    (void)now;
    if (record == NULL)
        return true;
    const struct weft__chan *chan = weft__chan_of(record);
    if (weft__load_relaxed(&chan->error) != 0)
        return true;
    uint32_t count = weft__load_relaxed(&chan->count);
    if (one->kind == WEFT_CASE_KIND_TAKE)
        return count > 0 || weft__line_first(&chan->putters) != NULL;
    if (one->kind == WEFT_CASE_KIND_FETCH)
        return count > 0 || weft__load_relaxed(&chan->depth) == 0;
    return count < weft__load_relaxed(&chan->depth) || chan->unbounded ||
           weft__line_first(&chan->takers) != NULL;
}

static void need_message(const weft_case *one, const struct weft__chan *chan)
{
    WEFT_ASSERT(one->pointer != NULL || chan->message_bytes == 0,
                "weft_select: the message of a case is NULL");
}

static int do_locked(struct weft__chan *chan, weft_case *one, struct weft__waiter **out_woken)
{
    need_message(one, chan);
    if (one->kind == WEFT_CASE_KIND_TAKE)
        return weft__chan_take_locked(chan, one->pointer, out_woken);
    if (one->kind == WEFT_CASE_KIND_FETCH)
        return weft__chan_fetch_locked(chan, one->pointer);
    return weft__chan_put_locked(chan, one->pointer, out_woken);
}

/* Tries the case in @chan, which is locked with @life; unlocks it. A full unbounded channel grows,
 * and is to be tried again. */
static enum weft__source_outcome try_locked(struct weft__worker *worker, weft_case *one,
                                            struct weft__chan *chan, uint64_t life)
{
    struct weft__waiter *woken = NULL;
    uint32_t depth = weft__load_relaxed(&chan->depth);
    bool grows = one->kind == WEFT_CASE_KIND_PUT && chan->unbounded;
    int rc = do_locked(chan, one, &woken);

    weft__chan_unlock(chan, life);
    weft__chan_wake(worker, woken);
    if (rc == WEFT__CHAN_WAITS) {
        rc = grows ? weft__chan_grow(one->object, depth) : 0;
        if (rc == 0)
            return grows ? WEFT__SOURCE_AGAIN : WEFT__SOURCE_NOT_READY;
    }
    one->result = rc;
    return WEFT__SOURCE_DONE;
}

static enum weft__source_outcome chan_attempt(struct weft__worker *worker, weft_case *one,
                                              int64_t now)
{
    uint64_t life = 0;
    enum weft__source_outcome outcome;

    (void)now;
    do {
        struct weft__chan *chan = weft__chan_lock(one->object, &life, &one->result);
        if (chan == NULL)
            return WEFT__SOURCE_DONE;
        outcome = try_locked(worker, one, chan, life);
    } while (outcome == WEFT__SOURCE_AGAIN);
    return outcome;
}

/* Whether somebody but @self stands in the line; his wait may have ended. */
static bool others_stand(const struct weft__line *line, const struct weft__task *self)
{
    const struct weft__waiter *waiter = weft__line_first(line);

    while (waiter != NULL && waiter->ticket.task == self)
        waiter = waiter->next;
    return waiter != NULL;
}

static bool seems_ready_locked(const struct weft__chan *chan, weft_case_kind kind,
                               const struct weft__task *self)
{
    uint32_t count = weft__load_relaxed(&chan->count);
    uint32_t depth = weft__load_relaxed(&chan->depth);

    if (weft__load_relaxed(&chan->error) != 0)
        return true;
    if (kind == WEFT_CASE_KIND_TAKE)
        return count > 0 || others_stand(&chan->putters, self);
    if (kind == WEFT_CASE_KIND_FETCH)
        return count > 0 || depth == 0;
    return count < depth || chan->unbounded || others_stand(&chan->takers, self);
}

static struct weft__line *line_of(struct weft__chan *chan, weft_case_kind kind)
{
    return kind == WEFT_CASE_KIND_PUT    ? &chan->putters
           : kind == WEFT_CASE_KIND_TAKE ? &chan->takers
                                         : &chan->lookers;
}

static enum weft__source_outcome chan_stand(struct weft__worker *worker, weft_case *one,
                                            struct weft__ticket ticket, int64_t now)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__waiter *shown = NULL;
    struct weft__chan *chan = weft__chan_lock(one->object, &life, &rc);

    (void)now;
    if (chan == NULL) {
        one->result = rc;
        return weft__park_withdraw(ticket) ? WEFT__SOURCE_DONE : WEFT__SOURCE_ENDED;
    }
    if (seems_ready_locked(chan, one->kind, ticket.task)) {
        if (weft__park_withdraw(ticket))
            return try_locked(worker, one, chan, life) == WEFT__SOURCE_DONE ? WEFT__SOURCE_DONE
                                                                            : WEFT__SOURCE_AGAIN;
        weft__chan_unlock(chan, life);
        return WEFT__SOURCE_ENDED;
    }
    need_message(one, chan);
    if (one->kind == WEFT_CASE_KIND_PUT)
        shown = weft__chan_show(chan, NULL); /* of an unbuffered one: from now on it can be taken */
    weft__source_line_up(one, line_of(chan, one->kind), ticket);
    weft__chan_unlock(chan, life);
    weft__chan_wake(worker, shown);
    return WEFT__SOURCE_NOT_READY;
}

/* A channel that is gone has emptied its lines. */
const struct weft__source weft__source_chan = { chan_peek,           chan_attempt,
                                                chan_stand,          weft__source_leave_record,
                                                weft__source_served, NULL };

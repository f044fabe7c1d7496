/*
 * Channels. One lock (that of the record) guards the buffer and the lines of waiters.
 *
 * Invariant: takers and lookers wait only while the buffer is empty and no putter waits; putters
 * wait only while the buffer is full (an unbuffered one always is) and no taker waits. (A select
 * may stand in several lines of one channel; it is not its own partner.) So a put looks for a
 * taker first, a take for the buffer first and then for a putter, and whoever waits longest is
 * served first: a message or a slot is handed to a waiter under the lock, so nobody who comes later
 * can have it.
 *
 * A hand-off is all or nothing: the waiter's wait is claimed (park.h) before a byte is copied, and
 * whoever fails to claim it (its deadline or a cancel was first) goes on to the next waiter. A
 * waiter that was not claimed takes itself out under the lock; nobody has touched its message.
 *
 * LOCK life rank 1: guards the fields marked (l); no other lock is taken under it; never across
 * suspension. Whoever peeks reads (l) fields that are atomic without it, to be told again under it.
 */
#ifndef WEFT_SYNC_CHAN_H
#define WEFT_SYNC_CHAN_H

#include <errno.h>
#include <string.h>

#include <weft/chan.h>

#include "runtime/sync/wait.h"
#include "runtime/task/record.h"

enum {
    WEFT__CHAN_MESSAGE_MAX = 64 * 1024,
    WEFT__CHAN_DEPTH_MAX = 1 << 24,
    WEFT__CHAN_BUFFER_MAX = 1 << 30,
    WEFT__CHAN_INLINE = 64
};

/* What the calls that never wait answer in place of 0 or an error when it would take a wait (any
 * negative number may be the error of a close). */
enum { WEFT__CHAN_WAITS = 1 };

struct weft__chan {
    struct weft__record record;
    uint32_t message_bytes;    /* (i) */
    _Atomic uint32_t depth;    /* (l) how many messages the buffer holds */
    _Atomic uint32_t count;    /* (l) messages in the buffer */
    uint32_t head;             /* (l) index of the oldest */
    _Atomic int32_t error;     /* (l) what put and take return once closed; 0: open */
    bool unbounded;            /* (i) the buffer grows */
    char *buffer;              /* (l) */
    size_t buffer_bytes;       /* (l) 0: inline */
    struct weft__line putters; /* (l) */
    struct weft__line takers;  /* (l) */
    struct weft__line lookers; /* (l) in weft_chan_fetch and weft_chan_wait */
    _Alignas(16) char inline_buffer[WEFT__CHAN_INLINE];
};

static inline struct weft__chan *weft__chan_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct weft__chan, record);
}

/* The locked channel behind a handle, and its life for weft__chan_unlock; NULL with *out_error. */
static inline struct weft__chan *weft__chan_lock(weft_chan handle, uint64_t *out_life,
                                                 int *out_error)
{
    struct weft__record *record = weft__record_lock_life(handle, WEFT__KIND_CHAN, out_life,
                                                         out_error);
    return WEFT__LIKELY(record != NULL) ? weft__chan_of(record) : NULL;
}

static inline void weft__chan_unlock(struct weft__chan *chan, uint64_t life)
{
    weft__record_unlock_known(&chan->record, life);
}

static inline void weft__chan_copy(void *to, const void *from, uint32_t bytes)
{
    if (WEFT__LIKELY(bytes == sizeof(uint64_t)))
        memcpy(to, from, sizeof(uint64_t));
    else if (bytes == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else if (bytes != 0)
        memcpy(to, from, bytes);
}

static inline char *weft__chan_slot(const struct weft__chan *chan, uint32_t index)
{
    return chan->buffer + (size_t)index * chan->message_bytes;
}

static inline void weft__chan_buffer_put(struct weft__chan *chan, const void *message)
{
    uint32_t count = weft__load_relaxed(&chan->count);
    uint32_t depth = weft__load_relaxed(&chan->depth);
    uint32_t tail = chan->head + count;

    if (tail >= depth)
        tail -= depth;
    weft__chan_copy(weft__chan_slot(chan, tail), message, chan->message_bytes);
    weft__store_relaxed(&chan->count, count + 1);
}

static inline void weft__chan_buffer_take(struct weft__chan *chan, void *out_message)
{
    uint32_t next = chan->head + 1;

    weft__chan_copy(out_message, weft__chan_slot(chan, chan->head), chan->message_bytes);
    chan->head = next == weft__load_relaxed(&chan->depth) ? 0 : next;
    weft__store_relaxed(&chan->count, weft__load_relaxed(&chan->count) - 1);
}

/* Shows @message (NULL: that there is one) to all who wait to see one; those to wake, a list. */
struct weft__waiter *weft__chan_show(struct weft__chan *chan, const void *message);

/*
 * Puts without waiting. 0, WEFT__CHAN_WAITS or the close error; *out_woken gets those to wake, a
 * list by next, in place of NULL.
 */
static inline int weft__chan_put_locked(struct weft__chan *chan, const void *message,
                                        struct weft__waiter **out_woken)
{
    uint32_t depth = weft__load_relaxed(&chan->depth);
    int error = weft__load_relaxed(&chan->error);

    if (WEFT__UNLIKELY(error != 0))
        return error;
    if (WEFT__UNLIKELY(weft__line_first(&chan->lookers) != NULL) && depth != 0)
        *out_woken = weft__chan_show(chan, message);
    struct weft__waiter *taker = weft__line_claim(&chan->takers);
    if (taker != NULL) {
        weft__chan_copy(taker->message, message, chan->message_bytes);
        taker->result = 0;
        taker->next = *out_woken; /* it runs before those who only look */
        *out_woken = taker;
        return 0;
    }
    if (weft__load_relaxed(&chan->count) == depth)
        return WEFT__CHAN_WAITS;
    weft__chan_buffer_put(chan, message);
    return 0;
}

/* Takes without waiting; a putter that waits moves up into the freed slot. 0, WEFT__CHAN_WAITS or
 * the close error; *out_woken gets the putter to wake, in place of NULL. */
static inline int weft__chan_take_locked(struct weft__chan *chan, void *out_message,
                                         struct weft__waiter **out_woken)
{
    struct weft__waiter *putter;

    if (weft__load_relaxed(&chan->count) > 0) {
        weft__chan_buffer_take(chan, out_message);
        putter = weft__line_claim(&chan->putters);
        if (putter == NULL)
            return 0;
        weft__chan_buffer_put(chan, putter->message);
    } else {
        putter = weft__line_claim(&chan->putters);
        if (putter == NULL) {
            int error = weft__load_relaxed(&chan->error);
            return error != 0 ? error : WEFT__CHAN_WAITS;
        }
        weft__chan_copy(out_message, putter->message, chan->message_bytes);
    }
    putter->result = 0;
    putter->next = NULL;
    *out_woken = putter;
    return 0;
}

/* Copies the oldest message and leaves it there. 0, WEFT__CHAN_WAITS,
 * -EOPNOTSUPP or the close error. */
int weft__chan_fetch_locked(struct weft__chan *chan, void *out_message);

/* Wakes a list of claimed waiters. */
static inline void weft__chan_wake(struct weft__worker *worker, struct weft__waiter *woken)
{
    if (woken == NULL)
        return;
    if (WEFT__LIKELY(woken->next == NULL))
        weft__park_ready(worker, woken->ticket.task);
    else
        (void)weft__line_wake_many(worker, woken);
}

/* Puts @waiter, whose message is set, into @line of @chan, which is locked. */
static inline void weft__chan_stand(struct weft__worker *worker, struct weft__line *line,
                                    struct weft__waiter *waiter, enum weft__wait_reason reason)
{
    waiter->ticket = weft__park_begin(weft__thread_or_task(worker), reason);
    weft__line_append(line, waiter);
}

/*
 * For a put that found no room in @chan, which is locked with @life: waits for room, with the
 * message; or, in an unbounded channel, makes some, and then the caller tries again
 * (WEFT__CHAN_WAITS). * Unlocks it, and wakes @woken then.
 */
int weft__chan_put_slowly(struct weft__worker *worker, struct weft__chan *chan, uint64_t life,
                          const void *message, weft_deadline until, struct weft__waiter *woken);

/* For a take, or a look in @line, that found nothing: waits. Unlocks the channel. */
int weft__chan_take_slowly(struct weft__worker *worker, struct weft__chan *chan, uint64_t life,
                           struct weft__line *line, void *out_message, weft_deadline until);

/* Doubles the buffer of an unbounded channel whose depth was @depth. 0, or why not. */
int weft__chan_grow(weft_chan handle, uint32_t depth);

/* What a cancelled caller is told; a negative handle comes before all else. */
int weft__chan_refuse_canceled(weft_chan chan);

#endif

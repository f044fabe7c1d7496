/* Put and take, many messages at a time. */
#include "runtime/base/check.h"
#include "runtime/sync/chan.h"

enum { batch = 64 }; /* BOUND: so many messages are copied under one hold of the lock */

/* Those to wake once the lock is free, in order. */
struct woken {
    struct weft__waiter *first;
    struct weft__waiter **end;
};

static void add_woken(struct woken *woken, struct weft__waiter *list)
{
    *woken->end = list;
    while (*woken->end != NULL)
        woken->end = &(*woken->end)->next;
}

/* Puts up to a batch; returns how many, *out_rc says why not the next one: 0 when none is left. */
static size_t put_some_locked(struct weft__chan *chan, const char *messages, size_t count,
                              struct woken *woken, int *out_rc)
{
    size_t done = 0;
    size_t most = count < batch ? count : batch;

    *out_rc = 0;
    while (done < most) {
        struct weft__waiter *one = NULL;
        *out_rc = weft__chan_put_locked(chan, messages + done * chan->message_bytes, &one);
        add_woken(woken, one);
        if (*out_rc != 0)
            break;
        done++;
    }
    return done;
}

ssize_t weft_chan_put_many(weft_chan chan, const void *messages, size_t count, weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    size_t done = 0;
    struct weft__worker *worker = weft__self_worker();

    if (weft__wait_is_canceled(worker))
        return weft__chan_refuse_canceled(chan);
    do {
        struct woken woken = { .end = &woken.first };
        struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
        if (found == NULL)
            break;
        size_t bytes = found->message_bytes;
        WEFT_NEED_BYTES(messages, bytes * count);
        done += put_some_locked(found, (const char *)messages + done * bytes, count - done, &woken,
                                &rc);
        if (rc != WEFT__CHAN_WAITS) {
            weft__chan_unlock(found, life);
            weft__chan_wake(worker, woken.first);
            continue;
        }
        rc = weft__chan_put_slowly(worker, found, life, (const char *)messages + done * bytes,
                                   until, woken.first);
        worker = weft__self_worker();
        done += rc == 0;
        rc = rc == WEFT__CHAN_WAITS ? 0 : rc;
    } while (rc == 0 && done < count);
    return done > 0 ? (ssize_t)done : rc;
}

/* Takes up to a batch. */
static size_t take_some_locked(struct weft__chan *chan, char *out_messages, size_t most,
                               struct woken *woken, int *out_rc)
{
    size_t done = 0;

    *out_rc = 0;
    most = most < batch ? most : batch;
    while (done < most) {
        struct weft__waiter *one = NULL;
        *out_rc = weft__chan_take_locked(chan, out_messages + done * chan->message_bytes, &one);
        add_woken(woken, one);
        if (*out_rc != 0)
            break;
        done++;
    }
    return done;
}

/*
 * When nothing is there and more is wanted, it waits as one taker for one message, and then looks
 * for more.
 */
ssize_t weft_chan_take_many(weft_chan chan, void *out_messages, size_t least, size_t most,
                            weft_deadline until)
{
    int rc = 0;
    uint64_t life = 0;
    size_t done = 0;
    struct weft__worker *worker = weft__self_worker();

    if (least > most)
        return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EINVAL;
    if (weft__wait_is_canceled(worker))
        return weft__chan_refuse_canceled(chan);
    do {
        struct woken woken = { .end = &woken.first };
        struct weft__chan *found = weft__chan_lock(chan, &life, &rc);
        if (found == NULL)
            break;
        size_t bytes = found->message_bytes;
        WEFT_NEED_BYTES(out_messages, bytes * most);
        done += take_some_locked(found, (char *)out_messages + done * bytes, most - done, &woken,
                                 &rc);
        if (rc != WEFT__CHAN_WAITS || done >= least || woken.first != NULL) {
            weft__chan_unlock(found, life);
            weft__chan_wake(worker, woken.first);
            rc = rc == WEFT__CHAN_WAITS && done < least ? 0 : rc; /* the woken may have put more */
            continue;
        }
        rc = weft__chan_take_slowly(worker, found, life, &found->takers,
                                    (char *)out_messages + done * bytes, until);
        worker = weft__self_worker();
        done += rc == 0;
    } while (rc == 0 && done < most);
    return done > 0 || rc == WEFT__CHAN_WAITS ? (ssize_t)done : rc;
}

#include "runtime/sync/timer.h"

#include <errno.h>

#include "runtime/base/clock.h"
#include "runtime/sync/wait.h"

WEFT__COLD int weft__timer_refusal(void)
{
    return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EINVAL;
}

weft_deadline weft__timer_first(weft_deadline first)
{
    return first.ns > 0 ? first : (weft_deadline){ weft__clock_now() };
}

weft_timer weft_timer_create(weft_deadline first, int64_t interval_ns)
{
    if (interval_ns < 0)
        return weft__timer_refusal();
    weft__record_define(WEFT__KIND_TIMER, sizeof(struct weft__ticker));
    struct weft__worker *worker = weft__self_worker();
    struct weft__record *record = weft__record_new(WEFT__KIND_TIMER,
                                                   worker != NULL ? &worker->records : NULL);
    if (record == NULL)
        return weft__record_refusal();
    struct weft__ticker *ticker = WEFT__CONTAINER(record, struct weft__ticker, record);
    weft__store_relaxed(&ticker->next_ns, weft__timer_first(first).ns);
    ticker->interval_ns = interval_ns;
    weft__line_init(&ticker->line);
    weft__record_unlock(record);
    return weft__record_handle(record);
}

int64_t weft__timer_take_locked(struct weft__ticker *ticker, int64_t now)
{
    int64_t next = weft__load_relaxed(&ticker->next_ns);

    if (now < next)
        return 0;
    if (ticker->interval_ns == 0)
        return 1;
    int64_t ticks = 1 + (now - next) / ticker->interval_ns;
    if (__builtin_mul_overflow(ticks, ticker->interval_ns, &now) ||
        __builtin_add_overflow(next, now, &next))
        next = INT64_MAX;
    weft__store_relaxed(&ticker->next_ns, next);
    return ticks;
}

static weft_deadline sooner(weft_deadline until, int64_t ns)
{
    return ns < until.ns ? (weft_deadline){ ns } : until;
}

/* Waits in the line of @ticker, which is locked, until it comes, is set or released. 0: look again,
 * for any of them but the last. */
static int wait_locked(struct weft__worker *worker, struct weft__ticker *ticker,
                       struct weft__task *self, weft_deadline until)
{
    struct weft__waiter waiter = { .result = WEFT__TIMER_SET };
    weft_deadline next = sooner(until, weft__load_relaxed(&ticker->next_ns));
    uint64_t life = weft__load_relaxed(&ticker->record.life);

    waiter.ticket = weft__park_begin(self, WEFT__REASON_TIMER);
    weft__line_append(&ticker->line, &waiter);
    weft__record_unlock(&ticker->record);
    int rc = weft__wait_on_record(worker, &ticker->record, life, &waiter, next);
    return rc == -ETIMEDOUT ? 0 : rc;
}

int64_t weft_timer_wait(weft_timer timer, weft_deadline until)
{
    int rc = 0;

    for (;;) {
        struct weft__worker *worker = weft__self_worker();
        struct weft__task *self = weft__wait_self(worker, &rc);
        if (rc == -ECANCELED)
            return timer < 0 ? weft__record_error(timer) : rc;
        struct weft__ticker *ticker = weft__timer_lock(timer, &rc);
        if (ticker == NULL)
            return rc;
        int64_t now = weft__clock_now();
        int64_t ticks = weft__timer_take_locked(ticker, now);
        if (ticks > 0 || until.ns <= now) {
            weft__record_unlock(&ticker->record);
            return ticks > 0 ? ticks : -ETIMEDOUT;
        }
        if (self == NULL) {
            weft__record_unlock(&ticker->record);
            return weft__error_outside();
        }
        rc = wait_locked(worker, ticker, self, until);
        if (rc < 0)
            return rc;
    }
}

int weft_timer_set(weft_timer timer, weft_deadline first, int64_t interval_ns)
{
    int rc = 0;
    struct weft__ticker *ticker = NULL;

    if (interval_ns < 0)
        return weft__timer_refusal();
    ticker = weft__timer_lock(timer, &rc);
    if (ticker == NULL)
        return rc;
    weft__store_relaxed(&ticker->next_ns, weft__timer_first(first).ns);
    ticker->interval_ns = interval_ns;
    struct weft__waiter *woken = weft__line_claim_many(&ticker->line, SIZE_MAX, WEFT__TIMER_SET);
    weft__record_unlock(&ticker->record);
    (void)weft__line_wake_many(weft__self_worker(), woken);
    return 0;
}

int weft_timer_release(weft_timer timer)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    struct weft__ticker *ticker = weft__timer_lock(timer, &rc);

    if (ticker == NULL)
        return rc;
    struct weft__waiter *woken = weft__line_claim_many(&ticker->line, SIZE_MAX, -EPIPE);
    weft__record_free_locked(&ticker->record, worker != NULL ? &worker->records : NULL);
    (void)weft__line_wake_many(worker, woken);
    return 0;
}

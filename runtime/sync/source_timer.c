/* Timers as cases of a select. */
#include "runtime/sync/source.h"
#include "runtime/sync/timer.h"

/* A handle that leads nowhere is ready: with an error. */
static bool timer_peek(const weft_case *one, int64_t now)
{
    struct weft__record *record = weft__source_record(one, WEFT__KIND_TIMER);

    if (record == NULL)
        return true;
    return weft__load_relaxed(&WEFT__CONTAINER(record, struct weft__ticker, record)->next_ns) <=
           now;
}

static int as_result(int64_t ticks)
{
    return ticks < INT32_MAX ? (int)ticks : INT32_MAX;
}

static enum weft__source_outcome timer_attempt(struct weft__worker *worker, weft_case *one,
                                               int64_t now)
{
    int rc = 0;
    struct weft__ticker *ticker = weft__timer_lock(one->object, &rc);

    (void)worker;
    if (ticker != NULL) {
        rc = as_result(weft__timer_take_locked(ticker, now));
        weft__record_unlock(&ticker->record);
    }
    if (rc == 0)
        return WEFT__SOURCE_NOT_READY;
    one->result = rc;
    return WEFT__SOURCE_DONE;
}

static enum weft__source_outcome timer_stand(struct weft__worker *worker, weft_case *one,
                                             struct weft__ticket ticket, int64_t now)
{
    int rc = 0;
    struct weft__ticker *ticker = weft__timer_lock(one->object, &rc);

    (void)worker;
    if (ticker != NULL && weft__load_relaxed(&ticker->next_ns) > now) {
        weft__source_room_of(one)->due_ns = weft__load_relaxed(&ticker->next_ns);
        weft__source_line_up(one, &ticker->line, ticket);
        weft__record_unlock(&ticker->record);
        return WEFT__SOURCE_NOT_READY;
    }
    bool may = weft__park_withdraw(ticket);
    if (may)
        one->result = ticker == NULL ? rc : as_result(weft__timer_take_locked(ticker, now));
    if (ticker != NULL)
        weft__record_unlock(&ticker->record);
    return may ? WEFT__SOURCE_DONE : WEFT__SOURCE_ENDED;
}

/* A release ends the case, a set makes the select look at all its cases again. */
static enum weft__source_outcome timer_served(weft_case *one)
{
    enum weft__source_outcome outcome = weft__source_served(one);

    if (outcome == WEFT__SOURCE_DONE && one->result == WEFT__TIMER_SET)
        return WEFT__SOURCE_AGAIN;
    return outcome;
}

static int64_t timer_due(const weft_case *one)
{
    return ((const struct weft__source_room *)(const void *)one->room)->due_ns;
}

const struct weft__source weft__source_timer = { timer_peek,   timer_attempt,
                                                 timer_stand,  weft__source_leave_record,
                                                 timer_served, timer_due };

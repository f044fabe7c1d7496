/* Timers as cases of a select. */
#include "runtime/sync/source.h"
#include "runtime/sync/timer.h"

/* What a case keeps in its room. */
struct timer_case {
    struct weft__waiter waiter;
    int64_t due_ns; /* the tick that it waits for */
};

_Static_assert(sizeof(struct timer_case) <= sizeof(((weft_case *)0)->room), "a case has room");

static struct timer_case *room_of(weft_case *one)
{
    return (struct timer_case *)(void *)one->room;
}

/* A handle that leads nowhere is ready: with an error. */
static bool timer_peek(const weft_case *one, int64_t now)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(one->object, WEFT__KIND_TIMER, &generation);

    if (record == NULL ||
        weft__load_relaxed(&record->life) >> WEFT__LIFE_GENERATION_SHIFT != generation)
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
    struct timer_case *room = room_of(one);
    struct weft__ticker *ticker = weft__timer_lock(one->object, &rc);

    (void)worker;
    if (ticker != NULL && weft__load_relaxed(&ticker->next_ns) > now) {
        room->due_ns = weft__load_relaxed(&ticker->next_ns);
        room->waiter = (struct weft__waiter){ .ticket = ticket, .result = WEFT__LINE_UNSERVED };
        weft__line_append(&ticker->line, &room->waiter);
        weft__record_unlock(&ticker->record);
        return WEFT__SOURCE_NOT_READY;
    }
    bool may = weft__source_may(ticket);
    if (may)
        one->result = ticker == NULL ? rc : as_result(weft__timer_take_locked(ticker, now));
    if (ticker != NULL)
        weft__record_unlock(&ticker->record);
    return may ? WEFT__SOURCE_DONE : WEFT__SOURCE_ENDED;
}

static void timer_leave(weft_case *one)
{
    uint64_t generation = 0;
    struct timer_case *room = room_of(one);
    struct weft__record *record = weft__record_find(one->object, WEFT__KIND_TIMER, &generation);

    if (room->waiter.result != WEFT__LINE_UNSERVED || !weft__record_lock_as(record, generation))
        return;
    if (room->waiter.line != NULL)
        weft__line_remove(&room->waiter);
    weft__record_unlock(record);
}

/* A release ends the case, a set makes the select look at all its cases again. */
static enum weft__source_outcome timer_served(weft_case *one)
{
    int result = room_of(one)->waiter.result;

    if (result == WEFT__LINE_UNSERVED)
        return WEFT__SOURCE_NOT_READY;
    one->result = result;
    return result == WEFT__TIMER_SET ? WEFT__SOURCE_AGAIN : WEFT__SOURCE_DONE;
}

static int64_t timer_due(const weft_case *one)
{
    return ((const struct timer_case *)(const void *)one->room)->due_ns;
}

const struct weft__source weft__source_timer = { timer_peek,  timer_attempt, timer_stand,
                                                 timer_leave, timer_served,  timer_due };

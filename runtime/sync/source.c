#include "runtime/sync/source.h"

#include "runtime/sync/wait.h"

static const struct weft__source *const sources[] = {
    [WEFT_CASE_KIND_PUT] = &weft__source_chan,    [WEFT_CASE_KIND_TAKE] = &weft__source_chan,
    [WEFT_CASE_KIND_FETCH] = &weft__source_chan,  [WEFT_CASE_KIND_TASK] = &weft__source_task,
    [WEFT_CASE_KIND_AT] = &weft__source_time,     [WEFT_CASE_KIND_TIMER] = &weft__source_timer,
    [WEFT_CASE_KIND_EVENT] = &weft__source_event, [WEFT_CASE_KIND_FUTURE] = &weft__source_future,
};

const struct weft__source *weft__source_of(weft_case_kind kind)
{
    size_t index = (size_t)kind;
    return index < sizeof(sources) / sizeof(sources[0]) ? sources[index] : NULL;
}

_Static_assert(sizeof(struct weft__source_room) <= sizeof(((weft_case *)0)->room),
               "a case has room");

void weft__source_line_up(weft_case *one, struct weft__line *line, struct weft__ticket ticket)
{
    struct weft__source_room *room = weft__source_room_of(one);

    room->waiter = (struct weft__waiter){ .ticket = ticket,
                                          .message = one->pointer,
                                          .result = WEFT__LINE_UNSERVED };
    weft__line_append(line, &room->waiter);
}

/* The generation of the object is that of the handle. */
void weft__source_leave_record(weft_case *one)
{
    struct weft__source_room *room = weft__source_room_of(one);
    uint64_t generation = 0;
    enum weft__kind kind = (enum weft__kind)((uint32_t)one->object >> 27);
    struct weft__record *record = weft__record_find(one->object, kind, &generation);

    if (room->waiter.result == WEFT__LINE_UNSERVED)
        weft__wait_leave_record(record, generation << WEFT__LIFE_GENERATION_SHIFT, &room->waiter);
}

enum weft__source_outcome weft__source_served(weft_case *one)
{
    int result = weft__source_room_of(one)->waiter.result;

    if (result == WEFT__LINE_UNSERVED)
        return WEFT__SOURCE_NOT_READY;
    one->result = result;
    return WEFT__SOURCE_DONE;
}

static bool time_peek(const weft_case *one, int64_t now)
{
    return one->object <= now;
}

static enum weft__source_outcome time_attempt(struct weft__worker *worker, weft_case *one,
                                              int64_t now)
{
    (void)worker;
    one->result = 0;
    return one->object <= now ? WEFT__SOURCE_DONE : WEFT__SOURCE_NOT_READY;
}

/* Nobody but the clock does it, and the clock is asked when the wait is over. */
static enum weft__source_outcome time_stand(struct weft__worker *worker, weft_case *one,
                                            struct weft__ticket ticket, int64_t now)
{
    (void)worker;
    (void)one;
    (void)ticket;
    (void)now;
    return WEFT__SOURCE_NOT_READY;
}

static void time_leave(weft_case *one)
{
    (void)one;
}

static enum weft__source_outcome time_served(weft_case *one)
{
    (void)one;
    return WEFT__SOURCE_NOT_READY;
}

static int64_t time_due(const weft_case *one)
{
    return one->object;
}

const struct weft__source weft__source_time = { time_peek,  time_attempt, time_stand,
                                                time_leave, time_served,  time_due };

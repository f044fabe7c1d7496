#include "runtime/sync/source.h"

static const struct weft__source *const sources[] = {
    [WEFT_CASE_KIND_PUT] = &weft__source_chan,   [WEFT_CASE_KIND_TAKE] = &weft__source_chan,
    [WEFT_CASE_KIND_FETCH] = &weft__source_chan, [WEFT_CASE_KIND_TASK] = &weft__source_task,
    [WEFT_CASE_KIND_AT] = &weft__source_time,    [WEFT_CASE_KIND_TIMER] = &weft__source_timer,
};

const struct weft__source *weft__source_of(weft_case_kind kind)
{
    size_t index = (size_t)kind;
    return index < sizeof(sources) / sizeof(sources[0]) ? sources[index] : NULL;
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

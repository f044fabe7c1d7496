/* Futures as cases of a select. */
#include "runtime/sync/future.h"
#include "runtime/sync/source.h"

static bool future_peek(const weft_case *one, int64_t now)
{
    struct weft__record *record = weft__source_record(one, WEFT__KIND_FUTURE);

    (void)now;
    if (record == NULL)
        return true;
    return weft__load_relaxed(&WEFT__CONTAINER(record, struct weft__future, record)->outcome) !=
           WEFT__FUTURE_UNSET;
}

static enum weft__source_outcome future_attempt(struct weft__worker *worker, weft_case *one,
                                                int64_t now)
{
    int rc = 0;
    struct weft__future *future = weft__future_lock(one->object, &rc);

    (void)worker;
    (void)now;
    if (future != NULL) {
        rc = weft__future_read_locked(future, one->pointer);
        weft__record_unlock(&future->record);
    }
    if (rc == WEFT__FUTURE_UNSET)
        return WEFT__SOURCE_NOT_READY;
    one->result = rc;
    return WEFT__SOURCE_DONE;
}

static enum weft__source_outcome future_stand(struct weft__worker *worker, weft_case *one,
                                              struct weft__ticket ticket, int64_t now)
{
    int rc = 0;
    enum weft__source_outcome outcome = WEFT__SOURCE_NOT_READY;
    struct weft__future *future = weft__future_lock(one->object, &rc);

    (void)worker;
    (void)now;
    if (future != NULL && weft__load_relaxed(&future->outcome) == WEFT__FUTURE_UNSET) {
        weft__source_line_up(one, &future->line, ticket);
    } else if (weft__park_withdraw(ticket)) {
        one->result = future == NULL ? rc : weft__future_read_locked(future, one->pointer);
        outcome = WEFT__SOURCE_DONE;
    } else {
        outcome = WEFT__SOURCE_ENDED;
    }
    if (future != NULL)
        weft__record_unlock(&future->record);
    return outcome;
}

const struct weft__source weft__source_future = { future_peek,         future_attempt,
                                                  future_stand,        weft__source_leave_record,
                                                  weft__source_served, NULL };

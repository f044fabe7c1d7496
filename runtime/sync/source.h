/*
 * Sources: what select can wait for. Each kind of case has one, in the table of source.c. (For
 * those of layers above, such as the readiness of a file, the table will have to be written to
 * before the first select; select itself asks nothing but weft__source_of.)
 */
#ifndef WEFT_SYNC_SOURCE_H
#define WEFT_SYNC_SOURCE_H

#include <weft/select.h>

#include "runtime/sync/line.h"
#include "runtime/task/record.h"

enum weft__source_outcome {
    WEFT__SOURCE_DONE,      /* the case was done; its result is set */
    WEFT__SOURCE_NOT_READY, /* nothing happened; from stand: the ticket is in the object's line */
    WEFT__SOURCE_ENDED,     /* from stand: somebody has ended the wait through another case */
    WEFT__SOURCE_AGAIN      /* from stand: it withdrew the ticket, but the partner was gone; from
                             * served: the object has changed */
};

struct weft__source {
    /* Whether an attempt seems worth its lock. Without the lock, so it may be wrong both ways. */
    bool (*peek)(const weft_case *one, int64_t now);

    /* Does the case if that needs no waiting. */
    enum weft__source_outcome (*attempt)(struct weft__worker *worker, weft_case *one, int64_t now);

    /*
     * Under the lock of the object: puts @ticket into its line; but when the case can be done, it
     * withdraws the ticket (weft__park_withdraw), and only if that succeeds does the case. A
     * partner in the line that is the ticket's own task counts for nothing.
     */
    enum weft__source_outcome (*stand)(struct weft__worker *worker, weft_case *one,
                                       struct weft__ticket ticket, int64_t now);

    /* Takes what stood out of the line, served or not, once the wait is over. */
    void (*leave)(weft_case *one);

    /* What a partner has made of the case that stood: done, with its result; or that all cases are
     * to be tried again. Not ready: no partner has. */
    enum weft__source_outcome (*served)(weft_case *one);

    /* When it comes by itself, in nanoseconds of the clock; NULL: it does not. */
    int64_t (*due)(const weft_case *one);
};

extern const struct weft__source weft__source_chan; /* put, take and fetch */
extern const struct weft__source weft__source_task;
extern const struct weft__source weft__source_time;
extern const struct weft__source weft__source_timer;
extern const struct weft__source weft__source_event;
extern const struct weft__source weft__source_future;

/* What a case keeps in its room whose object has a line. */
struct weft__source_room {
    struct weft__waiter waiter;
    int64_t due_ns; /* of a timer: the tick that it waits for */
};

static inline struct weft__source_room *weft__source_room_of(weft_case *one)
{
    return (struct weft__source_room *)(void *)one->room;
}

/* Under the lock of the object: puts @ticket into @line. */
void weft__source_line_up(weft_case *one, struct weft__line *line, struct weft__ticket ticket);

/* Leaves a line that the lock of the record behind the case's handle guards. */
void weft__source_leave_record(weft_case *one);

/* What the one who has claimed its waiter has set as result. */
enum weft__source_outcome weft__source_served(weft_case *one);

/* The record behind the handle of a case, not locked; NULL: none, so the case is ready, with an
 * error. */
static inline struct weft__record *weft__source_record(const weft_case *one, enum weft__kind kind)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(one->object, kind, &generation);

    if (record == NULL ||
        weft__load_relaxed(&record->life) >> WEFT__LIFE_GENERATION_SHIFT != generation)
        return NULL;
    return record;
}

/* The source of a kind; NULL: there is none. */
const struct weft__source *weft__source_of(weft_case_kind kind);

#endif

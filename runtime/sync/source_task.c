/* The end of a task as a case of a select. */
#include <errno.h>

#include "runtime/sched/join.h"
#include "runtime/sched/worker.h"
#include "runtime/sync/source.h"

/* What a case keeps in its room: a pinned task, in whose list the joiner stands. */
struct task_case {
    struct weft__joiner joiner;
    struct weft__task *task;
};

_Static_assert(sizeof(struct task_case) <= sizeof(((weft_case *)0)->room), "a case has room");

static struct task_case *room_of(weft_case *one)
{
    return (struct task_case *)(void *)one->room;
}

/* A handle that leads nowhere is ready, with an error, and so is that of the task that asks. */
static bool task_peek(const weft_case *one, int64_t now)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(one->object, WEFT__KIND_TASK, &generation);

    (void)now;
    if (record == NULL || weft__task_of(record) == weft__worker_task(weft__self_worker()))
        return true;
    uint64_t life = weft__load_relaxed(&record->life);
    return life >> WEFT__LIFE_GENERATION_SHIFT != generation ||
           (life & (WEFT__LIFE_ENDED | WEFT__LIFE_RELEASED)) != 0;
}

static enum weft__source_outcome task_attempt(struct weft__worker *worker, weft_case *one,
                                              int64_t now)
{
    int rc = 0;
    struct weft__task *task = weft__task_lock(one->object, &rc);

    (void)now;
    if (task == NULL) {
        one->result = rc;
        return WEFT__SOURCE_DONE;
    }
    bool ended = weft__record_has(&task->record, WEFT__LIFE_ENDED);
    const struct weft__task *self = weft__worker_task(worker);
    bool own = self != NULL && task == weft__task_face(self);
    if (ended)
        one->result = weft__load_relaxed(&task->result);
    else if (own)
        one->result = -EDEADLK;
    weft__record_unlock(&task->record);
    return ended || own ? WEFT__SOURCE_DONE : WEFT__SOURCE_NOT_READY;
}

static enum weft__source_outcome task_stand(struct weft__worker *worker, weft_case *one,
                                            struct weft__ticket ticket, int64_t now)
{
    int rc = 0;
    struct task_case *room = room_of(one);
    struct weft__task *task = weft__task_lock(one->object, &rc);

    (void)worker;
    (void)now;
    bool own = task == weft__task_face(ticket.task);
    if (task != NULL && !own && !weft__record_has(&task->record, WEFT__LIFE_ENDED)) {
        room->task = task;
        room->joiner = (struct weft__joiner){ .ticket = ticket };
        weft__join_stand_locked(task, &room->joiner);
        weft__record_unlock(&task->record);
        return WEFT__SOURCE_NOT_READY;
    }
    if (task != NULL) {
        rc = own ? -EDEADLK : weft__load_relaxed(&task->result);
        weft__record_unlock(&task->record);
    }
    if (!weft__park_withdraw(ticket))
        return WEFT__SOURCE_ENDED;
    one->result = rc;
    return WEFT__SOURCE_DONE;
}

static void task_leave(weft_case *one)
{
    weft__join_leave(room_of(one)->task, &room_of(one)->joiner);
}

static enum weft__source_outcome task_served(weft_case *one)
{
    if (!room_of(one)->joiner.claimed)
        return WEFT__SOURCE_NOT_READY;
    one->result = weft__load_relaxed(&room_of(one)->task->result);
    return WEFT__SOURCE_DONE;
}

const struct weft__source weft__source_task = { task_peek,  task_attempt, task_stand,
                                                task_leave, task_served,  NULL };

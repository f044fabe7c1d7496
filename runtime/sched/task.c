#include "runtime/sched/task.h"

#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/worker.h"
#include "uring/op.h"

_Static_assert(sizeof(struct weft__task) == 256,
               "a parked task costs its record, a page and 64 bytes");
_Static_assert(offsetof(struct weft__task, timer.tick) == 64,
               "waking a task touches one line of it");
_Static_assert(offsetof(struct weft__task, scopes.prev) == 128,
               "ending a task touches one line more");

struct weft__task *weft__task_lock(weft_task handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_TASK, out_error);

    if (record == NULL)
        return NULL;
    if (weft__record_has(record, WEFT__LIFE_RELEASED)) {
        weft__record_unlock(record);
        *out_error = -ESRCH;
        return NULL;
    }
    return weft__task_of(record);
}

static struct weft__record_cache *own_cache(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? &worker->records : NULL;
}

void weft__task_free_extras(struct weft__task *task)
{
    struct weft__extras *extras = weft__load_relaxed(&task->extras);

    if (WEFT__LIKELY(extras == NULL))
        return;
    weft__memory_free(extras, sizeof(*extras) + extras->result_room);
    weft__store_relaxed(&task->extras, NULL);
}

/* Frees what hangs on the record, and the record. Locked, ended, no pins. */
static void free_locked(struct weft__task *task)
{
    weft__task_free_extras(task);
    weft__record_free_locked(&task->record, own_cache());
}

void weft__task_unpin(struct weft__task *task)
{
    weft__record_lock_own(&task->record);
    uint64_t life = weft__load_relaxed(&task->record.life) - WEFT__LIFE_PIN;
    weft__store_relaxed(&task->record.life, life);
    if (WEFT__LIFE_PINS(life) == 0 && (life & WEFT__LIFE_DROPPED) != 0)
        free_locked(task);
    else
        weft__record_unlock(&task->record);
}

void weft__task_drop(struct weft__task *task, struct weft__record_cache *cache)
{
    if (WEFT__LIKELY(weft__record_end(&task->record))) {
        weft__task_free_extras(task);
        weft__record_put(&task->record, cache);
        return;
    }
    weft__record_lock_own(&task->record);
    if (WEFT__LIFE_PINS(weft__load_relaxed(&task->record.life)) == 0) {
        free_locked(task);
        return;
    }
    weft__record_set_locked(&task->record, WEFT__LIFE_DROPPED | WEFT__LIFE_RELEASED);
    weft__record_unlock(&task->record);
}

struct weft__extras *weft__task_extras(struct weft__task *task, size_t result_room)
{
    struct weft__extras *extras = weft__load_relaxed(&task->extras);

    if (extras != NULL)
        return extras;
    extras = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*extras) + result_room);
    if (extras == NULL)
        return NULL;
    extras->result_room = result_room;
    extras->error.size = sizeof(extras->error);
    extras->task = task;
    weft__store_release(&task->extras, extras); /* pairs with weft__task_extras_of */
    return extras;
}

const char *weft__task_label(const struct weft__task *task)
{
    const struct weft__extras *extras = weft__task_extras_of(weft__task_face(task));
    return extras != NULL && extras->name[0] != '\0' ? extras->name : "(unnamed)";
}

const char *weft__task_wait_name(unsigned reason)
{
    static const char *const texts[] = {
        [WEFT__REASON_NONE] = "nothing",
        [WEFT__REASON_SLEEP] = "a point in time",
        [WEFT__REASON_JOIN] = "the end of a task",
        [WEFT__REASON_SCOPE] = "the tasks of a scope",
        [WEFT__REASON_PUT] = "room in a channel",
        [WEFT__REASON_TAKE] = "a message in a channel",
        [WEFT__REASON_SELECT] = "one of several cases",
        [WEFT__REASON_TIMER] = "a timer",
        [WEFT__REASON_ROOM] = "room in the submission queue",
        [WEFT__REASON_HELPER] = "a call on a helper thread",
        [WEFT__REASON_CLOSE] = "the end of operations on a file",
        [WEFT__REASON_PRINT] = "its turn to print",
        [WEFT__REASON_LOCK] = "a lock",
        [WEFT__REASON_CONDITION] = "a condition",
        [WEFT__REASON_SEMAPHORE] = "a semaphore",
        [WEFT__REASON_EVENT] = "an event",
        [WEFT__REASON_BARRIER] = "others at a barrier",
        [WEFT__REASON_LATCH] = "a latch",
        [WEFT__REASON_ONCE] = "another's first call",
        [WEFT__REASON_FUTURE] = "the value of a future",
        [WEFT__REASON_PERMIT] = "an unpark",
        [WEFT__REASON_TURN] = "its turn with the position of a file",
        [WEFT__REASON_FORK] = "a forked child",
    };
    return reason < WEFT__REASON_OPERATION
               ? texts[reason]
               : weft__op_name((enum weft__opcode)(reason - WEFT__REASON_OPERATION));
}

void weft__task_wait_text(unsigned reason, int32_t descriptor, char *text, size_t text_bytes)
{
    const char *name = weft__task_wait_name(reason);

    if (reason >= WEFT__REASON_OPERATION && descriptor >= 0)
        (void)snprintf(text, text_bytes, "waits for %s on descriptor %d", name, descriptor);
    else
        (void)snprintf(text, text_bytes, "waits for %s", name);
}

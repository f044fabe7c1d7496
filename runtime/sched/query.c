/* What a program can ask about tasks and about itself. */
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/runtime.h"

weft_task weft_self(void)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());
    return task != NULL ? weft__task_handle(weft__task_face(task)) : weft__error_outside();
}

int weft_worker_self(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? (int)worker->index : weft__error_outside();
}

/* A snapshot, taken under the record's lock: the record can't change hands meanwhile. */
static weft_task_state state_of(const struct weft__task *task)
{
    struct weft__worker *home = weft__load_relaxed(&task->home);
    uint64_t word = weft__load_relaxed(&task->wait);

    if (weft__record_has(&task->record, WEFT__LIFE_ENDED))
        return WEFT_TASK_ENDED;
    if (weft__load_relaxed(&task->seen) == WEFT__TASK_UNSEEN)
        return WEFT_TASK_FRESH;
    if (home != NULL && weft__load_relaxed(&home->current) == task)
        return WEFT_TASK_RUNNING;
    return (word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING ? WEFT_TASK_WAITING : WEFT_TASK_READY;
}

int weft_task_state_of(weft_task task)
{
    int rc = 0;
    struct weft__task *found = weft__task_lock(task, &rc);

    if (found == NULL)
        return rc;
    rc = (int)state_of(found);
    weft__record_unlock(&found->record);
    return rc;
}

int weft_task_name_of(weft_task task, char out_name[WEFT_NAME])
{
    int rc = 0;
    struct weft__task *found = weft__task_lock(task, &rc);

    WEFT_NEED(out_name);
    if (found == NULL)
        return rc;
    const struct weft__extras *extras = weft__task_extras_of(found);
    out_name[0] = '\0';
    if (extras != NULL)
        memcpy(out_name, extras->name, WEFT_NAME);
    weft__record_unlock(&found->record);
    return 0;
}

int weft_task_error_of(weft_task task, weft_error *out_error)
{
    int rc = 0;

    WEFT_NEED(out_error);
    struct weft__task *found = weft__task_lock(task, &rc);
    if (found == NULL)
        return rc;
    if (out_error->size != sizeof(*out_error))
        rc = -EINVAL;
    else if (!weft__record_has(&found->record, WEFT__LIFE_ENDED))
        rc = -EBUSY;
    else
        weft__error_of(found, out_error);
    weft__record_unlock(&found->record);
    return rc;
}

int weft_result_give(const void *bytes, size_t size)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());

    WEFT_NEED_BYTES(bytes, size);
    if (task == NULL)
        return weft__error_outside();
    if (weft__forks_bind(task))
        return -EBUSY;
    struct weft__extras *extras = weft__task_extras_of(task);
    if (size > (extras != NULL ? extras->result_room : 0))
        return -ENOBUFS;
    if (extras == NULL)
        extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return -ENOMEM;
    if (size > 0)
        memcpy(extras->result, bytes, size);
    extras->result_bytes = size;
    extras->result_given = true;
    return 0;
}

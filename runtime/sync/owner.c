#include "runtime/sync/owner.h"

#include <stdio.h>

void weft__owner_describe(uint64_t id, char text[WEFT__OWNER_TEXT])
{
    int rc = 0;
    struct weft__record *record = weft__record_lock((int64_t)id, WEFT__KIND_TASK, &rc);

    if (record == NULL || weft__record_has(record, WEFT__LIFE_ENDED))
        (void)snprintf(text, WEFT__OWNER_TEXT, "a task that has ended");
    else if ((weft__task_of(record)->flags & WEFT__TASK_FOREIGN) != 0)
        (void)snprintf(text, WEFT__OWNER_TEXT, "a thread that is no worker");
    else
        (void)snprintf(text, WEFT__OWNER_TEXT, "task %s", weft__task_label(weft__task_of(record)));
    if (record != NULL)
        weft__record_unlock(record);
}

/* A record is never unmapped: that of an owner which has ended may be looked at, too. */
bool weft__owner_runs_beside(uint64_t id, const struct weft__worker *worker)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find((int64_t)id, WEFT__KIND_TASK, &generation);

    if (record == NULL)
        return true; /* nobody: it has just come free */
    const struct weft__task *task = weft__task_of(record);
    return weft__load_relaxed(&task->home) != worker &&
           (weft__load_relaxed(&task->wait) & WEFT__WAIT_STATES) == WEFT__WAIT_IDLE;
}

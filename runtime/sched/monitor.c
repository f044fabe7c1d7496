/*
 * The notice of a failure, for tasks that nobody waits for. It is given before the scope knows of
 * the end: so the record is still there, and whoever has closed the scope has had the notice.
 *
 * REJECTED a call that monitors a task which runs: for one that has failed already it would have to
 * report where the caller stands, deep in a small stack that the callback may not fit into.
 */
#include "runtime/sched/monitor.h"

#include <string.h>

#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/site.h"

void weft__monitor_tell(struct weft__worker *worker, const struct weft__task *task)
{
    char site[128];
    weft_error error;

    weft__error_of(task, &error);
    weft__site_describe(task->site, site, sizeof(site));
    const char *name = weft_error_name(error.code);
    const char *text = error.cause_code != 0 || strcmp(error.text, name) != 0 ? error.text : "";
    weft__runtime_report(worker->runtime, "task %s, spawned at %s, failed: %s%s%s",
                         weft__task_label(task), site, name, text[0] != '\0' ? ": " : "", text);
}

/* What a process has once: the scheduler's fork handler, and the words of a fatal error. */
#include <pthread.h>
#include <stdio.h>

#include "runtime/base/check.h"
#include "runtime/base/sim.h"
#include "runtime/sched/launch.h"
#include "runtime/sched/site.h"
#include "runtime/sched/worker.h"

/*
 * In the child of fork(2) only the forking thread lives: workers are gone, and the rings' memory,
 * which is not inherited, is too. The thread is no worker any more; that every call answers
 * -EOWNERDEAD from now on is record.h's.
 */
static void dead_in_child(void)
{
    weft__self_set(NULL);
    weft__sim_forget();
}

/* Whoever asks is the running task itself, or a thread that is none. */
static void describe_caller(char *text, size_t text_bytes)
{
    char site[128];
    struct weft__task *task = weft__worker_task(weft__self_worker());

    if (task == NULL)
        return;
    weft__site_describe(task->site, site, sizeof(site));
    (void)snprintf(text, text_bytes, "task %s (running%s, spawned at %s)", weft__task_label(task),
                   weft__task_canceled(task) ? ", cancelled" : "", site);
}

static void prepare_process(void)
{
    weft__check_set_context(describe_caller);
    (void)pthread_atfork(NULL, NULL, dead_in_child);
}

void weft__launch_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare_process);
}

/*
 * Sections in which a cancel ends no wait.
 *
 * STATE shields of a task: n -> n + 1 on begin, n -> n - 1 on end, both by the task itself; any ->
 * 0 when its body has returned. Terminal: none. Only the task and its home's loop look, which are
 * never at work at once: so neither needs an atomic, and no wait pays for it.
 *
 * A cancel that comes in a section leaves CANCELED in the life word and wakes nobody; the first
 * look at that word without a section finds it. What is lost that way, the cancel of scopes that
 * were opened in the section, the end of the section makes up for.
 */
#include <weft/shield.h>

#include "runtime/base/check.h"
#include "runtime/sched/cancel.h"
#include "runtime/sched/error.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/thread.h"

enum { shields_in_record = 15 }; /* so many fit its four bits; more are counted in the extras */

int weft_shield_begin(void)
{
    struct weft__task *task = weft__thread_or_task(weft__self_worker());

    if (task == NULL)
        return weft__error_outside();
    if (task->shields < shields_in_record) {
        task->shields = (task->shields + 1) & shields_in_record;
        return 0;
    }
    struct weft__extras *extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return -ENOMEM;
    extras->shields++;
    return 0;
}

/* Ends a section that the record does not count. False: there is none. */
static bool end_deep(const struct weft__task *task)
{
    struct weft__extras *extras = weft__load_relaxed(&task->extras);

    if (task->shields < shields_in_record || extras == NULL || extras->shields == 0)
        return false;
    extras->shields--;
    return true;
}

/* The task hears again: what it has opened in the section is as open to a cancel as all else. */
static int lower(struct weft__worker *worker, struct weft__task *task)
{
    for (struct weft__list *link = task->scopes.next; link != &task->scopes; link = link->next)
        WEFT__CONTAINER(link, struct weft__scope, open)->shielded = false;
    if (!weft__task_canceled(task))
        return 0;
    weft__cancel_scopes(worker, task);
    return -ECANCELED;
}

int weft_shield_end(void)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__thread_or_task(worker);

    if (task == NULL)
        return weft__error_outside();
    WEFT_ASSERT(task->shields > 0, "weft_shield_end: no section was begun");
    if (end_deep(task))
        return 0;
    task->shields = (task->shields - 1) & shields_in_record;
    return task->shields == 0 ? lower(worker, task) : 0;
}

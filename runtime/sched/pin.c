/*
 * Sections in which a task may not move.
 *
 * STATE pins of a task: n -> n + 1 on weft_pin, n -> n - 1 on weft_unpin, both by the task itself;
 * terminal: any, when its body returns. Besides the task only its home looks, when it has made the
 * task ready and would offer it to others (weft__search_offer): the two are never at work at once,
 * so a plain integer does. A task that is pinned is never in a place where thieves take from: it
 * was not offered, and what runs or waits stands nowhere.
 */
#include "runtime/sched/pin.h"

#include <weft/pin.h>

#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/thread.h"

int weft_pin(void)
{
    struct weft__task *task = weft__thread_or_task(weft__self_worker());

    if (task == NULL || weft__load_relaxed(&weft__record_forked))
        return weft__error_outside();
    if ((task->flags & WEFT__TASK_FOREIGN) != 0)
        return 0;
    struct weft__extras *extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return -ENOMEM;
    extras->pins++;
    return 0;
}

int weft_unpin(void)
{
    struct weft__task *task = weft__thread_or_task(weft__self_worker());

    if (task == NULL || weft__load_relaxed(&weft__record_forked))
        return weft__error_outside();
    if ((task->flags & WEFT__TASK_FOREIGN) != 0)
        return 0;
    WEFT_ASSERT(weft__pin_holds(task), "weft_unpin: no section was begun");
    weft__task_extras_of(task)->pins--;
    return 0;
}

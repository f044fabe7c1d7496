/* Whether a migratable task has to stay on its worker for now; see pin.c. */
#ifndef WEFT_SCHED_PIN_H
#define WEFT_SCHED_PIN_H

#include "runtime/sched/task.h"

/* Its home alone may ask. */
static inline bool weft__pin_holds(const struct weft__task *task)
{
    const struct weft__extras *extras = weft__task_extras_of(task);
    return extras != NULL && extras->pins > 0;
}

#endif

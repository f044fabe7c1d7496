/* Calling into a runtime from any thread, and asking it what it is. */
#include <stdio.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/sched/error.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/spawn.h"
#include "runtime/task/guard.h"

struct call {
    struct weft__hook hook;
    struct weft__runtime *runtime; /* (i) */
    _Atomic uint32_t ended;        /* futex */
    int result;
};

static void note_end(struct weft__hook *hook, int result)
{
    struct call *call = WEFT__CONTAINER(hook, struct call, hook);
    _Atomic uint32_t *word = &call->ended;

    call->result = result;
    weft__sub_relaxed(&call->runtime->callers, 1); /* from now on the caller may act */
    weft__store_release(word, 1); /* pairs with weft_call; the caller may be gone from here on */
    (void)weft__sys_futex_wake(word, 1);
}

int weft_call(weft_runtime runtime, weft_task_fn fn, void *argument)
{
    int rc = 0;
    struct call call = { .hook = { .run = note_end, .last = true } };
    struct weft__worker *worker = weft__self_worker();

    WEFT_NEED(fn);
    if (worker != NULL && worker->runtime->handle == runtime)
        return -EDEADLK;
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);
    if (found == NULL)
        return rc;
    call.runtime = found;
    weft_task task = weft__spawn_foreign(found, fn, argument, NULL, &call.hook);
    if (task > 0)
        weft__add_relaxed(&found->callers, 1); /* note_end may have been there already */
    while (task > 0 && weft__load_acquire(&call.ended) == 0) /* pairs with note_end */
        (void)weft__sys_futex_wait(&call.ended, 0, INT64_MAX);
    weft__handle_unpin(runtime);
    return task > 0 ? call.result : (int)task;
}

weft_runtime weft_runtime_self(void)
{
    struct weft__worker *worker = weft__self_worker();

    if (worker != NULL)
        return worker->runtime->handle;
    return weft__error_outside();
}

int weft_worker_count(weft_runtime runtime)
{
    int rc = 0;
    struct weft__runtime *found = weft__runtime_find(runtime, &rc);

    if (found == NULL)
        return rc;
    rc = (int)found->worker_count;
    weft__runtime_found(found);
    return rc;
}

int weft_interactive_count(weft_runtime runtime)
{
    int rc = 0;
    struct weft__runtime *found = weft__runtime_find(runtime, &rc);

    if (found == NULL)
        return rc;
    rc = (int)found->teams[WEFT__TEAM_INTERACTIVE].count;
    weft__runtime_found(found);
    return rc;
}

int weft_runtime_about(weft_runtime runtime, char *out_text, size_t text_bytes)
{
    int rc = 0;
    struct weft__runtime *found = weft__runtime_find(runtime, &rc);

    WEFT_NEED_BYTES(out_text, text_bytes);
    if (found == NULL)
        return rc;
    const char *policy = found->policy.calls.name; /* NULL: the default */
    uint32_t interactive = found->teams[WEFT__TEAM_INTERACTIVE].count;
    char more[32] = "";

    if (interactive > 0)
        (void)snprintf(more, sizeof(more), "; %u interactive", interactive);
    rc = snprintf(out_text, text_bytes,
                  "%s%s; %u node%s%s; engine %s; memory by %s; stacks of %zu KiB with %s%s%s",
                  found->plan->reason, more, found->topology->node_count,
                  found->topology->node_count == 1 ? "" : "s",
                  found->topology->synthetic ? " (synthetic)" : "",
                  found->workers[0]->engine->ops->name, weft__memory_allocator(),
                  weft__stack_class_bytes(found->options.stack_class) / 1024, weft__guard_method(),
                  policy != NULL ? "; policy " : "", policy != NULL ? policy : "");
    weft__runtime_found(found);
    return rc;
}

/* The calls of <weft/scope.h>. */
#include <string.h>

#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/hold.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/scope.h"

/* The locked scope behind a handle; 0 is the root of the calling worker. */
static struct weft__scope *lock_scope(weft_scope handle, int *out_error)
{
    struct weft__worker *worker = weft__self_worker();

    if (handle == WEFT_DETACHED) {
        if (worker == NULL) {
            *out_error = weft__error_outside();
            return NULL;
        }
        weft__record_lock_own(&worker->root->record);
        return worker->root;
    }
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_SCOPE, out_error);
    return record != NULL ? weft__scope_of(record) : NULL;
}

/* The scope behind a handle, if the running task has opened it. */
static struct weft__scope *own_scope(weft_scope handle, int *out_error)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());
    struct weft__scope *scope = NULL;
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_SCOPE, out_error);

    if (record == NULL)
        return NULL;
    if (task != NULL && weft__scope_of(record)->owner == task)
        scope = weft__scope_of(record);
    weft__record_unlock(record);
    *out_error = -EPERM;
    return scope;
}

static void deadline_passed(struct weft__worker *worker, struct weft__timer *timer)
{
    struct weft__scope *scope = WEFT__CONTAINER(timer, struct weft__scope, deadline);

    weft__record_lock_own(&scope->record);
    scope->deadline_armed = false;
    if (scope->pending > 0) {
        scope->expired = true;
        if (scope->first_error == 0)
            scope->first_error = -ETIMEDOUT;
    }
    weft__scope_cancel_locked(worker, scope);
    weft__record_unlock(&scope->record);
}

static int check_options(const weft_scope_options *options)
{
    if (options == NULL)
        return 0;
    if (options->size != sizeof(*options))
        return -EINVAL;
    return options->policy == WEFT_FIRST_ERROR || options->policy == WEFT_RUN_ALL ? 0 : -EINVAL;
}

weft_scope weft_scope_open(const weft_scope_options *options)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    if (task == NULL)
        return weft__error_outside();
    int rc = check_options(options);
    if (rc < 0)
        return rc;
    struct weft__scope *scope = weft__scope_make(worker->runtime, &worker->records);
    if (scope == NULL)
        return -ENOMEM;
    scope->owner = task;
    scope->shielded = task->shields != 0;
    scope->due_ns = task->scope->due_ns;
    scope->site = __builtin_return_address(0);
    weft__list_append(&task->scopes, &scope->open);
    if (weft__task_canceled(task))
        weft__record_set_locked(&scope->record, WEFT__LIFE_CANCELED);
    if (options != NULL) {
        scope->policy = options->policy;
        scope->forget = options->forget != 0;
        if (options->until.ns != 0 && options->until.ns != INT64_MAX) { /* 0: not set */
            scope->deadline.fire = deadline_passed;
            scope->deadline_armed = true;
            if (options->until.ns < scope->due_ns)
                scope->due_ns = options->until.ns;
            weft__wheel_arm(&worker->wheel, &scope->deadline, options->until.ns);
        }
    }
    weft__record_unlock(&scope->record);
    return weft__record_handle(&scope->record);
}

int weft_scope_join(weft_scope scope, weft_deadline until)
{
    int rc = 0;
    struct weft__scope *own = own_scope(scope, &rc);

    if (own == NULL)
        return rc;
    rc = weft__scope_wait(own, until, 0);
    if (rc < 0)
        return rc;
    weft__record_lock_own(&own->record);
    rc = own->first_error;
    weft__record_unlock(&own->record);
    return rc;
}

/* Waits until no task is pending, and locks the scope: a task may come in, from a thread or another
 * task that has the handle, between the end of the wait and the lock. */
static void wait_and_lock(struct weft__scope *scope)
{
    weft__record_lock_own(&scope->record);
    weft__hold_none_locked(weft__self_worker(), scope);
    weft__record_unlock(&scope->record);
    for (;;) {
        (void)weft__scope_wait(scope, WEFT_NEVER, WEFT__PARK_SHIELDED);
        weft__record_lock_own(&scope->record);
        if (scope->pending == 0)
            return;
        weft__record_unlock(&scope->record);
    }
}

int weft_scope_close(weft_scope scope)
{
    int rc = 0;
    struct weft__scope *own = own_scope(scope, &rc);

    if (own == NULL)
        return rc;
    wait_and_lock(own);
    struct weft__worker *worker = weft__self_worker();
    if (own->deadline_armed)
        weft__wheel_disarm(&worker->wheel, &own->deadline);
    weft__list_remove(&own->open);
    rc = own->first_error;
    weft__scope_end_locked(own, &worker->records);
    return rc;
}

int weft_scope_cancel(weft_scope scope)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();

    if (scope == WEFT_DETACHED && worker != NULL) {
        for (uint32_t i = 0; i < worker->runtime->worker_count; i++) {
            struct weft__scope *root = worker->runtime->workers[i]->root;
            weft__record_lock_own(&root->record);
            weft__scope_cancel_locked(worker, root);
            weft__record_unlock(&root->record);
        }
        return 0;
    }
    struct weft__scope *found = lock_scope(scope, &rc);
    if (found == NULL)
        return rc;
    weft__scope_cancel_locked(worker, found);
    weft__record_unlock(&found->record);
    return 0;
}

/* A failure that no task stands for. */
static void describe_refusal(int code, weft_error *out_error)
{
    weft_error cause = WEFT_ERROR_INIT;
    weft_error error = WEFT_ERROR_INIT;

    cause.code = code;
    error.code = code;
    weft__error_text(&error, "a task could not be spawned", &cause);
    *out_error = error;
}

/* The task of the @index-th failure, or NULL with the code of a failed spawn; 0: not that many. */
static struct weft__task *find_failure(struct weft__scope *scope, size_t index, int *out_refused)
{
    const struct weft__refusals *refusals = scope->refusals;
    const struct weft__refusals *end = refusals + scope->refusal_count;
    struct weft__list *link = &scope->tasks;

    *out_refused = 0;
    do {
        for (; refusals < end && refusals->after == link; refusals++) {
            if (index < refusals->count) {
                *out_refused = refusals->error;
                return NULL;
            }
            index -= refusals->count;
        }
        link = link->next;
        if (link == &scope->tasks)
            return NULL;
        struct weft__task *task = WEFT__CONTAINER(link, struct weft__task, sibling);
        if ((weft__load_acquire(&task->record.life) & WEFT__LIFE_FAILED) != 0 && /* LIFE */
            index-- == 0)
            return task;
    } while (true);
}

int weft_scope_error(weft_scope scope, size_t index, weft_error *out_error)
{
    int rc = 0;
    int refused = 0;

    WEFT_NEED(out_error);
    struct weft__scope *found = lock_scope(scope, &rc);
    if (found == NULL)
        return rc;
    const struct weft__task *task = find_failure(found, index, &refused);
    if (out_error->size != sizeof(*out_error))
        rc = -EINVAL;
    else if (task != NULL)
        weft__error_of(task, out_error);
    else if (refused != 0)
        describe_refusal(refused, out_error);
    else
        rc = -ENOENT;
    weft__record_unlock(&found->record);
    return rc;
}

ssize_t weft_scope_failures(weft_scope scope)
{
    int rc = 0;
    struct weft__scope *found = lock_scope(scope, &rc);

    if (found == NULL)
        return rc;
    ssize_t failures = found->failures;
    weft__record_unlock(&found->record);
    return failures;
}

#include "runtime/sched/scope.h"

#include <stddef.h>
#include <string.h>

#include "runtime/base/check.h"
#include "runtime/sched/cancel.h"
#include "runtime/sched/halt.h"
#include "runtime/sched/runtime.h"

struct weft__scope *weft__scope_make(struct weft__runtime *runtime,
                                     struct weft__record_cache *cache)
{
    struct weft__record *record = weft__record_new(WEFT__KIND_SCOPE, cache);

    if (record == NULL)
        return NULL;
    struct weft__scope *scope = weft__scope_of(record);
    memset((char *)scope + sizeof(*record), 0,
           offsetof(struct weft__scope, refusals) - sizeof(*record));
    weft__list_init(&scope->open);
    weft__list_init(&scope->tasks);
    scope->runtime = runtime;
    scope->due_ns = INT64_MAX;
    return scope;
}

void weft__scope_add_locked(struct weft__scope *scope, struct weft__task *task)
{
    weft__list_append(&scope->tasks, &task->sibling);
    scope->pending++;
    if (WEFT__UNLIKELY(weft__record_has(&scope->record, WEFT__LIFE_CANCELED)))
        weft__record_set_locked(&task->record, WEFT__LIFE_CANCELED);
}

void weft__scope_remove_locked(struct weft__scope *scope, struct weft__task *task)
{
    for (uint32_t i = 0; i < scope->refusal_count; i++)
        if (scope->refusals[i].after == &task->sibling)
            scope->refusals[i].after = task->sibling.prev;
    weft__list_remove(&task->sibling);
}

void weft__scope_cancel_locked(struct weft__worker *worker, struct weft__scope *scope)
{
    if (weft__record_has(&scope->record, WEFT__LIFE_CANCELED))
        return;
    weft__record_set_locked(&scope->record, WEFT__LIFE_CANCELED);
    for (struct weft__list *link = scope->tasks.next; link != &scope->tasks; link = link->next) {
        struct weft__task *task = WEFT__CONTAINER(link, struct weft__task, sibling);
        weft__record_lock_own(&task->record);
        weft__cancel_task_locked(worker, task);
    }
}

static void note_failure_locked(struct weft__worker *worker, struct weft__scope *scope, int error)
{
    scope->failures++;
    if (scope->first_error == 0)
        scope->first_error = error;
    if (scope->policy == WEFT_FIRST_ERROR)
        weft__scope_cancel_locked(worker, scope);
}

/* Remembers where in spawn order a spawn has failed; as many in a row with one code as there are
 * are one entry: it is mostly lack of memory that makes them fail. */
static void place_refusal_locked(struct weft__scope *scope, int error)
{
    struct weft__refusals *last = NULL;

    if (scope->refusal_count > 0)
        last = &scope->refusals[scope->refusal_count - 1];
    if (last != NULL && last->error == error && last->after == scope->tasks.prev) {
        last->count++;
        return;
    }
    if (scope->root || scope->refusal_count == WEFT__SCOPE_REFUSALS)
        return;
    scope->refusals[scope->refusal_count++] = (struct weft__refusals){ .after = scope->tasks.prev,
                                                                       .error = error,
                                                                       .count = 1 };
}

void weft__scope_note_spawn_locked(struct weft__scope *scope, int error)
{
    place_refusal_locked(scope, error);
    note_failure_locked(weft__self_worker(), scope, error);
}

/* Whether the record of an ended task can go now; a forgetting scope keeps some failed ones. */
static bool forgets_locked(struct weft__scope *scope, const struct weft__task *task, int result)
{
    if (!scope->forget && !weft__record_has(&task->record, WEFT__LIFE_RELEASED))
        return false;
    if (result >= 0 || scope->root || scope->kept == WEFT__SCOPE_KEPT)
        return true;
    scope->kept++;
    return false;
}

void weft__scope_task_ended(struct weft__worker *worker, struct weft__scope *scope,
                            struct weft__task *task, int result)
{
    struct weft__task *joiner = NULL;
    uint64_t life = weft__record_lock_known(&scope->record);

    scope->pending--;
    if (WEFT__UNLIKELY(result < 0)) {
        note_failure_locked(worker, scope, result);
        life = weft__load_relaxed(&scope->record.life) & ~(uint64_t)WEFT__LIFE_LOCKED;
    }
    weft__store_relaxed(&task->seen, WEFT__TASK_COUNTED);
    if (WEFT__UNLIKELY(forgets_locked(scope, task, result))) {
        weft__scope_remove_locked(scope, task);
        weft__task_drop(task, &worker->records);
    }
    if (scope->pending == 0 && scope->joiner.word != 0) {
        if (weft__park_claim(scope->joiner, WEFT__WAIT_WOKEN))
            joiner = scope->joiner.task;
        scope->joiner.word = 0;
    }
    bool quiet = scope->root && scope->pending == 0;
    weft__record_unlock_known(&scope->record, life);
    if (joiner != NULL)
        weft__park_ready(worker, joiner);
    if (WEFT__UNLIKELY(quiet && weft__load_relaxed(&worker->runtime->stopping) != 0))
        weft__halt_note_quiet(worker->runtime);
}

int weft__scope_wait(struct weft__scope *scope, weft_deadline until, unsigned flags)
{
    struct weft__worker *worker = weft__self_worker();

    weft__record_lock_own(&scope->record);
    if (scope->pending == 0) {
        weft__record_unlock(&scope->record);
        return 0;
    }
    if (until.ns <= 0) {
        weft__record_unlock(&scope->record);
        return -ETIMEDOUT;
    }
    struct weft__ticket ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_SCOPE);
    scope->joiner = ticket;
    weft__record_unlock(&scope->record);
    int rc = weft__park_commit(worker, ticket, until, flags);
    if (rc < 0) {
        weft__record_lock_own(&scope->record);
        scope->joiner.word = 0;
        weft__record_unlock(&scope->record);
    }
    return rc;
}

void weft__scope_end_locked(struct weft__scope *scope, struct weft__record_cache *cache)
{
    struct weft__list *link = scope->tasks.next;

    WEFT_ASSERT(scope->pending == 0, "a scope ended with %u tasks pending", scope->pending);
    while (link != &scope->tasks) {
        struct weft__task *task = WEFT__CONTAINER(link, struct weft__task, sibling);
        link = link->next;
        weft__prefetch_lines(WEFT__CONTAINER(link, struct weft__task, sibling), sizeof(*task));
        weft__task_drop(task, cache);
    }
    weft__list_init(&scope->tasks);
    weft__record_free_locked(&scope->record, cache);
}

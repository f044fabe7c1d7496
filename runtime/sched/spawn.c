#include "runtime/sched/spawn.h"

#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sched/error.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/local.h"
#include "runtime/sched/search.h"

enum { publish_every = 64, bytes_max = 1 << 30 };

/* A record with all fields set but home and scope; locked until it enters its scope. NULL: no
 * memory. */
static struct weft__task *make_task(struct weft__record_cache *cache, weft_task_fn fn,
                                    void *argument, uint8_t stack_class, uint8_t flags)
{
    struct weft__record *record = weft__record_new(WEFT__KIND_TASK, cache);

    if (WEFT__UNLIKELY(record == NULL))
        return NULL;
    struct weft__task *task = weft__task_of(record);
    task->stack = NULL;
    task->fn = fn;
    task->argument = argument;
    weft__list_init(&task->scopes);
    task->flags = flags;
    task->manner = 0;
    task->stack_class = stack_class & 3u;
    task->shields = 0;
    task->exposed = 0;
    task->tidies = 0;
    task->joiners = NULL;
    task->hooks = NULL;
    weft__store_relaxed(&task->extras, NULL);
    weft__store_relaxed(&task->seen, WEFT__TASK_UNSEEN);
    task->copy_bytes = 0;
    return task;
}

/* Gives a record back that never became visible. */
static void unmake_task(struct weft__task *task, struct weft__record_cache *cache)
{
    if ((task->flags & WEFT__TASK_COPIED) != 0)
        weft__memory_free(task->argument, task->copy_bytes);
    if (WEFT__UNLIKELY(task->tidies))
        weft__local_forget(task);
    weft__task_free_extras(task);
    weft__record_free_locked(&task->record, cache);
}

/* The same with what it inherits. */
WEFT__COLD static struct weft__task *make_heir(struct weft__record_cache *cache, weft_task_fn fn,
                                               void *argument, uint8_t stack_class, uint8_t flags,
                                               size_t result_room)
{
    struct weft__task *task = make_task(cache, fn, argument, stack_class, flags);

    if (task == NULL || weft__local_inherit(task, result_room) == 0)
        return task;
    unmake_task(task, cache);
    return NULL;
}

static inline struct weft__task *new_task(struct weft__record_cache *cache, weft_task_fn fn,
                                          void *argument, uint8_t stack_class, uint8_t flags,
                                          size_t result_room)
{
    if (WEFT__UNLIKELY(weft__load_relaxed(&weft__local_inherited) != 0))
        return make_heir(cache, fn, argument, stack_class, flags, result_room);
    return make_task(cache, fn, argument, stack_class, flags);
}

static int copy_argument(struct weft__task *task, const void *bytes, size_t size)
{
    task->argument = task->copy;
    if (size > WEFT__TASK_INLINE_COPY) {
        task->argument = weft__memory_alloc(WEFT__NODE_LOCAL, size);
        if (task->argument == NULL)
            return -ENOMEM;
        task->copy_bytes = (uint32_t)size;
        task->flags |= WEFT__TASK_COPIED;
    }
    if (size > 0)
        memcpy(task->argument, bytes, size);
    return 0;
}

static int64_t load_of(const struct weft__worker *worker)
{
    return weft__load_relaxed(&worker->local_load) + weft__load_relaxed(&worker->sent_load);
}

/* The worker with the fewest live tasks; the next one in turn among equals. */
static struct weft__worker *least_loaded(struct weft__runtime *runtime, enum weft__team_kind kind)
{
    const struct weft__team *team = &runtime->teams[kind];
    uint32_t start = weft__add_relaxed(&runtime->foreign_cursor, 1);
    struct weft__worker *best = NULL;
    int64_t best_load = INT64_MAX;

    for (uint32_t i = 0; i < team->count; i++) {
        struct weft__worker *worker = team->workers[(start + i) % team->count];
        int64_t load = load_of(worker);
        if (load < best_load) {
            best_load = load;
            best = worker;
        }
    }
    return best;
}

static void deliver_fresh(struct weft__worker *worker, struct weft__message *message)
{
    struct weft__task *task = WEFT__CONTAINER(message, struct weft__task, wake);

    if ((task->flags & WEFT__TASK_PINNED) != 0) {
        weft__queue_append(&worker->ready, task);
        return;
    }
    weft__queue_append(&worker->fresh, task);
    worker->mixed = true;
    worker->fresh_count++;
}

/* Queues a fresh task on this very worker. */
static inline void queue_here(struct weft__worker *worker, struct weft__task *task)
{
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_PINNED) != 0)) {
        weft__queue_append(&worker->ready, task);
        return;
    }
    weft__queue_append(&worker->fresh, task);
    worker->mixed = true;
    if (++worker->fresh_count % publish_every == 0)
        weft__search_publish(worker, weft__clock_cycles());
}

static void queue_there(struct weft__worker *worker, struct weft__worker *target,
                        struct weft__task *task)
{
    task->wake.deliver = deliver_fresh;
    weft__park_send(worker, target, &task->wake);
}

/* @home: the task's; NULL: the inject queue. */
static inline void queue(struct weft__worker *worker, struct weft__task *task,
                         struct weft__worker *home)
{
    if (WEFT__LIKELY(home == worker && worker != NULL)) {
        weft__bump(&worker->local_load);
        queue_here(worker, task);
    } else if (home != NULL) {
        weft__add_relaxed(&home->sent_load, (int64_t)1);
        queue_there(worker, home, task);
    } else {
        weft__search_inject(&task->scope->runtime->teams[WEFT__TEAM_NORMAL], worker, task);
    }
}

void weft__spawn_queue(struct weft__worker *worker, struct weft__task *task)
{
    queue(worker, task, weft__load_relaxed(&task->home));
}

/* Whether the task, which its scope has just got, is to wait for weft_task_start. */
WEFT__COLD static bool hold_locked(struct weft__scope *scope, struct weft__task *task)
{
    if (scope->holds_none || weft__record_has(&task->record, WEFT__LIFE_CANCELED))
        return false;
    weft__record_set_locked(&task->record, WEFT__LIFE_HELD);
    scope->has_held = true;
    return true;
}

/*
 * Makes the task visible: to its scope, then to a worker. Before the first, nobody can cancel it;
 * before the second, nobody can run it. @home NULL: the inject queue.
 */
static weft_task enter(struct weft__worker *worker, struct weft__scope *scope,
                       struct weft__task *task, struct weft__worker *home)
{
    weft_task handle = weft__task_handle(task);

    if (worker != NULL && worker->runtime != scope->runtime)
        worker = NULL; /* a worker of another runtime is as foreign as any thread */
    struct weft__runtime *runtime = scope->runtime;
    if (WEFT__UNLIKELY(worker == NULL))
        weft__handle_keep(runtime); /* once the task can run, nothing else holds the runtime */
    task->scope = scope;
    weft__store_relaxed(&task->home, home);
    weft__scope_add_locked(scope, task);
    bool held = WEFT__UNLIKELY((task->flags & WEFT__TASK_HELD) != 0) && hold_locked(scope, task);
    weft__record_unlock(&task->record);
    weft__record_unlock(&scope->record);
    if (WEFT__LIKELY(worker != NULL))
        weft__bump(&worker->counters.spawned);
    else
        weft__add_relaxed(&runtime->foreign_spawned, 1);
    if (WEFT__LIKELY(!held))
        queue(worker, task, home);
    if (WEFT__UNLIKELY(worker == NULL))
        weft__handle_let_go(runtime);
    return handle;
}

/*
 * The locked root. NULL with *out_error when the runtime stops: it says so first and takes the lock
 * of each root then, so whoever has the lock and sees no stop is counted by it.
 */
static struct weft__scope *lock_root(const struct weft__runtime *runtime, struct weft__scope *root,
                                     int *out_error)
{
    weft__record_lock_own(&root->record);
    if (WEFT__LIKELY(weft__load_relaxed(&runtime->stopping) == 0))
        return root;
    weft__record_unlock(&root->record);
    *out_error = -ESHUTDOWN;
    return NULL;
}

/*
 * The locked scope that shall own a new task. NULL with *out_error; a scope that exists notes that
 * failure too.
 */
static inline struct weft__scope *lock_owner(struct weft__worker *worker, weft_scope handle,
                                             int *out_error)
{
    struct weft__scope *scope;

    if (handle == WEFT_DETACHED) {
        *out_error = weft__error_outside();
        return worker != NULL ? lock_root(worker->runtime, worker->root, out_error) : NULL;
    }
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_SCOPE, out_error);
    if (WEFT__UNLIKELY(record == NULL))
        return NULL;
    scope = weft__scope_of(record);
    return scope;
}

/* A spawn that came to nothing for @error. What is wrong with the scope counts before that. */
static WEFT__COLD weft_task fail_spawn(struct weft__worker *worker, weft_scope handle, int error)
{
    int rc = 0;
    struct weft__scope *scope = lock_owner(worker, handle, &rc);

    if (scope == NULL)
        return rc;
    weft__scope_note_spawn_locked(scope, error);
    weft__record_unlock(&scope->record);
    return error;
}

static inline struct weft__record_cache *cache_of(struct weft__worker *worker)
{
    return worker != NULL ? &worker->records : NULL;
}

/* The worker that @place names; NULL: none of this runtime. @own: the spawner's, if it is. */
static struct weft__worker *home_of(struct weft__runtime *runtime, weft_place place,
                                    struct weft__worker *own)
{
    switch (place.kind) {
    case WEFT_PLACE_SPREAD: return least_loaded(runtime, WEFT__TEAM_NORMAL);
    case WEFT_PLACE_INTERACTIVE:
        return least_loaded(runtime, runtime->teams[WEFT__TEAM_INTERACTIVE].count > 0
                                         ? WEFT__TEAM_INTERACTIVE
                                         : WEFT__TEAM_NORMAL);
    case WEFT_PLACE_WORKER:
        return place.index < runtime->worker_count ? runtime->workers[place.index] : NULL;
    case WEFT_PLACE_LOCAL:
    case WEFT_PLACE_TOGETHER: break;
    }
    return own;
}

/* A fresh task that is bound to no worker; pinned ones are. */
WEFT__COLD static struct weft__worker *place_by_policy(const struct weft__scope *scope,
                                                       const struct weft__task *task,
                                                       struct weft__worker *own)
{
    struct weft__runtime *runtime = scope->runtime;
    struct weft__worker *fallback = own != NULL ? own : least_loaded(runtime, WEFT__TEAM_NORMAL);

    if ((task->flags & WEFT__TASK_PINNED) != 0)
        return fallback;
    return weft__policy_place(runtime, own, scope->due_ns, fallback);
}

/* Enters a finished record into @handle's scope; @place has been checked. */
static inline weft_task spawn_task(struct weft__worker *worker, weft_scope handle,
                                   struct weft__task *task, weft_place place)
{
    int rc = 0;
    struct weft__scope *scope = lock_owner(worker, handle, &rc);

    if (WEFT__UNLIKELY(scope == NULL)) {
        unmake_task(task, cache_of(worker));
        return rc;
    }
    struct weft__runtime *runtime = scope->runtime;
    struct weft__worker *home = worker != NULL && worker->runtime == runtime ? worker : NULL;
    if (WEFT__UNLIKELY(place.kind != WEFT_PLACE_LOCAL)) {
        home = home_of(runtime, place, home);
        if (home == NULL) {
            weft__scope_note_spawn_locked(scope, -EINVAL);
            weft__record_unlock(&scope->record);
            unmake_task(task, cache_of(worker));
            return -EINVAL;
        }
    } else if ((task->flags & WEFT__TASK_PINNED) != 0 && home == NULL) {
        home = least_loaded(runtime, WEFT__TEAM_NORMAL);
    } else if (WEFT__UNLIKELY(runtime->policy.calls.put != NULL)) {
        home = place_by_policy(scope, task, home);
    }
    return enter(worker, scope, task, home);
}

/* The options that a runtime gives to each task of its own. */
static inline void defaults(const struct weft__worker *worker, uint8_t *stack_class, uint8_t *flags)
{
    *stack_class = WEFT__STACK_64K;
    *flags = 0;
    if (WEFT__LIKELY(worker != NULL)) {
        *stack_class = worker->runtime->options.stack_class;
        *flags = worker->runtime->options.task_flags;
    }
}

weft_task weft_go(weft_scope scope, weft_task_fn fn, void *argument)
{
    struct weft__worker *worker = weft__self_worker();
    uint8_t stack_class;
    uint8_t flags;

    WEFT_NEED(fn);
    defaults(worker, &stack_class, &flags);
    struct weft__task *task = new_task(cache_of(worker), fn, argument, stack_class, flags, 0);
    if (WEFT__UNLIKELY(task == NULL))
        return fail_spawn(worker, scope, -ENOMEM);
    task->site = __builtin_return_address(0);
    return spawn_task(worker, scope, task, weft_place_local());
}

weft_task weft_go_copy(weft_scope scope, weft_task_fn fn, const void *bytes, size_t size)
{
    struct weft__worker *worker = weft__self_worker();
    uint8_t stack_class;
    uint8_t flags;

    WEFT_NEED(fn);
    WEFT_NEED_BYTES(bytes, size);
    if (size > bytes_max)
        return fail_spawn(worker, scope, -EINVAL);
    defaults(worker, &stack_class, &flags);
    struct weft__task *task = new_task(cache_of(worker), fn, NULL, stack_class, flags, 0);
    if (WEFT__UNLIKELY(task == NULL))
        return fail_spawn(worker, scope, -ENOMEM);
    if (copy_argument(task, bytes, size) < 0) {
        unmake_task(task, cache_of(worker));
        return fail_spawn(worker, scope, -ENOMEM);
    }
    task->site = __builtin_return_address(0);
    return spawn_task(worker, scope, task, weft_place_local());
}

static int check_options(const weft_spawn_options *options)
{
    if (options->size != sizeof(*options) || options->copy_bytes > bytes_max ||
        options->result_bytes > bytes_max || options->place.kind > WEFT_PLACE_INTERACTIVE)
        return -EINVAL;
    return weft__stack_class_of(options->stack_bytes) < 0 ? -EINVAL : 0;
}

/* Whether the running task can promise to stay on this worker with a new one. */
static int check_together(const struct weft__worker *worker)
{
    const struct weft__task *spawner = weft__worker_task(worker);

    if (spawner == NULL)
        return weft__error_outside();
    return (spawner->flags & WEFT__TASK_MIGRATABLE) != 0 ? -EINVAL : 0;
}

/* Name, room for results, copy. */
static int apply_options(struct weft__task *task, const weft_spawn_options *options)
{
    if (options->name != NULL || options->result_bytes > 0) {
        struct weft__extras *extras = weft__task_extras(task, options->result_bytes);
        if (extras == NULL)
            return -ENOMEM;
        if (options->name != NULL)
            memcpy(extras->name, options->name, strnlen(options->name, sizeof(extras->name) - 1));
    }
    return options->copy_bytes > 0 ? copy_argument(task, task->argument, options->copy_bytes) : 0;
}

static uint8_t flags_of(const weft_spawn_options *options, uint8_t flags)
{
    if (options->migratable)
        flags |= WEFT__TASK_MIGRATABLE;
    if (options->held)
        flags |= WEFT__TASK_HELD;
    if (options->monitored)
        flags |= WEFT__TASK_MONITORED;
    if (options->pinned || options->place.kind == WEFT_PLACE_WORKER ||
        options->place.kind == WEFT_PLACE_TOGETHER) {
        flags |= WEFT__TASK_PINNED;
        flags &= (uint8_t)~WEFT__TASK_MIGRATABLE;
    }
    return flags;
}

weft_task weft_spawn(weft_scope scope, weft_task_fn fn, void *argument,
                     const weft_spawn_options *options)
{
    struct weft__worker *worker = weft__self_worker();
    uint8_t stack_class;
    uint8_t flags;

    WEFT_NEED(fn);
    if (options == NULL)
        return weft_go(scope, fn, argument);
    int rc = check_options(options);
    if (rc == 0 && options->place.kind == WEFT_PLACE_TOGETHER)
        rc = check_together(worker);
    if (rc < 0)
        return fail_spawn(worker, scope, rc);
    WEFT_NEED_BYTES(argument, options->copy_bytes);
    defaults(worker, &stack_class, &flags);
    if (options->stack_bytes > 0)
        stack_class = (uint8_t)weft__stack_class_of(options->stack_bytes);
    struct weft__task *task = new_task(cache_of(worker), fn, argument, stack_class,
                                       flags_of(options, flags), options->result_bytes);
    if (task == NULL)
        return fail_spawn(worker, scope, -ENOMEM);
    rc = apply_options(task, options);
    if (rc < 0) {
        unmake_task(task, cache_of(worker));
        return fail_spawn(worker, scope, rc);
    }
    task->site = __builtin_return_address(0);
    return spawn_task(worker, scope, task, options->place);
}

weft_task weft__spawn_foreign(struct weft__runtime *runtime, weft_task_fn fn, void *argument,
                              const char *name, struct weft__hook *hook)
{
    uint32_t index = weft__add_relaxed(&runtime->foreign_cursor, 1) % runtime->worker_count;
    struct weft__scope *root = runtime->workers[index]->root;
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = new_task(cache_of(worker), fn, argument, runtime->options.stack_class,
                                       runtime->options.task_flags, 0);

    if (task == NULL)
        return -ENOMEM;
    int rc = apply_options(task, &(weft_spawn_options){ .name = name });
    task->hooks = hook;
    task->site = __builtin_return_address(0);
    if (rc < 0 || lock_root(runtime, root, &rc) == NULL) {
        unmake_task(task, cache_of(worker));
        return rc;
    }
    if (runtime->policy.calls.put != NULL)
        return enter(worker, root, task, place_by_policy(root, task, NULL));
    return enter(worker, root, task, NULL);
}

/* ---- tasks that are made of offers ---- */

struct weft__task *weft__spawn_blank(struct weft__worker *worker)
{
    return make_task(&worker->records, NULL, NULL, WEFT__STACK_64K, WEFT__TASK_FORKED);
}

void weft__spawn_undo(struct weft__worker *worker, struct weft__task *task)
{
    unmake_task(task, &worker->records);
}

void weft__spawn_offered(struct weft__worker *worker, struct weft__task *task,
                         struct weft__offer *offer)
{
    struct weft__scope *scope = offer->scope;

    memcpy(task->copy, &offer->face, sizeof(offer->face)); /* weft__task_face */
    task->fn = offer->fn;
    task->argument = offer->argument;
    task->stack_class = offer->stack_class & 3u;
    task->shields = offer->shielded;
    task->hooks = &offer->hook;
    task->site = offer->face->site;
    task->scope = scope;
    weft__store_relaxed(&task->home, worker);
    weft__record_lock_own(&scope->record);
    weft__scope_add_locked(scope, task);
    weft__record_unlock(&task->record);
    weft__record_unlock(&scope->record);
    weft__bump(&worker->local_load);
    weft__bump(&worker->counters.spawned);
}

/*
 * Task locals: an array of keys and values in the extras of a task, in the order in which the keys
 * were first set. A task has few, so a search from the start beats a table by key: no limit on
 * keys, and the order of their end comes for free. Only the task itself looks at its array.
 *
 * BOUND rounds of destruction: at most 4 because a destroy may set values again, its own too; when
 * over: they are forgotten, as pthread_key_create(3) has it.
 *
 * REJECTED a slot number in the key, as the index of an array in each task: a program with many
 * keys would make every task that uses the last one pay for all. What it saves is the search, which
 * shows only in tasks with many values: a get takes 7 ns for the first key, 8 to 14 for the eighth.
 */
#include "runtime/sched/local.h"

#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/forks.h"
#include "runtime/sched/thread.h"

enum { first_room = 4, rounds = 4 };

/* What is behind a key. */
struct local {
    struct weft__record record;
    void (*destroy)(void *value);  /* (l) */
    void *(*inherit)(void *value); /* (l) */
};

struct entry {
    weft_local key;
    void *value;
};

struct weft__locals {
    uint32_t count;
    uint32_t room;
    struct entry entries[]; /* room */
};

_Atomic uint32_t weft__local_inherited;

static struct local *local_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct local, record);
}

/* ---- keys ---- */

weft_local weft_local_create(const weft_local_options *options)
{
    if (options != NULL && options->size != sizeof(*options))
        return -EINVAL;
    weft__record_define(WEFT__KIND_LOCAL, sizeof(struct local));
    struct weft__record *record = weft__record_new(WEFT__KIND_LOCAL, NULL);
    if (record == NULL)
        return weft__record_refusal();
    struct local *local = local_of(record);
    local->destroy = options != NULL ? options->destroy : NULL;
    local->inherit = options != NULL ? options->inherit : NULL;
    if (local->inherit != NULL)
        weft__add_relaxed(&weft__local_inherited, 1);
    weft__record_unlock(record);
    return weft__record_handle(record);
}

int weft_local_release(weft_local key)
{
    int rc = 0;
    struct weft__record *record = weft__record_lock(key, WEFT__KIND_LOCAL, &rc);

    if (record == NULL)
        return rc;
    if (local_of(record)->inherit != NULL)
        weft__sub_relaxed(&weft__local_inherited, 1);
    weft__record_free_locked(record, NULL);
    return 0;
}

static inline bool is_live(weft_local key)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(key, WEFT__KIND_LOCAL, &generation);

    return record != NULL && weft__load_relaxed(&record->life) >> 32 == generation;
}

/* What to call with a value of @key; both NULL for a stale one. */
static struct local look_up(weft_local key)
{
    int rc = 0;
    struct weft__record *record = weft__record_lock(key, WEFT__KIND_LOCAL, &rc);
    struct local found = { 0 };

    if (record != NULL) {
        found.destroy = local_of(record)->destroy;
        found.inherit = local_of(record)->inherit;
        weft__record_unlock(record);
    }
    return found;
}

/* ---- the array of a task ---- */

static size_t bytes_of(uint32_t room)
{
    return sizeof(struct weft__locals) + room * sizeof(struct entry);
}

static void free_array(struct weft__locals *locals)
{
    if (locals != NULL)
        weft__memory_free(locals, bytes_of(locals->room));
}

static struct weft__locals *make_array(uint32_t room)
{
    struct weft__locals *locals = weft__memory_alloc(WEFT__NODE_LOCAL, bytes_of(room));

    if (locals != NULL) {
        locals->count = 0;
        locals->room = room;
    }
    return locals;
}

static inline struct entry *find(struct weft__locals *locals, weft_local key)
{
    for (uint32_t i = 0; locals != NULL && i < locals->count; i++)
        if (locals->entries[i].key == key)
            return &locals->entries[i];
    return NULL;
}

/* Takes out what holds nothing; the others keep their order. */
static void pack(struct weft__locals *locals)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < locals->count; i++)
        if (locals->entries[i].value != NULL && is_live(locals->entries[i].key))
            locals->entries[kept++] = locals->entries[i];
    locals->count = kept;
}

/* Adds an entry at the end, growing the array at *place when need be. */
static int append(struct weft__locals **place, weft_local key, void *value)
{
    struct weft__locals *locals = *place;

    if (locals != NULL && locals->count == locals->room)
        pack(locals);
    if (locals == NULL || locals->count == locals->room) {
        struct weft__locals *larger = make_array(locals == NULL ? first_room : 2 * locals->room);
        if (larger == NULL)
            return -ENOMEM;
        if (locals != NULL) {
            memcpy(larger->entries, locals->entries, locals->count * sizeof(struct entry));
            larger->count = locals->count;
        }
        free_array(locals);
        *place = locals = larger;
    }
    locals->entries[locals->count++] = (struct entry){ .key = key, .value = value };
    return 0;
}

/* ---- the calls of tasks ---- */

/* The extras of whoever calls, when there may be an array; else NULL. */
static inline struct weft__extras *own_extras(const struct weft__worker *worker)
{
    const struct weft__task *task = WEFT__LIKELY(worker != NULL) ? weft__worker_task(worker)
                                                                 : weft__thread_known();
    if (task == NULL)
        return NULL;
    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_FORKED) != 0))
        return weft__task_extras_of(weft__task_face(task)); /* they stand still: forks.h */
    return task->tidies ? weft__load_relaxed(&task->extras) : NULL;
}

/* The array of whoever calls; NULL: it has none. */
static inline struct weft__locals *own_array(const struct weft__worker *worker)
{
    const struct weft__extras *extras = own_extras(worker);

    return extras != NULL ? extras->locals : NULL;
}

void *weft_local_get(weft_local key)
{
    const struct entry *entry = find(own_array(weft__self_worker()), key);

    return entry != NULL && WEFT__LIKELY(is_live(key)) ? entry->value : NULL;
}

int weft_local_set(weft_local key, void *value)
{
    struct weft__task *task = weft__thread_or_task(weft__self_worker());

    if (task == NULL)
        return weft__error_outside();
    if (!is_live(key))
        return weft__record_error(key);
    if (weft__forks_bind(task))
        return -EBUSY;
    struct weft__extras *extras = weft__task_extras_of(task);
    struct entry *entry = extras != NULL ? find(extras->locals, key) : NULL;
    if (entry != NULL) {
        entry->value = value;
        return 0;
    }
    if (value == NULL)
        return 0;
    extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return -ENOMEM;
    task->tidies = 1;
    return append(&extras->locals, key, value);
}

/* ---- the end ---- */

/* One round, from the last to the first. A destroy may set values: the array may grow or be packed,
 * which moves nothing that is still to come past @i. */
static void destroy_all(struct weft__locals **place)
{
    for (uint32_t i = (*place)->count; i-- > 0;) {
        if (i >= (*place)->count)
            continue;
        struct entry *entry = &(*place)->entries[i];
        void *value = entry->value;
        void (*destroy)(void *) = value != NULL ? look_up(entry->key).destroy : NULL;
        entry->value = NULL;
        if (destroy != NULL)
            destroy(value);
    }
}

static bool holds_any(const struct weft__locals *locals)
{
    for (uint32_t i = 0; locals != NULL && i < locals->count; i++)
        if (locals->entries[i].value != NULL)
            return true;
    return false;
}

void weft__local_drop(struct weft__extras *extras)
{
    free_array(extras->locals);
    extras->locals = NULL;
}

void weft__local_end(struct weft__extras *extras)
{
    for (int round = 0; round < rounds && holds_any(extras->locals); round++)
        destroy_all(&extras->locals);
    weft__local_drop(extras);
}

/* ---- the spawn ---- */

/* The callbacks of a spawn may not wait: the spawner would go on with a worker that it has left.
 * Without a current task every call that waits says -EPERM. Returns the task to go on with. */
static struct weft__task *forbid_waits(struct weft__worker *worker)
{
    struct weft__task *task = weft__worker_task(worker);

    if (worker != NULL)
        weft__store_relaxed(&worker->current, NULL);
    return task;
}

static void allow_waits(struct weft__worker *worker, struct weft__task *task)
{
    if (worker != NULL)
        weft__store_relaxed(&worker->current, task);
}

void weft__local_forget(struct weft__task *task)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__extras *extras = weft__load_relaxed(&task->extras);
    struct weft__task *running = forbid_waits(worker);

    if (extras != NULL && extras->locals != NULL)
        destroy_all(&extras->locals);
    allow_waits(worker, running);
    if (extras != NULL)
        weft__local_drop(extras);
}

/* Gives @task a copy of one value. */
static int inherit_one(struct weft__task *task, struct entry entry, size_t result_room)
{
    struct local local = look_up(entry.key);
    void *value = local.inherit != NULL ? local.inherit(entry.value) : NULL;

    if (value == NULL)
        return 0;
    struct weft__extras *extras = weft__task_extras(task, result_room);
    if (extras != NULL && append(&extras->locals, entry.key, value) == 0) {
        task->tidies = 1;
        return 0;
    }
    if (local.destroy != NULL)
        local.destroy(value);
    return -ENOMEM;
}

/* A thread is not kept from setting values in a callback, so its array may move: it is looked for
 * anew each time. */
int weft__local_inherit(struct weft__task *task, size_t result_room)
{
    struct weft__worker *worker = weft__self_worker();
    const struct weft__extras *own = own_extras(worker);
    struct weft__task *running = forbid_waits(worker);
    int rc = 0;

    for (uint32_t i = 0; own != NULL && own->locals != NULL && i < own->locals->count && rc == 0;
         i++)
        if (own->locals->entries[i].value != NULL)
            rc = inherit_one(task, own->locals->entries[i], result_room);
    allow_waits(worker, running);
    return rc;
}

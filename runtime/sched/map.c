/*
 * Maps. So many tasks as items may be worked on at a time take items from one counter; the scope
 * that they are in has the map's policy, and so does for the items what it does for tasks.
 */
#include <weft/map.h>

#include "runtime/base/check.h"
#include "runtime/base/lock.h"
#include "runtime/sched/error.h"
#include "runtime/sched/worker.h"

enum { usual_concurrency = 100 };

struct job {
    const weft_map *map; /* (i) */
    _Atomic size_t next; /* the item to begin next */
    struct weft__lock lock;
    int failure;  /* (l) what to return; 0: none */
    size_t index; /* (l) whose that is */
};

/* Whether a failure is to be told in place of the one that is noted: an item that was merely
 * cancelled says nothing about what went wrong. */
static bool counts_more(const struct job *job, size_t index, int failure)
{
    if (job->failure == 0 || (job->failure == -ECANCELED) != (failure == -ECANCELED))
        return failure != -ECANCELED || job->failure == 0;
    return job->map->policy == WEFT_RUN_ALL && index < job->index;
}

static void note_failure(struct job *job, size_t index, int failure)
{
    weft__lock_acquire(&job->lock); /* pairs with the release */
    if (counts_more(job, index, failure)) {
        job->failure = failure;
        job->index = index;
    }
    weft__lock_release(&job->lock);
}

static size_t step_of(const weft_map *map)
{
    return map->batch > 0 ? map->batch : 1;
}

/* One item, or a batch that begins with it. */
static int do_items_from(const weft_map *map, size_t index)
{
    const char *items = map->items != NULL ? (const char *)map->items + index * map->item_bytes
                                           : NULL;
    char *results = map->out_results != NULL ? (char *)map->out_results + index * map->result_bytes
                                             : NULL;
    size_t left = map->count - index;
    size_t count = left < step_of(map) ? left : step_of(map);
    int rc = map->fn != NULL ? map->fn(map->context, index, items, results)
                             : map->batch_fn(map->context, index, count, items, results);

    for (size_t i = 0; map->out_codes != NULL && i < count; i++)
        map->out_codes[index + i] = rc;
    return rc;
}

/* The next item or batch. The counter stands still at the end: steps may be so large that it would
 * wrap. */
static bool take(struct job *job, size_t step, size_t *out_index)
{
    size_t count = job->map->count;

    *out_index = weft__load_relaxed(&job->next);
    while (*out_index < count) {
        size_t left = count - *out_index;
        if (weft__cas_relaxed(&job->next, out_index, *out_index + (step < left ? step : left)))
            return true;
    }
    return false;
}

/* One of the tasks. What it returns ends the others, if the policy says so. */
static int do_items(void *argument)
{
    struct job *job = *(struct job *const *)argument;
    size_t step = step_of(job->map);
    size_t index;

    while (!weft_canceled() && take(job, step, &index)) {
        int rc = do_items_from(job->map, index);
        if (rc >= 0)
            continue;
        note_failure(job, index, rc);
        if (job->map->policy == WEFT_FIRST_ERROR)
            return rc;
    }
    return 0;
}

static size_t tasks_for(const weft_map *map)
{
    size_t most = map->concurrency == 0 ? usual_concurrency : map->concurrency;
    size_t steps = (map->count - 1) / step_of(map) + 1;

    return steps < most ? steps : most;
}

/* Returns what the scope says: a failure, a deadline. */
static int run_tasks(struct job *job, weft_deadline until)
{
    weft_scope_options options = { .size = sizeof(options), .policy = job->map->policy };
    weft_task task = 0;

    options.until = until;
    weft_scope scope = weft_scope_open(&options);
    if (scope < 0)
        return (int)scope;
    for (size_t i = tasks_for(job->map); i > 0 && task >= 0; i--)
        task = weft_go_copy(scope, do_items, &job, sizeof(job));
    return weft_scope_close(scope);
}

static bool is_valid(const weft_map *map)
{
    return map->size == sizeof(*map) &&
           (map->policy == WEFT_FIRST_ERROR || map->policy == WEFT_RUN_ALL) &&
           (map->batch_fn != NULL) == (map->batch > 0) &&
           (map->fn == NULL || map->batch_fn == NULL);
}

/* What has become of it all, when the scope has said @rc. */
static int judge(const struct job *job, int rc, size_t *out_index)
{
    size_t index = job->map->count;

    if (job->failure != 0 && (job->failure != -ECANCELED || rc != -ETIMEDOUT)) {
        rc = job->failure;
        index = job->index;
    }
    if (rc == 0 && weft__load_relaxed(&job->next) < job->map->count)
        rc = -ECANCELED; /* when no item was being worked on */
    if (rc < 0 && out_index != NULL)
        *out_index = index;
    return rc;
}

int weft_map_run(const weft_map *map, size_t *out_index, weft_deadline until)
{
    struct job job = { .map = map };

    WEFT_NEED(map);
    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    if (!is_valid(map))
        return -EINVAL;
    if (map->batch_fn == NULL)
        WEFT_NEED(map->fn);
    for (size_t i = 0; map->out_codes != NULL && i < map->count; i++)
        map->out_codes[i] = -ECANCELED;
    if (map->count == 0)
        return 0;
    return judge(&job, until.ns <= 0 ? -ETIMEDOUT : run_tasks(&job, until), out_index);
}

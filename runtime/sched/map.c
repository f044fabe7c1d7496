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
    _Atomic size_t next; /* the item to begin next; may run past the count */
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

static int do_item(const weft_map *map, size_t index)
{
    const char *item = map->items;
    char *result = map->out_results;

    int rc = map->fn(map->context, index, item != NULL ? item + index * map->item_bytes : NULL,
                     result != NULL ? result + index * map->result_bytes : NULL);
    if (map->out_codes != NULL)
        map->out_codes[index] = rc;
    return rc;
}

/* One of the tasks. What it returns ends the others, if the policy says so. */
static int do_items(void *argument)
{
    struct job *job = *(struct job *const *)argument;
    size_t index;

    while (!weft_canceled() && (index = weft__add_relaxed(&job->next, 1)) < job->map->count) {
        int rc = do_item(job->map, index);
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
    return map->count < most ? map->count : most;
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
           (map->policy == WEFT_FIRST_ERROR || map->policy == WEFT_RUN_ALL);
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
    WEFT_NEED(map->fn);
    for (size_t i = 0; map->out_codes != NULL && i < map->count; i++)
        map->out_codes[i] = -ECANCELED;
    if (map->count == 0)
        return 0;
    return judge(&job, until.ns <= 0 ? -ETIMEDOUT : run_tasks(&job, until), out_index);
}

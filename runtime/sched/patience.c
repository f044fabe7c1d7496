#include "runtime/sched/patience.h"

#include <stdio.h>

#include "runtime/sched/runtime.h"
#include "runtime/sched/site.h"
#include "runtime/sched/thread.h"

enum { suspects_max = 1024, turns_enough = 16 };

/* A task that was seen ready. It has not run if it is the same task, and left its worker then. */
struct suspect {
    const struct weft__task *task;
    uint64_t life;
    uint32_t left; /* when, see weft__switch_look; 0: it has not begun */
    uint32_t looks;
    uint32_t live;  /* tasks at the first of them: so many may be before it */
    uint64_t turns; /* of all tasks until then */
    uint64_t done;  /* progress until then */
};

static struct suspect suspects[suspects_max]; /* by index of the record; a later one overwrites */

/* The main thread and helpers are of no runtime. */
static bool may_look(void)
{
    return weft__self_worker() != NULL;
}

/* All that has begun or ended in the runtime of the worker that looks. */
static uint64_t progress(void)
{
    const struct weft__worker *worker = weft__self_worker();
    uint64_t sum = 0;

    for (uint32_t i = 0; i < worker->runtime->worker_count; i++) {
        const struct weft__worker *each = worker->runtime->workers[i];
        sum += weft__load_relaxed(&each->counters.spawned) +
               weft__load_relaxed(&each->counters.ended) +
               weft__load_relaxed(&each->counters.timers) +
               weft__load_relaxed(&each->engine->counters.completed);
    }
    return sum;
}

/* Whether it could run and does not. */
static bool is_ready(const struct weft__task *task)
{
    const struct weft__worker *home = weft__load_relaxed(&task->home);
    uint64_t word = weft__load_relaxed(&task->wait);

    return (task->flags & WEFT__TASK_FOREIGN) == 0 &&
           !weft__record_has(&task->record, WEFT__LIFE_HELD) &&
           (word & WEFT__WAIT_STATES) != WEFT__WAIT_WAITING &&
           (home == NULL || weft__load_relaxed(&home->current) != task);
}

/* How often tasks have got a worker so far. */
static uint64_t turns_of_all(void)
{
    const struct weft__worker *worker = weft__self_worker();
    uint64_t turns = 0;

    for (uint32_t i = 0; i < worker->runtime->worker_count; i++)
        turns += weft__load_relaxed(&worker->runtime->workers[i]->counters.switches);
    return turns;
}

/* A turn of its own would have come: others have had many each, or somebody keeps the worker for
 * nothing. A long queue is none of that, nor is one who still fills it. */
static bool was_passed_over(const struct suspect *suspect)
{
    uint64_t turns = turns_of_all() - suspect->turns;
    return turns == 0 ? progress() == suspect->done : turns / turns_enough >= suspect->live;
}

static bool has_long_been(const struct weft__task *task, uint32_t looks, uint32_t live)
{
    struct suspect *suspect = &suspects[task->record.index % suspects_max];
    uint64_t life = weft__load_relaxed(&task->record.life);
    uint32_t left = task->stack != NULL ? task->stack->since : 0;

    if (suspect->task != task || suspect->life != life || suspect->left != left)
        *suspect = (struct suspect){ .task = task,
                                     .life = life,
                                     .left = left,
                                     .live = live,
                                     .turns = turns_of_all(),
                                     .done = progress() };
    return ++suspect->looks >= looks && was_passed_over(suspect);
}

static void describe(const struct weft__task *task, char *text, size_t text_bytes)
{
    char site[128];

    weft__site_describe(task->site, site, sizeof(site));
    (void)snprintf(text, text_bytes, "%s (spawned at %s) is ready to run", weft__task_label(task),
                   site);
}

struct search {
    uint32_t looks;
    uint32_t live;
    const struct weft__task *found;
};

/* Nobody else runs, so that no lock is needed: a record that is locked is that of whoever looks, or
 * one that it is filling in. */
static bool is_live(const struct weft__record *record)
{
    return (weft__load_relaxed(&record->life) &
            (WEFT__LIFE_FREE | WEFT__LIFE_LOCKED | WEFT__LIFE_ENDED)) == 0;
}

static bool count_it(void *context, struct weft__record *record)
{
    struct search *search = context;

    search->live += is_live(record) ? 1 : 0;
    return true;
}

/* False ends the search. */
static bool look_at(void *context, struct weft__record *record)
{
    struct search *search = context;
    const struct weft__task *task = weft__task_of(record);

    if (is_live(record) && is_ready(task) && has_long_been(task, search->looks, search->live))
        search->found = task;
    return search->found == NULL;
}

static bool starves(uint32_t looks, char *text, size_t text_bytes)
{
    struct search search = { .looks = looks };

    (void)weft__record_each(WEFT__KIND_TASK, count_it, &search);
    (void)weft__record_each(WEFT__KIND_TASK, look_at, &search);
    if (search.found != NULL)
        describe(search.found, text, text_bytes);
    return search.found != NULL;
}

const struct weft__patience_ops weft__patience_ops = { .may_look = may_look,
                                                       .progress = progress,
                                                       .starves = starves };

#include "runtime/sched/patience.h"

#include <stdio.h>

#include "runtime/sched/runtime.h"
#include "runtime/sched/site.h"
#include "runtime/sched/thread.h"

enum { suspects_max = 1024 };

/* A task that was seen ready. It has not run if it is the same task, and left its worker then. */
struct suspect {
    uint64_t life;
    uint32_t left; /* when, see weft__switch_look; 0: it has not begun */
    uint32_t looks;
};

static struct suspect suspects[suspects_max]; /* by index of the record; a later one overwrites */

/* All that has ended in the runtime of the worker that looks. */
static uint64_t progress(void)
{
    const struct weft__worker *worker = weft__self_worker();
    uint64_t sum = 0;

    if (worker == NULL)
        return 0;
    for (uint32_t i = 0; i < worker->runtime->worker_count; i++) {
        const struct weft__worker *each = worker->runtime->workers[i];
        sum += weft__load_relaxed(&each->counters.ended) +
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
           !weft__record_has(&task->record, WEFT__LIFE_ENDED) &&
           (word & WEFT__WAIT_STATES) != WEFT__WAIT_WAITING &&
           (home == NULL || weft__load_relaxed(&home->current) != task);
}

static bool has_long_been(const struct weft__task *task, uint32_t looks)
{
    struct suspect *suspect = &suspects[task->record.index % suspects_max];
    uint64_t life = weft__load_relaxed(&task->record.life);
    uint32_t left = task->stack != NULL ? task->stack->since : 0;

    if (suspect->life != life || suspect->left != left)
        *suspect = (struct suspect){ .life = life, .left = left };
    return ++suspect->looks >= looks;
}

static void describe(const struct weft__task *task, char *text, size_t text_bytes)
{
    char site[128];

    weft__site_describe(task->site, site, sizeof(site));
    (void)snprintf(text, text_bytes, "%s (spawned at %s) is ready to run", weft__task_label(task),
                   site);
}

/* Nobody else runs, so that no lock is needed: the record of whoever looks is the one that may be
 * locked, and no other is being filled in. */
static bool starves(uint32_t looks, char *text, size_t text_bytes)
{
    for (uint32_t number = 0; number < weft__record_chunks_end(); number++) {
        const struct weft__record_chunk *chunk = &weft__record_chunks[number];
        char *base = weft__load_relaxed(&chunk->base);
        if (base == NULL || ((struct weft__record *)(void *)base)->kind != WEFT__KIND_TASK)
            continue;
        for (uint32_t i = 0; i < WEFT__RECORD_CHUNK; i++) {
            const struct weft__task *task = weft__task_of((void *)(base + i * chunk->stride));
            uint64_t life = weft__load_relaxed(&task->record.life);
            if ((life & (WEFT__LIFE_FREE | WEFT__LIFE_LOCKED)) != 0 || !is_ready(task) ||
                !has_long_been(task, looks))
                continue;
            describe(task, text, text_bytes);
            return true;
        }
    }
    return false;
}

const struct weft__patience_ops weft__patience_ops = { .progress = progress, .starves = starves };

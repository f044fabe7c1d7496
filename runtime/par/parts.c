/* Each worker its part: run on all, and static loops, which are made of it. */
#include <errno.h>

#include <weft/place.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/par/loop.h"
#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"

struct part {
    weft_worker_fn fn;
    void *argument;
    uint32_t worker;
    bool ran;
    int result; /* while it has not run: why its task does not exist, or 0: it had no stack */
};

static int run_part(void *argument)
{
    struct part *part = argument;

    part->ran = true;
    part->result = part->fn(part->worker, part->argument);
    return 0; /* told by result, in the order of the workers */
}

/* Whether the running task can be the one of its worker's part. */
static bool stays(const struct weft__worker *worker)
{
    return (weft__worker_task(worker)->flags & WEFT__TASK_MIGRATABLE) == 0;
}

/* What a call has returned, or why there was none. The others run all the same. */
static int first_failure(const struct part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].result < 0)
            return parts[i].result;
        if (!parts[i].ran)
            return -ENOMEM;
    }
    return 0;
}

static void spawn_part(weft_scope scope, struct part *part)
{
    weft_task task = scope < 0 ? scope
                               : weft_spawn(
                                     scope, run_part, part,
                                     &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(part->worker)));
    if (task < 0)
        part->result = (int)task;
}

static void run_all(struct weft__worker *worker, struct part *parts, uint32_t count)
{
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    uint32_t own = stays(worker) ? worker->index : count;

    for (uint32_t i = 0; i < count; i++)
        if (i != own)
            spawn_part(scope, &parts[i]);
    if (own < count)
        (void)run_part(&parts[own]);
    if (scope > 0)
        (void)weft_scope_close(scope);
}

/* Calls that belong to no worker in particular are made by whoever has asked for them. */
static void run_the_rest(struct part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!parts[i].ran)
            (void)run_part(&parts[i]);
}

static int run_everywhere(struct weft__worker *worker, weft_worker_fn fn, void *argument,
                          bool anywhere)
{
    uint32_t count = worker->runtime->teams[WEFT__TEAM_NORMAL].count;
    struct part *parts = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(*parts));

    if (parts == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        parts[i] = (struct part){ .fn = fn, .argument = argument, .worker = i };
    run_all(worker, parts, count);
    if (anywhere)
        run_the_rest(parts, count);
    int rc = first_failure(parts, count);
    weft__memory_free(parts, count * sizeof(*parts));
    return rc;
}

int weft_run_on_all(weft_worker_fn fn, void *argument)
{
    struct weft__worker *worker = weft__self_worker();

    WEFT_NEED(fn);
    if (weft__worker_task(worker) == NULL || weft__load_relaxed(&weft__record_forked))
        return weft__error_outside();
    return run_everywhere(worker, fn, argument, false);
}

/* ---- static loops ---- */

struct division {
    struct weft__loop *loop;
    uint32_t parts;
};

/* The part of one worker, in calls of at most the grain. */
static int loop_part(uint32_t index, void *argument)
{
    const struct division *division = argument;
    struct weft__loop *loop = division->loop;
    size_t count = loop->end - loop->begin;
    size_t longer = count % division->parts;
    size_t length = count / division->parts;
    size_t begin = loop->begin + index * length + (index < longer ? index : longer);
    size_t end = begin + length + (index < longer ? 1 : 0);
    size_t grain = loop->grain != 0 ? loop->grain : end - begin;

    while (begin < end) {
        size_t next = grain < end - begin ? begin + grain : end;
        if (!weft__loop_call(loop, begin, next))
            break;
        begin = next;
        (void)weft_poll();
    }
    return 0;
}

int weft__parts_run(struct weft__loop *loop)
{
    struct weft__worker *worker = weft__self_worker();
    struct division division = { loop, worker->runtime->teams[WEFT__TEAM_NORMAL].count };

    return run_everywhere(worker, loop_part, &division, true);
}

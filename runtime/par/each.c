/* Loops over a channel: tasks in a scope of their own take messages until it is closed. */
#include <weft/for_each.h>

#include <errno.h>

#include <weft/place.h>
#include <weft/task.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/runtime.h"
#include "runtime/sync/chan.h"

enum { most_tasks = 1 << 16 };

/* On the stack of whoever has called the loop. */
struct each {
    weft_chan chan;       /* (i) */
    weft_each_fn fn;      /* (i) */
    void *argument;       /* (i) */
    bool runs_all;        /* (i) WEFT_RUN_ALL */
    size_t message_bytes; /* (i) */
    _Atomic uint64_t failed;
};

/* The first failure; with WEFT_FIRST_ERROR it ends the loop, and the scope cancels the others. */
static int take_all(struct each *each, void *message)
{
    int first = 0;
    int rc;

    while ((rc = weft_chan_next(each->chan, message, WEFT_NEVER)) > 0) {
        int code = each->fn(message, each->argument);
        if (code >= 0)
            continue;
        weft__add_relaxed(&each->failed, 1);
        first = first == 0 ? code : first;
        if (!each->runs_all)
            break;
    }
    return first != 0 ? first : rc < 0 ? rc : 0;
}

static int take_with_room(void *argument)
{
    struct each *each = argument;
    size_t bytes = each->message_bytes > 0 ? each->message_bytes : 1;
    void *message = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);

    if (message == NULL)
        return -ENOMEM;
    int rc = take_all(each, message);
    weft__memory_free(message, bytes);
    return rc;
}

static int take_in_tasks(struct each *each, uint32_t tasks)
{
    weft_scope scope = weft_scope_open(
        &WEFT_SCOPE_OPTIONS(.policy = each->runs_all ? WEFT_RUN_ALL : WEFT_FIRST_ERROR,
                            .forget = 1));

    if (scope < 0)
        return (int)scope;
    for (uint32_t i = 0; i < tasks; i++)
        if (weft_spawn(scope, take_with_room, each,
                       &WEFT_SPAWN_OPTIONS(.place = weft_place_spread())) < 0)
            break; /* the scope says so */
    return weft_scope_close(scope);
}

static int check_options(const weft_for_each_options *options)
{
    if (options == NULL)
        return 0;
    if (options->size != sizeof(*options) || options->tasks > most_tasks ||
        (options->policy != WEFT_FIRST_ERROR && options->policy != WEFT_RUN_ALL))
        return -EINVAL;
    return 0;
}

/* What the channel says of itself. */
static int ask(struct each *each)
{
    uint64_t life = 0;
    int rc = 0;
    struct weft__chan *chan = weft__chan_lock(each->chan, &life, &rc);

    if (chan == NULL)
        return rc;
    each->message_bytes = chan->message_bytes;
    weft__chan_unlock(chan, life);
    return 0;
}

/* Where the tasks go, wherever the caller is. */
static uint32_t tasks_of_all(const struct weft__worker *worker)
{
    return worker->runtime->teams[WEFT__TEAM_NORMAL].count;
}

int weft_for_each(weft_chan chan, weft_each_fn fn, void *argument,
                  const weft_for_each_options *options)
{
    struct each each = { .chan = chan, .fn = fn, .argument = argument };
    struct weft__worker *worker = weft__self_worker();
    uint32_t tasks = options != NULL ? options->tasks : 0;

    WEFT_NEED(fn);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    int rc = check_options(options);
    if (rc == 0)
        rc = ask(&each);
    if (rc < 0)
        return rc;
    each.runs_all = options != NULL && options->policy == WEFT_RUN_ALL;
    if (weft__worker_task(worker) == NULL)
        rc = take_with_room(&each);
    else
        rc = take_in_tasks(&each, tasks != 0 ? tasks : tasks_of_all(worker));
    if (options != NULL && options->out_failed != NULL)
        *options->out_failed = weft__load_relaxed(&each.failed);
    return rc;
}

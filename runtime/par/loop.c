/* What all loops have in common: the call, its failures, the end. */
#include "runtime/par/loop.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/check.h"
#include "runtime/sched/worker.h"

/* Puts a failure where its indices belong; the one with the highest goes when there is no room. */
static void keep_locked(struct weft__loop *loop, weft_for_failure failure)
{
    size_t kept = loop->failures < loop->room ? loop->failures : loop->room;
    size_t at = kept;

    while (at > 0 && loop->kept[at - 1].begin > failure.begin)
        at--;
    if (at == loop->room)
        return;
    size_t behind = (kept < loop->room ? kept : kept - 1) - at;
    memmove(&loop->kept[at + 1], &loop->kept[at], behind * sizeof(failure));
    loop->kept[at] = failure;
}

WEFT__COLD void weft__loop_note(struct weft__loop *loop, weft_for_failure failure)
{
    weft__lock_acquire(&loop->lock); /* pairs with weft__lock_release */
    keep_locked(loop, failure);
    if (loop->failures++ == 0 || failure.begin < loop->first.begin)
        loop->first = failure;
    weft__lock_release(&loop->lock);
    if (!loop->runs_all)
        weft__store_relaxed(&loop->over, true);
}

static bool is_canceled(void)
{
    const struct weft__task *task = weft__worker_task(weft__self_worker());
    return task != NULL && weft__task_canceled(task);
}

bool weft__loop_goes_on(struct weft__loop *loop)
{
    if (WEFT__UNLIKELY(is_canceled())) {
        weft__store_relaxed(&loop->canceled, true);
        weft__store_relaxed(&loop->over, true);
    }
    return WEFT__LIKELY(!weft__load_relaxed(&loop->over));
}

bool weft__loop_call(struct weft__loop *loop, size_t begin, size_t end)
{
    if (!weft__loop_goes_on(loop))
        return false;
    int rc = loop->fn(begin, end, loop->argument);
    if (WEFT__UNLIKELY(rc < 0))
        weft__loop_note(loop, (weft_for_failure){ begin, end, rc });
    return true;
}

static int outcome(const struct weft__loop *loop, const weft_for_options *options)
{
    if (options != NULL && options->out_count != NULL)
        *options->out_count = loop->failures;
    if (loop->failures > 0)
        return loop->first.code;
    return weft__load_relaxed(&loop->canceled) ? -ECANCELED : 0;
}

static int check_options(const weft_for_options *options)
{
    if (options == NULL)
        return 0;
    if (options->size != sizeof(*options) || options->schedule > WEFT_GUIDED ||
        (options->policy != WEFT_FIRST_ERROR && options->policy != WEFT_RUN_ALL))
        return -EINVAL;
    WEFT_ASSERT(options->failures != NULL || options->failures_room == 0,
                "weft_for: its argument options->failures is NULL");
    return 0;
}

static void apply_options(struct weft__loop *loop, const weft_for_options *options)
{
    if (options == NULL)
        return;
    loop->grain = options->grain;
    loop->runs_all = options->policy == WEFT_RUN_ALL;
    loop->kept = options->failures;
    loop->room = options->failures_room;
}

static int divide(struct weft__loop *loop, const weft_for_options *options)
{
    switch (options != NULL ? options->schedule : WEFT_DYNAMIC) {
    case WEFT_STATIC:
        if (weft__worker_task(weft__self_worker()) != NULL)
            return weft__parts_run(loop);
        break; /* a thread has no workers */
    case WEFT_GUIDED: return weft_fork_run(weft__shares_run, loop);
    case WEFT_DYNAMIC: break;
    }
    return weft_fork_run(weft__halves_run, loop);
}

int weft__loop_run(struct weft__loop *loop, const weft_for_options *options)
{
    int rc = check_options(options);

    if (rc < 0)
        return rc;
    apply_options(loop, options);
    if (loop->begin < loop->end)
        rc = divide(loop, options);
    return rc < 0 ? rc : outcome(loop, options);
}

int weft_for(size_t begin, size_t end, weft_for_fn fn, void *argument,
             const weft_for_options *options)
{
    struct weft__loop loop = { .fn = fn, .argument = argument, .begin = begin, .end = end };

    WEFT_NEED(fn);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    return weft__loop_run(&loop, options);
}

int weft__loop_none(const weft_for_options *options)
{
    struct weft__loop loop = { .begin = 0 };
    return weft__loop_run(&loop, options);
}

/*
 * One hop from what runs to what runs next. Only the scheduler's own files include this.
 * Whoever arrives puts the stack away that was left behind for good: nobody frees the stack that he
 * stands on.
 */
#ifndef WEFT_SCHED_SWITCH_H
#define WEFT_SCHED_SWITCH_H

#include "runtime/sched/search.h"

/* Gives a fresh task its stack and its home. False: it has ended with -ENOMEM. */
bool weft__start_task(struct weft__worker *worker, struct weft__task *task);

/* The pick when fresh or stealable tasks may be there: they and the ready ones take turns. */
struct weft__task *weft__switch_pick_mixed(struct weft__worker *worker);

/*
 * The oldest ready task. The one behind it is fetched into the cache meanwhile when the loop has
 * woken some, for it may have slept long: its saved frames are three lines of a page that nothing
 * else touches, and the page tables of that page are cold too.
 */
static inline struct weft__task *weft__switch_take_ready(struct weft__worker *worker)
{
    struct weft__task *task = weft__queue_take(&worker->ready);

    if (WEFT__LIKELY(!worker->woken))
        return task;
    const struct weft__task *behind = worker->ready.head;
    if (behind == NULL) {
        worker->woken = false;
    } else if (behind->stack != NULL) {
        const char *frames = behind->stack->context.sp;
        __builtin_prefetch(frames);
        __builtin_prefetch(frames + WEFT__CACHE_LINE);
        __builtin_prefetch(frames + 2 * WEFT__CACHE_LINE);
    }
    return task;
}

/* Which task runs next; it is out of its queue. NULL: none. */
static inline struct weft__task *weft__switch_pick(struct weft__worker *worker)
{
    struct weft__task *task = worker->lifo;

    if (task != NULL && worker->lifo_streak < worker->lifo_most) {
        worker->lifo = NULL;
        worker->lifo_streak++;
        return task;
    }
    worker->lifo_streak = 0;
    if (WEFT__UNLIKELY(task != NULL) && worker->lifo_most == 0) { /* chaos: there is no slot */
        weft__queue_append(&worker->ready, task);
        worker->lifo = NULL;
    }
    if (WEFT__UNLIKELY(worker->mixed))
        return weft__switch_pick_mixed(worker);
    if ((task = weft__switch_take_ready(worker)) != NULL)
        return task;
    task = worker->lifo;
    worker->lifo = NULL;
    return task;
}

/* What to do first on a stack to which somebody has switched. */
WEFT__NO_TSAN static inline void weft__switch_arrived(struct weft__worker *worker)
{
    if (WEFT__UNLIKELY(worker->left_stack != NULL)) {
        weft__stack_put(&worker->stacks, worker->left_stack);
        worker->left_stack = NULL;
    }
}

/* From the running context @from to @task, which is picked and startable. Returns the worker where
 * @from runs again. */
WEFT__NO_TSAN static inline struct weft__worker *weft__switch_to_task(struct weft__worker *worker,
                                                                      struct weft__context *from,
                                                                      struct weft__task *task,
                                                                      int from_ends)
{
    weft__store_release(&worker->current, task); /* SIGHT S2 */
    weft__bump(&worker->counters.switches);
    worker = weft__context_switch(from, &task->stack->context, worker, from_ends);
    weft__switch_arrived(worker);
    return worker;
}

WEFT__NO_TSAN static inline struct weft__worker *weft__switch_to_loop(struct weft__worker *worker,
                                                                      struct weft__context *from,
                                                                      int from_ends)
{
    weft__store_release(&worker->current, NULL); /* SIGHT S2 */
    worker = weft__context_switch(from, &worker->loop, worker, from_ends);
    weft__switch_arrived(worker);
    return worker;
}

/* The next task that can really run, within the budget; NULL: the loop's turn. */
static inline struct weft__task *weft__switch_next(struct weft__worker *worker)
{
    while (WEFT__LIKELY(worker->budget-- > 0)) {
        struct weft__task *task = weft__switch_pick(worker);
        if (task == NULL || task->stack != NULL || weft__start_task(worker, task))
            return task;
    }
    return NULL;
}

/* In the count of spin locks: the worker is simulated, and may be left before each switch. A point
 * of its own there would cost 2 % of a channel's round trip. */
enum { WEFT__SWITCH_POINT = 1 << 30 };

/* Ends the program when @task holds spin locks, for which others may spin meanwhile. */
WEFT__COLD void weft__switch_look(const struct weft__worker *worker, const struct weft__task *task);

/* Before a task leaves its worker, in whatever way. */
static inline void weft__switch_check(const struct weft__worker *worker,
                                      const struct weft__task *task)
{
    if (WEFT__UNLIKELY(worker->spinlocks != 0))
        weft__switch_look(worker, task);
}

/* Leaves the stack of @task, which waits or yields, for whatever runs next. */
__attribute__((always_inline)) static inline struct weft__worker *weft__switch_away(
    struct weft__worker *worker, struct weft__task *task)
{
    struct weft__context *from = &task->stack->context;

    weft__switch_check(worker, task);
    struct weft__task *next = weft__switch_next(worker);

    from->sp = NULL;                    /* SIGHT S1 */
    if (WEFT__UNLIKELY(next == task)) { /* it was made ready again before it left */
        weft__store_relaxed(&worker->current, task);
        return worker;
    }
    if (WEFT__LIKELY(next != NULL))
        return weft__switch_to_task(worker, from, next, 0);
    return weft__switch_to_loop(worker, from, 0);
}

#endif

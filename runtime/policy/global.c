/*
 * Global: one queue for all workers, first in, first out, behind one lock: the baseline that others
 * are compared with. A task that has run goes on where it began, unless it is migratable; such ones
 * wait in a queue of their worker, and a number that each gets when it comes keeps the order
 * between that queue and the shared one.
 */
#include "numa/memory.h"
#include "runtime/base/compiler.h"
#include "runtime/base/lock.h"
#include "runtime/policy/fifo.h"
#include "runtime/policy/named.h"

struct own {
    WEFT__ALIGNED_LINE struct weft__policy_fifo fifo; /* its worker's alone */
};

struct global {
    size_t bytes;
    _Atomic uint64_t next; /* number */
    struct weft__lock lock;
    struct weft__policy_fifo shared; /* (l) */
    struct own by_worker[];
};

static void *start(uint32_t workers)
{
    size_t bytes = sizeof(struct global) + workers * sizeof(struct own);
    struct global *global = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);

    if (global != NULL)
        global->bytes = bytes;
    return global;
}

static void stop(void *state)
{
    weft__memory_free(state, ((const struct global *)state)->bytes);
}

static int place(void *state, const weft_policy_task *task, int spawner)
{
    (void)state;
    (void)task;
    (void)spawner;
    return WEFT_POLICY_ANY;
}

static void put(void *state, int worker, weft_runnable *runnable, const weft_policy_task *task)
{
    struct global *global = state;

    if (!task->shared) {
        runnable->key = weft__add_relaxed(&global->next, 1);
        weft__policy_fifo_put(&global->by_worker[worker].fifo, runnable);
        return;
    }
    weft__lock_acquire(&global->lock); /* pairs with weft__lock_release */
    runnable->key = weft__add_relaxed(&global->next, 1);
    weft__policy_fifo_put(&global->shared, runnable);
    weft__lock_release(&global->lock);
}

/* The first of the shared queue if it came before number @before. */
static weft_runnable *take_shared(struct global *global, uint64_t before)
{
    weft_runnable *taken = NULL;

    weft__lock_acquire(&global->lock); /* pairs with weft__lock_release */
    if (global->shared.head != NULL && global->shared.head->key < before)
        taken = weft__policy_fifo_take(&global->shared);
    weft__lock_release(&global->lock);
    return taken;
}

static weft_runnable *pick(void *state, uint32_t worker)
{
    struct global *global = state;
    struct weft__policy_fifo *own = &global->by_worker[worker].fifo;

    weft_runnable *shared = take_shared(global, own->head != NULL ? own->head->key : UINT64_MAX);
    return shared != NULL ? shared : weft__policy_fifo_take(own);
}

static weft_runnable *steal(void *state, uint32_t worker)
{
    (void)worker;
    return take_shared(state, UINT64_MAX);
}

const weft_policy weft__policy_global = { .size = sizeof(weft_policy),
                                          .name = "global",
                                          .start = start,
                                          .stop = stop,
                                          .place = place,
                                          .put = put,
                                          .pick = pick,
                                          .steal = steal };

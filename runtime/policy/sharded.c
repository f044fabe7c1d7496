/*
 * Sharded: each worker has a queue of its own, first in, first out, and what is in it stays there.
 * What thread-per-core runtimes do: no word of the queues is shared, and whoever spawns must see to
 * the balance himself.
 */
#include "numa/memory.h"
#include "runtime/base/compiler.h"
#include "runtime/policy/fifo.h"
#include "runtime/policy/named.h"

struct shard {
    WEFT__ALIGNED_LINE struct weft__policy_fifo fifo; /* its worker's alone */
};

struct shards {
    size_t bytes;
    struct shard by_worker[];
};

static void *start(uint32_t workers)
{
    size_t bytes = sizeof(struct shards) + workers * sizeof(struct shard);
    struct shards *shards = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);

    if (shards != NULL)
        shards->bytes = bytes;
    return shards;
}

static void stop(void *state)
{
    weft__memory_free(state, ((const struct shards *)state)->bytes);
}

static void put(void *state, int worker, weft_runnable *runnable, const weft_policy_task *task)
{
    struct shards *shards = state;

    (void)task;
    weft__policy_fifo_put(&shards->by_worker[worker].fifo, runnable);
}

static weft_runnable *pick(void *state, uint32_t worker)
{
    struct shards *shards = state;
    return weft__policy_fifo_take(&shards->by_worker[worker].fifo);
}

const weft_policy weft__policy_sharded = { .size = sizeof(weft_policy),
                                           .name = "sharded",
                                           .start = start,
                                           .stop = stop,
                                           .put = put,
                                           .pick = pick };

/* The life of channels: create, grow, bind, produce, close, release. */
#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/join.h"
#include "runtime/sched/runtime.h"
#include "runtime/sync/chan.h"

enum { first_bytes = WEFT__CHAN_INLINE };

/* How deep an unbounded channel begins: what fits into its record. */
static uint32_t first_depth(size_t message_bytes)
{
    return message_bytes == 0 || message_bytes > first_bytes
               ? 1
               : (uint32_t)(first_bytes / message_bytes);
}

/* Everything but the record itself; false: no memory. */
static bool set_up(struct weft__chan *chan, size_t message_bytes, size_t depth)
{
    bool unbounded = depth == WEFT_UNBOUNDED;
    uint32_t slots = unbounded ? first_depth(message_bytes) : (uint32_t)depth;
    size_t bytes = message_bytes * slots;

    chan->message_bytes = (uint32_t)message_bytes;
    chan->unbounded = unbounded;
    chan->head = 0;
    weft__store_relaxed(&chan->depth, slots);
    weft__store_relaxed(&chan->count, 0);
    weft__store_relaxed(&chan->error, 0);
    weft__line_init(&chan->putters);
    weft__line_init(&chan->takers);
    weft__line_init(&chan->lookers);
    chan->buffer = chan->inline_buffer;
    chan->buffer_bytes = bytes > WEFT__CHAN_INLINE ? bytes : 0;
    if (chan->buffer_bytes > 0)
        chan->buffer = weft__memory_alloc(WEFT__NODE_LOCAL, chan->buffer_bytes);
    return chan->buffer != NULL;
}

weft_chan weft_chan_create(size_t message_bytes, size_t depth)
{
    if (message_bytes > WEFT__CHAN_MESSAGE_MAX)
        return -EINVAL;
    if (depth != WEFT_UNBOUNDED &&
        (depth > WEFT__CHAN_DEPTH_MAX || message_bytes * depth > WEFT__CHAN_BUFFER_MAX))
        return -EINVAL;
    weft__record_define(WEFT__KIND_CHAN, sizeof(struct weft__chan));
    struct weft__worker *worker = weft__self_worker();
    struct weft__record_cache *cache = worker != NULL ? &worker->records : NULL;
    struct weft__record *record = weft__record_new(WEFT__KIND_CHAN, cache);
    if (record == NULL)
        return weft__record_refusal();
    if (!set_up(weft__chan_of(record), message_bytes, depth)) {
        weft__record_free_locked(record, cache);
        return -ENOMEM;
    }
    weft__record_unlock(record);
    return weft__record_handle(record);
}

/* Moves the messages of a full channel into a larger buffer, oldest first. */
static void move_messages(struct weft__chan *chan, char *buffer, uint32_t depth)
{
    uint32_t old_depth = weft__load_relaxed(&chan->depth);
    size_t bytes = chan->message_bytes;
    size_t behind = (old_depth - chan->head) * bytes;

    if (bytes > 0) {
        memcpy(buffer, weft__chan_slot(chan, chan->head), behind);
        memcpy(buffer + behind, chan->buffer, chan->head * bytes);
    }
    chan->head = 0;
    chan->buffer = buffer;
    chan->buffer_bytes = depth * bytes;
    weft__store_relaxed(&chan->depth, depth);
}

/* How deep a channel of this depth becomes: twice that, as far as the limits go; 0: no deeper. */
static uint32_t next_depth(uint32_t depth, size_t message_bytes)
{
    size_t most = WEFT__CHAN_DEPTH_MAX;

    if (message_bytes > 0 && most > WEFT__CHAN_BUFFER_MAX / message_bytes)
        most = WEFT__CHAN_BUFFER_MAX / message_bytes;
    size_t next = most < (size_t)depth * 2 ? most : (size_t)depth * 2;
    return next > depth ? (uint32_t)next : 0;
}

/* The new buffer is made without the lock; who finds that another has been faster drops it. A
 * channel without bytes keeps its place in the record. */
int weft__chan_grow(weft_chan handle, uint32_t depth)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *chan = weft__chan_lock(handle, &life, &rc);

    if (chan == NULL)
        return rc;
    size_t bytes = chan->message_bytes;
    weft__chan_unlock(chan, life);
    uint32_t next = next_depth(depth, bytes);
    if (next == 0)
        return -ENOBUFS;
    size_t spare_bytes = bytes * next;
    char *buffer = bytes > 0 ? weft__memory_alloc(WEFT__NODE_LOCAL, spare_bytes) : NULL;
    if (bytes > 0 && buffer == NULL)
        return -ENOMEM;
    char *spare = buffer;
    chan = weft__chan_lock(handle, &life, &rc);
    if (chan != NULL) {
        if (weft__load_relaxed(&chan->depth) == depth &&
            weft__load_relaxed(&chan->count) == depth) {
            spare = chan->buffer_bytes > 0 ? chan->buffer : NULL;
            spare_bytes = chan->buffer_bytes;
            move_messages(chan, buffer, next);
        }
        weft__chan_unlock(chan, life);
    }
    weft__memory_free(spare, spare_bytes);
    return rc;
}

/* Claims all who wait, with @error; in order: putters, takers, lookers. */
static void claim_all(struct weft__chan *chan, int error, struct weft__waiter *out_lists[3])
{
    out_lists[0] = weft__line_claim_many(&chan->putters, SIZE_MAX, error);
    out_lists[1] = weft__line_claim_many(&chan->takers, SIZE_MAX, error);
    out_lists[2] = weft__line_claim_many(&chan->lookers, SIZE_MAX, error);
}

static void wake_all(struct weft__worker *worker, struct weft__waiter *lists[3])
{
    for (int i = 0; i < 3; i++)
        (void)weft__line_wake_many(worker, lists[i]);
}

int weft_chan_close(weft_chan chan, int error)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__waiter *lists[3];
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    if (error > 0) {
        weft__chan_unlock(found, life);
        return -EINVAL;
    }
    if (weft__load_relaxed(&found->error) == 0)
        weft__store_relaxed(&found->error, error == 0 ? -EPIPE : error);
    claim_all(found, weft__load_relaxed(&found->error), lists);
    weft__chan_unlock(found, life);
    wake_all(weft__self_worker(), lists);
    return 0;
}

int weft_chan_release(weft_chan chan)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__waiter *lists[3];
    struct weft__worker *worker = weft__self_worker();
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    claim_all(found, -EPIPE, lists);
    if (found->buffer_bytes > 0)
        weft__memory_free(found->buffer, found->buffer_bytes);
    weft__record_free_locked(&found->record, worker != NULL ? &worker->records : NULL);
    wake_all(worker, lists);
    return 0;
}

struct binding {
    struct weft__hook hook;
    weft_chan chan;
};

static void close_bound(struct weft__hook *hook, int result)
{
    struct binding *binding = WEFT__CONTAINER(hook, struct binding, hook);

    (void)weft_chan_close(binding->chan, result < 0 ? result : 0); /* stale: released before */
    weft__memory_free(binding, sizeof(*binding));
}

static struct binding *make_binding(weft_chan chan)
{
    struct binding *binding = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*binding));

    if (binding != NULL)
        *binding = (struct binding){ .hook.run = close_bound, .chan = chan };
    return binding;
}

/* The binding is the task's, or gone. */
static int bind_to(struct binding *binding, weft_task task)
{
    int rc = 0;
    struct weft__task *bound = weft__task_lock(task, &rc);

    if (bound == NULL) {
        weft__memory_free(binding, sizeof(*binding));
        return rc;
    }
    bool waits = weft__join_hook_locked(bound, &binding->hook);
    int result = weft__load_relaxed(&bound->result);
    weft__record_unlock(&bound->record);
    if (!waits)
        close_bound(&binding->hook, result);
    return 0;
}

int weft_chan_bind(weft_chan chan, weft_task task)
{
    int rc = 0;
    uint64_t life = 0;
    struct weft__chan *found = weft__chan_lock(chan, &life, &rc);

    if (found == NULL)
        return rc;
    weft__chan_unlock(found, life);
    struct binding *binding = make_binding(chan);
    return binding != NULL ? bind_to(binding, task) : -ENOMEM;
}

struct producer {
    weft_producer_fn fn;
    void *argument;
    weft_chan chan;
};

/* A detached task may be gone, with its result, before it is bound: so it closes the channel. */
static int produce(void *argument)
{
    const struct producer *producer = argument;
    int rc = producer->fn(producer->chan, producer->argument);

    (void)weft_chan_close(producer->chan, rc < 0 ? rc : 0); /* stale: released before */
    return rc;
}

weft_chan weft_chan_produce(weft_scope scope, weft_producer_fn fn, void *argument,
                            size_t message_bytes, size_t depth, weft_task *out_task)
{
    WEFT_NEED(fn);
    weft_chan chan = weft_chan_create(message_bytes, depth);
    if (chan < 0)
        return chan;
    const struct producer producer = { fn, argument, chan };
    struct binding *binding = make_binding(chan);
    weft_task task = binding != NULL ? weft_go_copy(scope, produce, &producer, sizeof(producer))
                                     : -ENOMEM;
    if (task < 0) {
        if (binding != NULL)
            weft__memory_free(binding, sizeof(*binding));
        (void)weft_chan_release(chan);
        return task;
    }
    (void)bind_to(binding, task); /* for one that never gets a stack to run on */
    if (out_task != NULL)
        *out_task = task;
    return chan;
}

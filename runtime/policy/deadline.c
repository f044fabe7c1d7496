/*
 * Deadline: the task that is due first runs first, those of one deadline in the order in which they
 * came. Due is a task by the earliest deadline of the scopes around it; those without one come
 * last. Each worker has a heap of what only it may run and one of what others may take from it,
 * which has a lock; who takes from others looks for the one that is due first.
 *
 * A heap grows; when there is no memory for that, a task waits in a plain queue behind it, which is
 * served when the heap is empty: its deadline counts no longer, but it runs.
 */
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/compiler.h"
#include "runtime/base/lock.h"
#include "runtime/policy/fifo.h"
#include "runtime/policy/named.h"

enum { least_room = 64 };

struct entry {
    int64_t due_ns;
    uint64_t number; /* of arrival */
    weft_runnable *runnable;
};

struct heap {
    struct entry *entries; /* the children of i are 2 i + 1 and 2 i + 2, and not before it */
    uint32_t count;
    uint32_t room;
    struct weft__policy_fifo behind;
};

struct post {
    WEFT__ALIGNED_LINE struct heap own; /* its worker's alone */
    _Atomic uint64_t next;              /* number, for both heaps */
    struct weft__lock lock;
    struct heap shared; /* (l) */
};

struct posts {
    size_t bytes;
    uint32_t count;
    _Atomic uint32_t turn; /* whose heap gets what threads spawn */
    struct post by_worker[];
};

static const struct entry last_of_all = { INT64_MAX, UINT64_MAX, NULL };

/* ---- a heap ---------------------------------------------------------------------------------- */

static bool is_before(const struct entry *one, const struct entry *other)
{
    return one->due_ns != other->due_ns ? one->due_ns < other->due_ns : one->number < other->number;
}

static bool grow(struct heap *heap)
{
    uint32_t room = heap->room == 0 ? least_room : 2 * heap->room;
    struct entry *entries = weft__memory_alloc(WEFT__NODE_LOCAL, room * sizeof(*entries));

    if (entries == NULL)
        return false;
    if (heap->count > 0)
        memcpy(entries, heap->entries, heap->count * sizeof(*entries));
    weft__memory_free(heap->entries, heap->room * sizeof(*entries));
    heap->entries = entries;
    heap->room = room;
    return true;
}

static void heap_put(struct heap *heap, struct entry entry)
{
    if (heap->count == heap->room && !grow(heap)) {
        weft__policy_fifo_put(&heap->behind, entry.runnable);
        return;
    }
    uint32_t at = heap->count++;
    for (; at > 0 && is_before(&entry, &heap->entries[(at - 1) / 2]); at = (at - 1) / 2)
        heap->entries[at] = heap->entries[(at - 1) / 2];
    heap->entries[at] = entry;
}

/* Puts @entry where it belongs, from the top down. */
static void sink(struct heap *heap, struct entry entry)
{
    uint32_t at = 0;

    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && is_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!is_before(&heap->entries[child], &entry))
            break;
        heap->entries[at] = heap->entries[child];
    }
    heap->entries[at] = entry;
}

static weft_runnable *heap_take(struct heap *heap)
{
    if (heap->count == 0)
        return weft__policy_fifo_take(&heap->behind);
    weft_runnable *first = heap->entries[0].runnable;
    heap->count--;
    if (heap->count > 0)
        sink(heap, heap->entries[heap->count]);
    return first;
}

/* Its first entry; false: it is empty. What stands behind it comes after all else. */
static bool heap_first(const struct heap *heap, struct entry *out_first)
{
    *out_first = heap->count > 0 ? heap->entries[0] : last_of_all;
    return heap->count > 0 || heap->behind.head != NULL;
}

/* ---- the policy ------------------------------------------------------------------------------ */

static void *start(uint32_t workers)
{
    size_t bytes = sizeof(struct posts) + workers * sizeof(struct post);
    struct posts *posts = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);

    if (posts == NULL)
        return NULL;
    posts->bytes = bytes;
    posts->count = workers;
    return posts;
}

static void stop(void *state)
{
    struct posts *posts = state;

    for (uint32_t i = 0; i < posts->count; i++) {
        struct post *post = &posts->by_worker[i];
        weft__memory_free(post->own.entries, post->own.room * sizeof(struct entry));
        weft__memory_free(post->shared.entries, post->shared.room * sizeof(struct entry));
    }
    weft__memory_free(posts, posts->bytes);
}

static void put(void *state, int worker, weft_runnable *runnable, const weft_policy_task *task)
{
    struct posts *posts = state;
    uint32_t index = worker >= 0 ? (uint32_t)worker
                                 : weft__add_relaxed(&posts->turn, 1) % posts->count;
    struct post *post = &posts->by_worker[index];

    struct entry entry = { task->due.ns, weft__add_relaxed(&post->next, 1), runnable };

    if (!task->shared) {
        heap_put(&post->own, entry);
        return;
    }
    weft__lock_acquire(&post->lock); /* pairs with weft__lock_release */
    heap_put(&post->shared, entry);
    weft__lock_release(&post->lock);
}

/* The first shared one of @post, unless @rival comes before it. */
static weft_runnable *take_shared(struct post *post, const struct entry *rival)
{
    weft_runnable *taken = NULL;
    struct entry first;

    weft__lock_acquire(&post->lock); /* pairs with weft__lock_release */
    if (heap_first(&post->shared, &first) && !is_before(rival, &first))
        taken = heap_take(&post->shared);
    weft__lock_release(&post->lock);
    return taken;
}

static weft_runnable *pick(void *state, uint32_t worker)
{
    struct posts *posts = state;
    struct post *post = &posts->by_worker[worker];
    struct entry own;

    (void)heap_first(&post->own, &own);
    weft_runnable *shared = take_shared(post, &own);
    return shared != NULL ? shared : heap_take(&post->own);
}

/* Looks first, takes then: what changes between the two is good enough. */
static weft_runnable *steal(void *state, uint32_t worker)
{
    struct posts *posts = state;
    struct post *best = NULL;
    struct entry best_first;

    for (uint32_t i = 1; i < posts->count; i++) {
        struct post *post = &posts->by_worker[(worker + i) % posts->count];
        struct entry first;
        weft__lock_acquire(&post->lock); /* pairs with weft__lock_release */
        bool has = heap_first(&post->shared, &first);
        weft__lock_release(&post->lock);
        if (has && (best == NULL || is_before(&first, &best_first))) {
            best = post;
            best_first = first;
        }
    }
    return best != NULL ? take_shared(best, &last_of_all) : NULL;
}

const weft_policy weft__policy_deadline = { .size = sizeof(weft_policy),
                                            .name = "deadline",
                                            .start = start,
                                            .stop = stop,
                                            .put = put,
                                            .pick = pick,
                                            .steal = steal };

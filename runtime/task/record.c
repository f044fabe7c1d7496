#include "runtime/task/record.h"

#include <pthread.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/sys.h"

/* A worker that spawns and joins a thousand tasks at a time finds them all in its own cache. */
enum { cache_batch = 256, cache_max = 2048, first_generation = 1 };

struct kind {
    struct weft__lock lock;
    size_t stride;             /* (i) */
    struct weft__record *free; /* (l) */
    uint64_t free_count;       /* (l) */
    uint64_t made;             /* (l) */
};

struct weft__record_chunk weft__record_chunks[WEFT__RECORD_CHUNKS];
_Atomic bool weft__record_forked;

static struct kind kinds[WEFT__KIND_COUNT];
static _Atomic uint32_t chunk_count;

static uint32_t chunks_end(void)
{
    uint32_t count = weft__load_relaxed(&chunk_count); /* may be one too many for a moment */
    return count < WEFT__RECORD_CHUNKS ? count : WEFT__RECORD_CHUNKS;
}

bool weft__record_each(enum weft__kind kind,
                       bool (*visit_cb)(void *context, struct weft__record *record), void *context)
{
    uint32_t end = chunks_end();

    for (uint32_t number = 0; number < end; number++) {
        const struct weft__record_chunk *chunk = &weft__record_chunks[number];
        char *base = weft__load_acquire(&chunk->base); /* pairs with the release of a new chunk */
        if (base == NULL || ((struct weft__record *)(void *)base)->kind != (uint32_t)kind)
            continue;
        for (uint32_t i = 0; i < WEFT__RECORD_CHUNK; i++)
            if (!visit_cb(context, (struct weft__record *)(void *)(base + i * chunk->stride)))
                return false;
    }
    return true;
}

static void note_fork(void)
{
    weft__store_relaxed(&weft__record_forked, true);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, note_fork);
}

void weft__record_define(enum weft__kind kind, size_t bytes)
{
    size_t stride = (bytes + WEFT__CACHE_LINE - 1) / WEFT__CACHE_LINE * WEFT__CACHE_LINE;

    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, watch_forks);
    if (weft__load_relaxed(&weft__record_forked))
        return;
    weft__lock_acquire(&kinds[kind].lock); /* pairs with weft__lock_release */
    WEFT_ASSERT(kinds[kind].stride == 0 || kinds[kind].stride == stride,
                "records of kind %d defined twice", (int)kind);
    if (kinds[kind].stride == 0) /* once: whoever has defined it reads it without the lock */
        kinds[kind].stride = stride;
    weft__lock_release(&kinds[kind].lock);
}

/* One more chunk of @kind, its records put on the free list, lowest index first. Lock held. */
static bool grow(struct kind *self, enum weft__kind kind)
{
    if (self->stride == 0)
        return false; /* a spawn before the first start: no scope exists that could own the task */
    uint32_t number = weft__add_relaxed(&chunk_count, 1);
    if (number >= WEFT__RECORD_CHUNKS) {
        weft__sub_relaxed(&chunk_count, 1);
        return false;
    }
    char *base = weft__sys_map(WEFT__RECORD_CHUNK * self->stride);
    if (base == NULL)
        return false; /* the chunk number is lost; find() answers NULL for it */
    for (uint32_t i = WEFT__RECORD_CHUNK; i-- > 0;) {
        struct weft__record *record = (struct weft__record *)(void *)(base + i * self->stride);
        record->index = number * WEFT__RECORD_CHUNK + i;
        record->kind = (uint32_t)kind;
        record->next = self->free;
        weft__store_relaxed(&record->life, WEFT__LIFE_FREE | (uint64_t)first_generation << 32);
        self->free = record;
    }
    self->free_count += WEFT__RECORD_CHUNK;
    self->made += WEFT__RECORD_CHUNK;
    weft__record_chunks[number].stride = self->stride;
    weft__store_release(&weft__record_chunks[number].base, base); /* pairs with find */
    return true;
}

static void refill(enum weft__kind kind, struct weft__record_cache *cache, uint32_t wanted)
{
    struct kind *self = &kinds[kind];

    if (weft__load_relaxed(&weft__record_forked))
        return;
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    while (wanted > 0 && (self->free != NULL || grow(self, kind))) {
        struct weft__record *record = self->free;
        self->free = record->next;
        self->free_count--;
        record->next = cache->free[kind];
        cache->free[kind] = record;
        cache->count[kind]++;
        wanted--;
    }
    weft__lock_release(&self->lock);
}

static void drain(enum weft__kind kind, struct weft__record_cache *cache, uint32_t surplus)
{
    struct kind *self = &kinds[kind];

    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    while (surplus-- > 0 && cache->free[kind] != NULL) {
        struct weft__record *record = cache->free[kind];
        cache->free[kind] = record->next;
        cache->count[kind]--;
        record->next = self->free;
        self->free = record;
        self->free_count++;
    }
    weft__lock_release(&self->lock);
}

/* Takes the first of @cache, which has one. */
static struct weft__record *take(enum weft__kind kind, struct weft__record_cache *cache)
{
    struct weft__record *record = cache->free[kind];
    uint64_t life = weft__load_relaxed(&record->life);

    cache->free[kind] = record->next;
    cache->count[kind]--;
    weft__prefetch_lines(record->next, kinds[kind].stride); /* the next one's turn comes soon */
    weft__store_relaxed(&record->life, (life & ~WEFT__LIFE_FREE) | WEFT__LIFE_LOCKED);
    return record;
}

WEFT__COLD static struct weft__record *new_uncached(enum weft__kind kind)
{
    struct weft__record_cache one = { 0 };

    refill(kind, &one, 1);
    return one.free[kind] != NULL ? take(kind, &one) : NULL;
}

struct weft__record *weft__record_new(enum weft__kind kind, struct weft__record_cache *cache)
{
    if (WEFT__UNLIKELY(cache == NULL))
        return new_uncached(kind);
    if (WEFT__UNLIKELY(cache->free[kind] == NULL))
        refill(kind, cache, cache_batch);
    return WEFT__LIKELY(cache->free[kind] != NULL) ? take(kind, cache) : NULL;
}

WEFT__COLD static void put_uncached(struct weft__record *record, enum weft__kind kind)
{
    struct weft__record_cache one = { 0 };

    one.free[kind] = record;
    one.count[kind] = 1;
    record->next = NULL;
    drain(kind, &one, 1);
}

void weft__record_put(struct weft__record *record, struct weft__record_cache *cache)
{
    enum weft__kind kind = (enum weft__kind)record->kind;

    if (WEFT__UNLIKELY(cache == NULL)) {
        put_uncached(record, kind);
        return;
    }
    record->next = cache->free[kind];
    cache->free[kind] = record;
    if (WEFT__UNLIKELY(++cache->count[kind] > cache_max))
        drain(kind, cache, cache_batch);
}

void weft__record_free_locked(struct weft__record *record, struct weft__record_cache *cache)
{
    uint64_t life = weft__load_relaxed(&record->life);
    uint64_t generation = life >> 32;

    WEFT_ASSERT(WEFT__LIFE_PINS(life) == 0, "record %u freed while pinned", record->index);
    if (generation == WEFT__LIFE_LAST) { /* retired: no handle of it will ever match again */
        weft__store_release(&record->life, WEFT__LIFE_FREE); /* LIFE A2 */
        return;
    }
    weft__store_release(&record->life, WEFT__LIFE_FREE | (generation + 1) << 32); /* LIFE A2 */
    weft__record_put(record, cache);
}

void weft__record_cache_flush(struct weft__record_cache *cache)
{
    for (int kind = 1; kind < WEFT__KIND_COUNT; kind++)
        drain((enum weft__kind)kind, cache, UINT32_MAX);
}

uint64_t weft__record_in_use(enum weft__kind kind, const struct weft__record_cache *cache)
{
    struct kind *self = &kinds[kind];

    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    uint64_t used = self->made - self->free_count;
    weft__lock_release(&self->lock);
    return used - (cache != NULL ? cache->count[kind] : 0);
}

WEFT__COLD bool weft__record_lock_slow(struct weft__record *record, uint64_t generation)
{
    uint32_t looks = 0;

    for (;;) {
        uint64_t life = weft__load_acquire(
            &record->life); /* LIFE B2: what was freed is done with */
        if (life >> 32 != generation)
            return false;
        if ((life & WEFT__LIFE_LOCKED) != 0)
            weft__lock_backoff(looks++);
        else if (weft__cas_acquire(&record->life, &life, life | WEFT__LIFE_LOCKED)) /* LIFE B1 */
            return true;
    }
}

WEFT__COLD int weft__record_refusal(void)
{
    return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -ENOMEM;
}

WEFT__COLD int weft__record_error(int64_t handle)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    return handle < 0 && handle >= -4095 ? (int)handle : -ESRCH;
}

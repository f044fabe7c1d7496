/*
 * Records: the runtime-owned objects behind handles. They live in chunks that are never unmapped,
 * so a stale handle can always be looked at: its generation no longer matches, and that is an
 * error.
 *
 * A handle is       [63] 0   [62:32] generation   [31] 0   [30:27] kind   [26:0] index
 * A record's life is         [63:32] generation   [31:8] pins   [7:0] flags, LOCKED among them
 *
 * ORDERING LIFE: whoever holds the lock of a record sees all that earlier holders did.
 *   thread A                                 thread B
 *   A1 changes fields under the lock         B1 compare-and-swap of life: same generation,
 *   A2 stores life without LOCKED, release      lock free; B2 acquire: reads the fields
 * Forbidden: B takes the lock of a record that was freed and made again.
 * Because:   the generation is part of the word that B1 compares; it is raised under the lock.
 * Without:   a stale handle reaches the object that took its place.
 * Tested by: tests/unit/record_test.c
 *
 * All flags and pins change under the lock alone, so unlocking is a plain store. A generation is
 * used once: a record whose 31 bits are spent is retired (one record for 2^31 uses). A free record
 * has WEFT__LIFE_FREE in its life, which no handle has, so it can't be locked; a new one is locked
 * until its maker has filled it in: a handle that somebody made up waits for that.
 */
#ifndef WEFT_TASK_RECORD_H
#define WEFT_TASK_RECORD_H

#include <errno.h>
#include <stdbool.h>

#include "runtime/base/atomic.h"
#include "runtime/base/check.h"
#include "runtime/base/lock.h"

enum weft__kind {
    WEFT__KIND_TASK = 1,
    WEFT__KIND_SCOPE,
    WEFT__KIND_CHAN,
    WEFT__KIND_FD,
    WEFT__KIND_DIR,
    WEFT__KIND_RUNTIME,
    WEFT__KIND_TIMER,
    WEFT__KIND_LOCAL,
    WEFT__KIND_NOTIFIER,
    WEFT__KIND_FUTURE,
    WEFT__KIND_COUNT
};

enum {
    WEFT__LIFE_LOCKED = 1u << 0,
    WEFT__LIFE_CANCELED = 1u << 1, /* task, scope: asked to end */
    WEFT__LIFE_ENDED = 1u << 2,    /* task: has returned; chan, fd: closed */
    WEFT__LIFE_RELEASED = 1u << 3, /* its handle was given up: look-ups fail */
    WEFT__LIFE_FAILED = 1u << 4,   /* task: returned a negative result */
    WEFT__LIFE_DROPPED = 1u << 5,  /* its owner has let go: freed with the last pin */
    WEFT__LIFE_PERMIT = 1u << 6,   /* task: its next park returns at once; see permit.c */
    WEFT__LIFE_HELD = 1u << 7,     /* task: not yet started, in no queue; see hold.c */
    WEFT__LIFE_PIN = 1u << 8,
    WEFT__LIFE_GENERATION_SHIFT = 32
};

#define WEFT__LIFE_FREE (UINT64_C(1) << 63)
#define WEFT__LIFE_PINS(life) (((uint32_t)(life)) >> 8)

struct weft__record {
    _Atomic uint64_t life;
    uint32_t index;
    uint32_t kind;
    struct weft__record *next; /* of the free ones; its user's while it is in use */
};

#define WEFT__LIFE_LAST UINT64_C(0x7FFFFFFF) /* the last generation of a record */

enum { WEFT__RECORD_CHUNK = 1024, WEFT__RECORD_CHUNKS = 1 << 17 };

struct weft__record_chunk {
    _Atomic(char *) base;
    size_t stride;
};

extern struct weft__record_chunk weft__record_chunks[WEFT__RECORD_CHUNKS];

/* Shows each record of @kind that was ever made, free ones included, until @visit_cb has seen
 * enough. False then. Without a lock: they may change meanwhile. Async-signal-safe. */
bool weft__record_each(enum weft__kind kind,
                       bool (*visit_cb)(void *context, struct weft__record *record), void *context);

/*
 * Set in the child of fork(2), once records have been defined: other threads may have held locks,
 * of kinds and of records, and nobody releases them there. So whatever takes such a lock looks at
 * this first.
 */
extern _Atomic bool weft__record_forked;

/* Free records that one thread holds, most recently used first. */
struct weft__record_cache {
    struct weft__record *free[WEFT__KIND_COUNT];
    uint32_t count[WEFT__KIND_COUNT];
};

/* Fixes the size of the records of @kind. Once per kind, before its first record. */
void weft__record_define(enum weft__kind kind, size_t bytes);

/*
 * A free record, locked, its generation valid, no other flags, no pins; all else as its last user
 * left it (zeroed when new). The maker fills it in and unlocks it, or frees it again. @cache may be
 * NULL. NULL: no memory, 2^27 records are in use, the kind was never defined, or this is the child
 * of a fork.
 */
struct weft__record *weft__record_new(enum weft__kind kind, struct weft__record_cache *cache);

/* Why there was none: -EOWNERDEAD in the child of a fork, else -ENOMEM. */
int weft__record_refusal(void);

/* Ends a record that nobody pins, and raises its generation. The caller holds its lock. */
void weft__record_free_locked(struct weft__record *record, struct weft__record_cache *cache);

/* Puts a record away whose life has ended: by weft__record_end. */
void weft__record_put(struct weft__record *record, struct weft__record_cache *cache);

/* Gives a thread's cache back. */
void weft__record_cache_flush(struct weft__record_cache *cache);

/* Records of @kind in use, for leak checks. */
uint64_t weft__record_in_use(enum weft__kind kind, const struct weft__record_cache *cache);

/* Takes the lock when the generation still is @generation. */
bool weft__record_lock_slow(struct weft__record *record, uint64_t generation);

static inline int64_t weft__record_handle(const struct weft__record *record)
{
    uint64_t generation = weft__load_relaxed(&record->life) >> WEFT__LIFE_GENERATION_SHIFT;
    return (int64_t)(generation << 32 | (uint64_t)record->kind << 27 | record->index);
}

/* The record that @handle named once, and the generation to compare. NULL: never was a handle. */
static inline struct weft__record *weft__record_find(int64_t handle, enum weft__kind kind,
                                                     uint64_t *out_generation)
{
    uint32_t low = (uint32_t)handle;
    uint32_t index = low & 0x07FFFFFFu;

    if (WEFT__UNLIKELY(handle <= (int64_t)UINT32_MAX || low >> 27 != (uint32_t)kind))
        return NULL; /* negative, or of generation 0, which no record has: cut to 32 bits */
    struct weft__record_chunk *chunk = &weft__record_chunks[index / WEFT__RECORD_CHUNK];
    char *base = weft__load_acquire(&chunk->base); /* pairs with the release in record.c */
    if (WEFT__UNLIKELY(base == NULL))
        return NULL;
    *out_generation = (uint64_t)handle >> 32;
    return (struct weft__record *)(void *)(base + index % WEFT__RECORD_CHUNK * chunk->stride);
}

static inline bool weft__record_lock_as(struct weft__record *record, uint64_t generation)
{
    uint64_t life = weft__load_relaxed(&record->life);

    if (WEFT__LIKELY(life >> 32 == generation && (life & WEFT__LIFE_LOCKED) == 0) &&
        weft__cas_acquire(&record->life, &life, life | WEFT__LIFE_LOCKED)) /* LIFE B1 */
        return true;
    return weft__record_lock_slow(record, generation);
}

static inline void weft__record_unlock(struct weft__record *record)
{
    uint64_t life = weft__load_relaxed(&record->life);
    weft__store_release(&record->life, life & ~(uint64_t)WEFT__LIFE_LOCKED); /* LIFE A2 */
}

/* Locks a record of the caller's own, whose generation can't change. */
static inline void weft__record_lock_own(struct weft__record *record)
{
    (void)weft__record_lock_as(record, weft__load_relaxed(&record->life) >> 32);
}

/*
 * The same two for whoever looks at nothing else of the word meanwhile: the life that was locked is
 * handed on by value. A load right behind a compare-and-swap of the same word waits for that to
 * drain (a third of the cost of a task's end, on an Intel of 2023).
 */
static inline uint64_t weft__record_lock_known(struct weft__record *record)
{
    uint64_t life = weft__load_relaxed(&record->life);

    if (WEFT__LIKELY((life & WEFT__LIFE_LOCKED) == 0) &&
        weft__cas_acquire(&record->life, &life, life | WEFT__LIFE_LOCKED)) /* LIFE B1 */
        return life;
    weft__record_lock_own(record);
    return weft__load_relaxed(&record->life) & ~(uint64_t)WEFT__LIFE_LOCKED;
}

static inline void weft__record_unlock_known(struct weft__record *record, uint64_t life)
{
    weft__store_release(&record->life, life); /* LIFE A2 */
}

/*
 * Ends the life of a record that nobody holds or pins, with one step in place of lock and free;
 * what is left of it is the caller's, to be put away. False: somebody does, or it must be retired.
 */
static inline bool weft__record_end(struct weft__record *record)
{
    uint64_t life = weft__load_relaxed(&record->life);
    uint64_t generation = life >> WEFT__LIFE_GENERATION_SHIFT;

    return (life & WEFT__LIFE_LOCKED) == 0 && WEFT__LIFE_PINS(life) == 0 &&
           generation != WEFT__LIFE_LAST &&
           weft__cas_acqrel(&record->life, &life, /* LIFE A2, B1 */
                            WEFT__LIFE_FREE | (generation + 1) << WEFT__LIFE_GENERATION_SHIFT);
}

/* The same, but only if nobody holds it now. */
static inline bool weft__record_try_lock_own(struct weft__record *record)
{
    uint64_t life = weft__load_relaxed(&record->life);

    return (life & WEFT__LIFE_LOCKED) == 0 &&
           weft__cas_acquire(&record->life, &life, life | WEFT__LIFE_LOCKED); /* LIFE B1 */
}

/* Flags of a locked record. */
static inline void weft__record_set_locked(struct weft__record *record, uint64_t flags)
{
    weft__store_relaxed(&record->life, weft__load_relaxed(&record->life) | flags);
}

static inline void weft__record_clear_locked(struct weft__record *record, uint64_t flags)
{
    weft__store_relaxed(&record->life, weft__load_relaxed(&record->life) & ~flags);
}

static inline bool weft__record_has(const struct weft__record *record, uint64_t flags)
{
    return (weft__load_relaxed(&record->life) & flags) != 0;
}

/* Why a handle did not lead to a record. */
int weft__record_error(int64_t handle);

/*
 * The locked record behind @handle, or NULL with *out_error: the negative handle itself, -ESRCH, or
 * -EOWNERDEAD in the child of a fork.
 */
static inline struct weft__record *weft__record_lock(int64_t handle, enum weft__kind kind,
                                                     int *out_error)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(handle, kind, &generation);

    if (WEFT__LIKELY(record != NULL && !weft__load_relaxed(&weft__record_forked)) &&
        WEFT__LIKELY(weft__record_lock_as(record, generation)))
        return record;
    *out_error = weft__record_error(handle);
    return NULL;
}

/* The same for whoever goes on with weft__record_unlock_known. */
static inline struct weft__record *weft__record_lock_life(int64_t handle, enum weft__kind kind,
                                                          uint64_t *out_life, int *out_error)
{
    uint64_t generation = 0;
    struct weft__record *record = weft__record_find(handle, kind, &generation);

    if (WEFT__LIKELY(record != NULL && !weft__load_relaxed(&weft__record_forked))) {
        uint64_t life = weft__load_relaxed(&record->life);
        if (WEFT__LIKELY(life >> 32 == generation && (life & WEFT__LIFE_LOCKED) == 0) &&
            WEFT__LIKELY(weft__cas_acquire(&record->life, &life, /* LIFE B1 */
                                           life | WEFT__LIFE_LOCKED))) {
            *out_life = life;
            return record;
        }
        if (weft__record_lock_slow(record, generation)) {
            *out_life = weft__load_relaxed(&record->life) & ~(uint64_t)WEFT__LIFE_LOCKED;
            return record;
        }
    }
    *out_error = weft__record_error(handle);
    return NULL;
}

/* A pin keeps a record (not the object's state) until weft__record_unpin. Under the lock. */
static inline void weft__record_pin_locked(struct weft__record *record)
{
    uint64_t life = weft__load_relaxed(&record->life);

    WEFT_ASSERT(WEFT__LIFE_PINS(life) < WEFT__LIFE_PINS(UINT32_MAX), "2^24 waits for one record");
    weft__store_relaxed(&record->life, life + WEFT__LIFE_PIN);
}

/* Takes a pin back; for records that nobody frees with the last one. */
static inline void weft__record_unpin(struct weft__record *record)
{
    weft__record_lock_own(record);
    weft__store_relaxed(&record->life, weft__load_relaxed(&record->life) - WEFT__LIFE_PIN);
    weft__record_unlock(record);
}

#endif

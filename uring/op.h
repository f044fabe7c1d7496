/*
 * Op records: who waits for which operation. They live in a slab that only grows, are named by
 * index and generation, and are found again from the user_data of a completion. Everything that
 * comes back through a completion queue is checked here before memory is touched: another process
 * or a broken library can post any value to our ring.
 */
#ifndef WEFT_URING_OP_H
#define WEFT_URING_OP_H

#include "runtime/base/list.h"
#include "uring/engine.h"

/*
 * user_data of every entry that we stage: generation (or serial) << 32 | tag << 28 | index (or
 * kind). An op id is the same with a tag of 0. No tag is 0, so a zeroed entry names nothing.
 */
enum weft__op_tag {
    WEFT__TAG_OP = 1,   /* a record of the slab */
    WEFT__TAG_WAKE,     /* a doorbell that another ring or thread posted to us */
    WEFT__TAG_CANCEL,   /* our ASYNC_CANCEL of a record failed */
    WEFT__TAG_INTERNAL, /* enum weft__op_internal */
    WEFT__TAG_DOORBELL  /* a doorbell of ours failed; the serial names its target */
};

enum weft__op_internal {
    WEFT__INTERNAL_BELL,  /* the poll on our event descriptor */
    WEFT__INTERNAL_TIMER, /* time-out as an op, where enter takes none */
    WEFT__INTERNAL_TIMER_CHANGE
};

enum {
    WEFT__OP_TAG_SHIFT = 28,
    WEFT__OP_INDEX_MASK = (1 << WEFT__OP_TAG_SHIFT) - 1,
    WEFT__OP_CHUNK = 128 /* records mapped at a time */
};

struct weft__op {
    void *waiter;
    struct weft__list cancel_link; /* in the engine's to_cancel while a cancel waits for room */
    uint32_t generation;           /* of the present or the next use; never 0 */
    uint32_t index;
    uint32_t next_free; /* index + 1; 0 ends the list */
    uint8_t opcode;     /* enum weft__opcode */
    bool in_use;
    bool multishot;
    uint8_t missed; /* cancels that have not found it */
};

struct weft__op_slab {
    char **chunks; /* chunk_max pointers, filled as needed */
    uint32_t record_bytes;
    uint32_t chunk_max;
    uint32_t chunk_count;
    uint32_t limit; /* records that may be in use at once: the credits */
    uint32_t in_use;
    uint32_t first_free; /* index + 1; 0: none */
};

static inline uint64_t weft__op_user_data(enum weft__op_tag tag, uint32_t index,
                                          uint32_t generation)
{
    return (uint64_t)generation << 32 | (uint64_t)tag << WEFT__OP_TAG_SHIFT | index;
}

static inline enum weft__op_tag weft__op_tag(uint64_t user_data)
{
    return (enum weft__op_tag)((uint32_t)user_data >> WEFT__OP_TAG_SHIFT);
}

static inline uint32_t weft__op_index(uint64_t user_data)
{
    return (uint32_t)user_data & WEFT__OP_INDEX_MASK;
}

static inline uint32_t weft__op_generation(uint64_t user_data)
{
    return (uint32_t)(user_data >> 32);
}

static inline weft__op_id weft__op_id_of(const struct weft__op *op)
{
    return (uint64_t)op->generation << 32 | op->index;
}

/* 0 or -ENOMEM. @limit in [1, 2^20]. */
int weft__op_slab_init(struct weft__op_slab *slab, uint32_t limit);

/* The same for records of @record_bytes that begin with a struct weft__op; the rest is zeroed once,
 * when memory for them is taken. */
int weft__op_slab_init_as(struct weft__op_slab *slab, uint32_t limit, uint32_t record_bytes);
void weft__op_slab_fini(struct weft__op_slab *slab); /* accepts a zeroed slab */

/* A record in use; 0, -EAGAIN when all credits are out, -ENOMEM. */
int weft__op_take(struct weft__op_slab *slab, struct weft__op **out_op);

/* Ends this use of the record: ids that name it are stale from now on. */
void weft__op_release(struct weft__op_slab *slab, struct weft__op *op);

/* The record in use with this index and generation (tag bits are ignored); NULL when stale, forged
 * or out of range. */
struct weft__op *weft__op_find(const struct weft__op_slab *slab, uint64_t id);

/* The next record in use from @index on; NULL at the end. For cancel_all and describe. */
struct weft__op *weft__op_next(const struct weft__op_slab *slab, uint32_t index);

/* "read", "poll". */
const char *weft__op_name(enum weft__opcode opcode);

/* The opcode with this name, or -1. */
int weft__op_named(const char *name);

/* "2 read, 1 poll" for the records in use; returns how many there are. */
uint32_t weft__op_describe(const struct weft__op_slab *slab, char *text, size_t text_bytes);

#endif

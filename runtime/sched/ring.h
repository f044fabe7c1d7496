/*
 * The stealable ring of a worker: 256 tasks, pushed by the owner, taken by the owner and by one
 * thief at a time. The head packs two indices: *steal*, from which a thief is still copying, and
 * *real*, from which the next task is taken; they differ while a theft is under way.
 *
 * ORDERING RING: a slot is never overwritten while a thief copies it.
 *   thief                                     owner
 *   T1 head: real += n by compare-and-swap    O1 reads head, acquire
 *   T2 copies the n slots                     O2 refuses when tail - steal == 256
 *   T3 head: steal = real, release            O3 writes the slot, tail += 1, release
 * Forbidden: O3 writes a slot that T2 still reads.
 * Because:   O1 sees steal only move after T2 (release T3, acquire O1).
 * Without:   a task is lost and another runs twice.
 * Tested by: tests/unit/ring_test.c, tests/stress/steal.c
 * Source: Tokio's multi-thread queue, after Go's.
 */
#ifndef WEFT_SCHED_RING_H
#define WEFT_SCHED_RING_H

#include "runtime/sched/task.h"

enum { WEFT__RING_SLOTS = 256 };

struct weft__ring {
    WEFT__ALIGNED_LINE _Atomic uint64_t head; /* steal << 32 | real */
    _Atomic uint32_t tail;                    /* written by the owner */
    _Atomic(struct weft__task *) slots[WEFT__RING_SLOTS];
};

/* Owner. False when full. */
bool weft__ring_push(struct weft__ring *ring, struct weft__task *task);

/* Owner. The oldest task, or NULL. */
struct weft__task *weft__ring_pop(struct weft__ring *ring);

/*
 * Thief: moves up to half of @victim's tasks (at most @most) to its own ring @into and returns one
 * of them; NULL when there is nothing or another thief is at work. *out_count: how many in all.
 */
struct weft__task *weft__ring_steal(struct weft__ring *victim, struct weft__ring *into,
                                    uint32_t most, uint32_t *out_count);

/* Tasks in it; exact for the owner, a guess for others. */
static inline uint32_t weft__ring_count(const struct weft__ring *ring)
{
    uint32_t real = (uint32_t)weft__load_relaxed(&ring->head);
    uint32_t count = weft__load_relaxed(&ring->tail) - real;
    return count <= WEFT__RING_SLOTS ? count : 0;
}

#endif

#include "runtime/sched/ring.h"

static uint32_t steal_of(uint64_t head)
{
    return (uint32_t)(head >> 32);
}

static uint32_t real_of(uint64_t head)
{
    return (uint32_t)head;
}

static uint64_t packed(uint32_t steal, uint32_t real)
{
    return (uint64_t)steal << 32 | real;
}

bool weft__ring_push(struct weft__ring *ring, struct weft__task *task)
{
    uint64_t head = weft__load_acquire(&ring->head); /* RING O1 */
    uint32_t tail = weft__load_relaxed(&ring->tail);

    if (tail - steal_of(head) >= WEFT__RING_SLOTS) /* RING O2 */
        return false;
    weft__store_relaxed(&ring->slots[tail % WEFT__RING_SLOTS], task);
    weft__store_release(&ring->tail, tail + 1); /* RING O3 */
    return true;
}

struct weft__task *weft__ring_pop(struct weft__ring *ring)
{
    uint64_t head = weft__load_acquire(&ring->head); /* RING O1 */

    for (;;) {
        uint32_t real = real_of(head);
        if (real == weft__load_relaxed(&ring->tail))
            return NULL;
        uint32_t steal = steal_of(head) == real ? real + 1 : steal_of(head);
        if (weft__cas_acqrel(&ring->head, &head, packed(steal, real + 1))) /* RING T1's rival */
            return weft__load_relaxed(&ring->slots[real % WEFT__RING_SLOTS]);
    }
}

/* Reserves up to half of the tasks for this thief; 0: nothing to take, or a thief is there. */
static uint32_t reserve(struct weft__ring *victim, uint32_t most, uint32_t *out_first)
{
    uint64_t head = weft__load_acquire(&victim->head); /* RING T1 */

    for (;;) {
        uint32_t real = real_of(head);
        uint32_t available = weft__load_acquire(&victim->tail) - real; /* pairs with RING O3 */
        uint32_t count = available - available / 2;
        if (steal_of(head) != real || available == 0 || available > WEFT__RING_SLOTS)
            return 0;
        if (count > most)
            count = most;
        if (weft__cas_acqrel(&victim->head, &head, packed(real, real + count))) { /* RING T1 */
            *out_first = real;
            return count;
        }
    }
}

static void finish(struct weft__ring *victim)
{
    uint64_t head = weft__load_acquire(&victim->head); /* RING T3 */

    while (
        !weft__cas_acqrel(&victim->head, &head, packed(real_of(head), real_of(head)))) /* RING T3 */
        ;
}

struct weft__task *weft__ring_steal(struct weft__ring *victim, struct weft__ring *into,
                                    uint32_t most, uint32_t *out_count)
{
    uint32_t first = 0;
    uint32_t tail = weft__load_relaxed(&into->tail);
    uint64_t own = weft__load_acquire(&into->head); /* RING O1 */
    uint32_t room = WEFT__RING_SLOTS - (tail - steal_of(own));

    uint32_t count = reserve(victim, most < room ? most : room, &first);
    if (count == 0)
        return NULL;
    weft__sim_point(WEFT__SIM_QUEUE);
    for (uint32_t i = 0; i + 1 < count; i++) { /* RING T2 */
        struct weft__task *task = weft__load_relaxed(
            &victim->slots[(first + i) % WEFT__RING_SLOTS]);
        weft__store_relaxed(&into->slots[(tail + i) % WEFT__RING_SLOTS], task);
    }
    struct weft__task *last = weft__load_relaxed(
        &victim->slots[(first + count - 1) % WEFT__RING_SLOTS]);
    weft__sim_point(WEFT__SIM_QUEUE);
    finish(victim);
    if (count > 1)
        weft__store_release(&into->tail, tail + count - 1); /* RING O3 */
    *out_count = count;
    return last;
}

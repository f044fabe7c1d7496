#include "runtime/sched/wheel.h"

#include <string.h>

#include "runtime/base/check.h"

enum { top_level = WEFT__WHEEL_LEVELS - 1 };

/* Half a turn of the top level, 104 days: a timer further away waits there and falls again. Half,
 * because a full turn ahead is the slot where the wheel stands, which falls at once, for ever. */
static const uint64_t reach = (uint64_t)1 << (WEFT__WHEEL_LEVELS * WEFT__WHEEL_SLOT_BITS - 1);

static uint64_t tick_of(int64_t ns)
{
    return ns <= 0 ? 0 : (uint64_t)ns >> WEFT__WHEEL_TICK_SHIFT;
}

/* The first tick that is not before @ns: a timer is never early. */
static uint64_t tick_after(int64_t ns)
{
    return ns <= 0 ? 0 : (((uint64_t)ns - 1) >> WEFT__WHEEL_TICK_SHIFT) + 1;
}

static unsigned level_of(uint64_t now, uint64_t tick)
{
    uint64_t different = now ^ tick;

    if (different < WEFT__WHEEL_SLOTS)
        return 0;
    unsigned level = (63 - (unsigned)__builtin_clzll(different)) / WEFT__WHEEL_SLOT_BITS;
    return level > top_level ? top_level : level;
}

static unsigned slot_of(uint64_t tick, unsigned level)
{
    return (tick >> (level * WEFT__WHEEL_SLOT_BITS)) % WEFT__WHEEL_SLOTS;
}

void weft__wheel_init(struct weft__wheel *wheel, int64_t now_ns)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->now = tick_of(now_ns);
    for (int level = 0; level < WEFT__WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WEFT__WHEEL_SLOTS; slot++)
            weft__list_init(&wheel->slots[level][slot]);
}

/* Hangs @timer, whose tick is in the future, where it belongs seen from the present tick. */
static void hang(struct weft__wheel *wheel, struct weft__timer *timer)
{
    uint64_t tick = timer->tick - wheel->now < reach ? timer->tick : wheel->now + reach;

    timer->level = (uint8_t)level_of(wheel->now, tick);
    timer->slot = (uint8_t)slot_of(tick, timer->level);
    weft__list_append(&wheel->slots[timer->level][timer->slot], &timer->link);
    wheel->occupied[timer->level] |= (uint64_t)1 << timer->slot;
}

void weft__wheel_arm(struct weft__wheel *wheel, struct weft__timer *timer, int64_t until_ns)
{
    timer->tick = tick_after(until_ns);
    if (timer->tick <= wheel->now)
        timer->tick = wheel->now + 1;
    wheel->armed++;
    hang(wheel, timer);
}

static void unhang(struct weft__wheel *wheel, struct weft__timer *timer)
{
    weft__list_remove(&timer->link);
    if (weft__list_empty(&wheel->slots[timer->level][timer->slot]))
        wheel->occupied[timer->level] &= ~((uint64_t)1 << timer->slot);
}

void weft__wheel_disarm(struct weft__wheel *wheel, struct weft__timer *timer)
{
    if (weft__list_empty(&timer->link))
        return;
    unhang(wheel, timer);
    wheel->armed--;
}

/*
 * The tick at which the next occupied slot begins, and its level. All occupied slots of a level lie
 * ahead of the wheel's own position in it, except on the top level, which may have gone round.
 */
static uint64_t next_slot(const struct weft__wheel *wheel, unsigned *out_level)
{
    for (unsigned level = 0; level < WEFT__WHEEL_LEVELS; level++) {
        if (wheel->occupied[level] == 0)
            continue;
        unsigned shift = level * WEFT__WHEEL_SLOT_BITS;
        unsigned position = slot_of(wheel->now, level);
        uint64_t rotated = wheel->occupied[level] >> position;
        if (position != 0)
            rotated |= wheel->occupied[level] << (WEFT__WHEEL_SLOTS - position);
        uint64_t ahead = (uint64_t)__builtin_ctzll(rotated);
        *out_level = level;
        return ((wheel->now >> shift) + ahead) << shift;
    }
    return UINT64_MAX;
}

static void let_fall(struct weft__wheel *wheel, unsigned level)
{
    struct weft__list falling;
    struct weft__list *link;
    unsigned slot = slot_of(wheel->now, level);

    weft__list_move(&falling, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    while ((link = weft__list_take(&falling)) != NULL)
        hang(wheel, WEFT__CONTAINER(link, struct weft__timer, link));
}

/* Fires the timers of the present tick. */
static uint32_t fire_present(struct weft__wheel *wheel, struct weft__worker *worker,
                             uint32_t budget)
{
    struct weft__list *slot = &wheel->slots[0][wheel->now % WEFT__WHEEL_SLOTS];
    uint32_t fired = 0;

    while (fired < budget && !weft__list_empty(slot)) {
        struct weft__timer *timer = WEFT__CONTAINER(slot->next, struct weft__timer, link);
        unhang(wheel, timer);
        wheel->armed--;
        fired++;
        timer->fire(worker, timer);
    }
    return fired;
}

uint32_t weft__wheel_advance(struct weft__wheel *wheel, struct weft__worker *worker, int64_t now_ns,
                             uint32_t budget)
{
    uint64_t target = tick_of(now_ns);
    uint32_t fired = 0;
    unsigned level = 0;

    if (target < wheel->now)
        return 0; /* a clock replaced by a test may stand still */
    while (fired < budget) {
        uint64_t next = next_slot(wheel, &level);
        if (next > target) {
            wheel->now = target;
            break;
        }
        wheel->now = next > wheel->now ? next : wheel->now;
        if (level == 0)
            fired += fire_present(wheel, worker, budget - fired);
        else
            let_fall(wheel, level);
    }
    return fired;
}

int64_t weft__wheel_next(const struct weft__wheel *wheel)
{
    unsigned level = 0;
    uint64_t next = next_slot(wheel, &level);

    if (next > (uint64_t)INT64_MAX >> WEFT__WHEEL_TICK_SHIFT)
        return INT64_MAX;
    return (int64_t)(next << WEFT__WHEEL_TICK_SHIFT);
}

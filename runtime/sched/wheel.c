#include "runtime/sched/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    top_level = WEFT__WHEEL_LEVELS - 1,
    word_bits = 64,
    far_lists = WEFT__WHEEL_NEAR * WEFT__WHEEL_CHAINS /* where they begin */
};

/* Half a turn of the top level, 208 days: a timer further away waits there and is hung anew. Half,
 * because a full turn ahead is the slot where the wheel stands, which comes up at once, for ever.
 * */
static const uint64_t reach = (uint64_t)1 << (WEFT__WHEEL_NEAR_BITS +
                                              WEFT__WHEEL_LEVELS * WEFT__WHEEL_FAR_BITS - 1);

static uint64_t tick_of(int64_t ns)
{
    return ns <= 0 ? 0 : (uint64_t)ns >> WEFT__WHEEL_TICK_SHIFT;
}

/* The first tick that is not before @ns: a timer is never early. */
static uint64_t tick_after(int64_t ns)
{
    return ns <= 0 ? 0 : (((uint64_t)ns - 1) >> WEFT__WHEEL_TICK_SHIFT) + 1;
}

static unsigned shift_of(int level)
{
    return (unsigned)(WEFT__WHEEL_NEAR_BITS + level * WEFT__WHEEL_FAR_BITS);
}

static unsigned far_slot(uint64_t tick, int level)
{
    return (unsigned)(tick >> shift_of(level)) % WEFT__WHEEL_FAR;
}

/* The far level of a tick that differs from the present one above the near bits. */
static int level_of(uint64_t now, uint64_t tick)
{
    uint64_t different = (now ^ tick) >> WEFT__WHEEL_NEAR_BITS;
    int level = (63 - __builtin_clzll(different)) / WEFT__WHEEL_FAR_BITS;

    return level > top_level ? top_level : level;
}

void weft__wheel_init(struct weft__wheel *wheel, int64_t now_ns)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->now = tick_of(now_ns);
}

/* Where the lists of a near slot begin. */
static size_t near_index(uint64_t tick)
{
    return tick % WEFT__WHEEL_NEAR * WEFT__WHEEL_CHAINS;
}

static size_t far_index(int level, unsigned slot)
{
    return far_lists + (size_t)level * WEFT__WHEEL_FAR + slot;
}

static bool is_empty(struct weft__timer *const *chains)
{
    for (int i = 0; i < WEFT__WHEEL_CHAINS; i++)
        if (chains[i] != NULL)
            return false;
    return true;
}

/* List @index is not empty any more. */
static void mark_slot(struct weft__wheel *wheel, size_t index)
{
    if (index >= far_lists) {
        index -= far_lists;
        wheel->far_bits[index / WEFT__WHEEL_FAR] |= (uint64_t)1 << index % WEFT__WHEEL_FAR;
        return;
    }
    index /= WEFT__WHEEL_CHAINS;
    wheel->near_bits[index / word_bits] |= (uint64_t)1 << index % word_bits;
    wheel->near_words |= (uint64_t)1 << index / word_bits;
}

/* List @index is empty now. */
static void unmark_slot(struct weft__wheel *wheel, size_t index)
{
    if (index >= far_lists) {
        index -= far_lists;
        wheel->far_bits[index / WEFT__WHEEL_FAR] &= ~((uint64_t)1 << index % WEFT__WHEEL_FAR);
        return;
    }
    index /= WEFT__WHEEL_CHAINS;
    if (!is_empty(&wheel->lists[index * WEFT__WHEEL_CHAINS]))
        return;
    uint64_t *word = &wheel->near_bits[index / word_bits];
    *word &= ~((uint64_t)1 << index % word_bits);
    if (*word == 0)
        wheel->near_words &= ~((uint64_t)1 << index / word_bits);
}

/* Hangs @timer, whose tick is not past, where it belongs seen from the present tick. */
static void hang(struct weft__wheel *wheel, struct weft__timer *timer)
{
    uint64_t ahead = timer->tick - wheel->now;
    size_t index = near_index(timer->tick) + weft__load_relaxed(&wheel->armed) % WEFT__WHEEL_CHAINS;

    if (ahead >= WEFT__WHEEL_NEAR) {
        uint64_t tick = ahead < reach ? timer->tick : wheel->now + reach;
        int level = level_of(wheel->now, tick);
        index = far_index(level, far_slot(tick, level));
    }
    struct weft__timer **head = &wheel->lists[index];
    timer->next = *head;
    timer->link = head;
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    else
        mark_slot(wheel, index);
    *head = timer;
}

void weft__wheel_arm(struct weft__wheel *wheel, struct weft__timer *timer, int64_t until_ns)
{
    timer->tick = tick_after(until_ns);
    if (timer->tick <= wheel->now)
        timer->tick = wheel->now + 1;
    weft__bump(&wheel->armed);
    hang(wheel, timer);
}

static void unhang(struct weft__wheel *wheel, struct weft__timer *timer)
{
    struct weft__timer **link = timer->link;

    *link = timer->next;
    if (timer->next != NULL)
        timer->next->link = link;
    else if (link >= wheel->lists && link < wheel->lists + WEFT__WHEEL_LISTS) /* it was alone */
        unmark_slot(wheel, (size_t)(link - wheel->lists));
    timer->link = NULL;
}

void weft__wheel_disarm(struct weft__wheel *wheel, struct weft__timer *timer)
{
    if (timer->link == NULL)
        return;
    unhang(wheel, timer);
    weft__bump_by(&wheel->armed, UINT32_MAX);
}

/* How many places from @position, going round, the first set bit of @bits is; @bits is not 0. */
static unsigned ahead_of(uint64_t bits, unsigned position)
{
    uint64_t rotated = bits >> position;

    if (position != 0)
        rotated |= bits << (word_bits - position);
    return (unsigned)__builtin_ctzll(rotated);
}

/* The tick of the next near slot that holds something. */
static uint64_t next_near(const struct weft__wheel *wheel)
{
    unsigned position = (unsigned)(wheel->now % WEFT__WHEEL_NEAR);
    unsigned word = position / word_bits;
    uint64_t here = wheel->near_bits[word] >> position % word_bits;

    if (wheel->near_words == 0)
        return UINT64_MAX;
    if (here != 0)
        return wheel->now + (unsigned)__builtin_ctzll(here);
    unsigned after = (word + 1) % WEFT__WHEEL_WORDS; /* all round, back to the start of this word */
    unsigned found = (after + ahead_of(wheel->near_words, after)) % WEFT__WHEEL_WORDS;
    unsigned slot = found * word_bits + (unsigned)__builtin_ctzll(wheel->near_bits[found]);
    return wheel->now + (slot - position) % WEFT__WHEEL_NEAR;
}

/* The tick at which the next far slot that holds something begins, and its level. */
static uint64_t next_far(const struct weft__wheel *wheel, int *out_level)
{
    uint64_t next = UINT64_MAX;

    for (int level = 0; level < WEFT__WHEEL_LEVELS; level++) {
        if (wheel->far_bits[level] == 0)
            continue;
        unsigned ahead = ahead_of(wheel->far_bits[level], far_slot(wheel->now, level));
        uint64_t tick = ((wheel->now >> shift_of(level)) + ahead) << shift_of(level);
        if (tick < next) {
            next = tick;
            *out_level = level;
        }
    }
    return next;
}

/* Hangs the timers of the far slot that the wheel has reached nearer. */
static void let_fall(struct weft__wheel *wheel, int level)
{
    unsigned slot = far_slot(wheel->now, level);
    struct weft__timer **head = &wheel->lists[far_index(level, slot)];
    struct weft__timer *timer = *head;

    *head = NULL;
    wheel->far_bits[level] &= ~((uint64_t)1 << slot);
    while (timer != NULL) {
        struct weft__timer *next = timer->next;
        hang(wheel, timer);
        timer = next;
    }
}

/* Fires the timers of the present tick. While one list is served, the second timer of another is
 * fetched; its first was fetched so when it was second. */
static uint32_t fire_present(struct weft__wheel *wheel, struct weft__worker *worker,
                             uint32_t budget)
{
    struct weft__timer **chains = &wheel->lists[near_index(wheel->now)];
    uint32_t fired = 0;

    for (unsigned turn = 0; fired < budget && !is_empty(chains); turn++) {
        struct weft__timer *later = chains[(turn + WEFT__WHEEL_CHAINS / 2) % WEFT__WHEEL_CHAINS];
        struct weft__timer *timer = chains[turn % WEFT__WHEEL_CHAINS];
        if (later != NULL)
            __builtin_prefetch(later->next, 1);
        if (timer == NULL)
            continue;
        unhang(wheel, timer);
        weft__bump_by(&wheel->armed, UINT32_MAX);
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
    int level = 0;

    if (target < wheel->now)
        return 0; /* a clock replaced by a test may stand still */
    while (fired < budget) {
        uint64_t near = next_near(wheel);
        uint64_t far = next_far(wheel, &level);
        uint64_t next = far < near ? far : near;
        if (next > target) {
            wheel->now = target;
            break;
        }
        wheel->now = next > wheel->now ? next : wheel->now;
        if (far <= wheel->now)
            let_fall(wheel, level);
        else
            fired += fire_present(wheel, worker, budget - fired);
    }
    return fired;
}

int64_t weft__wheel_next(const struct weft__wheel *wheel)
{
    int level = 0;
    uint64_t near = next_near(wheel);
    uint64_t far = next_far(wheel, &level);
    uint64_t next = far < near ? far : near;

    if (next > (uint64_t)INT64_MAX >> WEFT__WHEEL_TICK_SHIFT)
        return INT64_MAX;
    return (int64_t)(next << WEFT__WHEEL_TICK_SHIFT);
}

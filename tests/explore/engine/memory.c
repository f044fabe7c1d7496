/*
 * The memory of the model: for each location all its stores in the order in which they were made,
 * which is taken as their modification order. A thread may read any store that is not older than
 * what it has seen of that location; its view says so. A release puts the view into the store, an
 * acquire takes it over; a fence does so with the view that all fences share.
 */
#include <string.h>

#include "tests/explore/engine/engine.h"

enum { STORES = 6000, HISTORY = 250, TABLE = 1024, SLOTS = 16 };

struct message {
    uint64_t value;
    struct clock clock;
    struct view view;
};

struct location {
    const void *at;
    size_t bytes;
    bool overwritten; /* by a plain store: what lies there now is the only value */
    uint16_t floor;   /* nobody reads older ones */
    uint16_t count;
    uint16_t stores[HISTORY];
};

static struct message messages[STORES];
static int message_count;
static struct location locations[LOCATIONS];
static int location_count;
static uint16_t table[TABLE]; /* hash to location + 1 */
static struct view total;     /* what sequentially consistent operations have seen */

static unsigned hash_of(const void *at)
{
    return (unsigned)(((uintptr_t)at * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % TABLE;
}

/* What the last execution has changed is as before: nobody's setup knows the statics of the files
 * that it explores. */
static void restore(const struct location *location)
{
    memcpy((void *)(uintptr_t)location->at, &messages[location->stores[0]].value, location->bytes);
}

void memory_reset(void)
{
    for (int i = 0; i < location_count; i++) {
        if (locations[i].count > 0)
            restore(&locations[i]);
        unsigned slot = hash_of(locations[i].at);
        while (table[slot] != 0) {
            table[slot] = 0;
            slot = (slot + 1) % TABLE;
        }
    }
    memset(&total, 0, sizeof(total));
    location_count = 0;
    message_count = 0;
}

static int find(const void *at)
{
    unsigned slot = hash_of(at);

    while (table[slot] != 0) {
        if (locations[table[slot] - 1].at == at)
            return table[slot] - 1;
        slot = (slot + 1) % TABLE;
    }
    return -1;
}

static uint64_t bytes_at(const void *at, size_t bytes)
{
    uint64_t value = 0;

    memcpy(&value, at, bytes);
    return value;
}

static struct message *append(struct location *location, uint64_t value)
{
    EXPLORE_NEED(message_count < STORES && location->count < HISTORY,
                 "the explorer: an execution has more stores than it keeps");
    struct message *message = &messages[message_count];
    location->stores[location->count++] = (uint16_t)message_count++;
    message->value = value;
    memset(&message->clock, 0, sizeof(message->clock));
    memset(&message->view, 0, sizeof(message->view));
    return message;
}

static int locate(const void *at, size_t bytes)
{
    int number = find(at);

    if (number < 0) {
        EXPLORE_NEED(location_count < LOCATIONS, "the explorer: more locations than it keeps");
        unsigned slot = hash_of(at);
        while (table[slot] != 0)
            slot = (slot + 1) % TABLE;
        number = location_count++;
        table[slot] = (uint16_t)(number + 1);
        locations[number] = (struct location){ .at = at, .bytes = bytes };
        locations[number].overwritten = true;
    }
    struct location *location = &locations[number];
    if (location->overwritten) {
        location->overwritten = false;
        location->floor = location->count;
        (void)append(location, bytes_at(at, bytes));
    }
    return number;
}

void memory_overwritten(const void *at, size_t bytes)
{
    const char *first = at;

    for (size_t i = 0; i < bytes && bytes <= sizeof(uint64_t); i++) {
        int number = find(first + i);
        if (number >= 0)
            locations[number].overwritten = true;
    }
    for (int i = 0; i < location_count && bytes > sizeof(uint64_t); i++)
        if ((const char *)locations[i].at >= first && (const char *)locations[i].at < first + bytes)
            locations[i].overwritten = true;
}

bool memory_is_newer(int location, uint16_t index)
{
    return locations[location].overwritten || locations[location].count > index + 1;
}

uint64_t memory_latest(const void *at, size_t bytes)
{
    return bytes_at(at, bytes);
}

static void view_join(struct view *into, const struct view *from)
{
    for (int i = 0; i < location_count; i++)
        into->at[i] = from->at[i] > into->at[i] ? from->at[i] : into->at[i];
}

void memory_start(int thread)
{
    const struct thread *from = &threads[0];
    struct thread *to = &threads[thread];

    to->clock = from->clock;
    to->view = from->view;
    to->clock.at[thread] = 1;
}

void memory_join(void)
{
    for (int i = 1; i < ACTORS; i++) {
        clock_join(&threads[0].clock, &threads[i].clock);
        view_join(&threads[0].view, &threads[i].view);
    }
}

static void observe(struct thread *self, const struct message *message, enum explore_order order)
{
    if (order == EXPLORE_ACQUIRE || order == EXPLORE_ACQREL || order == EXPLORE_SEQCST) {
        view_join(&self->view, &message->view);
        clock_join(&self->clock, &message->clock);
    }
    view_join(&self->acquired, &message->view);
    clock_join(&self->acquired_clock, &message->clock);
}

/* Reads store @index of @location. */
static uint64_t read_from(struct thread *self, int number, uint16_t index, enum explore_order order)
{
    struct location *location = &locations[number];
    const struct message *message = &messages[location->stores[index]];

    self->view.at[number] = index;
    self->last_location = number;
    self->last_read = index;
    observe(self, message, order);
    if (order == EXPLORE_SEQCST && index > total.at[number])
        total.at[number] = index;
    return message->value;
}

/* Makes a store; @previous is what a read-modify-write has read, whose release goes on. */
static void write_to(struct thread *self, int number, uint64_t value, enum explore_order order,
                     const struct message *previous)
{
    struct location *location = &locations[number];
    struct message *message = append(location, value);
    bool releases = order == EXPLORE_RELEASE || order == EXPLORE_ACQREL || order == EXPLORE_SEQCST;

    self->view.at[number] = (uint16_t)(location->count - 1);
    message->view = releases ? self->view : self->released;
    message->clock = releases ? self->clock : self->released_clock;
    if (previous != NULL) {
        view_join(&message->view, &previous->view);
        clock_join(&message->clock, &previous->clock);
    }
    self->clock.at[self - threads]++; /* what comes next is not released with it */
    if (order == EXPLORE_SEQCST)
        total.at[number] = self->view.at[number];
    memcpy((void *)(uintptr_t)location->at, &value, location->bytes);
}

/* The oldest store that @self may read. */
static uint16_t oldest(const struct thread *self, int number, enum explore_order order)
{
    uint16_t index = self->view.at[number];

    if (index < locations[number].floor)
        index = locations[number].floor;
    if (order == EXPLORE_SEQCST && index < total.at[number])
        index = total.at[number];
    return index;
}

void memory_fence(struct thread *self)
{
    view_join(&self->view, &self->acquired);
    clock_join(&self->clock, &self->acquired_clock);
    view_join(&self->view, &total);
    total = self->view;
    self->released = self->view;
    self->released_clock = self->clock;
    self->clock.at[self - threads]++; /* as in write_to */
}

/* ---- the calls behind runtime/base/atomic.h ---- */

/* The order that is kept: less for the place of the plant. */
static enum explore_order planted(enum explore_order order, const struct step *step)
{
    if (the_plant == NULL || strcmp(step->operation, the_plant->operation) != 0 ||
        strcmp(step->function, the_plant->function) != 0 ||
        strcmp(step->text, the_plant->text) != 0)
        return order;
    plant_hits++;
    return EXPLORE_RELAXED;
}

/* A place for a value that the caller reads at once. */
static const void *slot_for(uint64_t value)
{
    static uint64_t slots[SLOTS];
    static unsigned next;
    uint64_t *slot = &slots[next++ % SLOTS];

    *slot = value;
    return slot;
}

static struct thread *begin(struct step *step, enum explore_order *order)
{
    step->total = *order == EXPLORE_SEQCST;
    *order = planted(*order, step);
    schedule_point(step);
    struct thread *self = &threads[current];
    self->clock.at[current]++;
    return self;
}

const void *explore_load(const void *at, size_t bytes, enum explore_order order,
                         const char *operation, const char *text, const char *function, int line)
{
    struct step step = { operation, text, function, line, at, false, false, 0, false, false };
    struct thread *self = begin(&step, &order);
    shadow_access(at, bytes, ATOMIC_READ);
    int number = locate(at, bytes);
    uint16_t newest = (uint16_t)(locations[number].count - 1);
    int count = newest - oldest(self, number, order) + 1;
    int back = count > 1 && stale_left > 0 ? schedule_choose(count) : 0;

    stale_left -= back > 0;
    step.older = back > 0;
    step.value = read_from(self, number, (uint16_t)(newest - back), order);
    schedule_did(&step);
    return slot_for(step.value);
}

void explore_store(void *at, size_t bytes, uint64_t value, enum explore_order order,
                   const char *operation, const char *text, const char *function, int line)
{
    struct step step = { operation, text, function, line, at, true, false, value, false, false };
    struct thread *self = begin(&step, &order);

    shadow_access(at, bytes, ATOMIC_WRITE);
    int number = locate(at, bytes);
    if (bytes < sizeof(value))
        value &= (UINT64_C(1) << 8 * bytes) - 1;
    write_to(self, number, value, order, NULL);
    schedule_did(&step);
}

static uint64_t changed(uint64_t old, enum explore_change change, uint64_t value)
{
    switch (change) {
    case EXPLORE_ADD: return old + value;
    case EXPLORE_SUB: return old - value;
    case EXPLORE_OR: return old | value;
    case EXPLORE_AND: return old & value;
    case EXPLORE_SWAP:
    default: return value;
    }
}

/* Reads the newest store and makes the next. */
static uint64_t read_and_write(struct thread *self, int number, uint64_t value,
                               enum explore_order order)
{
    const struct location *location = &locations[number];
    const struct message *previous = &messages[location->stores[location->count - 1]];
    uint64_t old = read_from(self, number, (uint16_t)(location->count - 1), order);

    write_to(self, number, value, order, previous);
    return old;
}

const void *explore_change(void *at, size_t bytes, enum explore_change change, uint64_t value,
                           enum explore_order order, const char *operation, const char *text,
                           const char *function, int line)
{
    struct step step = { operation, text, function, line, at, true, false, value, false, false };
    struct thread *self = begin(&step, &order);

    shadow_access(at, bytes, ATOMIC_WRITE);
    int number = locate(at, bytes);
    const struct location *location = &locations[number];
    uint64_t old = messages[location->stores[location->count - 1]].value;
    uint64_t next = changed(old, change, value);
    if (bytes < sizeof(next))
        next &= (UINT64_C(1) << 8 * bytes) - 1;
    (void)read_and_write(self, number, next, order);
    step.value = next;
    schedule_did(&step);
    return slot_for(old);
}

/* How far back the value lies with which a compare-and-swap fails; 0: it meets the newest. */
static int choose_failure(const struct thread *self, int number, uint64_t wanted)
{
    const struct location *location = &locations[number];
    uint16_t newest = (uint16_t)(location->count - 1);
    int reach = newest - oldest(self, number, EXPLORE_RELAXED);
    int backs[HISTORY] = { 0 };
    int count = 1;

    for (int back = 1; back <= reach && stale_left > 0; back++)
        if (messages[location->stores[newest - back]].value != wanted)
            backs[count++] = back;
    return count > 1 ? backs[schedule_choose(count)] : 0;
}

static enum explore_order failure_order(enum explore_order order)
{
    return order == EXPLORE_ACQREL   ? EXPLORE_ACQUIRE
           : order == EXPLORE_SEQCST ? EXPLORE_SEQCST
                                     : EXPLORE_RELAXED;
}

bool explore_cas(void *at, size_t bytes, void *expected, uint64_t value, enum explore_order order,
                 const char *operation, const char *text, const char *function, int line)
{
    struct step step = { operation, text, function, line, at, true, false, value, false, false };
    struct thread *self = begin(&step, &order);
    uint64_t wanted = bytes_at(expected, bytes);
    int number = locate(at, bytes);
    const struct location *location = &locations[number];
    int back = choose_failure(self, number, wanted);
    uint16_t index = (uint16_t)(location->count - 1 - back);
    if (messages[location->stores[index]].value == wanted) {
        shadow_access(at, bytes, ATOMIC_WRITE);
        if (bytes < sizeof(value))
            value &= (UINT64_C(1) << 8 * bytes) - 1;
        (void)read_and_write(self, number, value, order);
    } else {
        shadow_access(at, bytes, ATOMIC_READ);
        stale_left -= back > 0;
        step.older = back > 0;
        step.failed = true;
        step.value = read_from(self, number, index, failure_order(order));
        memcpy(expected, &step.value, bytes);
    }
    schedule_did(&step);
    return !step.failed;
}

void explore_fence(const char *function, int line)
{
    struct step step = { "fence", "", function, line, NULL, false, true, 0, false, false };
    enum explore_order order = EXPLORE_SEQCST;
    uint64_t hits = plant_hits;
    struct thread *self = begin(&step, &order);

    if (plant_hits == hits) /* else it is left out */
        memory_fence(self);
    schedule_did(&step);
}

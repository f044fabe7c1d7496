#include "runtime/task/stack.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/task/guard.h"

enum {
    sanitizer_factor = WEFT__ASAN ? 4 : 1, /* its frames are larger */
    slab_bytes = 64 * 1024 * 1024,
    colours = 16,
    colour_bytes = 128,      /* 16 colours of 128: at most half of the first page */
    depot_high_water = 1024, /* idle stacks per class that keep their pages */
    canary_words = 8,
    page_bytes = 4096
};

static const uint64_t canary = 0x57454654535441CBu;

struct weft__stack_slab {
    struct weft__stack_slab *next;
    char *mapping;
    size_t bytes;
    uint32_t count;       /* stacks in it */
    uint32_t carved;      /* of these, made so far */
    uint32_t idle;        /* of these, in the depot */
    bool touched;         /* some of its stacks may hold pages */
    bool settled;         /* was wholly idle when tended last */
    _Atomic bool guarded; /* all of its stacks have a guard: none needs a canary */
    _Atomic long shields; /* of these guards, taken out of the budget */
    uint8_t size_class;
    struct weft__stack stacks[];
};

static const size_t class_bytes[WEFT__STACK_CLASSES] = {
    [WEFT__STACK_16K] = (size_t)sanitizer_factor * 16 * 1024,
    [WEFT__STACK_64K] = (size_t)sanitizer_factor * 64 * 1024,
    [WEFT__STACK_256K] = (size_t)sanitizer_factor * 256 * 1024,
    [WEFT__STACK_1M] = (size_t)sanitizer_factor * 1024 * 1024,
};

int weft__stack_class_of(size_t bytes)
{
    for (int size_class = 0; size_class < WEFT__STACK_CLASSES; size_class++)
        if (bytes <= class_bytes[size_class] / sanitizer_factor)
            return size_class;
    return -1;
}

size_t weft__stack_class_bytes(enum weft__stack_class size_class)
{
    return class_bytes[size_class];
}

static size_t slot_bytes(unsigned size_class)
{
    return class_bytes[size_class] + WEFT__GUARD_BYTES;
}

static size_t slab_header_bytes(uint32_t count)
{
    return sizeof(struct weft__stack_slab) + count * sizeof(struct weft__stack);
}

static struct weft__stack_slab *make_slab(struct weft__stack_depot *depot, unsigned size_class)
{
    uint32_t count = (uint32_t)(slab_bytes / slot_bytes(size_class));
    struct weft__stack_slab *slab = weft__memory_alloc(WEFT__NODE_LOCAL, slab_header_bytes(count));

    if (slab == NULL)
        return NULL;
    slab->bytes = count * slot_bytes(size_class);
    slab->mapping = weft__memory_map(depot->node_id, slab->bytes);
    if (slab->mapping == NULL) {
        weft__memory_free(slab, slab_header_bytes(count));
        return NULL;
    }
    slab->count = count;
    weft__store_relaxed(&slab->guarded, true);
    slab->size_class = (uint8_t)size_class;
    weft__add_relaxed(&depot->bytes, slab->bytes);
    return slab;
}

void weft__stack_depot_init(struct weft__stack_depot *depot, int node_id)
{
    memset(depot, 0, sizeof(*depot));
    depot->node_id = node_id;
}

void weft__stack_depot_fini(struct weft__stack_depot *depot, bool leak)
{
    while (depot->slabs != NULL && !leak) {
        struct weft__stack_slab *slab = depot->slabs;
        depot->slabs = slab->next;
        for (uint32_t i = 0; i < slab->carved; i++)
            weft__fiber_destroy(&slab->stacks[i].context.fiber);
        weft__memory_unmap(slab->mapping, slab->bytes);
        weft__guard_give_back(weft__load_relaxed(&slab->shields));
        weft__memory_free(slab, slab_header_bytes(slab->count));
    }
    depot->slabs = NULL;
}

void weft__stack_magazine_init(struct weft__stack_magazine *magazine,
                               struct weft__stack_depot *depot)
{
    memset(magazine, 0, sizeof(*magazine));
    magazine->depot = depot;
}

void weft__stack_magazine_fini(struct weft__stack_magazine *magazine)
{
    if (magazine->depot == NULL)
        return;
    for (int size_class = 0; size_class < WEFT__STACK_CLASSES; size_class++)
        while (magazine->idle_count[size_class] > 0)
            weft__stack_drain(magazine, (enum weft__stack_class)size_class);
}

/* Gives @stack its memory: bounds, colour, guard or canary. */
static void carve(struct weft__stack_depot *depot, struct weft__stack_slab *slab, uint32_t index,
                  bool guarded)
{
    struct weft__stack *stack = &slab->stacks[index];
    char *slot = slab->mapping + index * slot_bytes(slab->size_class);

    stack->size_class = slab->size_class;
    stack->low = slot + WEFT__GUARD_BYTES;
    stack->top = slot + slot_bytes(slab->size_class) - (index % colours) * colour_bytes;
    stack->slab = slab;
    stack->depot = depot;
    enum weft__guard guard = guarded ? WEFT__GUARD_MARKED : weft__guard_install(slot);
    stack->guarded = guard != WEFT__GUARD_NONE;
    if (guard == WEFT__GUARD_PROTECTED)
        weft__add_relaxed(&slab->shields, 1L);
    if (stack->guarded)
        return;
    weft__store_relaxed(&slab->guarded, false);
    for (int i = 0; i < canary_words; i++)
        ((uint64_t *)(void *)stack->low)[i] = canary;
}

/*
 * Maps the first page of each of @count new stacks with one call, where the kernel takes rows: 1.05
 * us a page, a fault takes 1.4. At most a batch of pages is never used. A failure costs nothing:
 * the page is then mapped when it is touched.
 */
static void populate_row(const struct weft__stack_slab *slab, uint32_t first, uint32_t count)
{
    struct iovec tops[WEFT__MAGAZINE_BATCH];
    char *end = slab->mapping + first * slot_bytes(slab->size_class);

    for (uint32_t i = 0; i < count; i++) {
        end += slot_bytes(slab->size_class);
        tops[i] = (struct iovec){ end - page_bytes, page_bytes };
    }
    (void)weft__sys_madvise_row(tops, count, WEFT__POPULATE_WRITE);
}

/* Reserves up to a batch of uncarved stacks of the newest slab of @size_class, or of a new one. */
static uint32_t reserve(struct weft__stack_depot *depot, unsigned size_class,
                        struct weft__stack_slab **out_slab, uint32_t *out_first)
{
    struct weft__stack_slab *slab = depot->slabs;

    while (slab != NULL && (slab->size_class != size_class || slab->carved == slab->count))
        slab = slab->next;
    if (slab == NULL) {
        slab = make_slab(depot, size_class);
        if (slab == NULL)
            return 0;
        slab->next = depot->slabs;
        depot->slabs = slab;
    }
    uint32_t left = slab->count - slab->carved;
    uint32_t batch = left < WEFT__MAGAZINE_BATCH ? left : WEFT__MAGAZINE_BATCH;
    *out_slab = slab;
    *out_first = slab->carved;
    slab->carved += batch;
    slab->touched = true;
    slab->settled = false;
    return batch;
}

static void take_idle(struct weft__stack_magazine *magazine, unsigned size_class)
{
    struct weft__stack_depot *depot = magazine->depot;

    while (depot->idle[size_class] != NULL &&
           magazine->idle_count[size_class] < WEFT__MAGAZINE_BATCH) {
        struct weft__stack *stack = depot->idle[size_class];
        depot->idle[size_class] = stack->next;
        weft__bump_by(&depot->idle_count[size_class], UINT32_MAX);
        stack->slab->idle--;
        stack->slab->touched = true;
        stack->slab->settled = false;
        stack->next = magazine->idle[size_class];
        magazine->idle[size_class] = stack;
        magazine->idle_count[size_class]++;
    }
}

WEFT__COLD struct weft__stack *weft__stack_refill(struct weft__stack_magazine *magazine,
                                                  enum weft__stack_class size_class)
{
    struct weft__stack_depot *depot = magazine->depot;
    struct weft__stack_slab *slab = NULL;
    uint32_t first = 0;
    uint32_t batch = 0;

    weft__lock_acquire(&depot->lock); /* pairs with weft__lock_release */
    take_idle(magazine, size_class);
    if (magazine->idle_count[size_class] == 0)
        batch = reserve(depot, size_class, &slab, &first);
    weft__lock_release(&depot->lock);

    bool guarded = batch > 0 && /* outside the lock: half a microsecond each */
                   weft__guard_install_row(slab->mapping + first * slot_bytes(size_class),
                                           slot_bytes(size_class), batch);
    if (guarded)
        populate_row(slab, first, batch);
    for (uint32_t i = batch; i-- > 0;) {
        carve(depot, slab, first + i, guarded);
        slab->stacks[first + i].next = magazine->idle[size_class];
        magazine->idle[size_class] = &slab->stacks[first + i];
        magazine->idle_count[size_class]++;
    }
    weft__add_relaxed(&depot->made, batch);
    return magazine->idle_count[size_class] == 0 ? NULL : weft__stack_get(magazine, size_class);
}

/* All of its stacks are idle, and giving their pages back can't hurt a canary. */
static bool is_idle(const struct weft__stack_slab *slab)
{
    return slab->idle == slab->carved && slab->touched && weft__load_relaxed(&slab->guarded);
}

/*
 * One call for a whole slab; the guards stay (measured: markers survive MADV_DONTNEED). One call
 * for each stack as it comes back would be simpler, but each interrupts all other CPUs, and the
 * next burst faults the pages in again: together a third of the CPU time of 100,000 sleeping tasks.
 */
void weft__stack_tend(struct weft__stack_depot *depot)
{
    weft__lock_acquire(&depot->lock); /* pairs with weft__lock_release */
    for (struct weft__stack_slab *slab = depot->slabs; slab != NULL; slab = slab->next) {
        if (!is_idle(slab) ||
            weft__load_relaxed(&depot->idle_count[slab->size_class]) < depot_high_water)
            continue;
        if (slab->settled)
            (void)weft__sys_madvise(slab->mapping, slab->carved * slot_bytes(slab->size_class),
                                    MADV_DONTNEED);
        slab->touched = !slab->settled;
        slab->settled = !slab->settled;
    }
    weft__lock_release(&depot->lock);
}

static void put_idle_locked(struct weft__stack_depot *depot, struct weft__stack *stack)
{
    stack->next = depot->idle[stack->size_class];
    depot->idle[stack->size_class] = stack;
    weft__bump(&depot->idle_count[stack->size_class]);
    stack->slab->idle++;
}

WEFT__COLD void weft__stack_send_home(struct weft__stack *stack)
{
    weft__lock_acquire(&stack->depot->lock); /* pairs with weft__lock_release */
    put_idle_locked(stack->depot, stack);
    weft__lock_release(&stack->depot->lock);
}

WEFT__COLD void weft__stack_drain(struct weft__stack_magazine *magazine,
                                  enum weft__stack_class size_class)
{
    struct weft__stack_depot *depot = magazine->depot;

    weft__lock_acquire(&depot->lock); /* pairs with weft__lock_release */
    for (uint32_t i = 0; i < WEFT__MAGAZINE_BATCH && magazine->idle[size_class] != NULL; i++) {
        struct weft__stack *stack = magazine->idle[size_class];
        magazine->idle[size_class] = stack->next;
        magazine->idle_count[size_class]--;
        put_idle_locked(depot, stack);
    }
    weft__lock_release(&depot->lock);
}

bool weft__stack_is_overrun(const struct weft__stack *stack)
{
    if (stack->guarded)
        return false;
    for (int i = 0; i < canary_words; i++)
        if (((const uint64_t *)(const void *)stack->low)[i] != canary)
            return true;
    return false;
}

void weft__stack_check(const struct weft__stack *stack, const char *who)
{
    WEFT_ASSERT(!weft__stack_is_overrun(stack),
                "task %s ran over the end of its stack of %zu bytes; spawn it with a larger "
                "stack_bytes, or raise vm.max_map_count so that stacks get guard pages",
                who, class_bytes[stack->size_class]);
}

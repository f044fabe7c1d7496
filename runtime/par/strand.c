/*
 * The stack of descriptors of a strand. From the bottom to the head each is
 *
 *   waiting   not begun: a call at its join
 *   running   begun at its join, which is under way on the owner's stack; it stands there until it
 *             returns, so what it forks lies above it
 *   shared    offered to other workers, and perhaps taken by one
 *
 * STATE descriptor: waiting -> running by its join; waiting -> shared by the owner, at a poll point
 * or before a wait; shared -> running by its join, when nobody has taken it; running, shared ->
 * gone by its join. Terminal: gone. All by the owner: another worker never looks at a descriptor.
 *
 * Invariant STRAND: no waiting descriptor lies below the mark *shared*, nor any shared one at or
 * above it; and the mark is not above the head. So what still waits is found from the mark up, the
 * oldest first, which in a tree is the largest.
 *   - offering moves the mark above the oldest one that waits; what it passes is running;
 *   - a shared one is joined when it is the last: the mark comes down to it, and to the lowest of
 *     those that run right below. What it passes there is running, so the first part holds; and
 *     when one of these returns, the mark is at it or below, so the last part does.
 *
 * Chunks: the head is in *chunk*, between its entries and their end; at the end of one it is never
 * at the beginning of the next. The first descriptor of a chunk says so in its state, so that the
 * inline calls leave it to the functions here.
 *
 * BOUND memory: without it a child runs at once, at its fork, and one descriptor behind the limit
 * counts those that do.
 */
#include "runtime/par/strand.h"

#include "numa/memory.h"

enum { first_count = 30, largest_count = 1 << 12, first_fuel = 16 };

/* The floor, those that count, and one for what spills. */
static size_t bytes_of(uint32_t count)
{
    return (count + 2) * sizeof(weft_fork_entry);
}

static void init_chunk(struct weft__chunk *chunk, struct weft__chunk *below, weft_fork_entry *slots,
                       uint32_t count)
{
    slots[0].state = WEFT__STRAND_NONE;
    chunk->below = below;
    chunk->entries = slots + 1;
    chunk->count = count;
}

struct weft__strand *weft__strand_make(struct weft__task *task)
{
    struct weft__strand *strand = weft__memory_alloc(WEFT__NODE_LOCAL,
                                                     sizeof(*strand) + bytes_of(first_count));

    if (strand == NULL)
        return NULL;
    init_chunk(&strand->first, NULL, strand->slots, first_count);
    strand->task = task;
    strand->chunk = &strand->first;
    strand->face.head = strand->first.entries;
    strand->face.fuel = first_fuel;
    strand->fuel_given = first_fuel;
    weft__strand_set_limit(strand);
    strand->shared = (struct weft__mark){ .chunk = strand->chunk, .entry = strand->face.head };
    return strand;
}

void weft__strand_free(struct weft__strand *strand)
{
    struct weft__chunk *chunk = strand->first.above;

    while (chunk != NULL) {
        struct weft__chunk *above = chunk->above;
        weft__memory_free(chunk, sizeof(*chunk) + bytes_of(chunk->count));
        chunk = above;
    }
    weft__memory_free(strand, sizeof(*strand) + bytes_of(first_count));
}

bool weft__strand_outstanding(const struct weft__strand *strand)
{
    return strand->face.head != strand->first.entries;
}

void weft__strand_set_limit(struct weft__strand *strand)
{
    weft_fork_entry *end = strand->chunk->entries + strand->chunk->count;
    ptrdiff_t room = end - strand->face.head;

    strand->face.limit = room > strand->fuel_given ? strand->face.head + strand->fuel_given : end;
}

static void enter_chunk(struct weft__strand *strand, struct weft__chunk *chunk,
                        weft_fork_entry *head)
{
    strand->chunk = chunk;
    strand->face.head = head;
    weft__strand_set_limit(strand);
}

bool weft__strand_grow(struct weft__strand *strand)
{
    struct weft__chunk *chunk = strand->chunk;

    if (chunk->above == NULL) {
        uint32_t count = chunk->count >= largest_count / 2 ? largest_count : chunk->count * 2;
        struct weft__chunk *above = weft__memory_alloc(WEFT__NODE_LOCAL,
                                                       sizeof(*above) + bytes_of(count));
        if (above == NULL)
            return false;
        init_chunk(above, chunk, (weft_fork_entry *)(void *)(above + 1), count);
        chunk->above = above;
    }
    enter_chunk(strand, chunk->above, chunk->above->entries);
    return true;
}

/* Leaves a chunk that has become empty, for the end of the one below. */
static void settle(struct weft__strand *strand)
{
    struct weft__chunk *chunk = strand->chunk;
    struct weft__chunk *below = chunk->below;

    if (strand->face.head != chunk->entries || below == NULL)
        return;
    if (strand->shared.chunk == chunk)
        strand->shared = (struct weft__mark){ .chunk = below,
                                              .entry = below->entries + below->count };
    enter_chunk(strand, below, below->entries + below->count);
}

void weft__strand_pop(struct weft__strand *strand)
{
    strand->face.head--;
    settle(strand);
}

/* Where the descriptors of the mark's chunk end. */
static const weft_fork_entry *end_of(const struct weft__strand *strand)
{
    const struct weft__chunk *chunk = strand->shared.chunk;
    const weft_fork_entry *end = chunk->entries + chunk->count;

    return chunk == strand->chunk && strand->face.head < end ? strand->face.head : end;
}

static bool waits(const weft_fork_entry *entry)
{
    return entry->state == WEFT__FORK_WAITING || entry->state == WEFT__STRAND_FIRST;
}

weft_fork_entry *weft__strand_next_waiting(struct weft__strand *strand)
{
    struct weft__mark *mark = &strand->shared;
    struct weft__mark before = *mark;

    for (;;) {
        for (const weft_fork_entry *end = end_of(strand); mark->entry < end;)
            if (waits(mark->entry++))
                return mark->entry - 1;
        if (mark->chunk == strand->chunk)
            break;
        mark->chunk = mark->chunk->above;
        mark->entry = mark->chunk->entries;
    }
    *mark = before; /* what was passed is running: STRAND */
    return NULL;
}

void weft__strand_unshare_last(struct weft__strand *strand)
{
    struct weft__mark mark = { .chunk = strand->chunk, .entry = strand->face.head - 1 };

    for (;;) {
        if (mark.entry == mark.chunk->entries) {
            if (mark.chunk->below == NULL)
                break;
            mark.chunk = mark.chunk->below;
            mark.entry = mark.chunk->entries + mark.chunk->count;
        }
        if (mark.entry[-1].state != WEFT__FORK_RUNNING)
            break;
        mark.entry--;
    }
    strand->shared = mark;
}

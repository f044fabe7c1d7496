/*
 * Strands: the forked children of one task, or of one forked child that another worker has taken,
 * as a stack of descriptors in chunks. See strand.c for what is where.
 */
#ifndef WEFT_PAR_STRAND_H
#define WEFT_PAR_STRAND_H

#include <weft/fork.h>

#include "runtime/sched/forks.h"
#include "runtime/sched/offer.h"

/* States of a descriptor beyond those of <weft/fork.h>. */
enum {
    WEFT__STRAND_FIRST =
        WEFT__FORK_OTHER, /* waiting, and the first of a chunk that is not the first */
    WEFT__STRAND_SHARED,  /* offered: its struct weft__share says the rest */
    WEFT__STRAND_SPILLED, /* stands for those that ran at once */
    WEFT__STRAND_NONE     /* below the first of all */
};

struct weft__chunk {
    struct weft__chunk *below;
    struct weft__chunk *above; /* kept for the next time */
    weft_fork_entry *entries;  /* (i) the one below the first is NONE */
    uint32_t count;            /* (i) and one more, for what spills */
};

/* A place between two descriptors. */
struct weft__mark {
    struct weft__chunk *chunk;
    weft_fork_entry *entry;
};

struct weft__share;

/* Its owner's alone, but for what is atomic. */
struct weft__strand {
    weft_strand face;
    struct weft__forks forks;
    struct weft__task *task;        /* (i) whose stack it is on; NULL: a thread's */
    const struct weft__share *from; /* (i) the child that it runs; NULL: it began with a run */
    struct weft__chunk *chunk;      /* in which the head is */
    struct weft__mark shared;       /* STRAND: where what is offered ends */
    struct weft__scope *scope;      /* of the children that were taken; NULL: none was offered */
    struct weft__ticket ticket;     /* of the wait for a child */
    _Atomic(const struct weft__share *) awaited; /* for family.c */
    uint32_t spilled;                            /* children that ran at once and are not joined */
    int spill_error;                             /* the first one of them */
    int fuel_given;                              /* see poll.c; at least 1 */
    uint64_t polled_cycles;
    uint64_t since_cycles; /* about when it began to fork */
    struct weft__chunk first;
    weft_fork_entry slots[]; /* of first */
};

static inline struct weft__strand *weft__strand_of(weft_strand *face)
{
    return WEFT__CONTAINER(face, struct weft__strand, face);
}

/* A strand for the running task, or for a thread that is no worker (NULL); NULL: no memory. */
struct weft__strand *weft__strand_make(struct weft__task *task);

/* Frees it; nothing may be left on it. */
void weft__strand_free(struct weft__strand *strand);

/* Whether some of its children are not joined. */
bool weft__strand_outstanding(const struct weft__strand *strand);

/* Whether the head is at the end of its chunk. */
static inline bool weft__strand_is_full(const struct weft__strand *strand)
{
    return strand->face.head >= strand->chunk->entries + strand->chunk->count;
}

/* Goes on in the next chunk, or answers false for want of memory. */
bool weft__strand_grow(struct weft__strand *strand);

/* Lets as many forks go by as there is fuel, and room. */
void weft__strand_set_limit(struct weft__strand *strand);

/* The last descriptor is joined. */
void weft__strand_pop(struct weft__strand *strand);

/* The lowest descriptor at or above the end of what is offered that still waits; moves that end
 * above it. NULL: none. */
weft_fork_entry *weft__strand_next_waiting(struct weft__strand *strand);

/* The last descriptor, which was offered, is not any more. */
void weft__strand_unshare_last(struct weft__strand *strand);

#endif

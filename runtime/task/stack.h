/*
 * Stacks: carved out of large per-node mappings, lazily touched, pooled per worker and per node.
 *
 * A stack is described outside of itself (struct weft__stack), so that the pages of an idle one can
 * be given back whole. It is given to a task at its first dispatch, from the running worker's pool,
 * which is why it is never remote (design 10). Tops are coloured: neighbours start at different
 * cache sets. Below each stack lies a guard; see guard.h for what stands in where there is none.
 */
#ifndef WEFT_TASK_STACK_H
#define WEFT_TASK_STACK_H

#include <stdbool.h>

#include "runtime/base/atomic.h"
#include "runtime/base/lock.h"
#include "runtime/task/context.h"

enum weft__stack_class {
    WEFT__STACK_16K,
    WEFT__STACK_64K,
    WEFT__STACK_256K,
    WEFT__STACK_1M,
    WEFT__STACK_CLASSES
};

struct weft__stack_slab;
struct weft__forks;

struct weft__stack {
    struct weft__context context;    /* (o) */
    struct weft__stack *next;        /* pool link */
    struct weft__stack_slab *slab;   /* (i) */
    struct weft__stack_depot *depot; /* (i) its home: that of the node where its memory is */
    char *low;                       /* (i) lowest usable byte; the guard is below */
    char *top;                       /* (i) coloured, aligned to 16 */
    uint8_t size_class;              /* (i) enum weft__stack_class */
    bool guarded;                    /* (i) false: a canary stands at low */
    uint32_t since;            /* (o) when its task began to wait, in units of WEFT__CLOCK_COARSE */
    struct weft__forks *forks; /* (o) of its task; NULL: it has forked nothing */
};

/* The stacks of one node that no worker holds. BOUND idle stacks: above 1,024 of a class, slabs
 * that stay wholly idle for a second keep no memory, only address space. */
struct weft__stack_depot {
    struct weft__lock lock;
    int node_id;                                   /* (i) kernel's number; negative: first touch */
    struct weft__stack *idle[WEFT__STACK_CLASSES]; /* (l) */
    _Atomic uint32_t idle_count[WEFT__STACK_CLASSES]; /* written under the lock */
    struct weft__stack_slab *slabs; /* (l) all; the first of a class is being carved */
    _Atomic uint64_t made;          /* stacks carved */
    _Atomic uint64_t bytes;         /* address space mapped */
};

enum { WEFT__MAGAZINE = 64, WEFT__MAGAZINE_BATCH = 32 };

/* A worker's own stacks, most recently used first; no atomics. */
struct weft__stack_magazine {
    struct weft__stack_depot *depot;               /* (i) */
    struct weft__stack *idle[WEFT__STACK_CLASSES]; /* (o) */
    uint32_t idle_count[WEFT__STACK_CLASSES];      /* (o) */
};

/* The smallest class that holds @bytes; negative when none does. */
int weft__stack_class_of(size_t bytes);

/* Usable bytes of a class, colour aside. */
size_t weft__stack_class_bytes(enum weft__stack_class size_class);

void weft__stack_depot_init(struct weft__stack_depot *depot, int node_id);

/* Unmaps all. With @leak the mappings stay: the kernel may still write into a stack. */
void weft__stack_depot_fini(struct weft__stack_depot *depot, bool leak);

void weft__stack_magazine_init(struct weft__stack_magazine *magazine,
                               struct weft__stack_depot *depot);
void weft__stack_magazine_fini(struct weft__stack_magazine *magazine); /* gives all to the depot */

struct weft__stack *weft__stack_refill(struct weft__stack_magazine *magazine,
                                       enum weft__stack_class size_class);
void weft__stack_drain(struct weft__stack_magazine *magazine, enum weft__stack_class size_class);

/* Gives the pages of slabs back that have been wholly idle since the last call, when there are many
 * idle stacks. About once a second, by any thread. */
void weft__stack_tend(struct weft__stack_depot *depot);

/* Whether the canary of an unguarded stack is gone. */
bool weft__stack_is_overrun(const struct weft__stack *stack);

/* Ends the process with a sentence when the canary of an unguarded stack is gone. */
void weft__stack_check(const struct weft__stack *stack, const char *who);

/* A stack of @size_class; NULL when no memory can be mapped. */
static inline struct weft__stack *weft__stack_get(struct weft__stack_magazine *magazine,
                                                  enum weft__stack_class size_class)
{
    struct weft__stack *stack = magazine->idle[size_class];

    if (WEFT__UNLIKELY(stack == NULL))
        return weft__stack_refill(magazine, size_class);
    magazine->idle[size_class] = stack->next;
    magazine->idle_count[size_class]--;
    return stack;
}

/* Gives a stack back to the depot of another node than this worker's. */
void weft__stack_send_home(struct weft__stack *stack);

/* Gives a stack back that nobody runs on. One that a migratable task brought along goes home: a
 * worker's own are all of its node, and the counts of a slab are under its own depot's lock. */
static inline void weft__stack_put(struct weft__stack_magazine *magazine, struct weft__stack *stack)
{
    if (WEFT__UNLIKELY(stack->depot != magazine->depot)) {
        weft__stack_send_home(stack);
        return;
    }
    stack->next = magazine->idle[stack->size_class];
    magazine->idle[stack->size_class] = stack;
    if (WEFT__UNLIKELY(++magazine->idle_count[stack->size_class] > WEFT__MAGAZINE))
        weft__stack_drain(magazine, stack->size_class);
}

#endif

/*
 * Chaos: points where the schedule of a program may be bent, by chance, to meet the orders that a
 * quiet machine never has. WEFT_CHAOS turns it on for a process; off, a point costs one relaxed
 * load of a word that nobody writes.
 *
 * What a point may do is what could happen anyway: another thread is faster, a task is woken for
 * nothing, a queue is full. So no program may fail because of it.
 */
#ifndef WEFT_BASE_CHAOS_H
#define WEFT_BASE_CHAOS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/atomic.h"

/* The name in WEFT_CHAOS, and one in how many it happens when nothing is said. */
#define WEFT__CHAOS_KINDS(X)                                                                   \
    X(YIELD, "yield", 8)       /* a task yields in a call that may wait */                     \
    X(PAUSE, "pause", 16)      /* a thread pauses between two steps of a protocol */ \
    X(MIGRATE, "migrate", 2)   /* a migratable task goes to whoever takes it */                \
    X(DOORBELL, "doorbell", 8) /* a wake comes late */                                         \
    X(WAKE, "wake", 8)         /* a sleep ends for nothing */                                  \
    X(LIFO, "lifo", 1)         /* a woken task goes behind the others */                       \
    X(VICTIM, "victim", 1)     /* thieves know no neighbours */                                \
    X(QUEUE, "queue", 2)       /* queues are tiny, or full */

enum weft__chaos_kind {
#define WEFT__CHAOS_ENUM(name, text, chance) WEFT__CHAOS_##name,
    WEFT__CHAOS_KINDS(WEFT__CHAOS_ENUM)
#undef WEFT__CHAOS_ENUM
        WEFT__CHAOS_COUNT
};

/*
 * Turns it on as @value says: "SEED" for all kinds, or "SEED,KIND[=N],..." for some, each one time
 * in N. "" and NULL change nothing. 0, or -EINVAL with *out_text saying what is wrong and what it
 * may be.
 */
int weft__chaos_set(const char *value, char *out_text, size_t text_bytes);

void weft__chaos_off(void); /* for tests */

/* How often kind has been rolled and happened, since it was set. For tests. */
uint64_t weft__chaos_count(enum weft__chaos_kind kind);

bool weft__chaos_roll(enum weft__chaos_kind kind); /* slow path of weft__chaos */
void weft__chaos_pause_now(enum weft__chaos_kind kind);

extern _Atomic uint32_t weft__chaos_armed; /* bit n: kind n may happen */

/* Whether it may happen at all. */
static inline bool weft__chaos_is_on(enum weft__chaos_kind kind)
{
    return (weft__load_relaxed(&weft__chaos_armed) >> kind & 1) != 0;
}

/* Whether it shall happen now. */
static inline bool weft__chaos(enum weft__chaos_kind kind)
{
    if (WEFT__LIKELY(weft__load_relaxed(&weft__chaos_armed) == 0))
        return false;
    return weft__chaos_roll(kind);
}

/* Perhaps lets other threads run first. */
static inline void weft__chaos_pause(enum weft__chaos_kind kind)
{
    if (WEFT__UNLIKELY(weft__load_relaxed(&weft__chaos_armed) != 0))
        weft__chaos_pause_now(kind);
}

#endif

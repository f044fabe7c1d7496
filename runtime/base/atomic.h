/*
 * The only door to shared atomics.
 * Every access names its ordering in the macro, so that a reader sees it, the lint can ask for its
 * partner, and a test build can put an explorer behind the same names.
 */
#ifndef WEFT_BASE_ATOMIC_H
#define WEFT_BASE_ATOMIC_H

#include <stdatomic.h>

#include "runtime/base/compiler.h"

#define weft__load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define weft__load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define weft__load_seqcst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define weft__store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define weft__store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define weft__swap_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define weft__swap_acqrel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define weft__swap_seqcst(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define weft__add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define weft__add_acqrel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define weft__sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define weft__sub_acqrel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define weft__or_relaxed(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define weft__or_acqrel(p, v) atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define weft__and_acqrel(p, v) atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)
#define weft__and_release(p, v) atomic_fetch_and_explicit((p), (v), memory_order_release)
#define weft__cas_relaxed(p, expected, v)                                        \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_relaxed, \
                                            memory_order_relaxed)
#define weft__cas_acquire(p, expected, v)                                        \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acquire, \
                                            memory_order_relaxed)
#define weft__cas_acqrel(p, expected, v)                                         \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel, \
                                            memory_order_acquire)
#define weft__cas_release(p, expected, v)                                        \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_release, \
                                            memory_order_relaxed)
#define weft__cas_seqcst(p, expected, v)                                         \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_seq_cst, \
                                            memory_order_seq_cst)

/* A counter that one thread writes and any thread reads: no read-modify-write is needed. */
#define weft__bump(p) weft__store_relaxed((p), weft__load_relaxed(p) + 1)
#define weft__bump_by(p, v) weft__store_relaxed((p), weft__load_relaxed(p) + (v))

/*
 * Orders every earlier store before every later load, against all threads that also fence.
 * ThreadSanitizer does not model free-standing fences, so its build uses a read-modify-write on a
 * word that all fences share.
 */
static inline void weft__fence_store_load(void)
{
#if WEFT__TSAN
    extern _Atomic uint32_t weft__fence_word;
    atomic_fetch_add_explicit(&weft__fence_word, 1, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

#endif

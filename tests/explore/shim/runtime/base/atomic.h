/*
 * The explorer behind the names of the real runtime/base/atomic.h, before which it stands in the
 * include path: each access becomes a call, with the place where it was written.
 */
#ifndef WEFT_BASE_ATOMIC_H
#define WEFT_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/base/compiler.h"

enum explore_order {
    EXPLORE_RELAXED,
    EXPLORE_ACQUIRE,
    EXPLORE_RELEASE,
    EXPLORE_ACQREL,
    EXPLORE_SEQCST
};
enum explore_change { EXPLORE_SWAP, EXPLORE_ADD, EXPLORE_SUB, EXPLORE_OR, EXPLORE_AND };

const void *explore_load(const void *at, size_t bytes, enum explore_order order,
                         const char *operation, const char *text, const char *function, int line);
void explore_store(void *at, size_t bytes, uint64_t value, enum explore_order order,
                   const char *operation, const char *text, const char *function, int line);
const void *explore_change(void *at, size_t bytes, enum explore_change change, uint64_t value,
                           enum explore_order order, const char *operation, const char *text,
                           const char *function, int line);
bool explore_cas(void *at, size_t bytes, void *expected, uint64_t value, enum explore_order order,
                 const char *operation, const char *text, const char *function, int line);
void explore_fence(const char *function, int line);

/* clang-format off */
#define EXPLORE_TYPE(p) __typeof__((void)0, *(p))
#define EXPLORE_LOAD(p, order, operation, at) \
    (*(const EXPLORE_TYPE(p) *)explore_load((p), sizeof(*(p)), order, operation, at, __func__, __LINE__))
#define EXPLORE_STORE(p, v, order, operation, at) \
    explore_store((p), sizeof(*(p)), (uint64_t)(v), order, operation, at, __func__, __LINE__)
#define EXPLORE_CHANGE(p, v, change, order, operation, at) \
    (*(const EXPLORE_TYPE(p) *)explore_change((p), sizeof(*(p)), change, (uint64_t)(v), order, operation, at, __func__, __LINE__))
#define EXPLORE_CAS(p, expected, v, order, operation, at) \
    explore_cas((p), sizeof(*(p)), (expected), (uint64_t)(v), order, operation, at, __func__, __LINE__)

#define weft__load_relaxed(p) EXPLORE_LOAD(p, EXPLORE_RELAXED, "load_relaxed", #p)
#define weft__load_acquire(p) EXPLORE_LOAD(p, EXPLORE_ACQUIRE, "load_acquire", #p)
#define weft__load_seqcst(p) EXPLORE_LOAD(p, EXPLORE_SEQCST, "load_seqcst", #p)
#define weft__store_relaxed(p, v) EXPLORE_STORE(p, v, EXPLORE_RELAXED, "store_relaxed", #p)
#define weft__store_release(p, v) EXPLORE_STORE(p, v, EXPLORE_RELEASE, "store_release", #p)
#define weft__swap_acquire(p, v) EXPLORE_CHANGE(p, v, EXPLORE_SWAP, EXPLORE_ACQUIRE, "swap_acquire", #p)
#define weft__swap_acqrel(p, v) EXPLORE_CHANGE(p, v, EXPLORE_SWAP, EXPLORE_ACQREL, "swap_acqrel", #p)
#define weft__swap_seqcst(p, v) EXPLORE_CHANGE(p, v, EXPLORE_SWAP, EXPLORE_SEQCST, "swap_seqcst", #p)
#define weft__add_relaxed(p, v) EXPLORE_CHANGE(p, v, EXPLORE_ADD, EXPLORE_RELAXED, "add_relaxed", #p)
#define weft__add_acqrel(p, v) EXPLORE_CHANGE(p, v, EXPLORE_ADD, EXPLORE_ACQREL, "add_acqrel", #p)
#define weft__sub_relaxed(p, v) EXPLORE_CHANGE(p, v, EXPLORE_SUB, EXPLORE_RELAXED, "sub_relaxed", #p)
#define weft__sub_acqrel(p, v) EXPLORE_CHANGE(p, v, EXPLORE_SUB, EXPLORE_ACQREL, "sub_acqrel", #p)
#define weft__or_relaxed(p, v) EXPLORE_CHANGE(p, v, EXPLORE_OR, EXPLORE_RELAXED, "or_relaxed", #p)
#define weft__or_acqrel(p, v) EXPLORE_CHANGE(p, v, EXPLORE_OR, EXPLORE_ACQREL, "or_acqrel", #p)
#define weft__and_acqrel(p, v) EXPLORE_CHANGE(p, v, EXPLORE_AND, EXPLORE_ACQREL, "and_acqrel", #p)
#define weft__and_release(p, v) EXPLORE_CHANGE(p, v, EXPLORE_AND, EXPLORE_RELEASE, "and_release", #p)
#define weft__cas_relaxed(p, e, v) EXPLORE_CAS(p, e, v, EXPLORE_RELAXED, "cas_relaxed", #p)
#define weft__cas_acquire(p, e, v) EXPLORE_CAS(p, e, v, EXPLORE_ACQUIRE, "cas_acquire", #p)
#define weft__cas_acqrel(p, e, v) EXPLORE_CAS(p, e, v, EXPLORE_ACQREL, "cas_acqrel", #p)
#define weft__cas_release(p, e, v) EXPLORE_CAS(p, e, v, EXPLORE_RELEASE, "cas_release", #p)
#define weft__cas_seqcst(p, e, v) EXPLORE_CAS(p, e, v, EXPLORE_SEQCST, "cas_seqcst", #p)
#define weft__fence_store_load() explore_fence(__func__, __LINE__)
/* clang-format on */

#define weft__bump(p) weft__store_relaxed((p), weft__load_relaxed(p) + 1)
#define weft__bump_by(p, v) weft__store_relaxed((p), weft__load_relaxed(p) + (v))

#endif

/*
 * Sequence locks: for a few words that are read often and written seldom, and must be read as one.
 * Readers write nothing, so any number of them go on side by side; one that meets a writer reads
 * again. What is guarded lies beside the lock and is copied in and out as a whole:
 *
 *     struct place { double latitude, longitude; } here, copy;
 *     weft_seqlock lock = WEFT_SEQLOCK_INIT;
 *
 *     rc = weft_seqlock_store(&lock, &here, &now, sizeof(here));
 *     rc = weft_seqlock_load(&lock, &copy, &here, sizeof(here));
 *
 * See weft-locks(7).
 */
#ifndef WEFT_SEQLOCK_H
#define WEFT_SEQLOCK_H

#include <weft/base.h>
#include <weft/error.h>

/* Fixed in size, with room to spare; what is in it is weft's. Never copied while in use. */
typedef union weft_seqlock {
    uint64_t opaque[2];
} weft_seqlock;

/* Zeroed memory is one that nobody has written under. */
#define WEFT_SEQLOCK_INIT { { 0 } }

WEFT_BEGIN

/*
 * weft_seqlock_store - writes what a sequence lock guards
 * Writers come one after the other, in no order; readers never hold one up.
 * @lock:      the lock
 * @to:        what it guards; at an address that is a multiple of 8
 * @from:      what is to be there; not @to
 * @bytes:     how many; a multiple of 8
 * Returns:    0
 * Errors:     -EINVAL when bytes or the address is no multiple of 8: nothing is written
 * Ownership:  all of it stays the caller's; nobody reads or writes at @to but by these calls
 * Context:    any task, any thread; in no signal handler    Suspends: never; spins while another
 *             writes, and after a while yields the CPU
 * Cancel:     works in a cancelled task too
 * Ordering:   everything before it happens-before the return of a load that reads it
 * Cost:       one compare-and-swap, and a store for each word    Node: none
 * Since:      0.1    Source: Lameter, Effective synchronization on Linux/NUMA systems, 2005; Boehm,
 *             Can seqlocks get along with programming language memory models?, 2012
 */
WEFT_API int weft_seqlock_store(weft_seqlock *lock, void *to, const void *from, size_t bytes);

/*
 * weft_seqlock_load - reads what a sequence lock guards, as one store has left it
 * @lock:      the lock
 * @to:        where to
 * @from:      what it guards; at an address that is a multiple of 8
 * @bytes:     how many; a multiple of 8
 * Returns:    0
 * Errors:     as weft_seqlock_store: @to is untouched then
 * Ownership:  as weft_seqlock_store
 * Context:    as weft_seqlock_store    Suspends: never; reads again while somebody writes
 * Cancel:     works in a cancelled task too
 * Ordering:   as weft_seqlock_store
 * Cost:       a load for each word and two more; nothing is written that others look at
 * Node:       none
 * Since:      0.1    Source: as weft_seqlock_store
 */
WEFT_API int weft_seqlock_load(const weft_seqlock *lock, void *to, const void *from, size_t bytes);

WEFT_END

#endif

/*
 * Proofs of work. Each body and each peer works the same sum out of what its tasks really did, and
 * the runner compares it with the one that these functions state for so many operations. Peers in C
 * and C++ include this file; the Go peer has the same arithmetic.
 */
#ifndef WEFT_TOOLS_BENCH_CHECKSUM_H
#define WEFT_TOOLS_BENCH_CHECKSUM_H

#include <stdint.h>

enum {
    weft__checksum_batch = 1000,    /* tasks that are spawned before they are joined */
    weft__checksum_sleep_ms = 1000, /* the longest sleep */
    weft__checksum_lockers = 4,     /* tasks that share a mutex */
    weft__checksum_mixed = 25,      /* the Fibonacci number computed beside an echo server */
};

#define WEFT__CHECKSUM_SEED UINT64_C(88172645463325252)

/* Turn @turn of task @name, 1 or 2. Order is no part of it: a scheduler may let one go twice. */
static inline uint64_t weft__checksum_turn(uint64_t sum, uint64_t name, uint64_t turn)
{
    return sum + name * (turn + 1);
}

/* The next of the sleeps, 0 to 1,000 ms (xorshift64; Marsaglia, "Xorshift RNGs", 2003). */
static inline uint64_t weft__checksum_sleep(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x % (weft__checksum_sleep_ms + 1);
}

/* What @count operations must add up to. */
uint64_t weft__checksum_of_turns(uint64_t count);    /* two tasks in turn; count is even */
uint64_t weft__checksum_of_batches(uint64_t count);  /* slot i of a batch counts i + 1 each time */
uint64_t weft__checksum_of_messages(uint64_t count); /* messages 0 to count - 1, added up */
uint64_t weft__checksum_of_round_trips(uint64_t count);  /* each side adds one to the token */
uint64_t weft__checksum_of_sleeps(uint64_t count);       /* milliseconds slept by all */
uint64_t weft__checksum_of_direct_reads(uint64_t count); /* numbers of the blocks read */
uint64_t weft__checksum_of_cached_reads(uint64_t count);
uint64_t weft__checksum_of_visits(uint64_t count);    /* one each */
uint64_t weft__checksum_of_fib(uint64_t count);       /* the Fibonacci number */
uint64_t weft__checksum_of_queens(uint64_t count);    /* solutions on a board of that size */
uint64_t weft__checksum_of_tree(uint64_t count);      /* nodes of the tree of that height */
uint64_t weft__checksum_of_product(uint64_t count);   /* elements of a product, weighed */
uint64_t weft__checksum_of_sweeps(uint64_t count);    /* the bits of a field after so many */
uint64_t weft__checksum_of_additions(uint64_t count); /* one each, none lost; a multiple of 4 */

#endif

#include "tools/bench/checksum.h"

#include "tools/bench/randread.h"

uint64_t weft__checksum_of_turns(uint64_t count)
{
    uint64_t turns = count / 2;

    return (1 + 2) * (turns * (turns + 1) / 2);
}

uint64_t weft__checksum_of_batches(uint64_t count)
{
    uint64_t of_one = (uint64_t)weft__checksum_batch * (weft__checksum_batch + 1) / 2;

    return count / weft__checksum_batch * of_one;
}

uint64_t weft__checksum_of_messages(uint64_t count)
{
    return count * (count - 1) / 2;
}

uint64_t weft__checksum_of_round_trips(uint64_t count)
{
    return 2 * count;
}

uint64_t weft__checksum_of_visits(uint64_t count)
{
    return count;
}

uint64_t weft__checksum_of_fib(uint64_t count)
{
    uint64_t value = 0;
    uint64_t next = 1;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t sum = value + next;
        value = next;
        next = sum;
    }
    return value;
}

uint64_t weft__checksum_of_additions(uint64_t count)
{
    return count / weft__checksum_lockers * weft__checksum_lockers;
}

uint64_t weft__checksum_of_sleeps(uint64_t count)
{
    uint64_t state = WEFT__CHECKSUM_SEED;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += weft__checksum_sleep(&state);
    return sum;
}

static uint64_t of_reads(bool direct, uint64_t count)
{
    uint64_t blocks = weft__randread_blocks(direct, count);
    uint64_t state = WEFT__CHECKSUM_SEED;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += weft__randread_next(&state, blocks);
    return sum;
}

uint64_t weft__checksum_of_direct_reads(uint64_t count)
{
    return of_reads(true, count);
}

uint64_t weft__checksum_of_cached_reads(uint64_t count)
{
    return of_reads(false, count);
}

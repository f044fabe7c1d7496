#include "tools/bench/checksum.h"

#include "tools/bench/divide.h"
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

/* Sequence A000170 of the OEIS. */
uint64_t weft__checksum_of_queens(uint64_t count)
{
    static const uint64_t solutions[weft__divide_queens + 1] = {
        1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512
    };
    return count <= weft__divide_queens ? solutions[count] : 0;
}

static uint64_t count_nodes(const struct weft__divide_node *node)
{
    struct weft__divide_node children[weft__divide_children];
    uint32_t count = weft__divide_grow(node, children);
    uint64_t nodes = 1;

    for (uint32_t i = 0; i < count; i++)
        nodes += count_nodes(&children[i]);
    return nodes;
}

uint64_t weft__checksum_of_tree(uint64_t count)
{
    return count_nodes(&(struct weft__divide_node){ 1, count, 0 });
}

/* The weights are products, so the sum over all elements is one of products of two sums. */
uint64_t weft__checksum_of_product(uint64_t count)
{
    size_t side = (size_t)((count + weft__divide_tile - 1) / weft__divide_tile * weft__divide_tile);
    uint64_t sum = 0;

    for (size_t k = 0; k < side; k++) {
        uint64_t left = 0;
        uint64_t right = 0;
        for (size_t i = 0; i < side; i++) {
            left += weft__divide_row_weight(i) * (uint64_t)weft__divide_left(i, k);
            right += weft__divide_column_weight(i) * (uint64_t)weft__divide_right(k, i);
        }
        sum += left * right;
    }
    return sum;
}

uint64_t weft__checksum_of_sweeps(uint64_t count)
{
    static double fields[2][weft__divide_side * weft__divide_side];
    double *from = fields[0];
    double *to = fields[1];

    for (size_t row = 0; row < weft__divide_side; row++) {
        weft__divide_fill_row(from, row);
        weft__divide_fill_row(to, row);
    }
    for (uint64_t sweep = 0; sweep < count; sweep++) {
        for (size_t row = 1; row < weft__divide_side - 1; row++)
            weft__divide_smooth(from, to, row);
        double *last = from;
        from = to;
        to = last;
    }
    return weft__divide_hash(from);
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

/* What is divided by the bodies of body_divide.c and by the peers, so that all do the same. */
#ifndef WEFT_TOOLS_BENCH_DIVIDE_H
#define WEFT_TOOLS_BENCH_DIVIDE_H

#include <stddef.h>
#include <stdint.h>

enum {
    weft__divide_passes = 10,   /* of a triad over its arrays */
    weft__divide_queens = 16,   /* at most */
    weft__divide_children = 24, /* of a node of the unbalanced tree, at most */
};

/* Keys to sort; returns their sum. */
static inline uint64_t weft__divide_fill(uint32_t *keys, uint64_t count)
{
    uint64_t x = UINT64_C(88172645463325252);
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        keys[i] = (uint32_t)(x >> 32);
        sum += keys[i];
    }
    return sum;
}

/* As many as there are, when they are in order and add up to @sum. */
static inline uint64_t weft__divide_in_order(const uint32_t *keys, uint64_t count, uint64_t sum)
{
    uint64_t in_order = 0;

    for (uint64_t i = 0; i < count; i++) {
        in_order += i == 0 || keys[i - 1] <= keys[i];
        sum -= keys[i];
    }
    return in_order + sum;
}

/* A board with queens in its first rows: what they attack in the next one. */
struct weft__divide_board {
    uint32_t size;
    uint32_t row;
    uint32_t columns;
    uint32_t falling;
    uint32_t rising;
    uint64_t solutions;
};

/* The boards with one more queen; returns how many. */
static inline uint32_t weft__divide_place(const struct weft__divide_board *board,
                                          struct weft__divide_board *next)
{
    uint32_t all = (UINT32_C(1) << board->size) - 1;
    uint32_t free = all & ~(board->columns | board->falling | board->rising);
    uint32_t count = 0;

    while (free != 0) {
        uint32_t queen = free & -free;
        free &= free - 1;
        next[count].size = board->size;
        next[count].row = board->row + 1;
        next[count].columns = board->columns | queen;
        next[count].falling = (board->falling | queen) << 1;
        next[count].rising = (board->rising | queen) >> 1;
        next[count].solutions = 0;
        count++;
    }
    return count;
}

/* A node of an unbalanced tree. */
struct weft__divide_node {
    uint64_t state;
    uint64_t height; /* of the tree below, at most */
    uint64_t nodes;  /* gets how many there are */
};

static inline uint64_t weft__divide_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The children of @node, of which there are four on average, geometrically distributed. (Olivier et
 * al., UTS: An Unbalanced Tree Search Benchmark, 2006; with another hash.) */
static inline uint32_t weft__divide_grow(const struct weft__divide_node *node,
                                         struct weft__divide_node *children)
{
    double drawn = (double)(weft__divide_mix(node->state) >> 11) / (double)(UINT64_C(1) << 53);
    uint32_t count = 0;

    if (node->height == 0)
        return 0;
    for (double more = 0.8; drawn < more && count < weft__divide_children; more *= 0.8)
        count++;
    for (uint32_t i = 0; i < count; i++) {
        children[i].state = weft__divide_mix(node->state + i + 1);
        children[i].height = node->height - 1;
        children[i].nodes = 0;
    }
    return count;
}

#endif

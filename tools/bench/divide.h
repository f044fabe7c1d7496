/* What is divided by the bodies of body_divide.c and by the peers, so that all do the same. */
#ifndef WEFT_TOOLS_BENCH_DIVIDE_H
#define WEFT_TOOLS_BENCH_DIVIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    weft__divide_passes = 10,   /* of a triad over its arrays */
    weft__divide_queens = 16,   /* at most */
    weft__divide_children = 24, /* of a node of the unbalanced tree, at most */
    weft__divide_tile = 64,     /* rows and columns of a tile of a matrix */
    weft__divide_side = 1024,   /* rows and columns of a field of points */
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

/* The factors: small integers, so that the product is the same whatever the order of additions. */
static inline double weft__divide_left(size_t row, size_t column)
{
    return (double)((row * 3 + column) % 7);
}

static inline double weft__divide_right(size_t row, size_t column)
{
    return (double)((row + column * 5) % 11);
}

/* What an element of the product counts in the checksum: by its row, times by its column. */
static inline uint64_t weft__divide_row_weight(size_t row)
{
    return row % 3 + 1;
}

static inline uint64_t weft__divide_column_weight(size_t column)
{
    return column % 5 + 1;
}

/* Square matrices of @side rows, which lie @stride apart. */
struct weft__divide_matrices {
    size_t side;
    size_t stride; /* a line of memory more, or the rows of a tile would share lines of caches */
    double *left;
    double *right;
    double *product;
};

static inline struct weft__divide_matrices weft__divide_matrices_make(uint64_t count)
{
    struct weft__divide_matrices all;

    all.side = (size_t)((count + weft__divide_tile - 1) / weft__divide_tile * weft__divide_tile);
    all.stride = all.side + 64 / sizeof(double);
    all.left = (double *)malloc(all.side * all.stride * sizeof(double));
    all.right = (double *)malloc(all.side * all.stride * sizeof(double));
    all.product = (double *)malloc(all.side * all.stride * sizeof(double));
    return all;
}

static inline void weft__divide_matrices_release(struct weft__divide_matrices *all)
{
    free(all->left);
    free(all->right);
    free(all->product);
}

/* False: there was no memory for them. */
static inline bool weft__divide_matrices_fill(const struct weft__divide_matrices *all)
{
    if (all->left == NULL || all->right == NULL || all->product == NULL)
        return false;
    for (size_t row = 0; row < all->side; row++)
        for (size_t column = 0; column < all->side; column++) {
            all->left[row * all->stride + column] = weft__divide_left(row, column);
            all->right[row * all->stride + column] = weft__divide_right(row, column);
            all->product[row * all->stride + column] = 0;
        }
    return true;
}

static inline void weft__divide_add_row(double *__restrict to, const double *__restrict from,
                                        double factor)
{
    for (size_t i = 0; i < weft__divide_tile; i++)
        to[i] += factor * from[i];
}

/* A call of its own, so that all who are built by one compiler run the same instructions. */
#define WEFT__DIVIDE_KERNEL __attribute__((noinline, unused)) static

/* The tile of the product that begins at @row and @column. */
WEFT__DIVIDE_KERNEL void weft__divide_multiply(const struct weft__divide_matrices *all, size_t row,
                                               size_t column)
{
    for (size_t middle = 0; middle < all->side; middle += weft__divide_tile)
        for (size_t i = row; i < row + weft__divide_tile; i++)
            for (size_t k = middle; k < middle + weft__divide_tile; k++)
                weft__divide_add_row(&all->product[i * all->stride + column],
                                     &all->right[k * all->stride + column],
                                     all->left[i * all->stride + k]);
}

static inline uint64_t weft__divide_weigh(const struct weft__divide_matrices *all)
{
    uint64_t sum = 0;

    for (size_t row = 0; row < all->side; row++)
        for (size_t column = 0; column < all->side; column++)
            sum += weft__divide_row_weight(row) * weft__divide_column_weight(column) *
                   (uint64_t)all->product[row * all->stride + column];
    return sum;
}

/* A field of weft__divide_side rows of as many points: hot on one side, cold elsewhere. */
static inline void weft__divide_fill_row(double *field, size_t row)
{
    for (size_t i = 0; i < weft__divide_side; i++)
        field[row * weft__divide_side + i] = row == 0 ? 1000 + (double)i : 0;
}

/* A row of a sweep: each point but those at the edge becomes the mean of its four neighbours. No
 * product is added to anything, so no compiler can make other bits of it. */
WEFT__DIVIDE_KERNEL void weft__divide_smooth(const double *__restrict from, double *__restrict to,
                                             size_t row)
{
    const double *above = &from[(row - 1) * weft__divide_side];
    const double *here = &from[row * weft__divide_side];
    const double *below = &from[(row + 1) * weft__divide_side];
    double *out = &to[row * weft__divide_side];

    for (size_t i = 1; i < weft__divide_side - 1; i++)
        out[i] = ((above[i] + below[i]) + (here[i - 1] + here[i + 1])) * 0.25;
}

/* All bits of a field, each point in its place. */
static inline uint64_t weft__divide_hash(const double *field)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < (size_t)weft__divide_side * weft__divide_side; i++) {
        uint64_t bits;
        memcpy(&bits, &field[i], sizeof(bits));
        hash = hash * UINT64_C(0x9e3779b97f4a7c15) + bits;
    }
    return hash;
}

#endif

/*
 * sort_2w: random keys, by WEFT_SORT. triad_2w: a = b + 3 c over three arrays, each worker its
 * part. nqueens_2w: all solutions, a fork for each queen. uts_2w: the nodes of an unbalanced tree,
 * a fork for each.
 */
#include <errno.h>
#include <stdlib.h>
#include <weft.h>

#include "tools/bench/body.h"
#include "tools/bench/divide.h"

/* ---- sort ---- */

#define IS_LESS(a, b) (*(a) < *(b))

WEFT_SORT(sort_keys, uint32_t, IS_LESS);

int weft__body_divide_run_sort(void *argument)
{
    struct weft__body_run *run = argument;
    uint32_t *keys = malloc(run->count * sizeof(*keys));

    if (keys == NULL)
        return -ENOMEM;
    uint64_t sum = weft__divide_fill(keys, run->count);
    int64_t start_ns = weft_clock();
    int rc = sort_keys(keys, run->count);
    run->value = weft__body_seconds(start_ns);
    run->checksum = weft__divide_in_order(keys, run->count, sum);
    free(keys);
    return rc;
}

/* ---- triad ---- */

struct arrays {
    double *a;
    double *b;
    double *c;
};

static int fill(size_t begin, size_t end, void *argument)
{
    const struct arrays *arrays = argument;

    for (size_t i = begin; i < end; i++) {
        arrays->a[i] = 0;
        arrays->b[i] = 1;
        arrays->c[i] = 2;
    }
    return 0;
}

static int add_scaled(size_t begin, size_t end, void *argument)
{
    const struct arrays *arrays = argument;
    double *restrict a = arrays->a;
    const double *restrict b = arrays->b;
    const double *restrict c = arrays->c;

    for (size_t i = begin; i < end; i++)
        a[i] = b[i] + 3.0 * c[i];
    return 0;
}

static int pass_over(struct weft__body_run *run, struct arrays *arrays)
{
    const weft_for_options options = WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC);
    int rc = weft_for(0, run->count, fill, arrays, &options);
    double sum = 0;

    int64_t start_ns = weft_clock();
    for (int pass = 0; pass < weft__divide_passes && rc == 0; pass++)
        rc = weft_for(0, run->count, add_scaled, arrays, &options);
    double bytes = 3.0 * sizeof(double) * (double)run->count * weft__divide_passes;
    run->value = bytes / 1e9 / weft__body_seconds(start_ns);
    for (size_t i = 0; i < run->count; i++)
        sum += arrays->a[i] / 7;
    run->checksum = (uint64_t)sum;
    return rc;
}

int weft__body_divide_run_triad(void *argument)
{
    struct weft__body_run *run = argument;
    size_t bytes = run->count * sizeof(double);
    struct arrays arrays = { malloc(bytes), malloc(bytes), malloc(bytes) };
    int rc = -ENOMEM;

    if (arrays.a != NULL && arrays.b != NULL && arrays.c != NULL)
        rc = pass_over(run, &arrays);
    free(arrays.a);
    free(arrays.b);
    free(arrays.c);
    return rc;
}

/* ---- queens ---- */

static int place_queens(weft_strand *strand, void *argument)
{
    struct weft__divide_board *board = argument;
    struct weft__divide_board next[weft__divide_queens];

    if (board->row == board->size) {
        board->solutions = 1;
        return 0;
    }
    uint32_t count = weft__divide_place(board, next);
    for (uint32_t i = 0; i < count; i++)
        weft_fork(strand, place_queens, &next[i]);
    for (uint32_t i = count; i-- > 0;) {
        (void)weft_fork_join(strand); /* always 0 */
        board->solutions += next[i].solutions;
    }
    return 0;
}

int weft__body_divide_run_queens(void *argument)
{
    struct weft__body_run *run = argument;
    struct weft__divide_board board = { .size = (uint32_t)run->count };
    int64_t start_ns = weft_clock();
    int rc = weft_fork_run(place_queens, &board);

    run->value = weft__body_seconds(start_ns);
    run->checksum = board.solutions;
    return rc;
}

/* ---- an unbalanced tree ---- */

static int count_nodes(weft_strand *strand, void *argument)
{
    struct weft__divide_node *node = argument;
    struct weft__divide_node children[weft__divide_children];
    uint32_t count = weft__divide_grow(node, children);

    for (uint32_t i = 0; i < count; i++)
        weft_fork(strand, count_nodes, &children[i]);
    node->nodes = 1;
    for (uint32_t i = count; i-- > 0;) {
        (void)weft_fork_join(strand); /* always 0 */
        node->nodes += children[i].nodes;
    }
    return 0;
}

int weft__body_divide_run_tree(void *argument)
{
    struct weft__body_run *run = argument;
    struct weft__divide_node root = { 1, run->count, 0 };
    int64_t start_ns = weft_clock();
    int rc = weft_fork_run(count_nodes, &root);

    run->value = weft__body_seconds(start_ns);
    run->checksum = root.nodes;
    return rc;
}

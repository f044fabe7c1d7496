/*
 * matrix_2w: a product of matrices, a tile of it at a time. stencil_2w: sweeps over a field of
 * points, each of them a loop of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <weft.h>

#include "tools/bench/body.h"
#include "tools/bench/divide.h"

/* ---- matrices ---- */

static int multiply(weft_range rows, weft_range columns, void *argument)
{
    weft__divide_multiply(argument, rows.begin, columns.begin);
    return 0;
}

int weft__body_field_run_product(void *argument)
{
    struct weft__body_run *run = argument;
    struct weft__divide_matrices all = weft__divide_matrices_make(run->count);
    const weft_range sides = { 0, all.side };
    int rc = -ENOMEM;

    if (weft__divide_matrices_fill(&all)) {
        int64_t start_ns = weft_clock();
        rc = weft_for_tiles(sides, sides, weft__divide_tile, weft__divide_tile, multiply, &all,
                            NULL);
        run->value = weft__body_seconds(start_ns);
        run->checksum = weft__divide_weigh(&all);
    }
    weft__divide_matrices_release(&all);
    return rc;
}

/* ---- a field of points ---- */

struct fields {
    double *from;
    double *to;
};

static int fill(size_t begin, size_t end, void *argument)
{
    const struct fields *fields = argument;

    for (size_t row = begin; row < end; row++) {
        weft__divide_fill_row(fields->from, row);
        weft__divide_fill_row(fields->to, row);
    }
    return 0;
}

static int smooth(size_t begin, size_t end, void *argument)
{
    const struct fields *fields = argument;

    for (size_t row = begin; row < end; row++)
        weft__divide_smooth(fields->from, fields->to, row);
    return 0;
}

/* Each worker keeps its rows, so they stay in its cache and on its node. */
static int sweep_all(struct weft__body_run *run, struct fields *fields)
{
    const weft_for_options options = WEFT_FOR_OPTIONS(.schedule = WEFT_STATIC);
    int rc = weft_for(0, weft__divide_side, fill, fields, &options);

    int64_t start_ns = weft_clock();
    for (uint64_t sweep = 0; sweep < run->count && rc == 0; sweep++) {
        rc = weft_for(1, weft__divide_side - 1, smooth, fields, &options);
        *fields = (struct fields){ fields->to, fields->from };
    }
    run->value = weft__body_seconds(start_ns);
    run->checksum = weft__divide_hash(fields->from);
    return rc;
}

int weft__body_field_run_sweeps(void *argument)
{
    size_t bytes = sizeof(double) * weft__divide_side * weft__divide_side;
    struct fields fields = { malloc(bytes), malloc(bytes) };
    int rc = -ENOMEM;

    if (fields.from != NULL && fields.to != NULL)
        rc = sweep_all(argument, &fields);
    free(fields.from);
    free(fields.to);
    return rc;
}

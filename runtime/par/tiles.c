/*
 * Loops over two dimensions: a loop over tiles, numbered row by row. A chunk is as many tiles as
 * take about 10 us; each of them is a call of its own, and fails for itself.
 */
#include <errno.h>

#include "runtime/base/check.h"
#include "runtime/par/loop.h"
#include "runtime/sched/worker.h"

enum { default_side = 64 };

struct tiles {
    struct weft__loop loop;
    weft_tile_fn fn;
    void *argument;
    weft_range rows;
    weft_range columns;
    size_t tile_rows;
    size_t tile_columns;
    size_t in_a_row;
};

static weft_range part_of(weft_range range, size_t index, size_t side)
{
    size_t begin = range.begin + index * side;
    size_t left = range.end - begin;

    return (weft_range){ begin, begin + (side < left ? side : left) };
}

static int do_tiles(size_t begin, size_t end, void *argument)
{
    struct tiles *tiles = argument;

    for (size_t i = begin; i < end; i++) {
        if (i > begin && !weft__loop_goes_on(&tiles->loop))
            break;
        weft_range rows = part_of(tiles->rows, i / tiles->in_a_row, tiles->tile_rows);
        weft_range columns = part_of(tiles->columns, i % tiles->in_a_row, tiles->tile_columns);
        int rc = tiles->fn(rows, columns, tiles->argument);
        if (WEFT__UNLIKELY(rc < 0))
            weft__loop_note(&tiles->loop, (weft_for_failure){ i, i + 1, rc });
    }
    return 0;
}

/* How many parts of @side a range has. */
static size_t parts_of(weft_range range, size_t side)
{
    return range.begin < range.end ? (range.end - range.begin - 1) / side + 1 : 0;
}

int weft_for_tiles(weft_range rows, weft_range columns, size_t tile_rows, size_t tile_columns,
                   weft_tile_fn fn, void *argument, const weft_for_options *options)
{
    struct tiles tiles = { .fn = fn, .argument = argument, .rows = rows, .columns = columns };

    WEFT_NEED(fn);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    tiles.tile_rows = tile_rows != 0 ? tile_rows : default_side;
    tiles.tile_columns = tile_columns != 0 ? tile_columns : default_side;
    tiles.in_a_row = parts_of(columns, tiles.tile_columns);
    tiles.loop.fn = do_tiles;
    tiles.loop.argument = &tiles;
    if (__builtin_mul_overflow(parts_of(rows, tiles.tile_rows), tiles.in_a_row, &tiles.loop.end))
        return -EOVERFLOW;
    return weft__loop_run(&tiles.loop, options);
}

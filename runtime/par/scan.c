/*
 * Scans, in two passes over the blocks of a range: the first adds up each block; then the caller
 * works out, in the order of the blocks, what lies before each; the second writes, and begins each
 * block with that.
 */
#include <string.h>

#include "runtime/base/check.h"
#include "runtime/par/blocks.h"

struct scan {
    weft_scan_fn fn;
    void *argument;
    size_t bytes;
    weft_combine_fn combine;
};

static int add_block(const struct weft__blocks *blocks, size_t begin, size_t end, void *partial)
{
    const struct scan *scan = blocks->user;
    return scan->fn(begin, end, scan->argument, partial, 0);
}

static int write_block(const struct weft__blocks *blocks, size_t begin, size_t end, void *partial)
{
    const struct scan *scan = blocks->user;
    return scan->fn(begin, end, scan->argument, partial, 1);
}

/* Partials, from the sum before the first block and the sums of all, to the sums before each, and
 * that of all behind. */
static void add_up(const struct weft__blocks *blocks, const struct scan *scan)
{
    char *spare = weft__blocks_partial(blocks, blocks->count + 1);

    for (size_t i = 0; i < blocks->count; i++) {
        char *before = weft__blocks_partial(blocks, i);
        char *next = weft__blocks_partial(blocks, i + 1);
        memcpy(spare, next, scan->bytes);
        memcpy(next, before, scan->bytes);
        scan->combine(next, spare);
    }
}

static int run(struct weft__blocks *blocks, const struct scan *scan, void *inout_sum,
               const weft_for_options *options)
{
    blocks->partials = blocks->memory + blocks->stride;
    int rc = weft__blocks_for(blocks, add_block, options);
    if (rc < 0)
        return rc;
    blocks->partials = blocks->memory;
    memcpy(blocks->memory, inout_sum, scan->bytes);
    add_up(blocks, scan);
    rc = weft__blocks_for(blocks, write_block, options);
    if (rc >= 0)
        memcpy(inout_sum, weft__blocks_partial(blocks, blocks->count), scan->bytes);
    return rc;
}

int weft_scan(size_t begin, size_t end, weft_scan_fn fn, void *argument, void *inout_sum,
              size_t bytes, weft_combine_fn combine, const weft_for_options *options)
{
    struct weft__blocks blocks;
    const struct scan scan = { fn, argument, bytes, combine };

    WEFT_NEED(fn);
    WEFT_NEED(inout_sum);
    WEFT_NEED(combine);
    int rc = weft__blocks_begin(&blocks, begin, end, bytes, 2, &scan, options);
    if (rc <= 0)
        return rc;
    rc = run(&blocks, &scan, inout_sum, options);
    weft__blocks_fini(&blocks);
    return rc;
}

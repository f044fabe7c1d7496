/* Reductions: each block adds what it finds to its partial result; the caller combines them. */
#include "runtime/base/check.h"
#include "runtime/par/blocks.h"

struct reduction {
    weft_reduce_fn fn;
    const void *input;
};

static int reduce_block(const struct weft__blocks *blocks, size_t begin, size_t end, void *partial)
{
    const struct reduction *reduction = blocks->user;
    return reduction->fn(begin, end, reduction->input, partial);
}

int weft_reduce(size_t begin, size_t end, weft_reduce_fn fn, const void *input, void *inout_result,
                size_t bytes, weft_combine_fn combine, const weft_for_options *options)
{
    struct weft__blocks blocks;
    const struct reduction reduction = { fn, input };

    WEFT_NEED(fn);
    WEFT_NEED(inout_result);
    WEFT_NEED(combine);
    int rc = weft__blocks_begin(&blocks, begin, end, bytes, 0, &reduction, options);
    if (rc <= 0)
        return rc;
    rc = weft__blocks_for(&blocks, reduce_block, options);
    for (size_t i = 0; i < blocks.count && rc >= 0; i++)
        combine(inout_result, weft__blocks_partial(&blocks, i));
    weft__blocks_fini(&blocks);
    return rc;
}

void weft_add_double(void *into, const void *from)
{
    *(double *)into += *(const double *)from;
}

void weft_add_integer(void *into, const void *from)
{
    uint64_t *sum = into; /* wraps around, where a signed sum would be undefined */
    *sum += *(const uint64_t *)from;
}

/*
 * Blocks. A range is cut by its length alone, into at most 256 of them; each has its partial
 * result, a line of memory of its own; the caller combines them in their order. So sums of doubles
 * come out the same on any number of workers, and on none.
 */
#include "runtime/par/blocks.h"

#include <errno.h>

#include "numa/memory.h"
#include "runtime/base/compiler.h"
#include "runtime/par/loop.h"

enum { most_blocks = 256, most_bytes = 1 << 16 };

static size_t length_of_blocks(size_t count, size_t grain)
{
    size_t least = count / most_blocks + (count % most_blocks != 0 ? 1 : 0);
    return grain > least ? grain : least;
}

int weft__blocks_begin(struct weft__blocks *blocks, size_t begin, size_t end, size_t bytes,
                       size_t extra, const void *user, const weft_for_options *options)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (bytes == 0 || bytes > most_bytes || (options != NULL && options->size != sizeof(*options)))
        return -EINVAL;
    if (begin >= end)
        return weft__loop_none(options);
    *blocks = (struct weft__blocks){ .begin = begin, .end = end, .user = user };
    blocks->length = length_of_blocks(end - begin, options != NULL ? options->grain : 0);
    blocks->stride = (bytes + WEFT__CACHE_LINE - 1) / WEFT__CACHE_LINE * WEFT__CACHE_LINE;
    blocks->count = (end - begin - 1) / blocks->length + 1;
    blocks->memory_bytes = (blocks->count + extra) * blocks->stride;
    blocks->memory = weft__memory_alloc(WEFT__NODE_LOCAL, blocks->memory_bytes);
    blocks->partials = blocks->memory;
    return blocks->partials != NULL ? 1 : -ENOMEM;
}

void weft__blocks_fini(struct weft__blocks *blocks)
{
    weft__memory_free(blocks->memory, blocks->memory_bytes);
}

static size_t end_of(const struct weft__blocks *blocks, size_t begin)
{
    size_t left = blocks->end - begin;
    return begin + (blocks->length < left ? blocks->length : left);
}

static size_t begin_of(const struct weft__blocks *blocks, size_t index)
{
    return blocks->begin + index * blocks->length;
}

/* Of one block: see weft__blocks_for. */
static int do_block(size_t first, size_t last, void *argument)
{
    const struct weft__blocks *blocks = argument;
    size_t begin = begin_of(blocks, first);

    (void)last;
    return blocks->fn(blocks, begin, end_of(blocks, begin), weft__blocks_partial(blocks, first));
}

/* Failures name ranges of blocks, which become those of indices. */
static void tell_failures(const struct weft__blocks *blocks, const weft_for_options *options)
{
    for (size_t i = 0; i < options->failures_room && i < *options->out_count; i++) {
        weft_for_failure *failure = &options->failures[i];
        failure->begin = begin_of(blocks, failure->begin);
        failure->end = end_of(blocks, failure->begin);
    }
}

/* One call for each block: shares of several would be one failure for all of them, so a guided
 * loop is a dynamic one, which hands out blocks as evenly. */
int weft__blocks_for(struct weft__blocks *blocks, weft__block_fn fn,
                     const weft_for_options *options)
{
    weft_for_options own = WEFT_FOR_OPTIONS_INIT;
    size_t failed = SIZE_MAX; /* until the loop has ended */

    blocks->fn = fn;
    if (options != NULL)
        own = *options;
    if (own.schedule == WEFT_GUIDED)
        own.schedule = WEFT_DYNAMIC;
    own.grain = 1;
    own.out_count = &failed;
    int rc = weft_for(0, blocks->count, do_block, blocks, &own);
    if (failed == SIZE_MAX)
        return rc;
    tell_failures(blocks, &own);
    if (options != NULL && options->out_count != NULL)
        *options->out_count = failed;
    return rc;
}

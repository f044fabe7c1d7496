/* Ranges that are cut into blocks by their length alone, for reductions and scans; see blocks.c. */
#ifndef WEFT_PAR_BLOCKS_H
#define WEFT_PAR_BLOCKS_H

#include <weft/loop.h>

struct weft__blocks;

/* Does one block; partial is its own. */
typedef int (*weft__block_fn)(const struct weft__blocks *blocks, size_t begin, size_t end,
                              void *partial);

/* On the stack of whoever has called the reduction. */
struct weft__blocks {
    size_t begin;        /* (i) */
    size_t end;          /* (i) */
    size_t length;       /* (i) of a block; the last one may be shorter */
    size_t count;        /* (i) */
    size_t stride;       /* (i) of a partial result */
    char *memory;        /* (i) of the partial results */
    size_t memory_bytes; /* (i) */
    char *partials;      /* that of the first block; at first, memory */
    weft__block_fn fn;   /* of the loop over them */
    const void *user;    /* whose they are */
};

/* Cuts the range for partials of @bytes that begin zeroed; @extra more of them lie behind the last
 * one. @user is for whoever does the blocks. 1; 0: the range is empty, and all is done; or the
 * negative errno that the caller returns. */
int weft__blocks_begin(struct weft__blocks *blocks, size_t begin, size_t end, size_t bytes,
                       size_t extra, const void *user, const weft_for_options *options);

void weft__blocks_fini(struct weft__blocks *blocks);

/* Calls @fn for each block; failures name ranges of indices. */
int weft__blocks_for(struct weft__blocks *blocks, weft__block_fn fn,
                     const weft_for_options *options);

static inline void *weft__blocks_partial(const struct weft__blocks *blocks, size_t index)
{
    return blocks->partials + index * blocks->stride;
}

#endif

/*
 * Way (c): one task reads all files, block by block, and a pool of tasks counts the blocks. Blocks
 * go round: free -> reader -> full -> counters -> counted -> the task that called, which joins the
 * pieces of each file in their order -> free. Their number bounds memory and how far the reader
 * runs ahead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <weft.h>

#include "tools/tour/limits.h"
#include "tools/tour/pass.h"

enum { BLOCKS = 32 };

/* Whoever has taken a block from a channel owns it until he puts it into the next. */
struct block {
    size_t number; /* in the order of reading */
    size_t file;
    size_t used;              /* bytes read */
    int error;                /* of the file; only in its last block */
    bool last;                /* of its file */
    struct weft__count count; /* of this block alone */
    unsigned char bytes[WEFT__LIMITS_BLOCK_BYTES];
};

struct pool {
    const struct weft__paths *files;
    weft_chan free;
    weft_chan full;
    weft_chan counted;
    struct block *blocks;
};

/* Fills a block from where the file stands. Returns 1 when the file goes on, 0 at its end. */
static int fill_block(weft_fd file, struct block *block)
{
    while (block->used < sizeof(block->bytes)) {
        ssize_t got = weft_read(file, block->bytes + block->used,
                                sizeof(block->bytes) - block->used,
                                weft_after(WEFT__LIMITS_PATIENCE));
        if (got <= 0)
            return (int)got;
        block->used += (size_t)got;
    }
    return 1;
}

static int read_file(const struct pool *pool, size_t index, size_t *number)
{
    weft_fd file = weft_open(pool->files->items[index], O_RDONLY | O_NOFOLLOW | O_NOCTTY, 0,
                             weft_after(WEFT__LIMITS_PATIENCE));
    uint64_t bytes = 0;
    bool more = true;
    int rc = 0;

    while (more && rc == 0) {
        struct block *block;
        rc = weft_chan_take(pool->free, &block, WEFT_NEVER);
        if (rc < 0)
            break;
        block->number = (*number)++;
        block->file = index;
        block->used = 0;
        /* a file that did not open ends here with its error */
        int filled = fill_block(file, block);
        int given_up = weft__limits_check(pool->files->items[index], bytes, bytes + block->used);
        filled = filled >= 0 && given_up < 0 ? given_up : filled;
        bytes += block->used;
        more = filled > 0;
        block->last = !more;
        block->error = filled < 0 ? filled : 0;
        rc = block->error == -ECANCELED ? -ECANCELED
                                        : weft_chan_put(pool->full, &block, WEFT_NEVER);
    }
    weft_close(file);
    return rc;
}

static int read_all(void *argument)
{
    const struct pool *pool = argument;
    size_t number = 0;
    int rc = 0;

    for (size_t i = 0; i < pool->files->count && rc == 0; i++)
        rc = read_file(pool, i, &number);
    if (rc < 0)
        weft_chan_close(pool->counted, rc); /* nobody shall wait for what never comes */
    return rc;
}

/* The reader's end closes the channel of full blocks, and that ends the counters. */
static int count_blocks(void *argument)
{
    const struct pool *pool = argument;
    struct block *block;
    int rc;

    while ((rc = weft_chan_take(pool->full, &block, WEFT_NEVER)) == 0) {
        block->count = (struct weft__count){ .bytes = 0 };
        weft__count_add(&block->count, block->bytes, block->used);
        rc = weft_chan_put(pool->counted, &block, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return rc == -EPIPE ? 0 : rc;
}

/* Counters overtake each other: a block waits here until all before it have come. */
struct joiner {
    struct block *waiting[BLOCKS]; /* never two in one place, there are no more blocks */
    size_t next;                   /* number of the block whose turn it is */
    struct weft__count count;      /* of the file that it belongs to */
};

static int join_in_order(struct weft__pass *pass, const struct pool *pool, struct joiner *joiner)
{
    struct block *block;
    int rc = 0;

    while (rc == 0 && (block = joiner->waiting[joiner->next % BLOCKS]) != NULL) {
        joiner->waiting[joiner->next++ % BLOCKS] = NULL;
        weft__count_join(&joiner->count, &block->count);
        if (block->last) {
            weft__pass_note(pass, block->file, block->error, &joiner->count);
            joiner->count = (struct weft__count){ .bytes = 0 };
        }
        rc = weft_chan_put(pool->free, &block, WEFT_NEVER);
    }
    return rc;
}

static int collect(struct weft__pass *pass, const struct pool *pool)
{
    struct joiner joiner = { .next = 0 };
    struct block *block;
    int rc = 0;

    while (rc == 0 && pass->result.files < pass->files->count) {
        rc = weft_chan_take(pool->counted, &block, WEFT_NEVER);
        if (rc < 0)
            break;
        joiner.waiting[block->number % BLOCKS] = block;
        rc = join_in_order(pass, pool, &joiner);
    }
    return rc;
}

static int free_all_blocks(const struct pool *pool)
{
    int rc = 0;

    for (size_t i = 0; i < BLOCKS && rc == 0; i++) {
        struct block *block = &pool->blocks[i];
        rc = weft_chan_try_put(pool->free, &block);
    }
    return rc;
}

static int run_tasks(struct weft__pass *pass, struct pool *pool)
{
    weft_scope scope = weft_scope_open(NULL);
    int workers = weft_worker_count(0);

    int rc = free_all_blocks(pool);
    weft_task reader = weft_go(scope, read_all, pool);
    if (rc == 0)
        rc = weft_chan_bind(pool->full, reader);
    for (int i = 0; i < workers && rc == 0; i++) {
        weft_task counter = weft_spawn(
            scope, count_blocks, pool,
            &WEFT_SPAWN_OPTIONS(.name = "counter", .place = weft_place_spread()));
        rc = counter < 0 ? (int)counter : 0;
    }
    if (rc == 0)
        rc = collect(pass, pool);
    if (rc < 0)
        weft_scope_cancel(scope);
    int joined = weft_scope_close(scope);
    return rc < 0 ? rc : joined;
}

int weft__pool_run(struct weft__pass *pass)
{
    struct pool pool = {
        .files = pass->files,
        .free = weft_chan_create(sizeof(struct block *), BLOCKS),
        .full = weft_chan_create(sizeof(struct block *), BLOCKS),
        .counted = weft_chan_create(sizeof(struct block *), BLOCKS),
        .blocks = calloc(BLOCKS, sizeof(struct block)),
    };
    int rc = pool.blocks == NULL ? -ENOMEM : run_tasks(pass, &pool);

    weft_chan_release(pool.free);
    weft_chan_release(pool.full);
    weft_chan_release(pool.counted);
    free(pool.blocks);
    return rc;
}

/*
 * Map: one function over many items, some of them at a time, each in a task that may wait. For
 * downloads, files, queries; for computation there are better ways.
 */
#ifndef WEFT_MAP_H
#define WEFT_MAP_H

#include <weft/base.h>
#include <weft/scope.h>
#include <weft/time.h>

/* Does one item: reads it at item, writes its result at out_result. Returns 0 or more when all went
 * well, else a negative errno. */
typedef int (*weft_map_fn)(void *context, size_t index, const void *item, void *out_result);

/* The same for count items that follow one another, from index first on. What it returns counts for
 * all of them. */
typedef int (*weft_map_batch_fn)(void *context, size_t first, size_t count, const void *items,
                                 void *out_results);

/*
 * @fn:           what to do with each item; NULL when there is a batch_fn
 * @context:      handed to fn and batch_fn
 * @count:        how many items; 0: nothing is done
 * @items:        count items of item_bytes; NULL with item_bytes 0: fn goes by the index
 * @out_results:  count results of result_bytes, that of an item in its place; NULL with
 *                result_bytes 0: fn leaves nothing
 * @out_codes:    what fn returned for each item, -ECANCELED where it was not called; NULL: nobody
 *                asks
 * @concurrency:  how many items, or batches, are worked on at a time; 0: 100
 * @policy:       WEFT_FIRST_ERROR: the first failure keeps items from being begun, and cancels
 *                those that are; WEFT_RUN_ALL: all items are done whatever fails
 * @batch_fn:     what to do with each batch, for items that cost less together; NULL when there is
 *                an fn
 * @batch:        how many items a batch has, at least 1; the last one may have fewer. 0 without
 *                batch_fn
 */
typedef struct weft_map {
    size_t size; /* sizeof(weft_map) */
    weft_map_fn fn;
    void *context;
    size_t count;
    const void *items;
    size_t item_bytes;
    void *out_results;
    size_t result_bytes;
    int *out_codes;
    uint32_t concurrency;
    weft_scope_policy policy;
    weft_map_batch_fn batch_fn;
    size_t batch;
} weft_map;

#define WEFT_MAP_INIT \
    { sizeof(weft_map), NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, WEFT_FIRST_ERROR, NULL, 0 }
#ifndef __cplusplus
#define WEFT_MAP(...) ((weft_map){ .size = sizeof(weft_map), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_map_run - calls a function for each item of an array, some at a time
 * Items are begun in their order, each once at most, by tasks of a scope of its own, which any
 * worker may take. Returns when all of them have ended, also after an error.
 * @map:       what to do, made with WEFT_MAP or WEFT_MAP_INIT; not NULL
 * @out_index: the item whose failure is returned, the first of a batch; count when it is no item's;
 *             untouched when all went well or the map is refused; NULL: nobody asks
 * @until:     at this time the items that are worked on are cancelled, and no more are begun
 * Returns:    0 when all items went well
 * Errors:     the failure of an item: with WEFT_FIRST_ERROR the first in time, with WEFT_RUN_ALL
 *             that of the first item that has failed, before those that were merely cancelled.
 *             With no such failure: -ETIMEDOUT when the deadline came, -ECANCELED when a cancel
 *             did, -ENOMEM when a task could not be spawned. Nothing is begun: -EINVAL for a wrong
 *             size or policy, for both fn and batch_fn or a batch that goes with neither; -EPERM
 *             outside a task
 * Ownership:  all memory stays the caller's; results of items that failed or were not begun are
 *             what fn left there
 * Context:    any task    Suspends: until the last item that was begun has ended
 * Cancel:     the items that are worked on are cancelled, no more are begun, and the call waits for
 *             those
 * Ordering:   what the caller did happens-before each fn, what they did before the return
 * Cost:       one task for each item of the concurrency; an atomic addition for each item
 * Node:       none
 * Since:      0.1    Source: Julia's asyncmap
 */
WEFT_API WEFT_MUST_USE int weft_map_run(const weft_map *map, size_t *out_index,
                                        weft_deadline until);

WEFT_END

#endif

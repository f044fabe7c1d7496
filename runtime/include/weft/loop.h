/*
 * Loops over ranges of indices, divided among the workers as far as that pays: a short loop is run
 * where it stands, a long one is split whenever a worker has nothing to do. What a loop calls may
 * wait, and may loop. See weft-forks(7).
 *
 *     static int scale(size_t begin, size_t end, void *argument)
 *     {
 *         double *x = argument;
 *         for (size_t i = begin; i < end; i++)
 *             x[i] *= 2;
 *         return 0;
 *     }
 *
 *     rc = weft_for(0, n, scale, x, NULL);
 */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include <weft/base.h>
#include <weft/scope.h>

/* Does the indices from begin up to, not including, end. Returns 0 or more when all went well, else
 * a negative errno. */
typedef int (*weft_for_fn)(size_t begin, size_t end, void *argument);

typedef enum weft_schedule {
    WEFT_DYNAMIC, /* halves go to workers that have nothing to do */
    WEFT_STATIC,  /* one contiguous part for each worker, always the same one; as equal as can be,
                   * the first ones one longer */
    WEFT_GUIDED   /* each worker takes a share of what is left, smaller and smaller ones */
} weft_schedule;

/* A range whose call has failed. */
typedef struct weft_for_failure {
    size_t begin;
    size_t end;
    int code;
} weft_for_failure;

/*
 * @schedule:      how the range is divided
 * @grain:         indices in one call, at most; at least 1 unless 0: as many as take about 10 us,
 *                 found out by measuring. With WEFT_STATIC 0 is all of a worker's part; with
 *                 WEFT_GUIDED it is the least, and 0 is 1
 * @policy:        WEFT_FIRST_ERROR: after a failure no call is begun; WEFT_RUN_ALL: all are made
 * @failures:      room for failures, those with the lowest indices; NULL with 0
 * @failures_room: how many fit
 * @out_count:     how many calls have failed; NULL: nobody asks
 */
typedef struct weft_for_options {
    size_t size; /* sizeof(weft_for_options) */
    weft_schedule schedule;
    size_t grain;
    weft_scope_policy policy;
    weft_for_failure *failures;
    size_t failures_room;
    size_t *out_count;
} weft_for_options;

#define WEFT_FOR_OPTIONS_INIT \
    { sizeof(weft_for_options), WEFT_DYNAMIC, 0, WEFT_FIRST_ERROR, NULL, 0, NULL }
#ifndef __cplusplus
#define WEFT_FOR_OPTIONS(...) \
    ((weft_for_options){ .size = sizeof(weft_for_options), __VA_ARGS__ })
#endif

/* The indices from begin up to, not including, end; none when end is not above begin. */
typedef struct weft_range {
    size_t begin;
    size_t end;
} weft_range;

/* Does a tile: the columns of the rows. Returns as weft_for_fn. */
typedef int (*weft_tile_fn)(weft_range rows, weft_range columns, void *argument);

/* Does the indices from begin up to, not including, end, and adds what it finds to partial. */
typedef int (*weft_reduce_fn)(size_t begin, size_t end, const void *input, void *partial);

/*
 * Adds the indices from begin up to, not including, end to sum. When writes is not 0, sum is at
 * first that of all before begin, and results are written: after an index is added for an inclusive
 * scan, before it for an exclusive one. It is called once for each part to add, and once to write.
 */
typedef int (*weft_scan_fn)(size_t begin, size_t end, void *argument, void *sum, int writes);

/* What runs on a worker, which it does not leave. 0 or more when all went well, else a negative
 * errno. */
typedef int (*weft_worker_fn)(uint32_t worker, void *argument);

/* Adds @from to @into. */
typedef void (*weft_combine_fn)(void *into, const void *from);

WEFT_BEGIN

/*
 * weft_for - calls a function for all indices of a range, parts of them at a time
 * Each index is in exactly one call. With an empty range, or one whose end is before its begin,
 * nothing is called. On a thread that is no worker all calls are made there, in order.
 * @begin:     the first index
 * @end:       one past the last
 * @fn:        what to do with a part
 * @argument:  handed to fn
 * @options:   NULL: dynamic, measured, first error
 * Returns:    0 when all calls went well
 * Errors:     that of the failed call with the lowest indices; -ECANCELED when the task was
 *             cancelled before all were made, and none failed; -ENOMEM and -EINVAL (size, schedule,
 *             policy) before the first call
 * Ownership:  argument stays the caller's
 * Context:    any task, any thread, in a loop too    Suspends: until all calls have returned; lets
 *             other tasks of the worker run between two calls
 * Cancel:     no call is begun any more; those that wait end with -ECANCELED; with WEFT_STATIC all
 *             parts are begun
 * Ordering:   everything before it happens-before each call, and that before this return
 * Cost:       no allocation but the first of the task (weft_fork_run); with WEFT_STATIC a spawn for
 *             each worker    Node: none
 * Since:      0.1    Source: Tzannes et al., lazy binary splitting, 2010; Polychronopoulos and
 *             Kuck, guided self-scheduling, 1987
 */
WEFT_API int weft_for(size_t begin, size_t end, weft_for_fn fn, void *argument,
                      const weft_for_options *options);

/*
 * weft_for_tiles - calls a function for all of a range in two dimensions, tile by tile
 * The tiles are numbered row by row, and worked through as weft_for works through indices: each is
 * in exactly one call. With WEFT_STATIC each worker gets a band of rows, up to a tile.
 * @rows:      the range of the first index; empty: nothing is called
 * @columns:   of the second one, that of neighbours in memory
 * @tile_rows: rows of a tile; at the end of the range it has fewer. 0: 64
 * @tile_columns: its columns, likewise
 * @fn:        what to do with a tile
 * @argument:  handed to fn
 * @options:   as of weft_for, for tiles in place of indices: grain counts tiles, and a failure
 *             names one by its number, from 0
 * Returns:    0 when all calls went well
 * Errors:     as weft_for; -EOVERFLOW when there are more tiles than a size_t counts: nothing is
 *             called
 * Ownership:  as weft_for
 * Context:    as weft_for    Suspends: as weft_for
 * Cancel:     as weft_for
 * Ordering:   as weft_for
 * Cost:       as weft_for, and two divisions a tile    Node: none
 * Since:      0.1    Source: the blocked ranges of oneTBB
 */
WEFT_API int weft_for_tiles(weft_range rows, weft_range columns, size_t tile_rows,
                            size_t tile_columns, weft_tile_fn fn, void *argument,
                            const weft_for_options *options);

/*
 * weft_reduce - combines what a function finds in all parts of a range
 * The parts depend on the length of the range alone, and are combined in their order: so the result
 * is the same to the last bit whatever the number of workers.
 * @begin:        the first index
 * @end:          one past the last; begin or less: nothing is called, inout_result stays
 * @fn:           what to do with a part: partial begins zeroed
 * @input:        handed to fn
 * @inout_result: what the parts are combined into, after what is there; of bytes
 * @bytes:        size of a partial result; 1 to 65,536
 * @combine:      how; called by the caller alone
 * @options:      as of weft_for; grain, if not 0, is the length of the parts, each of which is one
 *                call: WEFT_GUIDED is WEFT_DYNAMIC. NULL: the defaults
 * Returns:       0 when all calls went well
 * Errors:        as weft_for; inout_result is untouched then. -ENOMEM also without room for
 *                partials
 * Ownership:     as weft_for
 * Context:       as weft_for    Suspends: as weft_for
 * Cancel:        as weft_for
 * Ordering:      as weft_for
 * Cost:          an allocation of at most 256 partial results    Node: local
 * Since:         0.1    Source: original
 */
WEFT_API int weft_reduce(size_t begin, size_t end, weft_reduce_fn fn, const void *input,
                         void *inout_result, size_t bytes, weft_combine_fn combine,
                         const weft_for_options *options);

/*
 * weft_scan - writes the running sums of a range: prefix sums, inclusive or exclusive
 * The parts depend on the length of the range alone, and are combined in their order: so the
 * results are the same to the last bit whatever the number of workers.
 *
 *     static int add_up(size_t begin, size_t end, void *argument, void *sum, int writes)
 *     {
 *         struct columns *x = argument;
 *         double s = *(double *)sum;
 *         for (size_t i = begin; i < end; i++) {
 *             s += x->in[i];
 *             if (writes)
 *                 x->out[i] = s;
 *         }
 *         *(double *)sum = s;
 *         return 0;
 *     }
 *
 * @begin:     the first index
 * @end:       one past the last; begin or less: nothing is called, inout_sum stays
 * @fn:        what to do with a part; the sums that it adds to without writing begin zeroed
 * @argument:  handed to fn
 * @inout_sum: what comes before the first index; becomes the sum of all; of bytes
 * @bytes:     size of a sum; 1 to 65,536
 * @combine:   adds the sum of a part to that of all before it; called by the caller alone. It need
 *             not be commutative
 * @options:   as of weft_reduce
 * Returns:    0 when all calls went well
 * Errors:     as weft_for; inout_sum is untouched then, and so are results unless the failure or
 *             the cancel came when others were written. -ENOMEM also without room for sums
 * Ownership:  as weft_for
 * Context:    as weft_for    Suspends: as weft_for
 * Cancel:     as weft_for
 * Ordering:   as weft_for
 * Cost:       two passes over the range, and an allocation of at most 258 sums    Node: local
 * Since:      0.1    Source: Blelloch, Prefix sums and their applications, 1990
 */
WEFT_API int weft_scan(size_t begin, size_t end, weft_scan_fn fn, void *argument, void *inout_sum,
                       size_t bytes, weft_combine_fn combine, const weft_for_options *options);

/*
 * weft_add_double - adds a double to another, for weft_reduce
 * @into:      the sum so far
 * @from:      what to add
 * Returns:    nothing
 * Errors:     none
 * Ownership:  both stay the caller's
 * Context:    any    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       an addition    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_add_double(void *into, const void *from);

/*
 * weft_add_integer - adds an int64_t to another, for weft_reduce; wraps around at the end
 * @into:      the sum so far
 * @from:      what to add
 * Returns:    nothing
 * Errors:     none
 * Ownership:  both stay the caller's
 * Context:    any    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       an addition    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API void weft_add_integer(void *into, const void *from);

/*
 * weft_run_on_all - runs a function once on each worker that is not interactive, and joins them
 * @fn:        gets the index of its worker, from which it does not move, and argument
 * @argument:  handed to fn
 * Returns:    0 when all went well
 * Errors:     the failure on the worker with the lowest index; -ENOMEM when a task could not be
 *             spawned: the others ran; -EPERM outside a task
 * Ownership:  argument stays the caller's
 * Context:    any task    Suspends: until all have returned
 * Cancel:     those that wait end with -ECANCELED; all are begun
 * Ordering:   everything before it happens-before each call, and that before this return
 * Cost:       a spawn for each worker    Node: none
 * Since:      0.1    Source: Julia's threading manual: "execution is forked and an anonymous
 *             function is run across all threads"
 */
WEFT_API int weft_run_on_all(weft_worker_fn fn, void *argument);

WEFT_END

#endif

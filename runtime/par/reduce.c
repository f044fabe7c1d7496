/*
 * Reductions. The range is cut into parts by its length alone, at most 256 of them; each has its
 * partial result, a line of memory of its own; the caller combines them in their order. So sums of
 * doubles come out the same on any number of workers, and on none.
 */
#include <errno.h>

#include <weft/loop.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/worker.h"

enum { most_parts = 256, most_bytes = 1 << 16 };

struct reduction {
    weft_reduce_fn fn;
    const void *input;
    size_t begin;
    size_t end;
    size_t length; /* of a part */
    size_t stride; /* of a partial result */
    char *partials;
};

static int reduce_parts(size_t first, size_t last, void *argument)
{
    const struct reduction *reduction = argument;
    int rc = 0;

    for (size_t i = first; i < last && rc >= 0; i++) {
        size_t begin = reduction->begin + i * reduction->length;
        size_t left = reduction->end - begin;
        size_t length = reduction->length < left ? reduction->length : left;
        rc = reduction->fn(begin, begin + length, reduction->input,
                           reduction->partials + i * reduction->stride);
    }
    return rc;
}

static size_t length_of_parts(size_t count, size_t grain)
{
    size_t least = count / most_parts + (count % most_parts != 0 ? 1 : 0);
    return grain > least ? grain : least;
}

/* Failures name ranges of parts, which become those of indices. */
static void tell_failures(const struct reduction *reduction, const weft_for_options *options)
{
    for (size_t i = 0; i < options->failures_room && i < *options->out_count; i++) {
        weft_for_failure *failure = &options->failures[i];
        size_t begin = reduction->begin + failure->begin * reduction->length;
        size_t left = reduction->end - begin;
        failure->begin = begin;
        failure->end = begin + (reduction->length < left ? reduction->length : left);
    }
}

/* One call for each part: shares of several would be one failure for all of them, so a guided
 * loop is a dynamic one, which hands out parts as evenly. */
static int loop_over(struct reduction *reduction, size_t parts, const weft_for_options *options)
{
    weft_for_options own = WEFT_FOR_OPTIONS_INIT;
    size_t failed = SIZE_MAX; /* until the loop has ended */

    if (options != NULL)
        own = *options;
    if (own.schedule == WEFT_GUIDED)
        own.schedule = WEFT_DYNAMIC;
    own.grain = 1;
    own.out_count = &failed;
    int rc = weft_for(0, parts, reduce_parts, reduction, &own);
    if (failed == SIZE_MAX)
        return rc;
    tell_failures(reduction, &own);
    if (options != NULL && options->out_count != NULL)
        *options->out_count = failed;
    return rc;
}

int weft_reduce(size_t begin, size_t end, weft_reduce_fn fn, const void *input, void *inout_result,
                size_t bytes, weft_combine_fn combine, const weft_for_options *options)
{
    WEFT_NEED(fn);
    WEFT_NEED(inout_result);
    WEFT_NEED(combine);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (bytes == 0 || bytes > most_bytes || (options != NULL && options->size != sizeof(*options)))
        return -EINVAL;
    if (begin >= end)
        return weft_for(0, 0, reduce_parts, NULL, options); /* which looks at the options */
    struct reduction reduction = { .fn = fn, .input = input, .begin = begin, .end = end };
    reduction.length = length_of_parts(end - begin, options != NULL ? options->grain : 0);
    reduction.stride = (bytes + WEFT__CACHE_LINE - 1) / WEFT__CACHE_LINE * WEFT__CACHE_LINE;
    size_t parts = (end - begin - 1) / reduction.length + 1;
    reduction.partials = weft__memory_alloc(WEFT__NODE_LOCAL, parts * reduction.stride);
    if (reduction.partials == NULL)
        return -ENOMEM;
    int rc = loop_over(&reduction, parts, options);
    for (size_t i = 0; i < parts && rc >= 0; i++)
        combine(inout_result, reduction.partials + i * reduction.stride);
    weft__memory_free(reduction.partials, parts * reduction.stride);
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

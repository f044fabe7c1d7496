/*
 * Sorting, on all workers that have nothing else to do. WEFT_SORT(name, type, before), at file
 * scope, makes a function whose comparisons the compiler inlines:
 *
 *     static inline int is_cheaper(const item *a, const item *b)
 *     {
 *         return a->price < b->price;
 *     }
 *     WEFT_SORT(sort_by_price, item, is_cheaper);
 *
 *     int rc = sort_by_price(items, count);
 *
 * It does what weft_sort does, and returns the same. before may be a macro.
 */
#ifndef WEFT_SORT_H
#define WEFT_SORT_H

#include <weft/base.h>
#include <weft/fork.h>
#include <weft/task.h>

/* Whether @a must come before @b: not 0 when it must. Of two equal ones neither must. */
typedef int (*weft_before_fn)(const void *a, const void *b, const void *context);

WEFT_BEGIN

/*
 * weft_sort - sorts an array in place
 * Not stable: of equal items any may come first. On a thread that is no worker it is sorted there.
 * @items:     the array
 * @count:     its items
 * @bytes:     size of an item; 1 to 65,536
 * @before:    which of two comes first; called by several workers at once. It may not wait
 * @context:   handed to before
 * Returns:    0
 * Errors:     -EINVAL for bytes; -ENOMEM without memory to begin with: nothing was moved;
 *             -ECANCELED when the task was cancelled meanwhile: the items are all there, in some
 *             order
 * Ownership:  all of it stays the caller's
 * Context:    any task, any thread; in forked children, too    Suspends: until sorted; lets other
 *             tasks of the worker run now and then
 * Cancel:     ends it: see errors
 * Ordering:   everything before it happens-before each comparison, and that before this return
 * Cost:       count times log2(count) comparisons, thrice that at worst; no allocation but the
 *             first of the task (weft_fork_run). The first pass over the array is one worker's, the
 *             second that of two    Node: none
 * Since:      0.1    Source: Hoare, Quicksort, 1962; Edelkamp and Weiss, BlockQuicksort, 2016: no
 *             branch on a comparison; Musser, introspective sorting, 1997
 */
WEFT_API int weft_sort(void *items, size_t count, size_t bytes, weft_before_fn before,
                       const void *context);

WEFT_END

/* ---- what WEFT_SORT is made of; weft_sort too ---- */

/* A part of the array, between items that are where they belong. */
struct weft__sort {
    char *items;
    size_t count;
    unsigned depth; /* divisions until it is worth no more of them */
    size_t bytes;   /* the rest: of weft_sort alone */
    weft_before_fn before;
    const void *context;
};

enum {
    WEFT__SORT_FEW = 16,    /* are sorted by insertion */
    WEFT__SORT_FORK = 4096, /* from here on the halves of a part are forked */
    WEFT__SORT_TURN = 8192  /* are divided between two looks at the world */
};

#define WEFT__SORT_INLINE static inline __attribute__((always_inline))

WEFT__SORT_INLINE void weft__sort_swap(char *a, char *b, size_t bytes)
{
    char x[8];
    char y[8];

    for (; bytes >= 8; a += 8, b += 8, bytes -= 8) {
        __builtin_memcpy(x, a, 8);
        __builtin_memcpy(y, b, 8);
        __builtin_memcpy(a, y, 8);
        __builtin_memcpy(b, x, 8);
    }
    for (size_t piece = 4; piece > 0; piece /= 2) {
        if ((bytes & piece) == 0)
            continue;
        __builtin_memcpy(x, a, piece);
        __builtin_memcpy(y, b, piece);
        __builtin_memcpy(a, y, piece);
        __builtin_memcpy(b, x, piece);
        a += piece;
        b += piece;
    }
}

WEFT__SORT_INLINE void weft__sort_insert(char *items, size_t count, size_t bytes,
                                         weft_before_fn before, const void *context)
{
    for (size_t i = 1; i < count; i++)
        for (char *at = items + i * bytes; at > items && before(at, at - bytes, context);
             at -= bytes)
            weft__sort_swap(at, at - bytes, bytes);
}

WEFT__SORT_INLINE char *weft__sort_median(char *a, char *b, char *c, weft_before_fn before,
                                          const void *context)
{
    if (before(b, a, context)) {
        char *swapped = a;
        a = b;
        b = swapped;
    }
    if (!before(c, b, context))
        return b;
    return before(c, a, context) ? a : c;
}

/* The pivot comes first. */
WEFT__SORT_INLINE void weft__sort_choose(char *items, size_t count, size_t bytes,
                                         weft_before_fn before, const void *context)
{
    size_t step = count / 8 * bytes;
    char *low = weft__sort_median(items, items + step, items + 2 * step, before, context);
    char *middle = items + count / 2 * bytes;
    char *high = items + (count - 1) * bytes;

    middle = weft__sort_median(middle - step, middle, middle + step, before, context);
    high = weft__sort_median(high - 2 * step, high - step, high, before, context);
    char *pivot = weft__sort_median(low, middle, high, before, context);
    if (pivot != items)
        weft__sort_swap(items, pivot, bytes);
}

/*
 * Brings the items that come before the first one to the left of it; with @same also those that are
 * equal to it. Returns where it is then, or SIZE_MAX when the task was cancelled. No branch depends
 * on a comparison: each item is swapped, and the comparison moves the border on or not.
 */
WEFT__SORT_INLINE size_t weft__sort_divide(char *items, size_t count, size_t bytes,
                                           weft_before_fn before, const void *context, int same)
{
    char *border = items + bytes;
    char *at = border;

    for (size_t left = count - 1; left > 0;) {
        size_t turn = left < WEFT__SORT_TURN ? left : (size_t)WEFT__SORT_TURN;
        for (char *end = at + turn * bytes; at < end; at += bytes) {
            size_t moves = same ? !before(items, at, context) : before(at, items, context) != 0;
            weft__sort_swap(at, border, bytes);
            border += moves * bytes;
        }
        left -= turn;
        if (left > 0 && weft_poll() < 0 && weft_canceled())
            return SIZE_MAX;
    }
    border -= bytes;
    if (border != items)
        weft__sort_swap(items, border, bytes);
    return (size_t)(border - items) / bytes;
}

/* For parts that the pivots divided badly again and again. */
static __attribute__((noinline, unused)) void weft__sort_sift(char *items, size_t at, size_t count,
                                                              const struct weft__sort *kind)
{
    size_t bytes = kind->bytes;
    size_t child;

    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count &&
            kind->before(items + child * bytes, items + (child + 1) * bytes, kind->context))
            child++;
        if (!kind->before(items + at * bytes, items + child * bytes, kind->context))
            return;
        weft__sort_swap(items + at * bytes, items + child * bytes, bytes);
        at = child;
    }
}

static __attribute__((noinline, unused)) int weft__sort_heap(char *items, size_t count,
                                                             const struct weft__sort *kind)
{
    for (size_t i = count / 2; i-- > 0;)
        weft__sort_sift(items, i, count, kind);
    for (size_t i = count; i-- > 1;) {
        weft__sort_swap(items, items + i * kind->bytes, kind->bytes);
        weft__sort_sift(items, 0, i, kind);
    }
    return 0;
}

/* Sorts a part; @fn is the function that calls it. */
WEFT__SORT_INLINE int weft__sort_part(weft_strand *strand, const struct weft__sort *part,
                                      weft_fork_fn fn, size_t bytes, weft_before_fn before,
                                      const void *context)
{
    struct weft__sort low = *part;
    struct weft__sort high = *part;

    while (high.count > WEFT__SORT_FEW) {
        if (high.count >= WEFT__SORT_FORK && weft_canceled())
            return weft_poll(); /* which says -ECANCELED */
        if (high.depth-- == 0)
            return weft__sort_heap(high.items, high.count, part);
        weft__sort_choose(high.items, high.count, bytes, before, context);
        size_t at = weft__sort_divide(high.items, high.count, bytes, before, context, 0);
        low = high;
        low.count = at;
        if (at == 0) /* it is the least: so are all that equal it, which are done */
            at = weft__sort_divide(high.items, high.count, bytes, before, context, 1);
        if (at == SIZE_MAX)
            return weft_poll();
        high.items += (at + 1) * bytes;
        high.count -= at + 1;
        if (low.count >= WEFT__SORT_FORK && high.count >= WEFT__SORT_FEW) {
            weft_fork(strand, fn, &low);
            int rc = fn(strand, &high);
            int joined = weft_fork_join(strand);
            return rc < 0 ? rc : joined;
        }
        if (low.count > 1) {
            int rc = fn(strand, &low);
            if (rc < 0)
                return rc;
        }
    }
    weft__sort_insert(high.items, high.count, bytes, before, context);
    return 0;
}

/* The array, as a part. */
static inline struct weft__sort weft__sort_all(void *items, size_t count, size_t bytes,
                                               weft_before_fn before, const void *context)
{
    struct weft__sort all = { (char *)items, count, 0, bytes, before, context };

    for (size_t left = count; left > 0; left /= 2)
        all.depth += 2;
    return all;
}

/* Makes the function name. */
#define WEFT_SORT(name, type, before)                                                             \
    static inline int name##_before(const void *a, const void *b, const void *context)            \
    {                                                                                             \
        (void)context;                                                                            \
        return before((const type *)a, (const type *)b);                                          \
    }                                                                                             \
    static int name##_part(weft_strand *strand, void *part)                                       \
    {                                                                                             \
        return weft__sort_part(strand, (const struct weft__sort *)part, name##_part,              \
                               sizeof(type), name##_before, NULL);                                \
    }                                                                                             \
    static inline __attribute__((unused)) int name(type *items, size_t count)                     \
    {                                                                                             \
        struct weft__sort all = weft__sort_all(items, count, sizeof(type), name##_before, NULL);  \
        return weft_fork_run(name##_part, &all);                                                  \
    }                                                                                             \
    typedef type name##_item

#endif

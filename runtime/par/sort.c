/* weft_sort: <weft/sort.h>, with a comparison that is not known before. */
#include <errno.h>
#include <weft/sort.h>

#include "runtime/base/check.h"

enum { most_bytes = 1 << 16 };

static int sort_part(weft_strand *strand, void *argument)
{
    const struct weft__sort *part = argument;

    return weft__sort_part(strand, part, sort_part, part->bytes, part->before, part->context);
}

int weft_sort(void *items, size_t count, size_t bytes, weft_before_fn before, const void *context)
{
    WEFT_NEED(before);
    WEFT_NEED_BYTES(items, count);
    if (bytes == 0 || bytes > most_bytes)
        return -EINVAL;
    struct weft__sort all = weft__sort_all(items, count, bytes, before, context);
    return weft_fork_run(sort_part, &all);
}

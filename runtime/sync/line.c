#include "runtime/sync/line.h"

struct weft__waiter *weft__line_claim_many(struct weft__line *line, size_t most, int result)
{
    struct weft__waiter *claimed = NULL;
    struct weft__waiter **end = &claimed;
    struct weft__waiter *waiter;

    while (most-- > 0 && (waiter = weft__line_claim(line)) != NULL) {
        waiter->result = result;
        *end = waiter;
        end = &waiter->next;
    }
    *end = NULL;
    return claimed;
}

/* A waiter is gone once it is woken: what follows it is read first. */
size_t weft__line_wake_many(struct weft__worker *worker, struct weft__waiter *waiters)
{
    size_t woken = 0;

    while (waiters != NULL) {
        struct weft__waiter *next = waiters->next;
        if (woken++ == 0 && next == NULL)
            weft__park_ready(worker, waiters->ticket.task);
        else
            weft__park_ready_queued(worker, waiters->ticket.task);
        waiters = next;
    }
    return woken;
}

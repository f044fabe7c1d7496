/* A queue of runnables, first in, first out, without a lock. */
#ifndef WEFT_POLICY_FIFO_H
#define WEFT_POLICY_FIFO_H

#include <weft/policy.h>

struct weft__policy_fifo {
    weft_runnable *head;
    weft_runnable *tail; /* unread while the head is NULL */
};

static inline void weft__policy_fifo_put(struct weft__policy_fifo *fifo, weft_runnable *runnable)
{
    runnable->next = NULL;
    if (fifo->head == NULL)
        fifo->head = runnable;
    else
        fifo->tail->next = runnable;
    fifo->tail = runnable;
}

static inline weft_runnable *weft__policy_fifo_take(struct weft__policy_fifo *fifo)
{
    weft_runnable *first = fifo->head;

    if (first != NULL)
        fifo->head = first->next;
    return first;
}

#endif

/*
 * The inbox of a worker: messages from any thread, taken by the owner all at once.
 * A push stack: compare-and-swap to push, one exchange to take all, then reversed, so that messages
 * of one sender stay in order. Its emptiness is exact, which the worker's sleep depends on.
 */
#ifndef WEFT_SCHED_INBOX_H
#define WEFT_SCHED_INBOX_H

#include <stdbool.h>

#include "runtime/base/sim.h"

struct weft__worker;

/* Belongs to the receiver from push until @deliver is called, which may free or push it again. */
struct weft__message {
    struct weft__message *next;
    void (*deliver)(struct weft__worker *worker, struct weft__message *message);
};

struct weft__inbox {
    _Atomic(struct weft__message *) head;
};

static inline void weft__inbox_push(struct weft__inbox *inbox, struct weft__message *message)
{
    weft__sim_point(WEFT__SIM_INBOX);
    struct weft__message *head = weft__load_relaxed(&inbox->head);

    do
        message->next = head;
    while (!weft__cas_release(&inbox->head, &head, message)); /* pairs with weft__inbox_take */
}

static inline bool weft__inbox_empty(const struct weft__inbox *inbox)
{
    return weft__load_relaxed(&inbox->head) == NULL;
}

/* All messages, oldest first. Owner only. */
static inline struct weft__message *weft__inbox_take(struct weft__inbox *inbox)
{
    struct weft__message *reversed = NULL;

    weft__sim_point(WEFT__SIM_INBOX);
    struct weft__message *message = weft__swap_acquire(&inbox->head, NULL); /* pairs with push */

    while (message != NULL) {
        struct weft__message *next = message->next;
        message->next = reversed;
        reversed = message;
        message = next;
    }
    return reversed;
}

#endif

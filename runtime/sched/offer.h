/*
 * Offers: pieces of a task's work that any worker without other work may take; each then is a task
 * of its own. See offer.c.
 */
#ifndef WEFT_SCHED_OFFER_H
#define WEFT_SCHED_OFFER_H

#include "runtime/sched/scope.h"

/* Lies in the memory of whoever made it, until he has withdrawn it or its hook has run. */
struct weft__offer {
    struct weft__list link;        /* (l: in) */
    struct weft__offers *in;       /* (i) of the worker where it was made */
    bool lies;                     /* (l: in) neither taken nor withdrawn */
    bool shielded;                 /* (i) its task begins in a shield */
    uint8_t stack_class;           /* (i) */
    const struct weft__task *face; /* (i) the task whose work it is */
    struct weft__scope *scope;     /* (i) whose task it will be */
    weft_task_fn fn;               /* (i) */
    void *argument;                /* (i) */
    struct weft__hook hook; /* (i) runs when its task has ended and the scope knows; the last */
};

/* @worker makes it, in a task of its own. */
void weft__offer_put(struct weft__worker *worker, struct weft__offer *offer);

/* Its maker wants it back. False: it was taken, and its hook runs or will. */
bool weft__offer_withdraw(struct weft__offer *offer);

/* The oldest offer of @from as a fresh task of @worker; NULL: there is none, or no memory. */
struct weft__task *weft__offer_take(struct weft__worker *worker, struct weft__offers *from);

#endif

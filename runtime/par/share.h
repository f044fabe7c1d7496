/* Children that are offered to other workers; see share.c. */
#ifndef WEFT_PAR_SHARE_H
#define WEFT_PAR_SHARE_H

#include "runtime/par/strand.h"

/*
 * STATE share: open -> done or returned when the taker's task has ended; open -> awaited by the
 * owner; awaited -> done or returned, which wakes the owner. Terminal: done; returned: the taker
 * had no memory to run the child. (Whether it was taken at all, the offer knows.)
 */
enum weft__share_state {
    WEFT__SHARE_OPEN,
    WEFT__SHARE_AWAITED,
    WEFT__SHARE_DONE,
    WEFT__SHARE_RETURNED
};

struct weft__share {
    struct weft__offer offer;
    struct weft__strand *strand; /* (i) whose child it is */
    weft_fork_fn fn;             /* (i) */
    void *argument;              /* (i) */
    _Atomic uint32_t state;      /* (a:SHARE) enum weft__share_state */
    bool ran;                    /* (a:SHARE) */
    int result;                  /* (a:SHARE) of the child, once it ran */
    weft_error *error;           /* (a:SHARE) what it said of its failure; NULL: nothing */
};

/* Offers the oldest child that waits, by the owner on @worker. False: none does, or no memory. */
bool weft__share_offer(struct weft__worker *worker, struct weft__strand *strand);

/* Offers all that wait. */
void weft__share_offer_all(struct weft__worker *worker, struct weft__strand *strand);

/* Ends the share of the last descriptor, waiting for its child if another worker has it. True: the
 * child has run, with *out_result; false: it is the caller's to run. */
bool weft__share_end(struct weft__strand *strand, int *out_result);

#endif

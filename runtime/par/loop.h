/* Loops under way, for the files that divide them; see loop.c. */
#ifndef WEFT_PAR_LOOP_H
#define WEFT_PAR_LOOP_H

#include <weft/loop.h>

#include "runtime/base/lock.h"
#include "runtime/par/strand.h"

/* One loop; on the stack of whoever has called it. */
struct weft__loop {
    weft_for_fn fn;    /* (i) */
    void *argument;    /* (i) */
    size_t grain;      /* (i) 0: measured */
    size_t begin;      /* (i) */
    size_t end;        /* (i) */
    bool runs_all;     /* (i) WEFT_RUN_ALL */
    _Atomic bool over; /* no call is begun any more */
    _Atomic bool canceled;
    struct weft__lock lock;
    size_t failures;        /* (l) */
    weft_for_failure first; /* (l) that with the lowest indices */
    weft_for_failure *kept; /* (l) in order of their indices */
    size_t room;            /* (i) */
};

/* Runs a loop of which fn, argument, begin and end are set. What weft_for returns. */
int weft__loop_run(struct weft__loop *loop, const weft_for_options *options);

/* Whether more calls are to be made: no failure and no cancel forbids it. */
bool weft__loop_goes_on(struct weft__loop *loop);

/* A call has failed. */
void weft__loop_note(struct weft__loop *loop, weft_for_failure failure);

/* Calls fn for a part, if no failure and no cancel forbids it. False: the loop is over. */
bool weft__loop_call(struct weft__loop *loop, size_t begin, size_t end);

/* What a loop over nothing says: it looks at the options. */
int weft__loop_none(const weft_for_options *options);

/* Divides it by halves; the running task's strand, or a thread's. */
int weft__halves_run(weft_strand *strand, void *loop);

/* Divides it by ever smaller shares. */
int weft__shares_run(weft_strand *strand, void *loop);

/* Gives each worker its part. 0 or why it could not. */
int weft__parts_run(struct weft__loop *loop);

#endif

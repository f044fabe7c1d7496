/*
 * The engine of the simulation: operations take a time of their own, drawn by the seed, and are
 * tried when it has passed; so they end in any order. What would wait then waits until its file can
 * go on. Time is the virtual clock, and a sleep is that of a coroutine. Shared by the simulated*.c
 * files; nobody else includes it (tests do).
 *
 * STATE op: staged -> running by flush; running -> done by its try; running -> waiting when it
 * would wait; waiting -> done by a later try. A cancel that was asked for comes at a time of its
 * own: it ends what waits; what runs it ends or misses, by chance. Terminal: done, when reaped.
 *
 * A submit is refused by chance, as by a full queue. Doorbells are staged and ring with the next
 * flush, so that a missing one is a lost wake-up here, too.
 */
#ifndef WEFT_URING_SIMULATED_H
#define WEFT_URING_SIMULATED_H

#include "uring/op.h"

enum weft__simulated_state {
    WEFT__SIMULATED_STAGED = 1,
    WEFT__SIMULATED_RUNNING,
    WEFT__SIMULATED_WAITING
};

struct weft__simulated_op {
    struct weft__op op;     /* first, for the slab */
    struct weft__list link; /* in staged, running or waiting */
    struct weft__request request;
    int64_t due_ns;    /* when it is tried; while WAITING: INT64_MAX */
    int64_t cancel_ns; /* when a cancel finds it; INT64_MAX: nobody has asked */
    uint8_t state;     /* enum weft__simulated_state */
    bool begun;        /* a connect: under way */
};

/* What a try says of an operation that would wait: until its file is ready, or for a while because
 * nothing tells when. */
enum { WEFT__SIMULATED_WAITS = INT32_MIN, WEFT__SIMULATED_LATER };

/* simulated_try.c: does @op on real files if it needs no wait. The result, or the above. */
int64_t weft__simulated_try(struct weft__simulated_op *op);

/* simulated_disk.c: the same for what may change files: through the simulated disk, if there is
 * one. simulated_try.c: and without it. */
int64_t weft__simulated_disk_try(const struct weft__request *request);
int64_t weft__simulated_try_change(const struct weft__request *request);

/* simulated_error.c: 0, or the negative errno with which an operation ends by chance. */
int weft__simulated_error(uint8_t opcode);

/* Whether an operation of this kind is tried once in any case, before a cancel can end it. */
bool weft__simulated_try_comes_first(const struct weft__request *request);

/* What poll(2) has to look for, for an operation that waits; 0: nothing can be looked for. */
short weft__simulated_try_events(const struct weft__request *request);

#endif

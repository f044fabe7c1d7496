/* Which engine a runtime gets: the kernel's ring, unless it is refused here or the user says so. */
#ifndef WEFT_URING_CHOICE_H
#define WEFT_URING_CHOICE_H

#include "uring/engine.h"

enum weft__choice_wish {
    WEFT__CHOICE_FREE,
    WEFT__CHOICE_KERNEL,
    WEFT__CHOICE_COMPAT,
    WEFT__CHOICE_SIM
};

struct weft__choice {
    bool compat;
    bool simulated;
    char why[240]; /* it is compat: a sentence that says what to change, where there is something */
};

/* 0, or a failure that has nothing to do with a refusal (no memory, no descriptors), which @error
 * explains. A kernel engine that is wished for is chosen in any case: opening it says what is
 * wrong. */
int weft__choice_make(enum weft__choice_wish wish, struct weft__choice *out_choice,
                      struct weft__setup_error *error);

/* Opens an engine of that kind for @owner on the calling thread. */
int weft__choice_open(const struct weft__choice *choice, const struct weft__engine_config *config,
                      void *owner, struct weft__engine **out_engine,
                      struct weft__setup_error *error);

#endif

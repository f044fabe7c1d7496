/*
 * What this kernel can do, found by trying, never by its version: distributions carry features
 * back. Done once per process by the first engine that opens; a failed probe is not remembered.
 */
#ifndef WEFT_URING_PROBE_H
#define WEFT_URING_PROBE_H

#include "uring/compat_sqe.h"
#include "uring/engine.h"

struct weft__probe {
    uint32_t setup_flags; /* IORING_SETUP_* that were accepted together */
    uint32_t features;    /* bit n: enum weft__feature */
    uint64_t ops;         /* bit n: enum weft__opcode */
};

/* Fills @out_probe. On failure @error (may be NULL) says why. Any thread. */
int weft__probe_get(struct weft__probe *out_probe, struct weft__setup_error *error);

/* Forgets what was found when this thread had other seccomp filters. */
void weft__probe_renew(void);

/* Lets the next weft__probe_get try anew. For tests. */
void weft__probe_forget(void);

/* Hides features of the kernel from every weft__probe_get from now on, for tests of whole
 * runtimes. */
void weft__probe_pretend(uint32_t hidden_features);

/* The same for operations. */
void weft__probe_pretend_ops(uint64_t hidden_ops);

/* The result as it looks when @hidden_features and @hidden_ops do not exist. */
void weft__probe_hide(struct weft__probe *probe, uint32_t hidden_features, uint64_t hidden_ops);

/*
 * Makes a ring with as many of @flags as the kernel takes, newest dropped first on -EINVAL. Returns
 * its descriptor; params->flags tells what it got. Also used for the engine's own ring.
 */
int weft__probe_setup(unsigned sq_entries, unsigned cq_entries, uint32_t flags,
                      struct io_uring_params *params);

static inline bool weft__probe_has(uint32_t features, enum weft__feature feature)
{
    return (features >> feature & 1) != 0;
}

/* "DEFER_TASKRUN". */
const char *weft__probe_feature_name(enum weft__feature feature);

#endif

#include "uring/choice.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/fallback.h"
#include "uring/probe.h"
#include "uring/setup_error.h"

/* What the kernel, a filter or a policy says that does not want us to use io_uring, or that can do
 * too little of it. */
static bool is_refusal(int rc)
{
    return rc == -EPERM || rc == -EACCES || rc == -ENOSYS || rc == -EINVAL || rc == -EOPNOTSUPP;
}

static int try_kernel(struct weft__setup_error *error)
{
    struct weft__probe probe;

    weft__probe_renew();
    int rc = weft__probe_get(&probe, error);
    if (rc < 0 || weft__probe_has(probe.features, WEFT__FEATURE_NODROP))
        return rc;
    weft__setup_error_explain(error, -EOPNOTSUPP, "io_uring_setup", "");
    return -EOPNOTSUPP;
}

int weft__choice_make(enum weft__choice_wish wish, struct weft__choice *out_choice,
                      struct weft__setup_error *error)
{
    struct weft__setup_error refusal = { 0 };

    *out_choice = (struct weft__choice){ .compat = wish == WEFT__CHOICE_COMPAT,
                                         .simulated = wish == WEFT__CHOICE_SIM };
    if (wish == WEFT__CHOICE_COMPAT)
        (void)snprintf(out_choice->why, sizeof(out_choice->why), "WEFT_ENGINE is compat");
    if (wish == WEFT__CHOICE_KERNEL)
        weft__probe_renew();
    if (wish != WEFT__CHOICE_FREE)
        return 0;
    int rc = try_kernel(&refusal);
    if (rc < 0 && !is_refusal(rc)) {
        *error = refusal;
        return rc;
    }
    out_choice->compat = rc < 0;
    if (out_choice->compat)
        WEFT__FALLBACK(ENGINE_COMPAT);
    (void)snprintf(out_choice->why, sizeof(out_choice->why), "%s", refusal.text);
    return 0;
}

int weft__choice_open(const struct weft__choice *choice, const struct weft__engine_config *config,
                      void *owner, struct weft__engine **out_engine,
                      struct weft__setup_error *error)
{
    if (choice->simulated)
        return weft__engine_open_simulated(config, owner, out_engine, error);
    return choice->compat ? weft__engine_open_compat(config, owner, out_engine, error)
                          : weft__engine_open_kernel(config, owner, out_engine, error);
}

/*
 * Opening and closing a ring.
 *
 * REJECTED SQPOLL: one kernel thread per ring fights the pinned worker, and setup refuses it
 *   together with DEFER_TASKRUN.
 * REJECTED one shared ring behind a lock: the lock is on every I/O path, and the unsafe part of the
 *   old runtimes was a shared event loop.
 */
#include "uring/kernel.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "numa/memory.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/sys.h"
#include "uring/setup_error.h"

/* The kernel unmaps one ring before it maps another at the same place. liburing makes these calls
 * itself, out of sight of ThreadSanitizer, which learns the order from this count. */
static _Atomic uint32_t mapped_rings;

/* Gives a registered ring back to the thread's table; only its owner can. */
static void unregister_ring(struct weft__kernel *kernel)
{
    struct io_uring_rsrc_update slot = { .offset = (uint32_t)kernel->enter_fd };

    if (kernel->registered)
        (void)weft__sys_io_uring_register(kernel->ring_fd, IORING_UNREGISTER_RING_FDS, &slot, 1);
    kernel->registered = false;
}

/* Accepts a half-built engine. The kernel cancels what is in flight once the descriptor is gone. */
static void close_kernel(struct weft__engine *engine)
{
    struct weft__kernel *kernel = weft__kernel_of(engine);

    weft__message_leave(kernel);
    unregister_ring(kernel);
    if (kernel->mapped) {
        weft__sub_acqrel(&mapped_rings, 1); /* pairs with map_ring */
        (void)weft__descriptor_begin_close(kernel->ring_fd, WEFT__DESCRIPTOR_INTERNAL);
        io_uring_queue_exit(&kernel->ring);
        weft__descriptor_end_close(kernel->ring_fd, WEFT__DESCRIPTOR_INTERNAL);
    } else if (kernel->ring_fd >= 0) {
        weft__descriptor_close_kept(kernel->ring_fd);
    }
    if (kernel->bell_fd >= 0)
        weft__descriptor_close_kept(kernel->bell_fd);
    if (kernel->slab.chunks != NULL)
        weft__op_slab_fini(&kernel->slab);
    weft__memory_free(kernel, sizeof(*kernel));
}

static uint32_t describe_kernel(const struct weft__engine *engine, char *text, size_t text_bytes)
{
    return weft__op_describe(&weft__kernel_of_const(engine)->slab, text, text_bytes);
}

static const struct weft__engine_ops kernel_ops = {
    .name = "kernel",
    .close = close_kernel,
    .submit = weft__kernel_submit_op,
    .cancel = weft__kernel_submit_cancel,
    .flush = weft__kernel_submit_flush,
    .has_events = weft__kernel_reap_has_events,
    .poll = weft__kernel_reap_poll,
    .wait = weft__kernel_reap_wait,
    .doorbell = weft__message_doorbell,
    .notify = weft__message_notify,
    .cancel_all = weft__kernel_submit_cancel_all,
    .describe = describe_kernel,
};

static int map_ring(struct weft__kernel *kernel, struct io_uring_params *params)
{
    int rc = weft__fault(WEFT__FAULT_MMAP);

    if (rc == 0)
        rc = io_uring_queue_mmap(kernel->ring_fd, params, &kernel->ring);
    if (rc < 0)
        return rc;
    weft__add_acqrel(&mapped_rings, 1); /* pairs with close_kernel */
    kernel->mapped = true;
    kernel->sq_entries = params->sq_entries;
    kernel->cq_entries = params->cq_entries;
    /* Slot n of the array always names entry n; liburing does this only in its own init. */
    for (uint32_t i = 0; i < params->sq_entries; i++)
        kernel->ring.sq.array[i] = i;
    return io_uring_ring_dontfork(&kernel->ring);
}

/* Saves a descriptor look-up per enter; a refusal costs only that. */
static void register_ring(struct weft__kernel *kernel)
{
    struct io_uring_rsrc_update slot = { .offset = (uint32_t)-1,
                                         .data = (uint32_t)kernel->ring_fd };

    kernel->enter_fd = kernel->ring_fd;
    if (!weft__kernel_has(kernel, WEFT__FEATURE_REGISTERED_RING) ||
        weft__sys_io_uring_register(kernel->ring_fd, IORING_REGISTER_RING_FDS, &slot, 1) != 1) {
        WEFT__FALLBACK(NO_REGISTERED_RING);
        return;
    }
    kernel->registered = true;
    kernel->enter_fd = (int)slot.offset;
    kernel->enter_flags |= IORING_ENTER_REGISTERED_RING;
}

/* The kernel's own default is 4 threads per CPU for each of our threads: far too many. A refusal
 * leaves that default, which works. */
static void bound_iowq(struct weft__kernel *kernel)
{
    uint32_t limits[2] = { WEFT__KERNEL_IOWQ_BOUNDED, WEFT__KERNEL_IOWQ_UNBOUNDED };

    (void)weft__sys_io_uring_register(kernel->ring_fd, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
}

/* Room in the CQ that ops may not use: failed cancels, doorbells and the engine's own entries. */
static uint32_t credits(const struct weft__engine_config *config, uint32_t cq_entries)
{
    uint32_t reserve = cq_entries / 8;

    if (config->op_entries != 0)
        return config->op_entries;
    return cq_entries - (reserve < 2 ? 2 : reserve);
}

static int open_ring(struct weft__kernel *kernel, const struct weft__engine_config *config,
                     uint32_t setup_flags, const char **out_call)
{
    struct io_uring_params params;
    uint32_t cq = config->cq_entries != 0 ? config->cq_entries : WEFT__KERNEL_CQ_DEFAULT;
    uint32_t sq = config->sq_entries != 0 ? config->sq_entries : WEFT__KERNEL_SQ_DEFAULT;

    *out_call = "io_uring_setup";
    if (sq > cq)
        sq = cq;
    kernel->ring_fd = weft__probe_setup(sq, cq, setup_flags, &params);
    if (kernel->ring_fd < 0)
        return kernel->ring_fd;
    weft__descriptor_keep(kernel->ring_fd);
    *out_call = "mmap of the ring";
    return map_ring(kernel, &params);
}

static int build(struct weft__kernel *kernel, const struct weft__engine_config *config,
                 uint32_t setup_flags, const char **out_call)
{
    int rc = open_ring(kernel, config, setup_flags, out_call);
    if (rc < 0)
        return rc;
    *out_call = "eventfd";
    kernel->bell_fd = weft__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (kernel->bell_fd < 0)
        return kernel->bell_fd;
    weft__descriptor_keep(kernel->bell_fd);
    *out_call = "memory for op records";
    rc = weft__op_slab_init(&kernel->slab, credits(config, kernel->cq_entries));
    if (rc < 0)
        return rc;
    register_ring(kernel);
    bound_iowq(kernel);
    if (weft__kernel_has(kernel, WEFT__FEATURE_NO_IOWAIT))
        kernel->enter_flags |= WEFT__ENTER_NO_IOWAIT;
    weft__message_join(kernel);

    /* From here on a doorbell finds an armed poll: nobody knows the engine before we return. */
    *out_call = "io_uring_enter";
    weft__message_arm(kernel);
    return weft__kernel_submit_flush(&kernel->base);
}

static bool config_valid(const struct weft__engine_config *config)
{
    uint32_t sq = config->sq_entries, cq = config->cq_entries;

    return (sq & (sq - 1)) == 0 && (cq & (cq - 1)) == 0 && sq <= WEFT__KERNEL_ENTRIES_MAX &&
           cq <= WEFT__KERNEL_ENTRIES_MAX && (cq == 0 || cq >= 4) &&
           config->op_entries <= WEFT__ENGINE_OPS_MAX;
}

static int open_with(const struct weft__engine_config *config, void *owner,
                     const struct weft__probe *probe, struct weft__engine **out_engine,
                     const char **out_call)
{
    *out_call = "memory for the engine";
    struct weft__kernel *kernel = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*kernel));

    if (kernel == NULL)
        return -ENOMEM;
    kernel->base.ops = &kernel_ops;
    kernel->base.owner = owner;
    kernel->features = probe->features;
    kernel->base.missing = ~probe->features & ((UINT32_C(1) << WEFT__FEATURE_COUNT) - 1);
    kernel->ops = probe->ops;
    if (!weft__kernel_has(kernel, WEFT__FEATURE_DEFER_TASKRUN))
        WEFT__FALLBACK(NO_DEFER_TASKRUN);
    kernel->ring_fd = -1;
    kernel->bell_fd = -1;
    weft__list_init(&kernel->to_cancel);
    weft__list_init(&kernel->peers);
    int rc = build(kernel, config, probe->setup_flags, out_call);
    if (rc < 0) {
        close_kernel(&kernel->base);
        return rc;
    }
    *out_engine = &kernel->base;
    return 0;
}

int weft__engine_open_kernel(const struct weft__engine_config *config, void *owner,
                             struct weft__engine **out_engine, struct weft__setup_error *error)
{
    static const struct weft__engine_config defaults;
    const char *call = "io_uring_setup";
    struct weft__probe probe;

    if (config == NULL)
        config = &defaults;
    if (!config_valid(config)) {
        weft__setup_error_say(error, -EINVAL,
                              "ring sizes must be powers of two, at most 65536, the CQ at least 4; "
                              "ops in flight at most 2^20");
        return -EINVAL;
    }
    int rc = weft__probe_get(&probe, error);
    if (rc < 0)
        return rc;
    weft__probe_hide(&probe, config->hidden_features, config->hidden_ops);
    /* Without NODROP a full CQ loses completions, and with one a task: there is no way around. */
    rc = weft__probe_has(probe.features, WEFT__FEATURE_NODROP)
             ? open_with(config, owner, &probe, out_engine, &call)
             : -EOPNOTSUPP;
    if (rc < 0)
        weft__setup_error_explain(error, rc, call, "");
    return rc;
}

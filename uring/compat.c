/*
 * Opening and closing a compat engine, and the way in: submit and cancel.
 *
 * REJECTED to keep descriptors registered edge-triggered for their life, which saves an epoll_ctl
 *   for each wait: the engine is not told when a number becomes another file's, and would wait for
 *   an edge that never comes.
 * REJECTED io_uring's own helper threads by another name, one for each op that waits: ten thousand
 *   idle connections would be ten thousand threads.
 */
#include "uring/compat.h"

#include <errno.h>

#include "numa/memory.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/lock.h"
#include "uring/setup_error.h"

enum { CQ_DEFAULT = 4096, ENTRIES_MAX = 1 << 16 };

/* Whether has_events alone does not tell all: readiness has to be asked for. */
void weft__compat_note_waiting(struct weft__compat *compat)
{
    compat->base.blind = compat->waiting != 0 || !weft__list_empty(&compat->retrying);
}

void weft__compat_finish(struct weft__compat *compat, struct weft__compat_op *op, int32_t result)
{
    op->state = WEFT__COMPAT_DONE;
    op->fired = false;
    op->result = result;
    if (weft__list_empty(&op->done)) /* else a multishot op whose shot nobody has seen yet */
        weft__list_append(&compat->completions, &op->done);
}

void weft__compat_settle(struct weft__compat *compat, struct weft__compat_op *op,
                         enum weft__compat_verdict verdict)
{
    switch (verdict) {
    case WEFT__VERDICT_DONE: break;
    case WEFT__VERDICT_WAIT: weft__compat_file_wait(compat, op); break;
    case WEFT__VERDICT_HELP: weft__compat_help_begin(compat, op); break;
    case WEFT__VERDICT_RETRY: weft__compat_reap_retry(compat, op); break;
    }
    weft__compat_note_waiting(compat);
}

static int check_request(const struct weft__compat *compat, const struct weft__request *request)
{
    if ((unsigned)request->opcode >= WEFT__OP_COUNT ||
        (request->multishot && request->opcode != WEFT__OP_POLL))
        return -EINVAL;
    return (compat->hidden_ops >> request->opcode & 1) == 0 ? 0 : -EOPNOTSUPP;
}

static int submit_op(struct weft__engine *engine, const struct weft__request *request, void *waiter,
                     weft__op_id *out_op)
{
    struct weft__compat *compat = weft__compat_of(engine);
    struct weft__op *taken;

    int rc = check_request(compat, request);
    if (rc == 0)
        rc = weft__op_take(&compat->slab, &taken);
    if (rc == -EAGAIN) {
        compat->refused = true;
        weft__bump(&engine->counters.refused);
    }
    if (rc < 0)
        return rc;
    struct weft__compat_op *op = weft__compat_op_of(taken);
    taken->waiter = waiter;
    taken->opcode = (uint8_t)request->opcode;
    taken->multishot = request->multishot;
    weft__list_init(&op->link);
    weft__list_init(&op->done);
    op->compat = compat;
    op->file = NULL;
    op->request = *request;
    op->moved = 0;
    op->tried = false;
    op->begun = false;
    op->bounded = false;
    op->blocks = false;
    op->fired = false;
    engine->in_flight = compat->slab.in_use;
    weft__bump(&engine->counters.submitted);
    *out_op = weft__op_id_of(taken);
    weft__compat_settle(compat, op,
                        weft__compat_file_must_wait(compat, op) ? WEFT__VERDICT_WAIT
                                                                : weft__compat_try_op(compat, op));
    return 0;
}

/* What waits ends at once. What a helper has begun ends when its call does: there is no way to end
 * a call on a disk. */
static void cancel_op(struct weft__compat *compat, struct weft__compat_op *op)
{
    bool ends = op->state == WEFT__COMPAT_RETRYING;

    if (op->state == WEFT__COMPAT_WAITING) {
        weft__compat_file_leave(compat, op);
        bool untried = !op->tried && weft__compat_row_of(op->request.opcode) == WEFT__ROW_IN;
        ends = !untried || weft__compat_try_op(compat, op) != WEFT__VERDICT_DONE;
    } else if (op->state == WEFT__COMPAT_RETRYING) {
        weft__list_remove(&op->link);
    } else if (op->state == WEFT__COMPAT_HELPING) {
        ends = weft__compat_help_withdraw(compat, op);
    }
    if (ends)
        weft__compat_finish(compat, op, op->moved > 0 ? (int32_t)op->moved : -ECANCELED);
    weft__compat_note_waiting(compat);
}

static int cancel(struct weft__engine *engine, weft__op_id id)
{
    struct weft__compat *compat = weft__compat_of(engine);
    struct weft__op *op = weft__op_find(&compat->slab, id);

    if (op == NULL)
        return -ENOENT;
    cancel_op(compat, weft__compat_op_of(op));
    return 0;
}

static uint32_t cancel_all(struct weft__engine *engine)
{
    struct weft__compat *compat = weft__compat_of(engine);

    for (struct weft__op *op = weft__op_next(&compat->slab, 0); op != NULL;
         op = weft__op_next(&compat->slab, op->index + 1))
        cancel_op(compat, weft__compat_op_of(op));
    return compat->slab.in_use;
}

/* Nothing is ever staged: submit and doorbell have done it. */
static int flush(struct weft__engine *engine)
{
    (void)engine;
    return 0;
}

static uint32_t describe(const struct weft__engine *engine, char *text, size_t text_bytes)
{
    return weft__op_describe(&weft__compat_of_const(engine)->slab, text, text_bytes);
}

static void close_number(int fd)
{
    if (fd >= 0)
        weft__descriptor_close_kept(fd);
}

/* Accepts a half-built engine. What waits is abandoned; what a helper does is waited for, because
 * its record is here. */
static void close_compat(struct weft__engine *engine)
{
    struct weft__compat *compat = weft__compat_of(engine);
    uint32_t looks = 0;

    for (struct weft__op *op = weft__op_next(&compat->slab, 0); op != NULL;
         op = weft__op_next(&compat->slab, op->index + 1))
        if (weft__compat_op_of(op)->state == WEFT__COMPAT_HELPING)
            (void)weft__compat_help_withdraw(compat, weft__compat_op_of(op));
    while (weft__load_acquire(&compat->lent) != 0) /* pairs with the end of a helper's run */
        weft__lock_backoff(looks++);
    close_number(compat->epoll_fd);
    close_number(compat->bell_fd);
    weft__compat_file_free(compat);
    if (compat->slab.chunks != NULL)
        weft__op_slab_fini(&compat->slab);
    weft__memory_free(compat, sizeof(*compat));
}

static const struct weft__engine_ops compat_ops = {
    .name = "compat",
    .close = close_compat,
    .submit = submit_op,
    .cancel = cancel,
    .flush = flush,
    .has_events = weft__compat_reap_has_events,
    .poll = weft__compat_reap_poll,
    .wait = weft__compat_reap_wait,
    .doorbell = weft__compat_bell_doorbell,
    .notify = weft__compat_bell_notify,
    .cancel_all = cancel_all,
    .describe = describe,
};

/* The same number as the kernel engine has at this size. */
static uint32_t credits(const struct weft__engine_config *config)
{
    uint32_t cq = config->cq_entries != 0 ? config->cq_entries : CQ_DEFAULT;
    uint32_t reserve = cq / 8;

    if (config->op_entries != 0)
        return config->op_entries;
    return cq - (reserve < 2 ? 2 : reserve);
}

static int build(struct weft__compat *compat, const struct weft__engine_config *config,
                 const char **out_call)
{
    *out_call = "epoll_create1";
    compat->epoll_fd = weft__sys_io_epoll();
    if (compat->epoll_fd < 0)
        return compat->epoll_fd;
    weft__descriptor_keep(compat->epoll_fd);
    *out_call = "eventfd";
    int rc = weft__compat_bell_open(compat);
    if (rc < 0)
        return rc;
    *out_call = "memory for op records";
    return weft__op_slab_init_as(&compat->slab, credits(config), sizeof(struct weft__compat_op));
}

static bool config_valid(const struct weft__engine_config *config)
{
    uint32_t cq = config->cq_entries;

    return (cq & (cq - 1)) == 0 && cq <= ENTRIES_MAX && (cq == 0 || cq >= 4) &&
           config->op_entries <= WEFT__ENGINE_OPS_MAX && config->pool != NULL;
}

int weft__engine_open_compat(const struct weft__engine_config *config, void *owner,
                             struct weft__engine **out_engine, struct weft__setup_error *error)
{
    const char *call = "memory for the engine";

    if (!config_valid(config)) {
        weft__setup_error_say(error, -EINVAL,
                              "the completion queue must be a power of two from 4 to 65536, and "
                              "the compat engine needs a pool of helper threads");
        return -EINVAL;
    }
    struct weft__compat *compat = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*compat));
    int rc = -ENOMEM;
    if (compat != NULL) {
        compat->base.ops = &compat_ops;
        compat->base.owner = owner;
        compat->pool = config->pool;
        compat->hidden_ops = config->hidden_ops;
        compat->epoll_fd = -1;
        compat->bell_fd = -1;
        weft__list_init(&compat->to_arm);
        weft__list_init(&compat->completions);
        weft__list_init(&compat->retrying);
        rc = build(compat, config, &call);
    }
    if (rc < 0) {
        weft__setup_error_explain(error, rc, call, "");
        if (compat != NULL)
            close_compat(&compat->base);
        return rc;
    }
    *out_engine = &compat->base;
    return 0;
}

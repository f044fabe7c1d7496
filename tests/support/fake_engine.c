#include "tests/support/fake_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "uring/op.h"

enum fake_state { FAKE_STAGED, FAKE_RUNNING };

/* What the fake knows of an op beyond its record; same index. */
struct fake_op {
    struct weft__request request;
    struct fake_engine_rule rule;
    enum fake_state state;
    int64_t due_ns;
    uint64_t order; /* of submission; breaks ties */
};

struct fake_engine {
    struct weft__engine base;
    struct weft__op_slab slab;
    struct fake_op *ops;
    uint64_t submissions;
    uint32_t cancels;
    struct fake_engine_rule rules[FAKE_ENGINE_RULES_MAX];
    size_t rule_count;
    size_t rule_next;
    struct fake_engine_rule rest;
    bool refused;
    _Atomic uint32_t rung;
};

const struct fake_engine_rule fake_engine_plain = { .result = FAKE_ENGINE_FULL };

static int64_t virtual_ns = 1;
static uint32_t open_engines;

int64_t fake_engine_now(void)
{
    return virtual_ns;
}

void fake_engine_advance(int64_t ns)
{
    virtual_ns += ns;
}

static struct fake_engine *fake_of(struct weft__engine *engine)
{
    return WEFT__CONTAINER(engine, struct fake_engine, base);
}

static const struct fake_engine *fake_of_const(const struct weft__engine *engine)
{
    return WEFT__CONTAINER((uintptr_t)engine, struct fake_engine, base);
}

static struct fake_op *fake_op_of(const struct fake_engine *fake, const struct weft__op *op)
{
    return &fake->ops[op->index];
}

static void fake_close(struct weft__engine *engine)
{
    struct fake_engine *fake = fake_of(engine);

    if (fake->slab.chunks != NULL)
        weft__op_slab_fini(&fake->slab);
    free(fake->ops);
    free(fake);
    if (--open_engines == 0)
        weft__clock_replace(NULL);
}

static struct fake_engine_rule next_rule(struct fake_engine *fake)
{
    return fake->rule_next < fake->rule_count ? fake->rules[fake->rule_next++] : fake->rest;
}

static int fake_submit(struct weft__engine *engine, const struct weft__request *request,
                       void *waiter, weft__op_id *out_op)
{
    struct fake_engine *fake = fake_of(engine);
    struct weft__op *op;

    int rc = weft__op_take(&fake->slab, &op);
    if (rc == -EAGAIN) {
        fake->refused = true;
        weft__bump(&engine->counters.refused);
    }
    if (rc < 0)
        return rc;
    op->waiter = waiter;
    op->opcode = (uint8_t)request->opcode;
    op->multishot = request->multishot;
    struct fake_op *mine = fake_op_of(fake, op);
    *mine = (struct fake_op){ .request = *request,
                              .rule = next_rule(fake),
                              .state = FAKE_STAGED,
                              .order = fake->submissions++ };
    engine->in_flight = fake->slab.in_use;
    engine->staged++;
    *out_op = weft__op_id_of(op);
    return 0;
}

static void cancel_op(struct fake_engine *fake, struct weft__op *op)
{
    struct fake_op *mine = fake_op_of(fake, op);

    fake->cancels++;
    if (mine->rule.ignores_cancel)
        return;
    mine->rule = (struct fake_engine_rule){ .result = -ECANCELED };
    mine->due_ns = virtual_ns;
}

static int fake_cancel(struct weft__engine *engine, weft__op_id id)
{
    struct fake_engine *fake = fake_of(engine);
    struct weft__op *op = weft__op_find(&fake->slab, id);

    if (op == NULL)
        return -ENOENT;
    cancel_op(fake, op);
    return 0;
}

static uint32_t fake_cancel_all(struct weft__engine *engine)
{
    struct fake_engine *fake = fake_of(engine);

    for (struct weft__op *op = weft__op_next(&fake->slab, 0); op != NULL;
         op = weft__op_next(&fake->slab, op->index + 1))
        cancel_op(fake, op);
    return fake->slab.in_use;
}

static int64_t due_after(int64_t delay_ns)
{
    return delay_ns == INT64_MAX ? INT64_MAX : virtual_ns + delay_ns;
}

static int fake_flush(struct weft__engine *engine)
{
    struct fake_engine *fake = fake_of(engine);

    if (engine->staged == 0)
        return 0;
    for (struct weft__op *op = weft__op_next(&fake->slab, 0); op != NULL;
         op = weft__op_next(&fake->slab, op->index + 1)) {
        struct fake_op *mine = fake_op_of(fake, op);
        if (mine->state == FAKE_RUNNING)
            continue;
        mine->state = FAKE_RUNNING;
        mine->due_ns = due_after(mine->rule.delay_ns);
    }
    weft__bump(&engine->counters.enters);
    weft__bump_by(&engine->counters.submitted, engine->staged);
    engine->staged = 0;
    return 0;
}

/* The running op that ends next; NULL when none ever will by itself. */
static struct weft__op *next_due(const struct fake_engine *fake)
{
    struct weft__op *best = NULL;

    for (struct weft__op *op = weft__op_next(&fake->slab, 0); op != NULL;
         op = weft__op_next(&fake->slab, op->index + 1)) {
        const struct fake_op *mine = fake_op_of(fake, op);
        if (mine->state != FAKE_RUNNING || mine->due_ns == INT64_MAX)
            continue;
        const struct fake_op *theirs = best != NULL ? fake_op_of(fake, best) : NULL;
        if (theirs == NULL || mine->due_ns < theirs->due_ns ||
            (mine->due_ns == theirs->due_ns && mine->order < theirs->order))
            best = op;
    }
    return best;
}

static bool fake_has_events(const struct weft__engine *engine)
{
    const struct fake_engine *fake = fake_of_const(engine);
    const struct weft__op *op = next_due(fake);

    return weft__load_relaxed(&fake->rung) != 0 ||
           (op != NULL && fake_op_of(fake, op)->due_ns <= virtual_ns);
}

static void deliver(struct fake_engine *fake, struct weft__op *op)
{
    struct fake_op *mine = fake_op_of(fake, op);
    void *waiter = op->waiter;
    bool more = op->multishot && mine->rule.shots > 0;
    int32_t result = mine->rule.result == FAKE_ENGINE_FULL ? (int32_t)mine->request.bytes
                                                           : mine->rule.result;

    if (more) {
        mine->rule.shots--;
        mine->due_ns = due_after(mine->rule.delay_ns);
        mine->order = fake->submissions++;
    } else {
        weft__op_release(&fake->slab, op);
        fake->base.in_flight = fake->slab.in_use;
    }
    weft__bump(&fake->base.counters.completed);
    weft__upcall_completed(fake->base.owner, waiter, result, more ? WEFT__COMPLETION_MORE : 0);
}

static void announce_room(struct fake_engine *fake)
{
    if (!fake->refused || fake->slab.in_use == fake->slab.limit)
        return;
    fake->refused = false;
    weft__upcall_room(fake->base.owner);
}

static int fake_poll(struct weft__engine *engine, uint32_t budget)
{
    struct fake_engine *fake = fake_of(engine);
    struct weft__op *op;
    int seen = 0;

    (void)fake_flush(engine);
    uint32_t rung = weft__swap_acquire(&fake->rung, 0);
    weft__bump_by(&engine->counters.doorbells_received, rung);
    seen += (int)rung;
    while ((uint32_t)seen < budget && (op = next_due(fake)) != NULL &&
           fake_op_of(fake, op)->due_ns <= virtual_ns) {
        deliver(fake, op);
        seen++;
    }
    announce_room(fake);
    return seen;
}

/* Moves the clock instead of sleeping. */
static int fake_wait(struct weft__engine *engine, int64_t until_ns)
{
    struct fake_engine *fake = fake_of(engine);

    weft__bump(&engine->counters.waits);
    int seen = fake_poll(engine, UINT32_MAX);
    if (seen != 0 || virtual_ns >= until_ns)
        return seen;
    const struct weft__op *op = next_due(fake);
    int64_t due_ns = op != NULL ? fake_op_of(fake, op)->due_ns : INT64_MAX;
    WEFT_ASSERT(due_ns != INT64_MAX || until_ns != INT64_MAX,
                "a wait on the fake engine would never end");
    virtual_ns = due_ns < until_ns ? due_ns : until_ns;
    return fake_poll(engine, UINT32_MAX);
}

static int fake_notify(struct weft__engine *target)
{
    weft__add_acqrel(&fake_of(target)->rung, 1);
    return 0;
}

static int fake_doorbell(struct weft__engine *from, struct weft__engine *target)
{
    weft__bump(&from->counters.doorbells_sent);
    return fake_notify(target);
}

static uint32_t fake_describe(const struct weft__engine *engine, char *text, size_t text_bytes)
{
    return weft__op_describe(&fake_of_const(engine)->slab, text, text_bytes);
}

static const struct weft__engine_ops fake_ops = {
    .name = "fake",
    .close = fake_close,
    .submit = fake_submit,
    .cancel = fake_cancel,
    .flush = fake_flush,
    .has_events = fake_has_events,
    .poll = fake_poll,
    .wait = fake_wait,
    .doorbell = fake_doorbell,
    .notify = fake_notify,
    .cancel_all = fake_cancel_all,
    .describe = fake_describe,
};

int fake_engine_open(uint32_t credits, void *owner, struct weft__engine **out_engine)
{
    struct fake_engine *fake = calloc(1, sizeof(*fake));

    if (fake == NULL)
        return -ENOMEM;
    fake->base.ops = &fake_ops;
    fake->base.owner = owner;
    fake->rest = fake_engine_plain;
    open_engines++;
    fake->ops = calloc(credits + WEFT__OP_CHUNK, sizeof(*fake->ops));
    if (fake->ops == NULL || weft__op_slab_init(&fake->slab, credits) < 0) {
        fake_close(&fake->base);
        return -ENOMEM;
    }
    weft__clock_replace(fake_engine_now);
    *out_engine = &fake->base;
    return 0;
}

void fake_engine_script(struct weft__engine *engine, const struct fake_engine_rule *rules,
                        size_t count)
{
    struct fake_engine *fake = fake_of(engine);

    WEFT_ASSERT(fake->rule_count + count <= FAKE_ENGINE_RULES_MAX, "too many rules in a script");
    for (size_t i = 0; i < count; i++)
        fake->rules[fake->rule_count++] = rules[i];
}

void fake_engine_script_rest(struct weft__engine *engine, struct fake_engine_rule rule)
{
    fake_of(engine)->rest = rule;
}

int fake_engine_complete(struct weft__engine *engine, weft__op_id id, int32_t result)
{
    struct fake_engine *fake = fake_of(engine);
    const struct weft__op *op = weft__op_find(&fake->slab, id);

    if (op == NULL)
        return -ENOENT;
    struct fake_op *mine = fake_op_of(fake, op);
    mine->rule = (struct fake_engine_rule){ .result = result };
    mine->due_ns = virtual_ns;
    return 0;
}

const struct weft__request *fake_engine_request(struct weft__engine *engine, weft__op_id id)
{
    const struct fake_engine *fake = fake_of(engine);
    const struct weft__op *op = weft__op_find(&fake->slab, id);

    return op != NULL ? &fake_op_of(fake, op)->request : NULL;
}

uint32_t fake_engine_cancels(const struct weft__engine *engine)
{
    return fake_of_const(engine)->cancels;
}

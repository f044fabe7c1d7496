#include "uring/simulated.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/sim.h"
#include "runtime/base/sys.h"
#include "uring/setup_error.h"

enum {
    credits_default = 3584, /* the kernel engine's at its usual size */
    bells_max = 64,         /* doorbells staged at once */
    files_max = 256,        /* of those that wait, looked at while asleep */
    budget = 256
};

/* Chances: one in so many. */
enum { refuse_one_in = 50, slow_one_in = 16, lose_one_in = 2 };
enum { fast_ns = 20000, slow_ns = 2000000, later_ns = 2000000 };

struct simulated {
    struct weft__engine base;
    struct weft__op_slab slab;
    struct weft__list staged;
    struct weft__list running; /* by due_ns */
    struct weft__list waiting;
    uint32_t waiting_count;
    uint32_t asked; /* ops whose cancel_ns is set */
    struct simulated *bells[bells_max];
    uint32_t bell_count;
    bool refused;
    bool room_said;
    uint64_t hidden_ops;
    _Atomic uint32_t rung; /* what it sleeps on */
    struct pollfd files[files_max];
};

static struct simulated *simulated_of(struct weft__engine *engine)
{
    return WEFT__CONTAINER(engine, struct simulated, base);
}

static const struct simulated *simulated_of_const(const struct weft__engine *engine)
{
    return WEFT__CONTAINER((uintptr_t)engine, struct simulated, base);
}

static struct weft__simulated_op *op_at(struct weft__list *link)
{
    return WEFT__CONTAINER(link, struct weft__simulated_op, link);
}

static struct weft__simulated_op *op_of(struct weft__op *op)
{
    return WEFT__CONTAINER(op, struct weft__simulated_op, op);
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)(weft__sim_random(0) % bound);
}

static bool one_in(uint32_t many)
{
    return below(many) == 0;
}

/* How long something takes: mostly not long. */
static int64_t delay(void)
{
    return 1 + (int64_t)below(one_in(slow_one_in) ? slow_ns : fast_ns);
}

static void trace(const char *what, const struct weft__simulated_op *op, int64_t result)
{
    weft__sim_note(what, weft__op_name((enum weft__opcode)op->op.opcode), op->request.fd, result);
}

/* ---- the way in ---- */

/* By time; those of one time in the order of their coming. */
static void insert_running(struct simulated *self, struct weft__simulated_op *op)
{
    struct weft__list *at = self->running.prev;

    while (at != &self->running && op_at(at)->due_ns > op->due_ns)
        at = at->prev;
    weft__list_append(at->next, &op->link); /* in front of what comes after it */
}

/* What by chance does not go as it might have gone. */
static bool fault(uint32_t one_in_many, const char *what, const struct weft__request *request)
{
    if (!one_in(one_in_many))
        return false;
    weft__sim_note("fault", what, request->fd, 0);
    return true;
}

static int check_request(const struct simulated *self, const struct weft__request *request)
{
    if ((unsigned)request->opcode >= WEFT__OP_COUNT ||
        (request->multishot && request->opcode != WEFT__OP_POLL))
        return -EINVAL;
    return (self->hidden_ops >> request->opcode & 1) == 0 ? 0 : -EOPNOTSUPP;
}

static int submit(struct weft__engine *engine, const struct weft__request *request, void *waiter,
                  weft__op_id *out_op)
{
    struct simulated *self = simulated_of(engine);
    struct weft__op *taken;

    weft__sim_point(WEFT__SIM_ENGINE);
    int rc = check_request(self, request);
    if (rc == 0)
        rc = fault(refuse_one_in, "no room", request) ? -EAGAIN
                                                      : weft__op_take(&self->slab, &taken);
    if (rc == -EAGAIN) {
        self->refused = true;
        weft__bump(&engine->counters.refused);
    }
    if (rc < 0)
        return rc;
    struct weft__simulated_op *op = op_of(taken);
    taken->waiter = waiter;
    taken->opcode = (uint8_t)request->opcode;
    taken->multishot = request->multishot;
    op->request = *request;
    op->state = WEFT__SIMULATED_STAGED;
    op->due_ns = INT64_MAX;
    op->cancel_ns = INT64_MAX;
    op->begun = false;
    weft__list_append(&self->staged, &op->link);
    engine->staged++;
    engine->in_flight = self->slab.in_use;
    *out_op = weft__op_id_of(taken);
    trace("submit", op, request->bytes);
    return 0;
}

static void ask(struct simulated *self, struct weft__simulated_op *op)
{
    if (op->cancel_ns != INT64_MAX)
        return;
    op->cancel_ns = weft__clock_now() + delay();
    self->asked++;
    trace("cancel", op, 0);
}

static int cancel(struct weft__engine *engine, weft__op_id id)
{
    struct simulated *self = simulated_of(engine);

    weft__sim_point(WEFT__SIM_ENGINE);
    struct weft__op *op = weft__op_find(&self->slab, id);
    if (op == NULL)
        return -ENOENT;
    ask(self, op_of(op));
    return 0;
}

static uint32_t cancel_all(struct weft__engine *engine)
{
    struct simulated *self = simulated_of(engine);

    for (struct weft__op *op = weft__op_next(&self->slab, 0); op != NULL;
         op = weft__op_next(&self->slab, op->index + 1))
        ask(self, op_of(op));
    return self->slab.in_use;
}

static int notify(struct weft__engine *target)
{
    struct simulated *self = simulated_of(target);

    (void)weft__swap_acqrel(&self->rung, 1); /* pairs with take_bell */
    (void)weft__sys_futex_wake(&self->rung, 1);
    return 0;
}

static int flush(struct weft__engine *engine)
{
    struct simulated *self = simulated_of(engine);
    struct weft__list *link;

    weft__sim_point(WEFT__SIM_ENGINE);
    if (engine->staged == 0)
        return 0;
    while ((link = weft__list_take(&self->staged)) != NULL) {
        struct weft__simulated_op *op = op_at(link);
        op->state = WEFT__SIMULATED_RUNNING;
        op->due_ns = weft__clock_now() + delay();
        insert_running(self, op);
        weft__bump(&engine->counters.submitted);
    }
    engine->staged = 0;
    weft__bump(&engine->counters.enters);
    while (self->bell_count > 0)
        (void)notify(&self->bells[--self->bell_count]->base);
    return 0;
}

static int doorbell(struct weft__engine *from, struct weft__engine *target)
{
    struct simulated *self = simulated_of(from);

    if (self->bell_count == bells_max)
        (void)flush(from);
    self->bells[self->bell_count++] = simulated_of(target);
    from->staged++;
    weft__bump(&from->counters.doorbells_sent);
    return 0;
}

/* ---- the way out ---- */

static void note_waiting(struct simulated *self)
{
    self->base.blind = self->waiting_count > 0;
}

static void leave_list(struct simulated *self, struct weft__simulated_op *op)
{
    weft__list_remove(&op->link);
    if (op->state == WEFT__SIMULATED_WAITING)
        self->waiting_count--;
    if (op->state == WEFT__SIMULATED_STAGED)
        self->base.staged--;
    note_waiting(self);
}

/* The one upcall, after which the op is nobody's. */
static void end(struct simulated *self, struct weft__simulated_op *op, int64_t result)
{
    void *waiter = op->op.waiter;

    leave_list(self, op);
    if (op->cancel_ns != INT64_MAX)
        self->asked--;
    trace("end", op, result);
    weft__op_release(&self->slab, &op->op);
    self->base.in_flight = self->slab.in_use;
    weft__bump(&self->base.counters.completed);
    weft__sim_point(WEFT__SIM_ENGINE);
    weft__upcall_completed(self->base.owner, waiter, (int32_t)result, 0);
}

/* It is tried again, after more than @ns. */
static void run_later(struct simulated *self, struct weft__simulated_op *op, int64_t ns)
{
    weft__list_remove(&op->link);
    if (op->state == WEFT__SIMULATED_WAITING)
        self->waiting_count--;
    op->state = WEFT__SIMULATED_RUNNING;
    op->due_ns = weft__clock_now() + ns + delay();
    insert_running(self, op);
    note_waiting(self);
}

/* A shot of an op that goes on, and is looked at again after a while. */
static void shoot(struct simulated *self, struct weft__simulated_op *op, int64_t result)
{
    run_later(self, op, 0);
    trace("shot", op, result);
    weft__bump(&self->base.counters.completed);
    weft__upcall_completed(self->base.owner, op->op.waiter, (int32_t)result, WEFT__COMPLETION_MORE);
}

/* True when something has ended. */
static bool try_op(struct simulated *self, struct weft__simulated_op *op)
{
    int64_t result = op->state == WEFT__SIMULATED_RUNNING && !op->begun
                         ? weft__simulated_error(op->op.opcode)
                         : 0;
    if (result == 0)
        result = weft__simulated_try(op);
    if (result == WEFT__SIMULATED_LATER) {
        run_later(self, op, later_ns);
        return false;
    }
    if (result != WEFT__SIMULATED_WAITS) {
        if (op->op.multishot && result > 0)
            shoot(self, op, result);
        else
            end(self, op, result);
        return true;
    }
    if (op->state != WEFT__SIMULATED_WAITING) {
        weft__list_remove(&op->link);
        op->state = WEFT__SIMULATED_WAITING;
        op->due_ns = INT64_MAX;
        weft__list_append(&self->waiting, &op->link);
        self->waiting_count++;
        note_waiting(self);
        trace("waits", op, 0);
    }
    return false;
}

/* Cancels whose time has come. What runs is ended or missed; what is staged is met once it runs.
 * The kernel tries a transfer before it can be cancelled. */
static uint32_t meet_cancels(struct simulated *self)
{
    uint32_t seen = 0;
    uint32_t index = 0;
    struct weft__op *taken;

    if (self->asked == 0)
        return 0;
    while ((taken = weft__op_next(&self->slab, index)) != NULL) {
        struct weft__simulated_op *op = op_of(taken);
        index = taken->index + 1;
        if (op->cancel_ns > weft__clock_now() || op->state == WEFT__SIMULATED_STAGED)
            continue;
        if (op->state == WEFT__SIMULATED_RUNNING &&
            fault(lose_one_in, "late cancel", &op->request)) {
            op->cancel_ns = op->due_ns + 1; /* it comes too late, unless the op waits then */
            continue;
        }
        if (op->state == WEFT__SIMULATED_WAITING || !weft__simulated_try_comes_first(&op->request))
            end(self, op, -ECANCELED);
        else if (!try_op(self, op))
            end(self, op, -ECANCELED);
        seen++;
    }
    return seen;
}

static uint32_t reap_running(struct simulated *self, uint32_t most)
{
    uint32_t seen = 0;

    while (seen < most && !weft__list_empty(&self->running) &&
           op_at(self->running.next)->due_ns <= weft__clock_now())
        seen += try_op(self, op_at(self->running.next)) ? 1 : 0;
    return seen;
}

/* The op that an upcall may have ended is not one of those that are still to be looked at: a loop
 * over a list that was moved away, of which each goes back or ends. */
static uint32_t reap_waiting(struct simulated *self, uint32_t most)
{
    uint32_t seen = 0;

    for (uint32_t left = self->waiting_count; left > 0 && seen < most; left--) {
        struct weft__list *link = self->waiting.next;
        if (link == &self->waiting)
            break;
        weft__list_remove(link);
        weft__list_append(&self->waiting, link);
        seen += try_op(self, op_at(link)) ? 1 : 0;
    }
    return seen;
}

static uint32_t take_bell(struct simulated *self)
{
    if (weft__load_relaxed(&self->rung) == 0)
        return 0;
    (void)weft__swap_acqrel(&self->rung, 0); /* pairs with notify */
    weft__bump(&self->base.counters.doorbells_received);
    return 1;
}

static void announce_room(struct simulated *self)
{
    if (!self->refused || self->slab.in_use == self->slab.limit)
        return;
    self->refused = false;
    self->room_said = true;
    weft__upcall_room(self->base.owner);
}

static int64_t next_time(const struct simulated *self)
{
    int64_t next_ns = INT64_MAX;
    struct simulated *own = (struct simulated *)(uintptr_t)self;

    if (!weft__list_empty(&self->running))
        next_ns = op_at(own->running.next)->due_ns;
    if (self->asked == 0)
        return next_ns;
    for (struct weft__op *op = weft__op_next(&self->slab, 0); op != NULL;
         op = weft__op_next(&self->slab, op->index + 1))
        if (op_of(op)->cancel_ns < next_ns && op_of(op)->state != WEFT__SIMULATED_STAGED)
            next_ns = op_of(op)->cancel_ns;
    return next_ns;
}

static bool has_events(const struct weft__engine *engine)
{
    const struct simulated *self = simulated_of_const(engine);

    return weft__load_relaxed(&self->rung) != 0 || self->refused ||
           next_time(self) <= weft__clock_now();
}

static int poll_all(struct weft__engine *engine, uint32_t most)
{
    struct simulated *self = simulated_of(engine);

    (void)flush(engine);
    uint32_t seen = take_bell(self);
    seen += reap_running(self, most);
    seen += meet_cancels(self);
    seen += reap_waiting(self, most);
    engine->looked_cycles = weft__clock_cycles();
    announce_room(self);
    return (int)seen;
}

/* The files for which somebody waits; how many. */
static uint32_t list_files(struct simulated *self)
{
    uint32_t count = 0;

    for (struct weft__list *link = self->waiting.next; link != &self->waiting && count < files_max;
         link = link->next) {
        const struct weft__request *request = &op_at(link)->request;
        if (weft__sim_net_of(request->fd) != NULL)
            continue; /* the file behind the number tells nothing */
        self->files[count++] = (struct pollfd){ .fd = request->fd,
                                                .events = weft__simulated_try_events(request) };
    }
    return count;
}

/* When something comes for an op that waits for a simulated socket. */
static int64_t next_arrival(struct simulated *self)
{
    int64_t next_ns = INT64_MAX;

    for (struct weft__list *link = self->waiting.next; link != &self->waiting; link = link->next) {
        const struct weft__request *request = &op_at(link)->request;
        const struct weft__sim_net *net = weft__sim_net_of(request->fd);
        if (net == NULL)
            continue;
        int64_t at_ns = net->next(request->fd, (uint16_t)weft__simulated_try_events(request));
        next_ns = at_ns < next_ns ? at_ns : next_ns;
    }
    return next_ns;
}

static void subscribe(struct simulated *self, bool on)
{
    const struct weft__sim_net *net = weft__sim_net();

    if (net != NULL)
        net->subscribe(&self->rung, on);
}

static void sleep_once(struct simulated *self, int64_t until_ns)
{
    const struct weft__sim_ops *sim = weft__sim_here();
    int64_t next_ns = next_time(self);
    int64_t arrival_ns = next_arrival(self);
    uint32_t count = list_files(self);

    next_ns = arrival_ns < next_ns ? arrival_ns : next_ns;
    struct weft__sim_wait wait = { .word = &self->rung,
                                   .expected = 0,
                                   .until_ns = next_ns < until_ns ? next_ns : until_ns,
                                   .files = self->files,
                                   .file_count = count,
                                   .files_may_act = count > 0 };

    WEFT_ASSERT(sim != NULL, "a simulated engine waits outside of the simulation");
    weft__bump(&self->base.counters.waits);
    subscribe(self, self->waiting_count > 0);
    (void)sim->wait(&wait);
    subscribe(self, false);
}

static int wait_any(struct weft__engine *engine, int64_t until_ns)
{
    struct simulated *self = simulated_of(engine);

    self->room_said = false;
    for (;;) {
        int seen = poll_all(engine, budget);
        if (seen != 0 || self->room_said || weft__clock_now() >= until_ns)
            return seen;
        sleep_once(self, until_ns);
    }
}

static uint32_t describe(const struct weft__engine *engine, char *text, size_t text_bytes)
{
    return weft__op_describe(&simulated_of_const(engine)->slab, text, text_bytes);
}

static void close_engine(struct weft__engine *engine)
{
    struct simulated *self = simulated_of(engine);

    if (self->slab.chunks != NULL)
        weft__op_slab_fini(&self->slab);
    weft__memory_free(self, sizeof(*self));
}

static const struct weft__engine_ops simulated_ops = {
    .name = "sim",
    .close = close_engine,
    .submit = submit,
    .cancel = cancel,
    .flush = flush,
    .has_events = has_events,
    .poll = poll_all,
    .wait = wait_any,
    .doorbell = doorbell,
    .notify = notify,
    .cancel_all = cancel_all,
    .describe = describe,
};

int weft__engine_open_simulated(const struct weft__engine_config *config, void *owner,
                                struct weft__engine **out_engine, struct weft__setup_error *error)
{
    uint32_t credits = config->op_entries != 0 ? config->op_entries : credits_default;

    if (weft__sim_here() == NULL) {
        weft__setup_error_say(error, -EINVAL, "a simulated engine needs a simulation");
        return -EINVAL;
    }
    struct simulated *self = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*self));
    if (self == NULL ||
        weft__op_slab_init_as(&self->slab, credits, sizeof(struct weft__simulated_op)) < 0) {
        weft__memory_free(self, sizeof(*self));
        weft__setup_error_explain(error, -ENOMEM, "memory for the engine", "");
        return -ENOMEM;
    }
    self->base.ops = &simulated_ops;
    self->base.owner = owner;
    self->hidden_ops = config->hidden_ops;
    weft__list_init(&self->staged);
    weft__list_init(&self->running);
    weft__list_init(&self->waiting);
    *out_engine = &self->base;
    return 0;
}

/* The way out: looking for readiness, sleeping, reaping. */
#include <errno.h>

#include "runtime/base/clock.h"
#include "uring/compat.h"

enum { WAIT_BUDGET = 256 /* completions reaped by one wait */ };

#define RETRY_NS (2 * WEFT__NS_PER_MS) /* between tries where nothing tells when */

bool weft__compat_reap_has_events(const struct weft__engine *engine)
{
    const struct weft__compat *compat = weft__compat_of_const(engine);

    return !weft__list_empty(&compat->completions) || weft__load_relaxed(&compat->bell) != 0;
}

void weft__compat_reap_retry(struct weft__compat *compat, struct weft__compat_op *op)
{
    if (weft__list_empty(&compat->retrying))
        compat->retry_ns = weft__clock_now() + RETRY_NS;
    op->state = WEFT__COMPAT_RETRYING;
    weft__list_append(&compat->retrying, &op->link);
}

static void retry_due(struct weft__compat *compat)
{
    struct weft__list due;
    struct weft__list *link;

    if (weft__list_empty(&compat->retrying) || weft__clock_now() < compat->retry_ns)
        return;
    weft__list_move(&due, &compat->retrying);
    while ((link = weft__list_take(&due)) != NULL) {
        struct weft__compat_op *op = WEFT__CONTAINER(link, struct weft__compat_op, link);
        weft__compat_settle(compat, op, weft__compat_try_op(compat, op));
    }
}

/* Takes what was rung and helped; how many doorbells. */
static uint32_t take_bell(struct weft__compat *compat)
{
    if (weft__load_relaxed(&compat->bell) == 0)
        return 0;
    uint32_t word = weft__swap_acqrel(&compat->bell, 0); /* BELL O3 */
    if ((word & WEFT__COMPAT_HELPED) != 0)
        weft__compat_help_collect(compat);
    if ((word & WEFT__COMPAT_RUNG) == 0)
        return 0;
    weft__bump(&compat->base.counters.doorbells_received);
    return 1;
}

/* Asks for readiness, waiting at most @wait_ns. 0 or a negative errno. */
static int look(struct weft__compat *compat, int64_t wait_ns)
{
    weft__bump(&compat->base.counters.enters);
    int count = weft__sys_io_epoll_wait(compat->epoll_fd, compat->events, WEFT__COMPAT_EVENTS,
                                        wait_ns);
    compat->base.looked_cycles = weft__clock_cycles();
    for (int i = 0; i < count; i++)
        if (compat->events[i].data.u64 != UINT64_MAX) /* the bell's own */
            weft__compat_file_ready(compat, &compat->events[i]);
    return count < 0 && count != -EINTR ? count : 0;
}

static uint32_t reap(struct weft__compat *compat, uint32_t budget)
{
    struct weft__list *link;
    uint32_t seen = 0;

    for (; seen < budget && (link = weft__list_take(&compat->completions)) != NULL; seen++) {
        struct weft__compat_op *op = WEFT__CONTAINER(link, struct weft__compat_op, done);
        void *waiter = op->op.waiter;
        int32_t result = (int32_t)op->result;
        bool more = op->fired;
        op->fired = false;
        if (!more) {
            weft__op_release(&compat->slab, &op->op);
            compat->base.in_flight = compat->slab.in_use;
        }
        weft__bump(&compat->base.counters.completed);
        weft__upcall_completed(compat->base.owner, waiter, result,
                               more ? WEFT__COMPLETION_MORE : 0);
    }
    return seen;
}

/* Tells the owner once that a refused submit may be tried again. */
static void announce_room(struct weft__compat *compat)
{
    if (!compat->refused || compat->slab.in_use == compat->slab.limit)
        return;
    compat->refused = false;
    compat->room_said = true;
    weft__upcall_room(compat->base.owner);
}

int weft__compat_reap_poll(struct weft__engine *engine, uint32_t budget)
{
    struct weft__compat *compat = weft__compat_of(engine);
    uint32_t seen = take_bell(compat);
    int rc = 0;

    if (engine->blind) {
        weft__compat_file_arm(compat);
        retry_due(compat);
        rc = look(compat, 0);
    }
    if (seen < budget)
        seen += reap(compat, budget - seen);
    announce_room(compat);
    return rc < 0 ? rc : (int)seen;
}

/* One sleep until something is ready, rung or helped, or @until_ns. */
static int sleep_once(struct weft__compat *compat, int64_t until_ns, int64_t now_ns)
{
    int64_t wait_ns = until_ns == INT64_MAX ? INT64_MAX : until_ns - now_ns;

    weft__compat_file_arm(compat);
    if (!weft__list_empty(&compat->retrying) && wait_ns > RETRY_NS)
        wait_ns = RETRY_NS;
    uint32_t before = weft__or_acqrel(&compat->bell, (uint32_t)WEFT__COMPAT_ASLEEP); /* BELL O1 */
    if (before != 0 || !weft__list_empty(&compat->completions))
        wait_ns = 0;
    weft__bump(&compat->base.counters.waits);
    int rc = look(compat, wait_ns); /* BELL O2 */
    retry_due(compat);
    return rc;
}

int weft__compat_reap_wait(struct weft__engine *engine, int64_t until_ns)
{
    struct weft__compat *compat = weft__compat_of(engine);

    compat->room_said = false;
    if (weft__compat_reap_has_events(engine) || compat->refused) {
        int seen = weft__compat_reap_poll(engine, WAIT_BUDGET);
        if (seen != 0 || compat->room_said)
            return seen;
    }
    for (;;) {
        int64_t now_ns = until_ns == INT64_MAX ? 0 : weft__clock_now();
        if (now_ns >= until_ns)
            return weft__compat_reap_poll(engine, WAIT_BUDGET);
        int rc = sleep_once(compat, until_ns, now_ns);
        uint32_t seen = take_bell(compat);
        seen += reap(compat, WAIT_BUDGET);
        announce_room(compat);
        if (seen != 0 || compat->room_said)
            return (int)seen;
        if (rc < 0)
            return rc;
    }
}

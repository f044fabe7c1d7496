/*
 * Gates. Whoever comes first takes a gate that is free, though others wait: strict hand-over makes
 * each text wait until another worker runs (64 tasks on two workers printed 80,000 lines a second
 * into a pipe, and print 241,000; on eight, 49,000 and 177,000).
 *
 * STATE gate: free -> taken by any caller; taken -> free, by leave, which wakes the one that has
 * waited longest to try; taken -> taken, by leave, handed over to one that had come too late.
 * Terminal: none.
 *
 * LOCK gate.lock: guards all of the gate. Taken with no other lock held; never across a suspension.
 * All of the above happens under it: nobody is left waiting at a free gate, because leave sees who
 * waits, or the other then finds the gate free.
 *
 * BOUND bypass: while one is on its way no second one is woken, but after 1 ms that it has not come
 * the next is. One that finds the gate taken waits first in line again, and when it has waited for
 * 1 ms in all, it gets the gate from the next leave: its worker runs, so that is no long wait.
 */
#include "runtime/io/gate.h"

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"

static const int64_t bypass_ns = WEFT__NS_PER_MS;

enum passage { on_its_way, handed_over };

/* Who waits; on its stack. */
struct waiting {
    struct weft__list link;
    struct weft__ticket ticket; /* of a task; no task: a thread, which sleeps on over */
    _Atomic uint32_t over;      /* futex: its sleep */
    int64_t since_ns;           /* when it first found the gate taken; 0: not yet */
    bool woken;                 /* it was on its way */
    bool overdue;               /* and came too late, after bypass_ns */
    enum passage passage;       /* how its sleep ended */
};

static struct waiting *waiting_of(struct weft__list *link)
{
    return WEFT__CONTAINER(link, struct waiting, link);
}

static void stand_locked(struct weft__gate *gate, struct waiting *self, struct weft__task *task)
{
    int64_t now = weft__clock_now();

    if (task != NULL)
        self->ticket = weft__park_begin(task, WEFT__REASON_PRINT);
    weft__store_relaxed(&self->over, 0);
    if (!gate->ready)
        weft__list_init(&gate->waiting);
    gate->ready = true;
    if (self->woken) {
        self->overdue = now - self->since_ns >= bypass_ns;
        weft__list_append(gate->waiting.next, &self->link); /* in front of the first */
    } else {
        self->since_ns = now;
        weft__list_append(&gate->waiting, &self->link);
    }
}

/* Takes the gate, or puts @self in line. */
static bool take_or_stand(struct weft__gate *gate, struct waiting *self, struct weft__task *task)
{
    weft__lock_acquire(&gate->lock); /* pairs with weft__lock_release */
    bool taken = !gate->taken;
    gate->taken = true;
    if (self->woken)
        gate->woken_ns = 0;
    if (!taken)
        stand_locked(gate, self, task);
    weft__lock_release(&gate->lock);
    return taken;
}

static void sleep_until_over(struct waiting *self, struct weft__worker *worker)
{
    if (self->ticket.task != NULL) {
        (void)weft__park_commit(worker, self->ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
        return;
    }
    while (weft__load_acquire(&self->over) == 0) /* pairs with wake */
        (void)weft__sys_futex_wait(&self->over, 0, INT64_MAX);
}

void weft__gate_enter(struct weft__gate *gate)
{
    struct waiting self = { .passage = on_its_way };

    for (;;) {
        struct weft__worker *worker = weft__self_worker(); /* a migratable task may have moved */
        if (take_or_stand(gate, &self, weft__worker_task(worker)))
            return;
        sleep_until_over(&self, worker);
        if (self.passage == handed_over)
            return;
        self.woken = true;
    }
}

/* A thread may be gone by the time of the futex call; a stray wake is slept through. */
static void wake(struct waiting *waiting)
{
    if (waiting == NULL)
        return;
    if (waiting->ticket.task != NULL) {
        weft__park_ready(weft__self_worker(), waiting->ticket.task);
        return;
    }
    weft__store_release(&waiting->over, 1); /* pairs with sleep_until_over */
    (void)weft__sys_futex_wake(&waiting->over, 1);
}

/* Frees the gate or hands it over. Returns whom to wake; NULL: nobody. */
static struct waiting *pass_on_locked(struct weft__gate *gate)
{
    struct waiting *first = waiting_of(gate->waiting.next);

    if (!gate->ready || weft__list_empty(&gate->waiting)) {
        gate->taken = false;
        return NULL;
    }
    if (!first->overdue) {
        int64_t now = weft__clock_now();
        gate->taken = false;
        if (gate->woken_ns != 0 && now - gate->woken_ns < bypass_ns)
            return NULL;
        gate->woken_ns = now;
    }
    first->passage = first->overdue ? handed_over : on_its_way;
    weft__list_remove(&first->link);
    /* nothing but a leave ends the wait of a task that is in the line */
    if (first->ticket.task != NULL)
        (void)weft__park_claim(first->ticket, WEFT__WAIT_WOKEN);
    return first;
}

void weft__gate_leave(struct weft__gate *gate)
{
    weft__lock_acquire(&gate->lock); /* pairs with weft__lock_release */
    struct waiting *next = pass_on_locked(gate);
    weft__lock_release(&gate->lock);
    wake(next);
}

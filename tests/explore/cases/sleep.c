/*
 * runtime/sched/sleep.c and inbox.h: a worker that goes to sleep against two senders. What is sent
 * is received, whole and in order, and nobody sleeps while there is something.
 * SOURCES: runtime/sched/sleep.c runtime/sched/wheel.c
 */
#include "runtime/sched/runtime.h"
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "tests/explore/explore.h"

enum { MOST = 3 };

struct note {
    struct weft__message message;
    uint32_t number; /* plain */
};

static struct weft__runtime runtime;
static struct weft__worker worker;
static struct weft__engine engine;
static struct explore_bell bell;
static struct note notes[MOST];
static struct weft__task injected;
static uint32_t wanted, received, injected_taken, sleeps;
static _Atomic uint32_t doorbells;

/* ---- doubles ---- */

static int wait(struct weft__engine *self, int64_t until_ns)
{
    (void)self;
    (void)until_ns; /* the limit of a nap would hide a lost wake-up */
    return explore_bell_wait(&bell, INT64_MAX);
}

static int notify(struct weft__engine *self)
{
    (void)self;
    weft__add_relaxed(&doorbells, 1);
    explore_bell_ring(&bell);
    return 0;
}

static bool has_events(const struct weft__engine *self)
{
    (void)self;
    return false;
}

static const struct weft__engine_ops ops = { .wait = wait,
                                             .notify = notify,
                                             .has_events = has_events };

bool weft__search_sees_work(const struct weft__worker *self)
{
    return weft__load_relaxed(&self->team->inject.length) != 0;
}

uint64_t weft__search_mark(const struct weft__worker *self)
{
    return weft__load_relaxed(&self->team->inject.length);
}

void weft__search_join(struct weft__worker *self)
{
    self->searching = true;
}

/* ---- the case ---- */

static void deliver(struct weft__worker *self, struct weft__message *message)
{
    (void)self;
    EXPLORE_NEED(((struct note *)message)->number == 9, "a message came before it was filled in");
    received++;
}

static void setup_for(uint32_t messages)
{
    runtime.teams[0] = (struct weft__team){ .count = 0 };
    worker.runtime = &runtime;
    worker.team = &runtime.teams[0];
    worker.engine = &engine;
    worker.nap_doublings = 0;
    worker.searching = false;
    worker.inbox = (struct weft__inbox){ .head = NULL };
    worker.ready.head = worker.fresh.head = worker.lifo = NULL;
    weft__store_relaxed(&worker.state, WEFT__WORKER_RUNNING);
    engine.ops = &ops;
    bell.rung = 0;
    for (size_t i = 0; i < MOST; i++)
        notes[i] = (struct note){ .message = { .deliver = deliver } };
    wanted = messages;
    received = injected_taken = sleeps = 0;
    weft__store_relaxed(&doorbells, 0);
}

static void setup_two(void)
{
    setup_for(2);
}

static void setup_three(void)
{
    setup_for(3);
}

/* What weft__step_drain does, and a look at the inject queue. */
static bool step(void)
{
    struct weft__message *message = weft__inbox_take(&worker.inbox);
    bool found = message != NULL;

    while (message != NULL) {
        struct weft__message *next = message->next;
        message->deliver(&worker, message);
        message = next;
    }
    if (weft__inject_take(&runtime.teams[0].inject) != NULL) {
        injected_taken++;
        found = true;
    }
    return found;
}

static void loop(void)
{
    while (received + injected_taken < wanted)
        if (!step()) {
            sleeps++;
            weft__sleep_park(&worker);
        }
}

static void send(size_t i)
{
    notes[i].number = 9;
    weft__inbox_push(&worker.inbox, &notes[i].message);
    (void)weft__sleep_wake(NULL, &worker, WEFT__WORKER_NOTIFIED);
}

static void send_first(void)
{
    send(0);
}

static void send_second(void)
{
    send(1);
}

static void send_both(void)
{
    send(0);
    send(1);
}

static void inject(void)
{
    weft__inject_put(&runtime.teams[0].inject, &injected);
    (void)weft__sleep_wake(NULL, &worker, WEFT__WORKER_NOTIFIED_SEARCH);
}

static void judge(void)
{
    EXPLORE_NEED(received + injected_taken == wanted, "%u of %u came", received + injected_taken,
                 wanted);
    EXPLORE_NEED(weft__load_relaxed(&runtime.teams[0].idle.sleeping) == 0,
                 "a sleeper is still counted");
    EXPLORE_NEED(weft__load_relaxed(&doorbells) <= sleeps, "two doorbells for one sleep");
}

static const struct explore_plant plants[] = {
    { "the sender's fence is left out", "weft__sleep_wake", "fence", "" },
    { "the worker's fences are left out", "weft__sleep_park", "fence", "" },
    { "a message is pushed relaxed", "weft__inbox_push", "cas_release", "&inbox->head" },
    { "messages are taken relaxed", "weft__inbox_take", "swap_acquire", "&inbox->head" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant inject_plants[] = {
    { "the inject queue is unlocked relaxed", "weft__lock_release", "store_release",
      "&lock->held" },
    { "the inject queue is locked relaxed", "weft__lock_acquire", "swap_acquire", "&lock->held" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "sleep: two messages of one sender",
      .setup = setup_two,
      .threads = { loop, send_both },
      .judge = judge,
      .preemptions = 3,
      .stale = 3,
      .plants = plants },
    { .name = "sleep: two senders",
      .setup = setup_two,
      .threads = { loop, send_first, send_second },
      .judge = judge,
      .preemptions = 2,
      .stale = 2 },
    { .name = "sleep: a message and an injected task",
      .setup = setup_two,
      .threads = { loop, send_first, inject },
      .judge = judge,
      .preemptions = 2,
      .stale = 1,
      .plants = inject_plants },
    { .name = "sleep: two messages and an injected task",
      .setup = setup_three,
      .threads = { loop, send_both, inject },
      .judge = judge,
      .preemptions = 1,
      .stale = 1 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

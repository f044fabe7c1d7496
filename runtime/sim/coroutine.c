#include "runtime/sim/coroutine.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/native.h"
#include "runtime/base/random.h"
#include "runtime/base/sys.h"
#include "runtime/sim/disk.h"
#include "runtime/sim/trace.h"
#include "runtime/task/context.h"

enum {
    coroutines_max = 4096, /* 1,024 workers, and their helpers */
    files_max = 1024,      /* looked at together */
    name_bytes = 16,
    stack_bytes = 8 << 20, /* as a thread has */
    step_ns = 40,          /* by which each point moves the clock */
    begin_s = 1000000,     /* what the clock says first */
    look_every = 64,       /* choices between two looks at real files */
    outside_ms = 1         /* for real files to act, before the clock jumps */
};

enum state { READY, WAITING, ENDED };

struct weft__coroutine {
    struct weft__context context; /* while it does not run */
    char name[name_bytes];
    enum state state;
    uint32_t ready_at;           /* in ready, while it is there */
    struct weft__sim_wait *wait; /* while WAITING */
    int result;                  /* of the wait */
    _Atomic uint32_t ended;      /* what its joiner sleeps on */
    void *self;                  /* the scheduler's: which worker it is */
    void *own;                   /* its record as a thread that waits */
    int saved_errno;
    void *(*body)(void *argument);
    void *argument;
    char *stack; /* NULL: the thread's */
    uint32_t number;
};

static struct {
    struct weft__coroutine_config config; /* (i) */
    struct weft__random random;
    struct weft__coroutine *all[coroutines_max]; /* by number; NULL: free */
    uint32_t count;                              /* numbers that were ever used */
    struct weft__coroutine *ready[coroutines_max];
    uint32_t ready_count;
    struct weft__coroutine *running;
    struct weft__coroutine first; /* the thread's own */
    _Atomic int64_t now_ns;
    int64_t next_ns;     /* no waiter's time is before it */
    uint64_t steps;      /* points that were passed */
    uint64_t look_at;    /* the point at which to look for progress */
    uint64_t choices;    /* of who goes on */
    uint32_t interval;   /* (i) points between two choices, in the mean */
    uint32_t countdown;  /* points until the next choice */
    sigset_t signals;    /* those that the first one blocks */
    int outside;         /* (i) event descriptor that wakes it from poll(2) */
    _Atomic bool asleep; /* (a:ROUSE) in poll(2) */
    _Atomic bool roused; /* (a:ROUSE) some word may have changed */
} sim;

static const char *const point_names[WEFT__SIM_COUNT] = {
#define NAME(name, text) text,
    WEFT__SIM_POINTS(NAME)
#undef NAME
};

/* ---- time and chance ---- */

static int64_t now(void)
{
    return weft__load_relaxed(&sim.now_ns);
}

static void move_clock(int64_t ns)
{
    weft__store_relaxed(&sim.now_ns, now() + ns);
}

/* A look at the clock takes time, so that who looks until it has moved comes to an end. */
static int64_t look_at_clock(void)
{
    if (weft__sim_here() != NULL)
        move_clock(step_ns);
    return now();
}

static uint64_t look_at_cycles(void)
{
    return (uint64_t)look_at_clock();
}

static uint64_t draw(void)
{
    return weft__random_next(&sim.random);
}

static uint32_t below(uint32_t bound)
{
    return weft__random_below(&sim.random, bound);
}

static void note(const char *what, const char *text, int64_t first, int64_t second)
{
    weft__trace_write(&(struct weft__trace_line){ .step = sim.steps,
                                                  .now_ns = now(),
                                                  .who = sim.running->name,
                                                  .what = what,
                                                  .text = text,
                                                  .first = first,
                                                  .second = second });
}

/* ---- who can run ---- */

static void make_ready(struct weft__coroutine *coroutine, int result)
{
    coroutine->state = READY;
    coroutine->wait = NULL;
    coroutine->result = result;
    coroutine->ready_at = sim.ready_count;
    sim.ready[sim.ready_count++] = coroutine;
}

static void leave_ready(struct weft__coroutine *coroutine, enum state state)
{
    struct weft__coroutine *last = sim.ready[--sim.ready_count];

    sim.ready[coroutine->ready_at] = last;
    last->ready_at = coroutine->ready_at;
    coroutine->state = state;
}

static bool waits(const struct weft__coroutine *coroutine)
{
    return coroutine != NULL && coroutine->state == WAITING;
}

/* Ends the waits whose time has come, and finds the next one. */
static void look_at_waiters(void)
{
    if (now() < sim.next_ns)
        return;
    sim.next_ns = INT64_MAX;
    for (uint32_t i = 0; i < sim.count; i++) {
        if (!waits(sim.all[i]))
            continue;
        if (sim.all[i]->wait->until_ns <= now())
            make_ready(sim.all[i], -ETIMEDOUT);
        else if (sim.all[i]->wait->until_ns < sim.next_ns)
            sim.next_ns = sim.all[i]->wait->until_ns;
    }
}

/* Ends the sleeps on words that have changed; nothing else was said. */
static void answer_rouse(void)
{
    if (!weft__load_relaxed(&sim.roused) ||
        !weft__swap_acqrel(&sim.roused, false)) /* pairs with rouse */
        return;
    for (uint32_t i = 0; i < sim.count; i++) {
        struct weft__coroutine *coroutine = sim.all[i];
        if (waits(coroutine) && coroutine->wait->word != NULL &&
            weft__load_relaxed(coroutine->wait->word) != coroutine->wait->expected)
            make_ready(coroutine, 0);
    }
}

/*
 * By a coroutine, a thread outside, or a signal handler, wherever that has interrupted us.
 *
 * ORDERING ROUSE: a word that has changed is looked at before the simulation sleeps in poll(2).
 *   rouser                                   simulation
 *   R1 changes the word, sets roused         S1 says that it will be asleep
 *   R2 store-load fence                      S2 store-load fence
 *   R3 if it is asleep, writes the event     S3 if roused is set: does not poll
 *      descriptor                            S4 polls the event descriptor, too
 * Forbidden: R3 sees it awake and S3 sees no rouse.
 * Because:   R1, S1 are stores, R3, S3 loads, each pair split by a fence: one sees the other. A
 *            handler on the simulation's own thread stands wholly before or behind each step.
 * Without:   a word that a signal handler changes is seen after the next timer.
 * Tested by: tests/sim/run, tests/unit/notifier_test.c
 */
static void rouse(void)
{
    (void)weft__swap_acqrel(&sim.roused, true); /* ROUSE R1, pairs with answer_rouse */
    weft__fence_store_load();                   /* ROUSE R2, pairs with S2 */
    if (weft__load_relaxed(&sim.asleep))        /* ROUSE R3 */
        (void)weft__sys_write(sim.outside, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* ---- real files ---- */

/* All that waiters have named, and the event descriptor as the first. Returns how many. */
static uint32_t gather_files(struct pollfd *files)
{
    uint32_t count = 1;

    files[0] = (struct pollfd){ .fd = sim.outside, .events = POLLIN };
    for (uint32_t i = 0; i < sim.count; i++) {
        const struct weft__coroutine *coroutine = sim.all[i];
        if (!waits(coroutine) || count + coroutine->wait->file_count > files_max)
            continue;
        for (uint32_t j = 0; j < coroutine->wait->file_count; j++)
            files[count++] = coroutine->wait->files[j];
    }
    return count;
}

/* Gives what poll has found back to those who wait. */
static void hand_out_files(const struct pollfd *files)
{
    uint32_t at = 1;

    for (uint32_t i = 0; i < sim.count; i++) {
        struct weft__coroutine *coroutine = sim.all[i];
        bool found = false;
        if (!waits(coroutine) || at + coroutine->wait->file_count > files_max)
            continue;
        for (uint32_t j = 0; j < coroutine->wait->file_count; j++, at++) {
            coroutine->wait->files[j].revents = files[at].revents;
            found = found || files[at].revents != 0;
        }
        if (found)
            make_ready(coroutine, 0);
    }
}

/* Waits really, up to @ms (-1: for ever), for files of waiters and for threads outside. */
static void look_at_files(int ms)
{
    static struct pollfd files[files_max]; /* not on a task's stack */
    uint64_t taken;
    uint32_t count = gather_files(files);

    if (count == 1 && ms == 0)
        return;
    weft__store_relaxed(&sim.asleep, ms != 0); /* ROUSE S1 */
    weft__fence_store_load();                  /* ROUSE S2, pairs with R2 */
    if (weft__load_relaxed(&sim.roused))       /* ROUSE S3 */
        ms = 0;
    int found = poll(files, count, ms); /* ROUSE S4 */
    weft__store_relaxed(&sim.asleep, false);
    if (found <= 0)
        return;
    if (files[0].revents != 0)
        (void)weft__sys_read(sim.outside, &taken, sizeof(taken));
    hand_out_files(files);
}

static bool files_may_act(void)
{
    for (uint32_t i = 0; i < sim.count; i++)
        if (waits(sim.all[i]) && sim.all[i]->wait->files_may_act)
            return true;
    return false;
}

/* ---- choosing ---- */

/* Ends the program, which will not end by itself. */
_Noreturn WEFT__COLD static void give_up(const char *what, const char *sentence)
{
    char met[32];

    note(what, "-", 0, 0);
    (void)weft__sys_write(STDERR_FILENO, sentence, strlen(sentence));
    sim.config.describe();
    (void)snprintf(met, sizeof(met), "met a %s", what);
    weft__trace_tell_seed(met);
    abort();
}

WEFT__COLD static void look_for_progress(void)
{
    char sentence[400];
    const char *what = weft__patience_look(sim.steps, sentence, sizeof(sentence));

    if (what != NULL)
        give_up(what, sentence);
    sim.look_at = weft__patience_next();
}

static void count_step(void)
{
    sim.steps++;
    move_clock(step_ns);
    if (WEFT__UNLIKELY(sim.steps >= sim.look_at))
        look_for_progress();
}

/* Nobody is ready: real files and threads outside may act; else the clock jumps. Threads outside
 * live in real time, so with them the clock keeps to that. */
static void idle(void)
{
    while (sim.ready_count == 0) {
        bool outside = weft__sys_thread_count() > 1;
        bool files = files_may_act();
        look_at_files(0);
        answer_rouse();
        if (sim.ready_count > 0)
            return;
        if (sim.next_ns == INT64_MAX && !outside && !files)
            give_up("deadlock", "weft: deadlock: nobody can run, and no timer, no operation and no "
                                "thread outside will end that:\n");
        int64_t left_ms = sim.next_ns == INT64_MAX ? INT32_MAX
                                                   : (sim.next_ns - now()) / WEFT__NS_PER_MS;
        int most_ms = left_ms < INT32_MAX ? (int)left_ms : -1;
        if (outside)
            look_at_files(most_ms);
        else if (files)
            look_at_files(most_ms < 0 || most_ms > outside_ms
                              ? sim.next_ns == INT64_MAX ? -1 : outside_ms
                              : most_ms);
        answer_rouse();
        if (sim.ready_count > 0 || sim.next_ns == INT64_MAX)
            continue;
        if (now() < sim.next_ns)
            weft__store_relaxed(&sim.now_ns, sim.next_ns);
        look_at_waiters();
    }
}

/* Workers and helpers block SIGPIPE, which is the writing thread's; so does the OS thread while one
 * of them runs, and what came meanwhile goes before the program's own thread can get it. */
static void change_signals(const struct weft__coroutine *next)
{
    const struct timespec at_once = { 0 };
    sigset_t pipe_broken;

    (void)sigemptyset(&pipe_broken);
    (void)sigaddset(&pipe_broken, SIGPIPE);
    if (next != &sim.first) {
        (void)pthread_sigmask(SIG_BLOCK, &pipe_broken, &sim.signals);
        return;
    }
    (void)sigtimedwait(&pipe_broken, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &sim.signals, NULL);
}

/* Leaves the running coroutine for @next. Returns when somebody comes back. */
static void hop(struct weft__coroutine *next, int ends)
{
    struct weft__coroutine *self = sim.running;

    if (next == self)
        return;
    self->saved_errno = weft__sys_errno_get();
    self->self = sim.config.get_self();
    sim.running = next;
    sim.config.set_self(next->self);
    if (self == &sim.first || next == &sim.first)
        change_signals(next);
    (void)weft__context_switch(&self->context, &next->context, next, ends);
    weft__sys_errno_set(self->saved_errno);
}

/* One of those who can run goes on: perhaps the running one. */
static void choose(const char *what, int ends)
{
    look_at_waiters();
    answer_rouse();
    if (++sim.choices % look_every == 0)
        look_at_files(0);
    if (sim.ready_count == 0)
        idle();
    struct weft__coroutine *next = sim.ready[below(sim.ready_count)];
    if (next != sim.running)
        note(what, next->name, (int64_t)next->number, (int64_t)sim.ready_count);
    hop(next, ends);
}

static void pass_point(enum weft__sim_point point)
{
    count_step();
    if (sim.countdown-- > 0)
        return;
    sim.countdown = below(2 * sim.interval);
    choose(point_names[point], 0);
}

/* As long as it was, and somewhat more or less. */
static void elapse(int64_t ns)
{
    move_clock(ns / 2 + (int64_t)below((uint32_t)(ns < INT32_MAX ? ns : INT32_MAX) + 1));
    pass_point(WEFT__SIM_STEP);
}

/* Whoever has what is needed may be one of many: each gets its turn by chance. */
static void give_way(void)
{
    count_step();
    if (sim.ready_count == 1)
        (void)sched_yield(); /* a thread outside has it */
    choose(point_names[WEFT__SIM_BACKOFF], 0);
}

static int wait_for(struct weft__sim_wait *wait)
{
    struct weft__coroutine *self = sim.running;

    pass_point(WEFT__SIM_FUTEX);
    if (wait->word != NULL && weft__load_relaxed(wait->word) != wait->expected)
        return -EAGAIN;
    self->wait = wait;
    leave_ready(self, WAITING);
    if (wait->until_ns < sim.next_ns)
        sim.next_ns = wait->until_ns;
    choose(point_names[WEFT__SIM_FUTEX], 0);
    return self->result;
}

/* ---- start and end ---- */

/* The first function on the stack of a coroutine. */
WEFT__FIBER_BODY static void run(void *message, void *argument)
{
    struct weft__coroutine *self = argument;

    (void)message;
    weft__fiber_arrive(&self->context.fiber);
    (void)self->body(self->argument);
    if (self->own != NULL)
        weft__native_end_own(self->own);
    weft__store_release(&self->ended, 1); /* pairs with join */
    rouse();
    leave_ready(self, ENDED);
    choose("end", 1);
    WEFT_ASSERT(false, "a coroutine that has ended was switched to");
}

static struct weft__coroutine *make(const char *name)
{
    uint32_t number = 0;

    while (number < sim.count && sim.all[number] != NULL)
        number++;
    if (number == coroutines_max)
        return NULL;
    struct weft__coroutine *made = weft__sys_map(sizeof(*made));
    if (made == NULL)
        return NULL;
    (void)snprintf(made->name, sizeof(made->name), "%s", name);
    made->number = number;
    sim.all[number] = made;
    if (number == sim.count)
        sim.count++;
    return made;
}

static void destroy(struct weft__coroutine *coroutine)
{
    sim.all[coroutine->number] = NULL;
    weft__fiber_destroy(&coroutine->context.fiber);
    if (coroutine->stack != NULL)
        (void)weft__sys_unmap(coroutine->stack, stack_bytes);
    (void)weft__sys_unmap(coroutine, sizeof(*coroutine));
}

static int start(void *(*body)(void *argument), void *argument, const char *name,
                 struct weft__coroutine **out_coroutine)
{
    enum { guard_bytes = 4096 };
    struct weft__coroutine *made = make(name);

    if (made == NULL)
        return -EAGAIN;
    made->stack = weft__sys_map(stack_bytes);
    if (made->stack == NULL) {
        destroy(made);
        return -EAGAIN;
    }
    (void)weft__sys_mprotect(made->stack, guard_bytes, PROT_NONE);
    made->body = body;
    made->argument = argument;
    weft__context_make(&made->context, made->stack + guard_bytes, made->stack + stack_bytes, run,
                       made);
    make_ready(made, 0);
    note("start", made->name, (int64_t)made->number, 0);
    *out_coroutine = made;
    return 0;
}

static void join(struct weft__coroutine *coroutine)
{
    while (weft__load_acquire(&coroutine->ended) == 0) /* pairs with run */
        (void)wait_for(&(struct weft__sim_wait){
            .word = &coroutine->ended, .expected = 0, .until_ns = INT64_MAX });
    while (coroutine->state != ENDED)
        give_way();
    destroy(coroutine);
}

static bool is_self(const struct weft__coroutine *coroutine)
{
    return coroutine == sim.running;
}

/* The first one was a thread before, and has what a thread has. */
static void **own(void)
{
    return sim.running == &sim.first ? NULL : &sim.running->own;
}

static struct weft__sim_ops ops = {
    .point = pass_point,
    .elapse = elapse,
    .give_way = give_way,
    .wait = wait_for,
    .rouse = rouse,
    .start = start,
    .join = join,
    .is_self = is_self,
    .own = own,
    .now = look_at_clock,
    .instant = now,
    .cycles = look_at_cycles,
    .draw = draw,
    .note = note,
};

/* How often coroutines are left differs from seed to seed: some bugs need a thread that is left at
 * every step, others one that gets far. */
static void init_chance(uint64_t seed)
{
    static const uint32_t intervals[] = { 1, 1, 2, 3, 5, 8, 20, 100 };

    weft__random_init(&sim.random, seed);
    for (int i = 0; i < 8; i++) /* small seeds differ in few bits */
        (void)draw();
    sim.interval = intervals[below(WEFT__COUNT(intervals))];
    sim.countdown = sim.interval;
}

static int refuse(char *text, size_t text_bytes, const char *why, int code)
{
    (void)snprintf(text, text_bytes, "WEFT_ENGINE=sim: %s", why);
    return code;
}

int weft__coroutine_begin(const struct weft__coroutine_config *config, char *text,
                          size_t text_bytes)
{
    static struct weft__sim_error errors[WEFT__WISH_ERRORS];

    if (WEFT__ASAN || WEFT__TSAN)
        return refuse(text, text_bytes, "a build with a sanitizer can't simulate", -EOPNOTSUPP);
    if (weft__load_relaxed(&weft__sim_on) != NULL)
        return weft__sim_here() != NULL
                   ? 0
                   : refuse(text, text_bytes, "another thread has begun the simulation", -EBUSY);
    sim.outside = weft__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sim.outside < 0)
        return sim.outside;
    weft__descriptor_keep(sim.outside);
    int rc = weft__trace_open(config->trace, config->seed);
    if (rc < 0)
        return refuse(text, text_bytes, "the file of WEFT_TRACE can't be written", rc);
    sim.config = *config;
    init_chance(config->seed);
    weft__store_relaxed(&sim.now_ns, begin_s * WEFT__NS_PER_S); /* some are subtracted from it */
    sim.next_ns = INT64_MAX;
    (void)snprintf(sim.first.name, sizeof(sim.first.name), "main");
    weft__context_adopt(&sim.first.context);
    sim.all[0] = &sim.first;
    sim.count = 1;
    sim.running = &sim.first;
    make_ready(&sim.first, 0);
    ops.net = weft__net_begin(config->wish);
    ops.disk = weft__disk_begin(config->wish);
    ops.error_one_in = config->wish->error_one_in;
    memcpy(errors, config->wish->errors, sizeof(errors));
    ops.errors = errors;
    ops.error_count = config->wish->error_count;
    weft__patience_begin(config->wish->patience, &config->patience);
    sim.look_at = weft__patience_next();
    weft__sim_begin(&ops);
    note("seed", "-", (int64_t)config->seed, (int64_t)sim.interval);
    return 0;
}

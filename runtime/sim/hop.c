#include "runtime/sim/hop.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sim/chance.h"
#include "runtime/sim/crew.h"
#include "runtime/sim/outside.h"
#include "runtime/sim/patience.h"
#include "runtime/sim/trace.h"
#include "runtime/sim/virtual.h"

enum {
    look_every = 64, /* choices between two looks at real files */
    outside_ms = 1   /* for real files to act, before the clock jumps */
};

static struct {
    struct weft__hop_config config; /* (i) */
    uint32_t interval;              /* (i) points between two choices, in the mean */
    uint32_t countdown;             /* points until the next choice */
    uint64_t choices;               /* of who goes on */
    uint64_t look_at;               /* the point at which to look for progress */
    sigset_t signals;               /* those that the first one blocks */
} hop;

static const char *const point_names[WEFT__SIM_COUNT] = {
#define NAME(name, text) text,
    WEFT__SIM_POINTS(NAME)
#undef NAME
};

void weft__hop_begin(const struct weft__hop_config *config, uint32_t interval)
{
    hop.config = *config;
    hop.interval = interval;
    hop.countdown = interval;
    hop.look_at = weft__patience_next();
}

void weft__hop_note(const char *what, const char *text, int64_t first, int64_t second)
{
    weft__trace_write(&(struct weft__trace_line){ .step = weft__virtual_steps(),
                                                  .now_ns = weft__virtual_now(),
                                                  .who = weft__crew.running->name,
                                                  .what = what,
                                                  .text = text,
                                                  .first = first,
                                                  .second = second });
}

/* ---- what will not end by itself ---- */

/* Ends the program, which will not end by itself. */
_Noreturn WEFT__COLD static void give_up(const char *what, const char *sentence)
{
    char met[32];

    weft__hop_note(what, "-", 0, 0);
    (void)weft__sys_write(STDERR_FILENO, sentence, strlen(sentence));
    hop.config.describe();
    (void)snprintf(met, sizeof(met), "met a %s", what);
    weft__trace_tell_seed(met);
    abort();
}

WEFT__COLD static void look_for_progress(void)
{
    char sentence[400];
    const char *what = weft__patience_look(weft__virtual_steps(), sentence, sizeof(sentence));

    if (what != NULL)
        give_up(what, sentence);
    hop.look_at = weft__patience_next();
}

static void count_step(void)
{
    if (WEFT__UNLIKELY(weft__virtual_step() >= hop.look_at))
        look_for_progress();
}

/* Nobody is ready: real files and threads outside may act; else the clock jumps. Threads outside
 * live in real time, so with them the clock keeps to that. */
static void idle(void)
{
    while (weft__crew.ready_count == 0) {
        bool outside = weft__sys_thread_count() > 1;
        bool files = weft__outside_may_act();
        weft__outside_look(0);
        weft__outside_answer();
        if (weft__crew.ready_count > 0)
            return;
        if (weft__crew.next_ns == INT64_MAX && !outside && !files)
            give_up("deadlock", "weft: deadlock: nobody can run, and no timer, no operation and no "
                                "thread outside will end that:\n");
        int64_t left_ms = weft__crew.next_ns == INT64_MAX
                              ? INT32_MAX
                              : (weft__crew.next_ns - weft__virtual_now()) / WEFT__NS_PER_MS;
        int most_ms = left_ms < INT32_MAX ? (int)left_ms : -1;
        if (outside)
            weft__outside_look(most_ms);
        else if (files)
            weft__outside_look(most_ms < 0 || most_ms > outside_ms
                                   ? weft__crew.next_ns == INT64_MAX ? -1 : outside_ms
                                   : most_ms);
        weft__outside_answer();
        if (weft__crew.ready_count > 0 || weft__crew.next_ns == INT64_MAX)
            continue;
        weft__virtual_jump(weft__crew.next_ns);
        weft__crew_end_waits();
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
    if (next != &weft__crew.first) {
        (void)pthread_sigmask(SIG_BLOCK, &pipe_broken, &hop.signals);
        return;
    }
    (void)sigtimedwait(&pipe_broken, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &hop.signals, NULL);
}

/* Leaves the running coroutine for @next. Returns when somebody comes back. */
static void change_to(struct weft__coroutine *next, int ends)
{
    struct weft__coroutine *self = weft__crew.running;

    if (next == self)
        return;
    self->saved_errno = weft__sys_errno_get();
    self->self = hop.config.get_self();
    weft__crew.running = next;
    hop.config.set_self(next->self);
    if (self == &weft__crew.first || next == &weft__crew.first)
        change_signals(next);
    (void)weft__context_switch(&self->context, &next->context, next, ends);
    weft__sys_errno_set(self->saved_errno);
}

/* One of those who can run goes on: perhaps the running one. */
void weft__hop_choose(const char *what, int ends)
{
    weft__crew_end_waits();
    weft__outside_answer();
    if (++hop.choices % look_every == 0)
        weft__outside_look(0);
    if (weft__crew.ready_count == 0)
        idle();
    struct weft__coroutine *next = weft__crew.ready[weft__chance_below(weft__crew.ready_count)];
    if (next != weft__crew.running)
        weft__hop_note(what, next->name, (int64_t)next->number, (int64_t)weft__crew.ready_count);
    change_to(next, ends);
}

void weft__hop_pass(enum weft__sim_point point)
{
    count_step();
    if (hop.countdown-- > 0)
        return;
    hop.countdown = weft__chance_below(2 * hop.interval);
    weft__hop_choose(point_names[point], 0);
}

/* As long as it was, and somewhat more or less. */
void weft__hop_elapse(int64_t ns)
{
    weft__virtual_move(
        ns / 2 + (int64_t)weft__chance_below((uint32_t)(ns < INT32_MAX ? ns : INT32_MAX) + 1));
    weft__hop_pass(WEFT__SIM_STEP);
}

/* Whoever has what is needed may be one of many: each gets its turn by chance. */
void weft__hop_give_way(void)
{
    count_step();
    if (weft__crew.ready_count == 1)
        (void)sched_yield(); /* a thread outside has it */
    weft__hop_choose(point_names[WEFT__SIM_BACKOFF], 0);
}

int weft__hop_wait(struct weft__sim_wait *wait)
{
    struct weft__coroutine *self = weft__crew.running;

    weft__hop_pass(WEFT__SIM_FUTEX);
    if (wait->word != NULL && weft__load_relaxed(wait->word) != wait->expected)
        return -EAGAIN;
    weft__crew_begin_wait(wait);
    weft__hop_choose(point_names[WEFT__SIM_FUTEX], 0);
    return self->result;
}

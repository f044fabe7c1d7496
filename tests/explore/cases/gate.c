/*
 * runtime/io/gate.c and turn.c: one at a time prints, or moves a file's position; of threads and of
 * tasks on workers, which are cancelled or late.
 * SOURCES: runtime/io/gate.c runtime/io/turn.c runtime/sync/wait.c runtime/sync/line.c
 * SOURCES: runtime/sched/park.c runtime/sched/cancel.c runtime/sched/sleep.c runtime/sched/wheel.c
 * SOURCES: runtime/sched/task.c runtime/sched/thread.c runtime/sched/self.c runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/quiet.c
 * WRAPS: weft__thread_self
 */
#include <weft/task.h>

#include "runtime/io/gate.h"
#include "runtime/io/turn.h"
#include "tests/explore/support/foreign.h"
#include "tests/explore/support/home.h"

static struct weft__gate gate;
static struct weft__fd fd;
static uint32_t inside; /* plain: gate or turn guards it */
static uint32_t passed, refused;

static const weft_deadline soon = { 50000000 };

static void setup_for(int workers)
{
    foreign_setup();
    home_setup(workers);
    gate = (struct weft__gate){ .taken = false };
    fd = (struct weft__fd){ .turn_taken = false };
    weft__store_relaxed(&fd.record.life, UINT64_C(5) << WEFT__LIFE_GENERATION_SHIFT);
    weft__line_init(&fd.turns);
    inside = passed = refused = 0;
}

static void setup_threads(void)
{
    setup_for(0);
}

static void setup_mixed(void)
{
    setup_for(1);
}

static void setup_tasks(void)
{
    setup_for(2);
}

static void setup_three(void)
{
    setup_for(3);
}

static void work(void)
{
    EXPLORE_NEED(inside == 0, "two are inside");
    inside = 1;
    explore_point();
    inside = 0;
    passed++;
}

static void prints(void)
{
    weft__gate_enter(&gate);
    work();
    weft__gate_leave(&gate);
}

static void moves_until(weft_deadline until)
{
    int rc = weft__turn_take(&fd, until);

    if (rc == 0) {
        work();
        weft__turn_give(&fd);
        return;
    }
    EXPLORE_NEED(rc == -ETIMEDOUT || rc == -ECANCELED, "turn_take says %d", rc);
}

static void moves(void)
{
    moves_until(WEFT_NEVER);
}

static void moves_hastily(void)
{
    moves_until(soon);
}

static void cancels(void)
{
    refused = weft_cancel(home_handle(1)) != 0;
}

static void judge_gate(void)
{
    EXPLORE_NEED(!gate.taken && (!gate.ready || weft__list_empty(&gate.waiting)),
                 "the gate is left taken");
    EXPLORE_NEED(passed >= 2, "%u passed", passed);
}

static void judge_turn(void)
{
    home_drain(0);
    home_drain(1);
    home_drain(2);
    EXPLORE_NEED(!fd.turn_taken && weft__line_first(&fd.turns) == NULL, "the turn is left taken");
    EXPLORE_NEED(passed >= 1 && refused == 0, "%u passed", passed);
}

static const struct explore_plant gate_plants[] = {
    { "the gate's lock is freed relaxed", "weft__lock_release", "store_release", "&lock->held" },
    { "a thread is let go relaxed", "wake", "store_release", "&waiting->over" },
    { "a thread goes on relaxed", "sleep_until_over", "load_acquire", "&self->over" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant turn_plants[] = {
    { "the file is unlocked relaxed", "weft__record_unlock", "store_release", "&record->life" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "gate: two threads",
      .setup = setup_threads,
      .threads = { prints, prints },
      .judge = judge_gate,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 2,
      .plants = gate_plants },
    { .name = "gate: a task and two threads",
      .setup = setup_mixed,
      .threads = { prints, prints, prints },
      .judge = judge_gate,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "turn: two tasks, one with a deadline",
      .setup = setup_tasks,
      .threads = { moves, moves_hastily },
      .judge = judge_turn,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 1,
      .plants = turn_plants },
    { .name = "turn: two tasks, one is cancelled",
      .setup = setup_tasks,
      .threads = { moves, moves_hastily, cancels },
      .judge = judge_turn,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "turn: three tasks",
      .setup = setup_three,
      .threads = { moves, moves, moves },
      .judge = judge_turn,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

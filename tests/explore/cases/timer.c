/*
 * runtime/sync/timer.c: who waits for a timer has it on a wheel of its own; it is set anew, or
 * released, from elsewhere meanwhile.
 * SOURCES: runtime/sync/timer.c runtime/sync/wait.c runtime/sync/line.c
 * SOURCES: runtime/sched/park.c runtime/sched/cancel.c runtime/sched/sleep.c runtime/sched/wheel.c
 * SOURCES: runtime/sched/task.c runtime/sched/thread.c runtime/sched/self.c runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/quiet.c
 * WRAPS: weft__thread_self
 */
#include <weft/task.h>

#include "runtime/sync/timer.h"
#include "tests/explore/support/foreign.h"
#include "tests/explore/support/home.h"

static struct weft__ticker ticker;
static int64_t ticks[2];
static int set, canceled;

enum { CHUNK = 2, INDEX = CHUNK * WEFT__RECORD_CHUNK, INTERVAL = 1000000000 };
static const int64_t early_ns = 50000000, late_ns = 900000000;

/* The first tick never comes by itself: without the set nobody is woken. */
static void setup_with(int64_t next_ns, int64_t interval_ns, int workers)
{
    foreign_setup();
    home_setup(workers);
    ticker = (struct weft__ticker){ .interval_ns = interval_ns };
    ticker.record.index = INDEX;
    ticker.record.kind = WEFT__KIND_TIMER;
    weft__store_relaxed(&ticker.record.life, UINT64_C(5) << WEFT__LIFE_GENERATION_SHIFT);
    weft__store_relaxed(&ticker.next_ns, next_ns);
    weft__line_init(&ticker.line);
    weft__record_chunks[CHUNK].stride = sizeof(ticker);
    weft__store_relaxed(&weft__record_chunks[CHUNK].base, (char *)&ticker);
    ticks[0] = ticks[1] = set = canceled = -EBUSY;
}

static void setup_silent(void)
{
    setup_with(INT64_MAX, 0, 1);
}

static void setup_ticking(void)
{
    setup_with(late_ns, INTERVAL, 2);
}

static weft_timer handle(void)
{
    return weft__record_handle(&ticker.record);
}

static void waits(void)
{
    ticks[0] = weft_timer_wait(handle(), WEFT_NEVER);
}

static void waits_too(void)
{
    ticks[1] = weft_timer_wait(handle(), (weft_deadline){ late_ns / 2 });
}

static void sets(void)
{
    set = weft_timer_set(handle(), (weft_deadline){ early_ns }, 0);
}

static void cancels(void)
{
    canceled = weft_cancel(home_handle(0));
}

static void judge_rest(void)
{
    for (int i = 0; i < 2; i++)
        EXPLORE_NEED(weft__load_relaxed(&home_worker(i)->wheel.armed) == 0, "a wheel still turns");
    EXPLORE_NEED(weft__line_first(&ticker.line) == NULL, "somebody still stands in its line");
}

static void judge_set(void)
{
    judge_rest();
    EXPLORE_NEED(ticks[0] == 1 && set == 0, "%lld ticks, set %d", (long long)ticks[0], set);
    EXPLORE_NEED(explore_now() >= early_ns, "the tick was early");
}

static void judge_cancel(void)
{
    home_drain(0);
    judge_rest();
    EXPLORE_NEED(ticks[0] == 1 || ticks[0] == -ECANCELED, "wait says %lld", (long long)ticks[0]);
    EXPLORE_NEED(set == 0 && canceled >= -ESRCH, "set %d, cancel %d", set, canceled);
}

static const struct explore_plant plants[] = {
    { "the sender's fence is left out", "weft__sleep_wake", "fence", "" },
    { "the timer is unlocked relaxed", "weft__record_unlock", "store_release", "&record->life" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "timer: set while one waits",
      .setup = setup_silent,
      .threads = { waits, sets },
      .judge = judge_set,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 1,
      .plants = plants },
    { .name = "timer: set while one waits that is cancelled",
      .setup = setup_silent,
      .threads = { waits, sets, cancels },
      .judge = judge_cancel,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "timer: two workers wait, one not for long, while it ticks",
      .setup = setup_ticking,
      .threads = { waits, waits_too },
      .judge = judge_rest,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

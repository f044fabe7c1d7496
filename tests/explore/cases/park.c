/*
 * runtime/sched/park.c, permit.c and cancel.c: the end of a wait. A task on its worker parks; an
 * unpark, a cancel and a deadline come from elsewhere, and one of them ends it.
 * SOURCES: runtime/sched/park.c runtime/sched/permit.c runtime/sched/cancel.c runtime/sched/sleep.c
 * SOURCES: runtime/sched/wheel.c runtime/sched/task.c runtime/sched/thread.c runtime/sched/self.c
 * SOURCES: runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/quiet.c
 * WRAPS: weft__thread_self
 */
#include <weft/park.h>
#include <weft/task.h>

#include "runtime/sched/park.h"
#include "tests/explore/support/foreign.h"
#include "tests/explore/support/home.h"

static int parked[2], unparked[2], canceled;
static uint32_t note; /* plain: written before the unpark, read after the park */

static const weft_deadline soon = { 50000000 }, later = { 90000000 };

static void setup(void)
{
    foreign_setup();
    home_setup(1);
    parked[0] = parked[1] = unparked[0] = unparked[1] = canceled = -EBUSY;
    note = 0;
}

static void setup_pair(void)
{
    setup();
    home_setup(2);
}

static void parks(void)
{
    parked[0] = weft_park(WEFT_NEVER);
    if (parked[0] == 0)
        EXPLORE_NEED(note == 3, "what was written before the unpark is not seen");
}

static void parks_until(void)
{
    parked[0] = weft_park(soon);
}

static void parks_twice(void)
{
    parked[0] = weft_park(WEFT_NEVER);
    parked[1] = weft_park(soon);
}

/* Any other wait, as every call has it. */
static int waits_otherwise(weft_deadline until)
{
    struct weft__worker *worker = home_worker(0);
    struct weft__ticket ticket = weft__park_begin(foreign_task(0), WEFT__REASON_SLEEP);

    return weft__park_commit(worker, ticket, until, 0);
}

static void parks_and_waits(void)
{
    parked[0] = weft_park(soon);
    parked[1] = waits_otherwise(later);
}

static void waits_twice(void)
{
    parked[0] = waits_otherwise(WEFT_NEVER);
    parked[1] = waits_otherwise(WEFT_NEVER);
}

static void unparks(void)
{
    note = 3;
    unparked[0] = weft_unpark(home_handle(0));
}

static void unparks_plainly(void)
{
    unparked[0] = weft_unpark(home_handle(0));
}

static void unparks_again(void)
{
    unparked[1] = weft_unpark(home_handle(0));
}

static void cancels(void)
{
    canceled = weft_cancel(home_handle(0));
}

static bool has_permit(void)
{
    return weft__record_has(&foreign_task(0)->record, WEFT__LIFE_PERMIT);
}

static void judge_rest(void)
{
    home_drain(0);
    const struct weft__task *task = foreign_task(0);
    EXPLORE_NEED(home_worker(0)->ready.head == NULL && home_worker(0)->lifo == NULL,
                 "it was made ready twice");
    EXPLORE_NEED((weft__load_relaxed(&task->wait) & WEFT__WAIT_STATES) == WEFT__WAIT_IDLE,
                 "its wait is not over");
    EXPLORE_NEED(WEFT__LIFE_PINS(weft__load_relaxed(&task->record.life)) == 0, "a pin is left");
    EXPLORE_NEED(weft__load_relaxed(&home_worker(0)->wheel.armed) == 0, "a timer is left");
}

static void judge_unpark(void)
{
    judge_rest();
    EXPLORE_NEED(parked[0] == 0 && unparked[0] >= 0, "park %d, unpark %d", parked[0], unparked[0]);
    EXPLORE_NEED(!has_permit(), "a permit is left");
}

static void judge_two_unparks(void)
{
    judge_rest();
    int ended = (parked[0] == 0) + (parked[1] == 0) + has_permit();
    int given = (unparked[0] >= 0) + (unparked[1] >= 0);
    EXPLORE_NEED(parked[0] == 0 && ended == given, "parks %d and %d, unparks %d and %d", parked[0],
                 parked[1], unparked[0], unparked[1]);
}

/* Each unpark ends a park or leaves its permit. */
static void judge_race(void)
{
    judge_rest();
    EXPLORE_NEED(parked[0] == 0 || parked[0] == -ETIMEDOUT || parked[0] == -ECANCELED,
                 "park says %d", parked[0]);
    EXPLORE_NEED((parked[0] == 0) != has_permit(), "park says %d, and a permit is %s", parked[0],
                 has_permit() ? "left" : "not left");
    EXPLORE_NEED(unparked[0] != 1 || parked[0] == 0, "unpark says 1, park %d", parked[0]);
    EXPLORE_NEED(parked[0] != -ECANCELED || canceled != -EBUSY, "cancelled by nobody");
}

static void judge_cancel(void)
{
    judge_rest();
    EXPLORE_NEED(parked[0] == -ECANCELED && canceled == 0, "park %d, cancel %d", parked[0],
                 canceled);
}

static void judge_other_wait(void)
{
    judge_rest();
    EXPLORE_NEED(parked[1] == -ETIMEDOUT, "the unpark ended a wait that is no park: %d", parked[1]);
    EXPLORE_NEED((parked[0] == 0) != has_permit(), "the unpark is lost");
}

static void judge_canceled_twice(void)
{
    judge_rest();
    EXPLORE_NEED(parked[0] == -ECANCELED && parked[1] == -ECANCELED, "waits %d and %d", parked[0],
                 parked[1]);
}

static const struct explore_plant unpark_plants[] = {
    { "the sender's fence is left out", "weft__sleep_wake", "fence", "" },
    { "the record is unlocked relaxed", "weft__record_unlock", "store_release", "&record->life" },
    { "the wake is pushed relaxed", "weft__inbox_push", "cas_release", "&inbox->head" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "park: an unpark",
      .setup = setup,
      .threads = { parks, unparks },
      .judge = judge_unpark,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 2,
      .plants = unpark_plants },
    { .name = "park: an unpark by another worker's task",
      .setup = setup_pair,
      .threads = { parks, unparks },
      .judge = judge_unpark,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 1 },
    { .name = "park: a cancel",
      .setup = setup,
      .threads = { parks, cancels },
      .judge = judge_cancel,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 2 },
    { .name = "park: a cancel, and the wait after it",
      .setup = setup,
      .threads = { waits_twice, cancels },
      .judge = judge_canceled_twice,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
    { .name = "park: a deadline, another wait, and an unpark",
      .setup = setup,
      .threads = { parks_and_waits, unparks_plainly },
      .judge = judge_other_wait,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 0 },
    { .name = "park: an unpark and a deadline",
      .setup = setup,
      .threads = { parks_until, unparks_plainly },
      .judge = judge_race,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 1 },
    { .name = "park: an unpark, a cancel and a deadline",
      .setup = setup,
      .threads = { parks_until, unparks_plainly, cancels },
      .judge = judge_race,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "park: two parks, two unparks",
      .setup = setup,
      .threads = { parks_twice, unparks_plainly, unparks_again },
      .judge = judge_two_unparks,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

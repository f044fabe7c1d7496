/*
 * runtime/par: forked children against thieves. Each runs once and to its end before its join
 * returns; what is not offered is the owner's alone.
 * SOURCES: runtime/par/fork.c runtime/par/strand.c runtime/par/share.c runtime/par/poll.c
 * SOURCES: runtime/sched/offer.c runtime/sched/search.c runtime/sched/step.c runtime/sched/sleep.c
 * SOURCES: runtime/sched/spawn.c runtime/sched/finish.c runtime/sched/scope.c runtime/sched/yield.c
 * SOURCES: runtime/sched/park.c runtime/sched/permit.c runtime/sched/cancel.c runtime/sched/wheel.c
 * SOURCES: runtime/sched/ring.c runtime/sched/task.c runtime/sched/self.c runtime/sched/local.c
 * SOURCES: runtime/sched/join.c runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * SOURCES: tests/explore/support/crew.c
 * WRAPS: weft__thread_self
 */
#include <errno.h>
#include <weft/fork.h>
#include <weft/park.h>
#include <weft/task.h>

#include "runtime/par/strand.h"
#include "tests/explore/support/crew.h"
#include "tests/explore/support/foreign.h"

enum { CHILDREN = 2 };

/* All plain: fork and join order them. */
static struct work {
    uint32_t given; /* by the forker */
    uint32_t made;  /* by the child */
    uint32_t runs;
} works[CHILDREN];
static _Atomic uint32_t begun;
static int parked;

static const weft_deadline soon = { 50000000 };

static void setup_for(int workers)
{
    crew_setup(workers, 1);
    home_worker(0)->mixed = true; /* so that a join does not look at its child 64 times first */
    weft__store_relaxed(&begun, 0);
    parked = -EBUSY;
    for (size_t i = 0; i < CHILDREN; i++)
        works[i] = (struct work){ .given = 0 };
}

static void setup(void)
{
    setup_for(2);
}

static void setup_alone(void)
{
    setup_for(2);
    home_worker(0)->mixed = false;
}

static void setup_poor(void)
{
    setup_for(2);
    explore_impoverish(1);
}

static void setup_three(void)
{
    setup_for(3);
}

/* ---- children ---- */

static int computes(weft_strand *strand, void *argument)
{
    struct work *work = argument;

    (void)strand;
    EXPLORE_NEED(work->given == 7, "a child does not see what was before its fork");
    work->runs++;
    work->made = 11;
    return 5;
}

static int unparks(weft_strand *strand, void *argument)
{
    EXPLORE_NEED(weft_unpark(home_handle(0)) >= 0, "the forker is gone");
    return computes(strand, argument);
}

static int tells(weft_strand *strand, void *argument)
{
    weft__store_relaxed(&begun, 1);
    return computes(strand, argument);
}

static int parks(weft_strand *strand, void *argument)
{
    int rc = weft_park(WEFT_NEVER);

    (void)computes(strand, argument);
    return rc;
}

/* ---- forkers ---- */

static void forks(weft_strand *strand, size_t i, weft_fork_fn fn)
{
    works[i].given = 7;
    weft_fork(strand, fn, &works[i]);
}

static void joins(weft_strand *strand, size_t i, int wanted)
{
    int rc = weft_fork_join(strand);

    EXPLORE_NEED(rc == wanted, "the join says %d", rc);
    EXPLORE_NEED(works[i].runs == 1 && works[i].made == 11, "child %zu ran %u times", i,
                 works[i].runs);
}

/* The next fork looks at the world, and finds that it has forked for long. */
static void hurries(weft_strand *strand)
{
    weft__strand_of(strand)->since_cycles = 0;
    strand->limit = strand->head;
}

/* The same for its next join. */
static void burns_out(weft_strand *strand)
{
    weft__strand_of(strand)->since_cycles = 0;
    strand->fuel = 0;
}

static int offers_one_of_two(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, computes);
    hurries(strand);
    forks(strand, 1, computes);
    joins(strand, 1, 5);
    joins(strand, 0, 5);
    return 0;
}

static int offers_at_the_join(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, computes);
    burns_out(strand);
    joins(strand, 0, 5);
    return 0;
}

static int divides(weft_strand *strand, void *argument)
{
    forks(strand, 1, computes);
    burns_out(strand);
    joins(strand, 1, 5);
    return computes(strand, argument);
}

static int offers_one_that_forks(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, divides);
    burns_out(strand);
    joins(strand, 0, 5);
    return 0;
}

static int offers_both(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, computes);
    forks(strand, 1, computes);
    (void)weft_yield();
    joins(strand, 1, 5);
    joins(strand, 0, 5);
    return 0;
}

static int waits_for_a_child(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, unparks);
    EXPLORE_NEED(weft_park(WEFT_NEVER) == 0, "the park fails");
    joins(strand, 0, 5);
    return 0;
}

/* An offered child begins though its forker computes: one that is idle hears of it. */
static int computes_until_it_begins(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, tells);
    (void)weft_yield();
    while (weft__load_relaxed(&begun) == 0)
        explore_backoff();
    joins(strand, 0, 5);
    return 0;
}

/* Whoever runs the child, it parks as its forker: so an unpark of that ends the park. */
static int parks_as_the_owner(weft_strand *strand, void *argument)
{
    parked = weft_park(WEFT_NEVER);
    return computes(strand, argument);
}

static int parks_hastily(weft_strand *strand, void *argument)
{
    parked = weft_park(soon);
    return computes(strand, argument);
}

static int offers(weft_strand *strand, weft_fork_fn fn)
{
    forks(strand, 0, fn);
    (void)weft_yield();
    joins(strand, 0, 5);
    return 0;
}

static int offers_one_that_is_unparked(weft_strand *strand, void *argument)
{
    (void)argument;
    return offers(strand, parks_as_the_owner);
}

static int offers_one_with_a_deadline(weft_strand *strand, void *argument)
{
    (void)argument;
    return offers(strand, parks_hastily);
}

static int offers_one_that_parks(weft_strand *strand, void *argument)
{
    (void)argument;
    forks(strand, 0, parks);
    (void)weft_yield();
    joins(strand, 0, -ECANCELED);
    return 0;
}

static void runs(weft_fork_fn fn)
{
    EXPLORE_NEED(weft_fork_run(fn, NULL) == 0, "no memory");
    crew_end();
    crew_stop();
}

static void one_of_two(void)
{
    runs(offers_one_of_two);
}

static void at_the_join(void)
{
    runs(offers_at_the_join);
}

static void one_that_forks(void)
{
    runs(offers_one_that_forks);
}

static void both(void)
{
    runs(offers_both);
}

static void waits(void)
{
    runs(waits_for_a_child);
}

static void computes_on(void)
{
    runs(computes_until_it_begins);
}

static void is_unparked(void)
{
    runs(offers_one_that_is_unparked);
}

static void is_late(void)
{
    runs(offers_one_with_a_deadline);
}

static void unparks_the_owner(void)
{
    EXPLORE_NEED(weft_unpark(home_handle(0)) >= 0, "the forker is gone");
}

static void is_canceled(void)
{
    runs(offers_one_that_parks);
}

static void cancels(void)
{
    (void)weft_cancel(home_handle(0));
}

/* ---- cases ---- */

static void judge_parked(void)
{
    bool has_permit = weft__record_has(&foreign_task(0)->record, WEFT__LIFE_PERMIT);

    crew_judge();
    EXPLORE_NEED(parked == 0 || parked == -ETIMEDOUT, "the park says %d", parked);
    EXPLORE_NEED((parked == 0) != has_permit, "the unpark is lost, or counts twice");
    EXPLORE_NEED(foreign_task(0)->joiners == NULL, "a ticket still hangs on the forker");
}

static const struct explore_plant plants[] = {
    { "the end of a child is told relaxed", "child_ended", "swap_acqrel", "&share->state" },
    { "the owner waits relaxed", "wait_for", "cas_acqrel", "&share->state" },
    { "offers are unlocked relaxed", "weft__lock_release", "store_release", "&lock->held" },
    { "offers are locked relaxed", "weft__lock_acquire", "swap_acquire", "&lock->held" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant offer_plants[] = {
    { "the fence behind an offer is left out", "weft__search_announce", "fence", "" },
    { "the fences of who goes to sleep are left out", "weft__sleep_park", "fence", "" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "fork: one of two children is offered",
      .setup = setup,
      .threads = { one_of_two, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 1,
      .plants = plants },
    { .name = "fork: a theft against the join, which looks a while",
      .setup = setup_alone,
      .threads = { at_the_join, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
    { .name = "fork: the thief has no memory",
      .setup = setup_poor,
      .threads = { at_the_join, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 0 },
    { .name = "fork: the owner waits for what its child does",
      .setup = setup,
      .threads = { waits, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 3,
      .stale = 0 },
    { .name = "fork: the owner computes on until its child has begun",
      .setup = setup,
      .threads = { computes_on, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 2,
      .plants = offer_plants },
    { .name = "fork: the owner takes the child of its child",
      .setup = setup,
      .threads = { one_that_forks, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "fork: two children, two thieves",
      .setup = setup_three,
      .threads = { both, crew_loop, crew_loop },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 1 },
    { .name = "fork: a child parks, its forker is unparked",
      .setup = setup,
      .threads = { is_unparked, crew_loop, unparks_the_owner },
      .judge = judge_parked,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "fork: a child parks with a deadline, its forker is unparked",
      .setup = setup,
      .threads = { is_late, crew_loop, unparks_the_owner },
      .judge = judge_parked,
      .resumed = home_resumed,
      .preemptions = 1,
      .stale = 0 },
    { .name = "fork: a child waits, its owner is cancelled",
      .setup = setup,
      .threads = { is_canceled, crew_loop, cancels },
      .judge = crew_judge,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

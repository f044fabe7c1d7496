/*
 * runtime/sync/mutex.c and spinlock.c: two and three threads lock, with a deadline and without.
 * SOURCES: runtime/sync/mutex.c runtime/sync/spinlock.c runtime/sync/owner.c runtime/sync/line.c
 * SOURCES: runtime/sched/park.c runtime/sched/thread.c runtime/sched/self.c runtime/task/record.c
 * SOURCES: runtime/par/family.c tests/explore/support/foreign.c
 * WRAPS: weft__thread_self
 */
#include <weft/mutex.h>
#include <weft/spinlock.h>

#include "runtime/base/lock.h"
#include "tests/explore/support/foreign.h"

static weft_mutex mutex;
static weft_spinlock spinlock;
static struct weft__lock lock;
static uint32_t inside; /* plain: the lock guards it */
static uint32_t sections;

static const weft_deadline soon = { 5000000 };

static void setup(void)
{
    foreign_setup();
    mutex = (weft_mutex)WEFT_MUTEX_INIT;
    spinlock = (weft_spinlock)WEFT_SPINLOCK_INIT;
    lock = (struct weft__lock){ .held = 0 };
    inside = sections = 0;
}

/* Two that are in it at once race here. */
static void work(void)
{
    EXPLORE_NEED(inside == 0, "two hold the lock");
    inside = 1;
    explore_point();
    inside = 0;
    sections++;
}

static void with_mutex(weft_deadline until)
{
    int rc = weft_mutex_lock(&mutex, until);

    if (rc == 0) {
        work();
        EXPLORE_NEED(weft_mutex_unlock(&mutex) == 0, "an unlock has failed");
    } else {
        EXPLORE_NEED(rc == -ETIMEDOUT, "lock says %d", rc);
    }
}

static void once(void)
{
    with_mutex(WEFT_NEVER);
}

static void twice(void)
{
    with_mutex(WEFT_NEVER);
    with_mutex(WEFT_NEVER);
}

static void hasty(void)
{
    with_mutex(soon);
}

static void spins(void)
{
    EXPLORE_NEED(weft_spinlock_lock(&spinlock) == 0, "a lock has failed");
    work();
    EXPLORE_NEED(weft_spinlock_unlock(&spinlock) == 0, "an unlock has failed");
}

static void locks(void)
{
    weft__lock_acquire(&lock);
    work();
    weft__lock_release(&lock);
}

static void judge_mutex(void)
{
    EXPLORE_NEED(weft_mutex_is_locked(&mutex) == 0, "the mutex is left locked");
    for (int i = 0; i < EXPLORE_THREADS; i++)
        EXPLORE_NEED((weft__load_relaxed(&foreign_task(i)->wait) & WEFT__WAIT_STATES) ==
                         WEFT__WAIT_IDLE,
                     "a thread still waits");
    EXPLORE_NEED(sections >= 2, "%u sections", sections);
}

static void judge_two(void)
{
    EXPLORE_NEED(sections == 2, "%u sections", sections);
}

static const struct explore_plant mutex_plants[] = {
    { "the mutex is freed relaxed", "free_quietly", "cas_release", "&mutex->word" },
    { "the mutex is taken relaxed", "try_take", "cas_acquire", "&mutex->word" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant three_plants[] = {
    { "the mutex is passed on relaxed", "pass_on_locked", "store_release", "&mutex->word" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant spinlock_plants[] = {
    { "the spin lock is freed relaxed", "weft_spinlock_unlock", "store_release",
      "&spinlock_of(lock)->holder" },
    { "the spin lock is taken relaxed", "take", "cas_acquire", "&lock->holder" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant lock_plants[] = {
    { "the lock is freed relaxed", "weft__lock_release", "store_release", "&lock->held" },
    { "the lock is taken relaxed", "weft__lock_acquire", "swap_acquire", "&lock->held" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "mutex: two threads",
      .setup = setup,
      .threads = { twice, once },
      .judge = judge_mutex,
      .preemptions = 3,
      .stale = 1,
      .plants = mutex_plants },
    { .name = "mutex: one with a deadline",
      .setup = setup,
      .threads = { twice, hasty },
      .judge = judge_mutex,
      .preemptions = 3,
      .stale = 1 },
    { .name = "mutex: three threads, one with a deadline",
      .setup = setup,
      .threads = { once, hasty, once },
      .judge = judge_mutex,
      .preemptions = 2,
      .stale = 0,
      .plants = three_plants },
    { .name = "spinlock: two threads",
      .setup = setup,
      .threads = { spins, spins },
      .judge = judge_two,
      .preemptions = 4,
      .stale = 3,
      .plants = spinlock_plants },
    { .name = "lock: two threads",
      .setup = setup,
      .threads = { locks, locks },
      .judge = judge_two,
      .preemptions = 4,
      .stale = 3,
      .plants = lock_plants },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

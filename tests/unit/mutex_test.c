/* Mutexes: exclusion, owners, reentrance, deadlines, cancel, hand-off after 1 ms, misuse. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 2000, crowd = 8, threads = 3 };

/* What tasks and threads do to one mutex; the plain counter shows an overlap. */
struct room {
    weft_mutex mutex;
    uint64_t count;
    int inside;
};

static struct room room;
static weft_mutex mutex = WEFT_MUTEX_INIT;

static int enter_often(void *argument)
{
    struct room *here = argument;

    for (int i = 0; i < many; i++) {
        if (!EXPECT_EQ(weft_mutex_lock(&here->mutex, WEFT_NEVER), 0))
            return -EPROTO;
        EXPECT_EQ(here->inside++, 0);
        here->count++;
        if (i % 16 == 0)
            (void)weft_yield(); /* the owner waits its turn, and owns the mutex all the same */
        here->inside--;
        EXPECT_EQ(weft_mutex_unlock(&here->mutex), 0);
    }
    return 0;
}

static int crowd_enters(void *argument)
{
    (void)argument;
    weft_mutex_init(&room.mutex, 0);
    room.count = 0;
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < crowd; i++)
        (void)weft_spawn(scope, enter_often, &room,
                         &WEFT_SPAWN_OPTIONS(.place = weft_place_spread(), .migratable = i % 2));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(room.count, crowd * many);
    EXPECT_EQ(weft_mutex_is_locked(&room.mutex), 0);
    weft_mutex_fini(&room.mutex);
    return 0;
}

static void test_lock_by_many_tasks_lets_one_in_at_a_time(void)
{
    rig_each(crowd_enters);
}

static void *enter_in_thread(void *argument)
{
    EXPECT_EQ(enter_often(argument), 0);
    return NULL;
}

static void test_lock_by_threads_and_tasks_lets_one_in_at_a_time(void)
{
    pthread_t crew[threads];
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    weft_mutex_init(&room.mutex, 0);
    room.count = 0;
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&crew[i], NULL, enter_in_thread, &room), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, enter_often, &room), 0);
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL(pthread_join(crew[i], NULL), 0);
    CU_ASSERT_EQUAL(room.count, (threads + 1) * many);
    weft_mutex_fini(&room.mutex);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

/* ---- what the calls say ---- */

static int lock_until(void *argument)
{
    int rc = weft_mutex_lock(&mutex, *(const weft_deadline *)argument);

    if (rc == 0)
        EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return rc;
}

static weft_task start_lock(weft_scope scope, weft_deadline until)
{
    return weft_go_copy(scope, lock_until, &until, sizeof(until));
}

static int try_lock_once(void *argument)
{
    (void)argument;
    return weft_mutex_try_lock(&mutex);
}

static int calls_say_what_happened(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    weft_mutex plain;
    memset(&plain, 0xA5, sizeof(plain));
    weft_mutex_init(&plain, 0);
    EXPECT_EQ(weft_mutex_lock(&plain, WEFT_NOW), 0);
    weft_mutex_unlock(&plain);
    weft_mutex_fini(&plain);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 0);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), 0);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 1);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), -EAGAIN);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_wait(start_lock(scope, WEFT_NOW), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(start_lock(scope, weft_after(100000)), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(weft_go(scope, try_lock_once, NULL), WEFT_NEVER), -EAGAIN);
    weft_task waiter = start_lock(scope, WEFT_NEVER);
    rig_await(waiter, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_wait(waiter, WEFT_NEVER), 0);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 0);
    (void)weft_scope_close(scope);
    weft_mutex_fini(&mutex);
    weft_mutex_fini(NULL);
    return 0;
}

static void test_lock_says_what_happened(void)
{
    rig_each(calls_say_what_happened);
}

static int lock_when_canceled(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 0);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), 0);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return 0;
}

static int cancel_ends_the_wait(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    EXPECT_EQ(weft_wait(weft_go(scope, lock_when_canceled, NULL), WEFT_NEVER), 0);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft_task first = start_lock(scope, WEFT_NEVER);
    rig_await(first, WEFT_TASK_WAITING);
    weft_task second = start_lock(scope, WEFT_NEVER);
    rig_await(second, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(first), 0);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_task_state_of(second), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    weft_mutex_fini(&mutex);
    return 0;
}

static void test_lock_of_a_cancelled_task_ends(void)
{
    rig_each(cancel_ends_the_wait);
}

static int reentrance_counts(void *argument)
{
    static weft_mutex nest = WEFT_MUTEX_REENTRANT_INIT;
    (void)argument;

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(i % 2 == 0 ? weft_mutex_lock(&nest, WEFT_NEVER) : weft_mutex_try_lock(&nest), 0);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(weft_mutex_is_locked(&nest), 1);
        EXPECT_EQ(weft_mutex_unlock(&nest), 0);
    }
    EXPECT_EQ(weft_mutex_is_locked(&nest), 0);
    weft_mutex_fini(&nest);
    weft_mutex_init(&room.mutex, 1);
    EXPECT_EQ(weft_mutex_lock(&room.mutex, WEFT_NEVER), 0);
    room.count = 0;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_go(scope, enter_often, &room);
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_lock(&room.mutex, WEFT_NEVER), 0); /* while somebody waits */
    EXPECT_EQ(weft_mutex_unlock(&room.mutex), 0);
    EXPECT_EQ(weft_mutex_is_locked(&room.mutex), 1);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_unlock(&room.mutex), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_mutex_fini(&room.mutex);
    return 0;
}

static void test_lock_by_the_owner_of_a_reentrant_mutex_counts(void)
{
    rig_each(reentrance_counts);
}

static int leave_early(int how)
{
    int rc = weft_mutex_lock(&mutex, WEFT_NEVER);

    if (rc < 0)
        return rc;
    WEFT_MUTEX_UNLOCK_AT_END(&mutex);
    if (how == 1)
        return 1;
    return weft_mutex_is_locked(&mutex) == 1 ? 2 : 0;
}

static int scoped_lock_unlocks(void *argument)
{
    (void)argument;
    for (int how = 1; how < 3; how++) {
        EXPECT_EQ(leave_early(how), how);
        EXPECT_EQ(weft_mutex_is_locked(&mutex), 0);
    }
    return 0;
}

static void test_unlock_at_end_unlocks_however_the_block_is_left(void)
{
    rig_run(1, scoped_lock_unlocks);
}

static int lock_and_end(void *argument)
{
    return weft_mutex_lock(argument, WEFT_NEVER);
}

static int owner_ends(void *argument)
{
    weft_mutex left = WEFT_MUTEX_INIT;

    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, lock_and_end, &left);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_mutex_is_locked(&left), 1);
    scope = weft_scope_open(&run_all);
    for (int i = 0; i < crowd; i++) { /* one of these gets the owner's record */
        weft_task task = weft_go(scope, lock_and_end, &left);
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    }
    (void)weft_scope_close(scope);
    return 0;
}

static void test_lock_of_an_owner_that_has_ended_stays(void)
{
    rig_run(1, owner_ends);
}

/* ---- fairness, with a clock that stands still until the test moves it ---- */

static _Atomic int64_t now_ns;

static int64_t still_clock(void)
{
    return weft__load_relaxed(&now_ns);
}

static int take_turn(void *argument)
{
    _Atomic int *turns = argument;

    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft__add_relaxed(turns, 1);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    return 0;
}

/* One round of a task that always comes first: it unlocks and locks again in one go. */
static void barge(void)
{
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), 0);
    (void)weft_yield(); /* whoever was woken looks, in vain */
}

/* A waiter that comes too late after a millisecond is served by the next unlock, and not before. */
static int bypass_is_bounded(void *argument)
{
    _Atomic int turns = 0;

    (void)argument;
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_task waiter = weft_go(scope, take_turn, &turns);
    rig_await(waiter, WEFT_TASK_WAITING);
    for (int i = 0; i < many; i++)
        barge();
    weft__add_relaxed(&now_ns, WEFT_MILLISECOND - 1);
    barge();
    EXPECT_EQ(weft__load_relaxed(&turns), 0);
    weft__add_relaxed(&now_ns, 1);
    barge();
    EXPECT_EQ(weft__load_relaxed(&turns), 0);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_mutex_try_lock(&mutex), -EAGAIN); /* it is the waiter's, which has not run */
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    EXPECT_EQ(weft__load_relaxed(&turns), 1);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_mutex_fini(&mutex);
    return 0;
}

/* The woken one does not get to run; who stands behind it is served all the same. */
static int bypass_behind_a_woken_one_is_bounded(void *argument)
{
    _Atomic int turns = 0;
    int sections = 0;

    (void)argument;
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < 2; i++)
        rig_await(weft_go(scope, take_turn, &turns), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0); /* wakes the first, which can't run before a yield */
    for (int i = 0; i < many; i++) {
        EXPECT_EQ(weft_mutex_try_lock(&mutex), 0);
        EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    }
    weft__add_relaxed(&now_ns, WEFT_MILLISECOND);
    while (weft_mutex_try_lock(&mutex) == 0 && sections <= 64) {
        sections++;
        EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    }
    EXPECT(sections > 0 && sections <= 64);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft__load_relaxed(&turns), 2);
    weft_mutex_fini(&mutex);
    return 0;
}

static int with_still_clock(weft_task_fn body)
{
    weft__store_relaxed(&now_ns, weft_clock());
    weft__clock_replace(still_clock);
    int rc = body(NULL);
    weft__clock_replace(NULL);
    return rc;
}

static int run_bypass(void *argument)
{
    (void)argument;
    EXPECT_EQ(with_still_clock(bypass_is_bounded), 0);
    return with_still_clock(bypass_behind_a_woken_one_is_bounded);
}

static void test_unlock_hands_over_to_whoever_was_passed_over_for_a_millisecond(void)
{
    rig_run(1, run_bypass);
}

/* ---- misuse: each in a process of its own ---- */

static int unlock_it(void *argument)
{
    return weft_mutex_unlock(argument);
}

static int unlock_free(void *argument)
{
    (void)argument;
    return weft_mutex_unlock(&mutex);
}

static weft_task start_named(weft_scope scope, const char *name, weft_task_fn fn, void *argument)
{
    return weft_spawn(scope, fn, argument, &WEFT_SPAWN_OPTIONS(.name = name));
}

static int hold_while_other_unlocks(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    (void)start_named(scope, "culprit", unlock_it, &mutex);
    return weft_scope_close(scope);
}

static int unlock_others(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)start_named(scope, "holder", hold_while_other_unlocks, argument);
    return weft_scope_close(scope);
}

static int unlock_of_ended(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_go(scope, lock_and_end, &mutex);
    (void)weft_scope_close(scope);
    return weft_mutex_unlock(&mutex);
}

static void *hold_in_thread(void *argument)
{
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft__store_release((_Atomic int *)argument, 1); /* pairs with unlock_of_thread */
    while (weft_mutex_is_locked(&mutex) == 1)        /* for ever: the process ends first */
        weft__lock_backoff(UINT32_MAX);
    return NULL;
}

static int unlock_of_thread(void *argument)
{
    _Atomic int held = 0;
    pthread_t thread;

    (void)argument;
    if (pthread_create(&thread, NULL, hold_in_thread, &held) != 0)
        return unit_broken;
    while (weft__load_acquire(&held) == 0) /* pairs with hold_in_thread */
        weft__lock_backoff(UINT32_MAX);
    return weft_mutex_unlock(&mutex);
}

static int fini_held(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    weft_mutex_fini(&mutex);
    return 0;
}

static int init_nothing(void *argument)
{
    weft_mutex_init(argument, 0);
    return 0;
}

static int lock_nothing(void *argument)
{
    return weft_mutex_lock(argument, WEFT_NEVER);
}

static int try_lock_nothing(void *argument)
{
    return weft_mutex_try_lock(argument);
}

static int look_at_nothing(void *argument)
{
    return weft_mutex_is_locked(argument);
}

static const struct {
    const char *name;
    weft_task_fn body;
    const char *said;
} misuses[] = {
    { "free", unlock_free, "weft_mutex_unlock: the mutex is held by nobody" },
    { "others", unlock_others, "the mutex is held by task holder" },
    { "ended", unlock_of_ended, "held by a task that has ended" },
    { "thread", unlock_of_thread, "held by a thread that is no worker" },
    { "fini", fini_held, "weft_mutex_fini: the mutex is held by task culprit" },
    { "init", init_nothing, "weft_mutex_init: its argument mutex is NULL" },
    { "lock", lock_nothing, "weft_mutex_lock: its argument mutex is NULL" },
    { "try", try_lock_nothing, "weft_mutex_try_lock: its argument mutex" },
    { "unlock", unlock_it, "weft_mutex_unlock: its argument mutex is NULL" },
    { "look", look_at_nothing, "weft_mutex_is_locked: its argument mutex" },
};

static int own_the_wrong(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    for (size_t i = 0; i < WEFT__COUNT(misuses); i++)
        if (strcmp(misuses[i].name, argument) == 0)
            (void)start_named(scope, "culprit", misuses[i].body, NULL);
    return weft_scope_close(scope);
}

static int be_wrong(char *name)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_wrong, name);
}

static void test_misuse_ends_the_program_and_names_both(void)
{
    for (size_t i = 0; i < WEFT__COUNT(misuses); i++) {
        CU_ASSERT_TRUE(rig_aborts(misuses[i].name, misuses[i].said));
        CU_ASSERT_TRUE(rig_aborts(misuses[i].name, "in task culprit"));
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_lock_by_many_tasks_lets_one_in_at_a_time),
        UNIT_TEST(test_lock_by_threads_and_tasks_lets_one_in_at_a_time),
        UNIT_TEST(test_lock_says_what_happened),
        UNIT_TEST(test_lock_of_a_cancelled_task_ends),
        UNIT_TEST(test_lock_by_the_owner_of_a_reentrant_mutex_counts),
        UNIT_TEST(test_unlock_at_end_unlocks_however_the_block_is_left),
        UNIT_TEST(test_lock_of_an_owner_that_has_ended_stays),
        UNIT_TEST(test_unlock_hands_over_to_whoever_was_passed_over_for_a_millisecond),
        UNIT_TEST(test_misuse_ends_the_program_and_names_both),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be_wrong(argv[2]);
    return unit_run(argc, argv, "mutex", tests, WEFT__COUNT(tests));
}

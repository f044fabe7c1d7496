/* Read-write locks: exclusion, sharing, who comes first, deadlines, cancel, the 1 ms bound. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/atomic.h"
#include "runtime/base/clock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 600, crowd = 8, threads = 3 };

static weft_rwlock rwlock = WEFT_RWLOCK_INIT;
static _Atomic int readers;
static _Atomic int writers;
static uint64_t count;

static void be_inside(bool writes, int round)
{
    weft__add_relaxed(writes ? &writers : &readers, 1);
    EXPECT_EQ(weft__load_relaxed(&writers), writes ? 1 : 0);
    EXPECT(!writes || weft__load_relaxed(&readers) == 0);
    if (writes)
        count++;
    if (round % 8 == 0)
        (void)weft_yield();
    EXPECT_EQ(weft__load_relaxed(&writers), writes ? 1 : 0);
    weft__sub_relaxed(writes ? &writers : &readers, 1);
}

static int enter_often(void *argument)
{
    int which = *(const int *)argument;

    for (int i = 0; i < many; i++) {
        bool writes = (i + which) % 4 == 0;
        EXPECT_EQ(writes ? weft_rwlock_lock_write(&rwlock, WEFT_NEVER)
                         : weft_rwlock_lock_read(&rwlock, WEFT_NEVER),
                  0);
        be_inside(writes, i);
        EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    }
    return 0;
}

static int crowd_enters(void *argument)
{
    (void)argument;
    count = 0;
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < crowd; i++)
        (void)weft_spawn(scope, enter_often, &i,
                         &WEFT_SPAWN_OPTIONS(.place = weft_place_spread(), .copy_bytes = sizeof(i),
                                             .migratable = i % 2));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(count, crowd * many / 4);
    weft_rwlock_fini(&rwlock);
    return 0;
}

static void test_lock_lets_in_readers_or_one_writer(void)
{
    rig_each(crowd_enters);
}

static void *enter_in_thread(void *argument)
{
    EXPECT_EQ(enter_often(argument), 0);
    return NULL;
}

static void test_lock_by_threads_and_tasks_lets_in_readers_or_one_writer(void)
{
    pthread_t crew[threads];
    int which[threads + 1] = { 0, 1, 2, 3 };
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);

    CU_ASSERT_TRUE_FATAL(runtime > 0);
    count = 0;
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&crew[i], NULL, enter_in_thread, &which[i]), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, enter_often, &which[threads]), 0);
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL(pthread_join(crew[i], NULL), 0);
    CU_ASSERT_EQUAL(count, (threads + 1) * many / 4);
    weft_rwlock_fini(&rwlock);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

/* ---- what the calls say ---- */

struct turn {
    bool writes;
    weft_deadline until;
};

static _Atomic int turns;

static int take_turn(void *argument)
{
    const struct turn *turn = argument;
    int rc = turn->writes ? weft_rwlock_lock_write(&rwlock, turn->until)
                          : weft_rwlock_lock_read(&rwlock, turn->until);

    if (rc < 0)
        return rc;
    int mine = weft__add_relaxed(&turns, 1);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    return mine;
}

static weft_task start_turn(weft_scope scope, bool writes, weft_deadline until)
{
    struct turn turn = { writes, until };
    return weft_go_copy(scope, take_turn, &turn, sizeof(turn));
}

static weft_task waiting_turn(weft_scope scope, bool writes)
{
    weft_task task = start_turn(scope, writes, WEFT_NEVER);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static int calls_say_what_happened(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    weft_rwlock_init(&rwlock);
    EXPECT_EQ(weft_rwlock_lock_read(&rwlock, WEFT_NOW), 0);
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), -EAGAIN);
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, weft_after(100000)), -ETIMEDOUT);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), -EAGAIN);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_lock_read(&rwlock, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), -EAGAIN);
    EXPECT_EQ(weft_wait(start_turn(scope, false, WEFT_NOW), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_wait(start_turn(scope, false, weft_after(100000)), WEFT_NEVER), -ETIMEDOUT);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, WEFT_NOW), 0);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    (void)weft_scope_close(scope);
    weft_rwlock_fini(&rwlock);
    weft_rwlock_fini(NULL);
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
    EXPECT_EQ(weft_rwlock_lock_read(&rwlock, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    return 0;
}

/* A writer that gives up lets those readers in that stood behind it. */
static int cancel_lets_the_next_in(void *argument)
{
    (void)argument;
    weft__store_relaxed(&turns, 0);
    weft_scope scope = weft_scope_open(&run_all);
    EXPECT_EQ(weft_wait(weft_go(scope, lock_when_canceled, NULL), WEFT_NEVER), 0);
    EXPECT_EQ(weft_rwlock_lock_read(&rwlock, WEFT_NEVER), 0);
    weft_task writer = waiting_turn(scope, true);
    EXPECT_EQ(weft_sleep(weft_after(2 * WEFT_MILLISECOND)), 0); /* now nobody passes the writer */
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), -EAGAIN);
    weft_task reader = waiting_turn(scope, false);
    EXPECT_EQ(weft_cancel(writer), 0);
    EXPECT_EQ(weft_wait(writer, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), 0);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    (void)weft_scope_close(scope);
    weft_rwlock_fini(&rwlock);
    return 0;
}

static void test_lock_of_a_cancelled_task_ends_and_holds_up_nobody(void)
{
    rig_each(cancel_lets_the_next_in);
}

/* ---- fairness, with a clock that stands still until the test moves it ---- */

static _Atomic int64_t now_ns;

static int64_t still_clock(void)
{
    return weft__load_relaxed(&now_ns);
}

/* Readers come and go without a gap; a writer waits for one. */
static int readers_pass_a_writer_for_a_millisecond(void)
{
    EXPECT_EQ(weft_rwlock_lock_read(&rwlock, WEFT_NEVER), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_task writer = waiting_turn(scope, true);
    for (int i = 0; i < many; i++) {
        EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), 0);
        EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
        (void)weft_yield();
    }
    weft__add_relaxed(&now_ns, WEFT_MILLISECOND - 1);
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), 0);
    weft__add_relaxed(&now_ns, 1);
    EXPECT_EQ(weft_rwlock_try_lock_read(&rwlock), -EAGAIN);
    weft_task reader = waiting_turn(scope, false);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft__load_relaxed(&turns), 0);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), -EAGAIN); /* handed over */
    EXPECT_EQ(weft_wait(writer, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), 1);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_rwlock_fini(&rwlock);
    return 0;
}

/* A writer that unlocks and locks again in one go passes the one that it has woken. */
static int writers_pass_a_writer_for_a_millisecond(void)
{
    EXPECT_EQ(weft_rwlock_lock_write(&rwlock, WEFT_NEVER), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_task writer = waiting_turn(scope, true);
    for (int i = 0; i < many; i++) {
        EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
        EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), 0);
        (void)weft_yield();
    }
    EXPECT_EQ(weft__load_relaxed(&turns), 0);
    weft__add_relaxed(&now_ns, WEFT_MILLISECOND);
    EXPECT_EQ(weft_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(weft_rwlock_try_lock_write(&rwlock), -EAGAIN);
    EXPECT_EQ(weft_wait(writer, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_rwlock_fini(&rwlock);
    return 0;
}

static int bypass_is_bounded(void *argument)
{
    (void)argument;
    weft__store_relaxed(&now_ns, weft_clock());
    weft__clock_replace(still_clock);
    weft__store_relaxed(&turns, 0);
    EXPECT_EQ(readers_pass_a_writer_for_a_millisecond(), 0);
    weft__store_relaxed(&turns, 0);
    EXPECT_EQ(writers_pass_a_writer_for_a_millisecond(), 0);
    weft__clock_replace(NULL);
    return 0;
}

static void test_nobody_passes_a_waiter_of_a_millisecond(void)
{
    rig_run(1, bypass_is_bounded);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_lock_lets_in_readers_or_one_writer),
        UNIT_TEST(test_lock_by_threads_and_tasks_lets_in_readers_or_one_writer),
        UNIT_TEST(test_lock_says_what_happened),
        UNIT_TEST(test_lock_of_a_cancelled_task_ends_and_holds_up_nobody),
        UNIT_TEST(test_nobody_passes_a_waiter_of_a_millisecond),
    };
    return unit_run(argc, argv, "rwlock", tests, WEFT__COUNT(tests));
}

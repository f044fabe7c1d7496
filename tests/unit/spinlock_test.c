/* Spin locks: one at a time, errors, and what nobody may do who holds one. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { members = 8, rounds = 2000 };

static weft_spinlock lock = WEFT_SPINLOCK_INIT;
static long counted; /* guarded by lock */

static int count_up(void *argument)
{
    (void)argument;
    for (int i = 0; i < rounds; i++) {
        EXPECT_EQ(weft_spinlock_lock(&lock), 0);
        long before = counted;
        for (int pause = i % 5; pause > 0; pause--)
            weft__pause();
        counted = before + 1;
        EXPECT_EQ(weft_spinlock_unlock(&lock), 0);
        if (i % 64 == 0)
            (void)weft_yield(); /* of a thread: -EPERM */
    }
    return 0;
}

static void *count_in_thread(void *argument)
{
    (void)count_up(argument);
    return NULL;
}

static int count_all(void *argument)
{
    pthread_t thread; /* comes and goes while the rig looks on, its record too */
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(pthread_create(&thread, NULL, count_in_thread, NULL), 0);
    for (int i = 0; i < members; i++)
        (void)weft_spawn(scope, count_up, argument,
                         &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
    int rc = weft_scope_close(scope);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return rc;
}

static void test_lock_lets_one_task_or_thread_in_at_a_time(void)
{
    for (uint32_t workers = 1; workers <= 4; workers *= 2) {
        counted = 0;
        rig_run(workers, count_all);
        CU_ASSERT_EQUAL(counted, (long)(members + 1) * rounds);
        expect_assert();
    }
}

static void *try_it(void *argument)
{
    EXPECT_EQ(weft_spinlock_try_lock(argument), -EAGAIN);
    return NULL;
}

static void say_what_happened(void)
{
    pthread_t thread;
    weft_spinlock own;
    weft_chan chan = weft_chan_create(0, 1);

    weft_spinlock_init(&own);
    EXPECT_EQ(weft_spinlock_lock(&own), 0);
    EXPECT_EQ(weft_spinlock_lock(&own), -EDEADLK);
    EXPECT_EQ(weft_spinlock_try_lock(&own), -EAGAIN);
    EXPECT_EQ(pthread_create(&thread, NULL, try_it, &own), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_chan_put(chan, NULL, WEFT_NEVER), 0); /* it has room */
    EXPECT_EQ(weft_chan_take(chan, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_spinlock_unlock(&own), 0);
    EXPECT_EQ(weft_spinlock_try_lock(&own), 0);
    EXPECT_EQ(weft_spinlock_unlock(&own), 0);
    weft_spinlock_fini(&own);
    weft_spinlock_fini(NULL);
    EXPECT_EQ(weft_chan_release(chan), 0);
}

static int say_in_task(void *argument)
{
    (void)argument;
    say_what_happened();
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_spinlock_lock(&lock), 0); /* a cancelled task cleans up */
    EXPECT_EQ(weft_spinlock_unlock(&lock), 0);
    return 0;
}

static void test_lock_says_what_happened(void)
{
    rig_each(say_in_task);
    say_what_happened();
    expect_assert();
}

/* ---- what only a wrong program does ---- */

static weft_task other;

static int64_t yield_with_it(void)
{
    return weft_yield();
}

static int64_t sleep_with_it(void)
{
    return weft_sleep(weft_after(WEFT_MILLISECOND));
}

static int64_t take_with_it(void)
{
    return weft_chan_take(weft_chan_create(0, 0), NULL, WEFT_NEVER);
}

static int64_t wait_with_it(void)
{
    return weft_wait(other, WEFT_NEVER);
}

static int64_t hand_over_with_it(void)
{
    return weft_yield_to(other);
}

static int64_t print_long_with_it(void)
{
    weft_fd ends[2] = { 0, 0 };
    return weft_pipe(ends) + weft_read(ends[0], &ends, 1, WEFT_NEVER);
}

static int64_t end_with_it(void)
{
    return 0;
}

static int64_t end_it(void)
{
    weft_spinlock_fini(&lock);
    return 0;
}

static int64_t unlock_twice(void)
{
    return weft_spinlock_unlock(&lock) + weft_spinlock_unlock(&lock);
}

static const struct {
    char name[16];
    int64_t (*call)(void);
    const char *said;
} misuses[] = {
    { "yield", yield_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "sleep", sleep_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "take", take_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "wait", wait_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "yield_to", hand_over_with_it,
      "task culprit waits, yields or ends with a weft_spinlock held" },
    { "read", print_long_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "end", end_with_it, "task culprit waits, yields or ends with a weft_spinlock held" },
    { "fini", end_it, "weft_spinlock_fini: the lock is held by task culprit" },
    { "unlock", unlock_twice, "weft_spinlock_unlock: the lock is held by nobody" },
};

static int do_wrong(void *name)
{
    EXPECT_EQ(weft_spinlock_lock(&lock), 0);
    for (size_t i = 0; i < WEFT__COUNT(misuses); i++)
        if (strcmp(misuses[i].name, name) == 0)
            return (int)misuses[i].call();
    return unit_broken;
}

static int own_the_wrong(void *name)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, do_wrong, name,
                     &WEFT_SPAWN_OPTIONS(.name = "culprit", .place = weft_place_together()));
    other = weft_spawn(scope, end_well, NULL, &WEFT_SPAWN_OPTIONS(.place = weft_place_together()));
    return weft_scope_close(scope);
}

static int be_wrong(char *name)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_wrong, name);
}

static void test_whoever_holds_one_must_not_wait(void)
{
    for (size_t i = 0; i < WEFT__COUNT(misuses); i++)
        CU_ASSERT_TRUE(rig_aborts(misuses[i].name, misuses[i].said));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_lock_lets_one_task_or_thread_in_at_a_time),
        UNIT_TEST(test_lock_says_what_happened),
        UNIT_TEST(test_whoever_holds_one_must_not_wait),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be_wrong(argv[2]);
    return unit_run(argc, argv, "spinlock", tests, WEFT__COUNT(tests));
}

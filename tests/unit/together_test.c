/* Tasks that share a worker for good: where they run, that they take turns, what is refused. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 8, rounds = 200 };

static weft_task spawn_together(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together());
    return weft_spawn(scope, fn, argument, &options);
}

/* What the tasks of one worker share, without a lock and without atomics. */
struct shared {
    int worker;
    int64_t count;
    int depth;
};

static int count_in_turns(void *argument)
{
    struct shared *shared = argument;

    for (int i = 0; i < rounds; i++) {
        int64_t seen = shared->count;
        EXPECT_EQ(weft_worker_self(), shared->worker);
        shared->count = seen + 1;
        if (weft_yield() < 0)
            return -EPROTO;
    }
    return 0;
}

/* Children of children, too. */
static int count_below(void *argument)
{
    struct shared *shared = argument;
    weft_scope scope = weft_scope_open(NULL);

    EXPECT(spawn_together(scope, count_in_turns, shared) > 0);
    EXPECT_EQ(count_in_turns(shared), 0);
    return weft_scope_close(scope);
}

static int share(void *argument)
{
    struct shared shared = { .worker = weft_worker_self() };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < some; i++)
        EXPECT(spawn_together(scope, count_below, &shared) > 0);
    EXPECT_EQ(count_in_turns(&shared), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(shared.count, (2 * some + 1) * rounds);
    return 0;
}

static void test_together_tasks_take_turns_on_the_worker_of_the_spawner(void)
{
    rig_each(share);
}

/* The spawn is refused, and the scope counts it. */
static int expect_refused(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_error error = WEFT_ERROR_INIT;

    (void)argument;
    EXPECT_EQ(spawn_together(scope, end_well, NULL), -EINVAL);
    EXPECT_EQ(weft_scope_failures(scope), 1);
    EXPECT_EQ(weft_scope_error(scope, 0, &error), 0);
    EXPECT_EQ(error.code, -EINVAL);
    EXPECT_EQ(weft_scope_close(scope), -EINVAL);
    return 0;
}

static int spawn_migratable(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.migratable = 1);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT(weft_spawn(scope, expect_refused, NULL, &options) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_together_from_a_migratable_task_is_refused(void)
{
    rig_each(spawn_migratable);
}

static void *spawn_from_outside(void *argument)
{
    EXPECT_EQ(spawn_together(*(const weft_scope *)argument, end_well, NULL), -EPERM);
    return NULL;
}

static int spawn_into(void *argument)
{
    EXPECT_EQ(spawn_together(*(const weft_scope *)argument, end_well, NULL), -EINVAL);
    return 0;
}

static int offer_scope(void *argument)
{
    pthread_t thread;
    weft_scope scope = weft_scope_open(&run_all);
    weft_runtime other = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    (void)argument;
    if (!EXPECT(other > 0))
        return -EPROTO;
    EXPECT_EQ(pthread_create(&thread, NULL, spawn_from_outside, &scope), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_call(other, spawn_into, &scope), 0);
    EXPECT_EQ(weft_stop(other, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_failures(scope), 2);
    EXPECT_EQ(weft_scope_close(scope), -EPERM);
    return 0;
}

static void test_together_from_where_no_task_of_this_runtime_is_is_refused(void)
{
    rig_run(2, offer_scope);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_together_tasks_take_turns_on_the_worker_of_the_spawner),
        UNIT_TEST(test_together_from_a_migratable_task_is_refused),
        UNIT_TEST(test_together_from_where_no_task_of_this_runtime_is_is_refused),
    };

    return unit_run(argc, argv, "together", tests, WEFT__COUNT(tests));
}

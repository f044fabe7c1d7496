/* Spawns that come to nothing: failures of their scope like those of tasks, in spawn order. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* No worker has that number: the spawn is refused when its scope is known. */
static void spawn_nowhere(weft_scope scope)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(1000));
    EXPECT_EQ(weft_spawn(scope, end_well, NULL, &options), -EINVAL);
}

/* There is no memory for the name: the spawn is refused before that. */
static void spawn_without_memory(weft_scope scope)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "never");

    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    EXPECT_EQ(weft_spawn(scope, end_well, NULL, &options), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
}

static void expect_failures(weft_scope scope, const int *codes, size_t count)
{
    weft_error error = WEFT_ERROR_INIT;

    for (size_t i = 0; i < count; i++) {
        EXPECT_EQ(weft_scope_error(scope, i, &error), 0);
        EXPECT_EQ(error.code, codes[i]);
        EXPECT_EQ(strncmp(error.text, "a task could not be spawned: ", 29) == 0, error.task == 0);
    }
    EXPECT_EQ(weft_scope_error(scope, count, &error), -ENOENT);
}

static int refused_spawns(void *argument)
{
    static const int codes[] = { -EINVAL, -1, -ENOMEM, -ENOMEM, -EINVAL, -2, -3, -ENOMEM };
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    spawn_nowhere(scope);
    (void)start_return(scope, -1);
    weft_task well = start_return(scope, 0);
    spawn_without_memory(scope);
    spawn_without_memory(scope);
    spawn_nowhere(scope);
    weft_task second = start_return(scope, -2);
    (void)start_return(scope, -3);
    spawn_without_memory(scope);
    EXPECT_EQ(weft_scope_join(scope, WEFT_NEVER), -EINVAL);
    expect_failures(scope, codes, WEFT__COUNT(codes));
    EXPECT_EQ(weft_release(well), 0); /* two of them stood behind it */
    expect_failures(scope, codes, WEFT__COUNT(codes));
    EXPECT_EQ(weft_release(second), 0);
    EXPECT_EQ(weft_scope_failures(scope), WEFT__COUNT(codes));
    expect_failures(scope, codes, WEFT__COUNT(codes)); /* a failed one stays on the list */
    EXPECT_EQ(weft_scope_close(scope), -EINVAL);
    return 0;
}

static void test_failed_spawns_stand_where_their_tasks_would(void)
{
    rig_run(1, refused_spawns);
}

/* Each at a place of its own; as the list is bounded, the ninth is counted alone. */
static int too_many_places(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < 9; i++) {
        spawn_nowhere(scope);
        (void)start_return(scope, 0);
    }
    EXPECT_EQ(weft_scope_failures(scope), 9);
    EXPECT_EQ(weft_scope_error(scope, 7, &error), 0);
    EXPECT_EQ(weft_scope_error(scope, 8, &error), -ENOENT);
    EXPECT_EQ(weft_scope_close(scope), -EINVAL);
    return 0;
}

static void test_failed_spawns_beyond_the_list_are_counted(void)
{
    rig_run(1, too_many_places);
}

static int failed_spawn_cancels(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);

    (void)argument;
    for (int row = 0; row < 2; row++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_task task = start_end_on_message(scope, chan);
        (row == 0 ? spawn_nowhere : spawn_without_memory)(scope);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(weft_scope_close(scope), row == 0 ? -EINVAL : -ENOMEM);
    }
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = start_end_on_message(scope, chan);
    spawn_nowhere(scope);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 5 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 5);
    EXPECT_EQ(weft_scope_close(scope), -EINVAL);
    return weft_chan_release(chan);
}

static void test_failed_spawn_cancels_the_others_under_first_error(void)
{
    rig_run(1, failed_spawn_cancels);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_failed_spawns_stand_where_their_tasks_would),
        UNIT_TEST(test_failed_spawns_beyond_the_list_are_counted),
        UNIT_TEST(test_failed_spawn_cancels_the_others_under_first_error),
    };
    return unit_run(argc, argv, "scope_error", tests, WEFT__COUNT(tests));
}

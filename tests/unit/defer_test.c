/* Deferred functions: their order, that they can wait, for how long, what they see and leave. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/compiler.h"
#include "runtime/sched/defer.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/heap.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static char order[16];

static void note(void *argument)
{
    size_t length = strlen(order);

    if (length + 1 < sizeof(order))
        order[length] = *(const char *)argument;
}

static void note_and_defer(void *argument)
{
    note(argument);
    EXPECT_EQ(weft_defer_copy(note, "z", 1), 0);
}

static int defer_some(void *argument)
{
    EXPECT_EQ(weft_defer(note, argument), 0);
    EXPECT_EQ(weft_defer_copy(note, "b", 1), 0);
    EXPECT_EQ(weft_defer_copy(note_and_defer, "c", 1), 0);
    EXPECT_EQ(weft_defer_copy(note, "d", 1), 0);
    note(&(char){ '0' });
    return weft_fail(-EDOM, NULL, "as the body says");
}

static int run_in_order(void *argument)
{
    static char first = 'a';
    weft_error error = WEFT_ERROR_INIT;
    weft_spawn_options migratable = WEFT_SPAWN_OPTIONS(.migratable = 1);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < 2; i++) {
        memset(order, 0, sizeof(order));
        weft_task task = weft_spawn(scope, defer_some, &first, i == 0 ? NULL : &migratable);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EDOM);
        EXPECT_EQ(strcmp(order, "0dczba"), 0); /* all of it before the wait returned */
        EXPECT_EQ(weft_task_error_of(task, &error), 0);
        EXPECT_EQ(strcmp(error.text, "as the body says"), 0);
    }
    return weft_scope_close(scope) == -EDOM ? 0 : -EPROTO;
}

static void test_deferred_functions_run_last_first_before_the_task_ends(void)
{
    rig_each(run_in_order);
}

/* ---- waiting in them ---- */

static int got[2];

static void take(void *argument)
{
    EXPECT_EQ(weft_canceled(), 0);
    got[0] = weft_chan_take(*(const weft_chan *)argument, &got[1], WEFT_NEVER);
}

static int sleep_and_defer_take(void *argument)
{
    EXPECT_EQ(weft_defer_copy(take, argument, sizeof(weft_chan)), 0);
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

static int clean_up_canceled(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_spawn_options migratable = WEFT_SPAWN_OPTIONS(.migratable = 1);
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < 2; i++) {
        weft_task task = weft_spawn(scope, sleep_and_defer_take, &chan,
                                    i == 0 ? NULL : &migratable);
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_chan_put(chan, &(int){ 8 }, WEFT_NEVER), 0); /* to the deferred one */
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(got[0], 0);
        EXPECT_EQ(got[1], 8);
    }
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_deferred_functions_can_wait_in_a_canceled_task(void)
{
    rig_each(clean_up_canceled);
}

static void sleep_on(void *argument)
{
    (void)argument;
    got[0] = weft_sleep(weft_after(1000 * WEFT_SECOND));
    got[1]++;
}

static int defer_sleeps(void *argument)
{
    EXPECT_EQ(weft_defer(sleep_on, NULL), 0);
    EXPECT_EQ(weft_defer(sleep_on, NULL), 0);
    return argument != NULL ? weft_cancel(weft_self()) : 0;
}

/* Cancelled before the grace begins, and after it is over. */
static int overrun_grace(void *argument)
{
    weft_spawn_options migratable = WEFT_SPAWN_OPTIONS(.migratable = 1);
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < 4; i++) {
        bool early = i % 2 == 0;
        got[1] = 0;
        weft_task task = weft_spawn(scope, defer_sleeps, early ? &argument : NULL,
                                    i < 2 ? NULL : &migratable);
        if (!early) {
            rig_await(task, WEFT_TASK_WAITING);
            EXPECT_EQ(weft_sleep(weft_after(2 * WEFT_MILLISECOND)), 0);
            EXPECT_EQ(weft_cancel(task), 0);
        }
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT_EQ(got[0], -ECANCELED);
        EXPECT_EQ(got[1], 2); /* both have run */
    }
    return weft_scope_close(scope);
}

static void test_a_cancel_ends_waits_of_deferred_functions_when_the_grace_is_over(void)
{
    int64_t before = weft__load_relaxed(&weft__defer_grace_ns);

    weft__store_relaxed(&weft__defer_grace_ns, WEFT_MILLISECOND);
    rig_each(overrun_grace);
    weft__store_relaxed(&weft__defer_grace_ns, before);
}

/* ---- scopes ---- */

static void close_scope(void *argument)
{
    got[0] = weft_scope_close(*(const weft_scope *)argument);
}

static int leave_scope_to_deferred(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_defer_copy(close_scope, &scope, sizeof(scope)), 0);
    (void)start_return(scope, -EDOM);
    return 5;
}

static int see_it_closed(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_wait(weft_go(scope, leave_scope_to_deferred, NULL), WEFT_NEVER), 5);
    EXPECT_EQ(got[0], -EDOM);
    return weft_scope_close(scope);
}

static void test_a_deferred_function_may_close_a_scope_of_the_body(void)
{
    rig_each(see_it_closed);
}

/* ---- what is refused ---- */

static int defer_too_much(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_defer_copy(note, "", ((size_t)1 << 30) + 1), -EINVAL);
    EXPECT_EQ(weft_defer_copy(note, "", SIZE_MAX), -EINVAL);
    return 0;
}

/* Each destroy defers a function, and each function sets a value: that ends, and leaves nothing. */
static weft_local endless;

static void set_endless(void *argument)
{
    EXPECT_EQ(weft_local_set(endless, argument), 0);
}

static void defer_endless(void *value)
{
    EXPECT_EQ(weft_defer(set_endless, value), 0);
}

static int begin_endless(void *argument)
{
    set_endless(argument);
    return 0;
}

static int end_endless(void *argument)
{
    enum { tasks = 1000, of_caches = 32 * 1024 };
    weft_local_options options = WEFT_LOCAL_OPTIONS(.destroy = defer_endless);
    weft_scope_options forgets = WEFT_SCOPE_OPTIONS(.forget = 1);
    int64_t before = 0;

    (void)argument;
    endless = weft_local_create(&options);
    for (int i = 0; i < 2 * tasks; i++) {
        weft_scope scope = weft_scope_open(&forgets);
        if (i == tasks)
            before = heap_bytes();
        EXPECT(weft_go(scope, begin_endless, &endless) > 0);
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    EXPECT(heap_bytes() - before < of_caches);
    return weft_local_release(endless);
}

static void test_values_that_the_last_deferred_functions_set_are_forgotten(void)
{
    rig_run(1, end_endless);
}

static void test_defer_outside_of_a_task_or_of_too_much_is_refused(void)
{
    CU_ASSERT_EQUAL(weft_defer(note, order), -EPERM);
    CU_ASSERT_EQUAL(weft_defer_copy(note, "a", 1), -EPERM);
    rig_run(1, defer_too_much);
}

static void begin_only(void *argument)
{
    (void)argument;
    (void)weft_shield_begin();
}

static int be_wrong(void *argument)
{
    (void)argument;
    return weft_defer(begin_only, NULL);
}

static void test_a_deferred_function_with_unbalanced_shields_ends_the_program(void)
{
    static char said[1024];
    int status = rig_respawn("wrong", said, sizeof(said));

    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "a deferred function left its shields unbalanced"));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_deferred_functions_run_last_first_before_the_task_ends),
        UNIT_TEST(test_deferred_functions_can_wait_in_a_canceled_task),
        UNIT_TEST(test_a_cancel_ends_waits_of_deferred_functions_when_the_grace_is_over),
        UNIT_TEST(test_a_deferred_function_may_close_a_scope_of_the_body),
        UNIT_TEST(test_values_that_the_last_deferred_functions_set_are_forgotten),
        UNIT_TEST(test_defer_outside_of_a_task_or_of_too_much_is_refused),
        UNIT_TEST(test_a_deferred_function_with_unbalanced_shields_ends_the_program),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0) {
        weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
        return runtime < 0 ? unit_broken : weft_call(runtime, be_wrong, NULL);
    }
    return unit_run(argc, argv, "defer", tests, WEFT__COUNT(tests));
}

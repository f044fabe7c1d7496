/* Task locals: whose a value is, when and in which order it is destroyed, who inherits it. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { some = 20, many = 40 };

static weft_local plain;
static weft_local counted; /* each value is an _Atomic int that counts its destructions */
static weft_local other;
static char order[16];

static void count_destroy(void *value)
{
    weft__add_relaxed((_Atomic int *)value, 1);
}

/* ---- whose a value is ---- */

static int keep_own(void *argument)
{
    EXPECT_EQ((intptr_t)weft_local_get(plain), 0);
    for (int i = 0; i < some; i++) {
        EXPECT_EQ(weft_local_set(plain, (char *)argument + i), 0);
        (void)weft_yield();
        EXPECT(weft_local_get(plain) == (char *)argument + i);
    }
    EXPECT_EQ(weft_local_set(plain, NULL), 0);
    EXPECT_EQ((intptr_t)weft_local_get(plain), 0);
    return 0;
}

static int keep_apart(void *argument)
{
    static char memory[some][some];
    weft_spawn_options migratable = WEFT_SPAWN_OPTIONS(.migratable = 1);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_local_set(plain, memory), 0);
    for (int i = 0; i < some; i++)
        (void)weft_spawn(scope, keep_own, memory[i], i % 2 == 0 ? NULL : &migratable);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT(weft_local_get(plain) == memory);
    return 0;
}

static void test_each_task_has_a_value_of_its_own(void)
{
    plain = weft_local_create(NULL);
    rig_each(keep_apart);
    CU_ASSERT_EQUAL(weft_local_release(plain), 0);
}

static int set_many(void *argument)
{
    const weft_local *keys = argument;
    static char memory[many];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < many; i++)
            EXPECT_EQ(weft_local_set(keys[i], i % 3 == round ? NULL : memory + i), 0);
        for (int i = 0; i < many; i++)
            EXPECT(weft_local_get(keys[i]) == (i % 3 == round ? NULL : memory + i));
    }
    weft_local late = weft_local_create(NULL); /* for which others are packed together */
    EXPECT_EQ(weft_local_set(late, memory), 0);
    for (int i = 0; i < many; i++)
        EXPECT(weft_local_get(keys[i]) == (i % 3 == 2 ? NULL : memory + i));
    EXPECT(weft_local_get(late) == memory);
    EXPECT_EQ(weft_local_release(late), 0);
    EXPECT_EQ((intptr_t)weft_local_get(late), 0);
    EXPECT_EQ(weft_local_set(late, memory), -ESRCH);
    return 0;
}

static int run_many(void *argument)
{
    weft_local keys[many];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < many; i++)
        keys[i] = weft_local_create(NULL);
    (void)weft_go(scope, set_many, keys);
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(weft_local_release(keys[i]), 0);
    return 0;
}

static void test_a_task_may_have_many_values(void)
{
    rig_run(1, run_many);
}

/* The values of the main thread are destroyed by nobody, so the tests use another one. */
static void run_in_thread(void *(*body)(void *))
{
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, body, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    expect_assert();
}

static void *refuse(void *argument)
{
    weft_local_options options = WEFT_LOCAL_OPTIONS_INIT;
    char value;

    options.size--;
    EXPECT_EQ(weft_local_create(&options), -EINVAL);
    EXPECT_EQ(weft_local_set(-EIO, &value), -EIO);
    EXPECT_EQ(weft_local_set(0, &value), -ESRCH);
    EXPECT_EQ(weft_local_release(-EIO), -EIO);
    EXPECT_EQ(weft_local_release(1), -ESRCH);
    EXPECT_EQ((intptr_t)weft_local_get(-EIO), 0);
    EXPECT_EQ((intptr_t)weft_local_get(1), 0);
    plain = weft_local_create(NULL);
    EXPECT_EQ(weft_local_set(plain, &value), 0);
    EXPECT_EQ(weft_local_release(plain), 0);
    EXPECT_EQ(weft_local_release(plain), -ESRCH);
    EXPECT_EQ((intptr_t)weft_local_get(plain), 0); /* though this thread has an entry under it */
    return argument;
}

static void test_what_is_no_key_is_refused(void)
{
    run_in_thread(refuse);
}

/* ---- the end of a value ---- */

static void note_destroy(void *value)
{
    size_t length = strlen(order);

    EXPECT_EQ((intptr_t)weft_local_get(plain), 0); /* the last one set is the first to go */
    if (length + 1 < sizeof(order))
        order[length] = *(const char *)value;
}

static int set_in_order(void *argument)
{
    const weft_local *keys = argument;
    static char names[] = "abcd";

    for (int i = 0; i < 4; i++)
        EXPECT_EQ(weft_local_set(keys[i], names + i), 0);
    EXPECT_EQ(weft_local_set(keys[0], names), 0); /* the first time counts */
    EXPECT_EQ(weft_local_set(plain, names), 0);
    EXPECT_EQ(weft_local_set(keys[2], NULL), 0);
    return 0;
}

static int destroy_in_order(void *argument)
{
    weft_local keys[4];
    weft_scope scope = weft_scope_open(NULL);
    weft_local_options options = WEFT_LOCAL_OPTIONS(.destroy = note_destroy);

    (void)argument;
    memset(order, 0, sizeof(order));
    for (int i = 0; i < 4; i++)
        keys[i] = weft_local_create(&options);
    EXPECT_EQ(weft_wait(weft_go(scope, set_in_order, keys), WEFT_NEVER), 0);
    EXPECT_EQ(strcmp(order, "dba"), 0); /* before the wait returned */
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(weft_local_release(keys[i]), 0);
    return 0;
}

static void test_values_are_destroyed_last_first_before_the_task_ends(void)
{
    plain = weft_local_create(NULL);
    rig_each(destroy_in_order);
    CU_ASSERT_EQUAL(weft_local_release(plain), 0);
}

static int calls; /* of destroys that come again */

static void set_again(void *value)
{
    calls++;
    EXPECT_EQ(weft_local_set(other, value), 0);
}

static void wait_a_little(void *value)
{
    (void)value;
    calls += 100;
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MICROSECOND)), 0);
    EXPECT_EQ(weft_local_set(other, &calls), 0);
}

static int end_with_values(void *argument)
{
    EXPECT_EQ(weft_local_set(*(const weft_local *)argument, &calls), 0);
    return weft_cancel(weft_self());
}

static int destroy_again(void *argument)
{
    weft_local_options waits = WEFT_LOCAL_OPTIONS(.destroy = wait_a_little);
    weft_local_options again = WEFT_LOCAL_OPTIONS(.destroy = set_again);
    weft_scope scope = weft_scope_open(NULL);
    weft_local first = weft_local_create(&waits);

    (void)argument;
    calls = 0;
    other = weft_local_create(&again);
    EXPECT_EQ(weft_wait(weft_go(scope, end_with_values, &first), WEFT_NEVER), 0);
    EXPECT_EQ(calls, 103); /* once the first, three rounds more for the other */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_local_release(first), 0);
    EXPECT_EQ(weft_local_release(other), 0);
    return 0;
}

static void test_a_destroy_may_wait_and_set_values_for_four_rounds(void)
{
    rig_each(destroy_again);
}

static void *live_as_thread(void *argument)
{
    EXPECT_EQ((intptr_t)weft_local_get(counted), 0);
    EXPECT_EQ(weft_local_set(counted, argument), 0);
    EXPECT(weft_local_get(counted) == argument);
    return NULL;
}

static void test_a_thread_has_values_which_are_destroyed_when_it_ends(void)
{
    _Atomic int destroyed = 0;
    pthread_t thread;
    weft_local_options options = WEFT_LOCAL_OPTIONS(.destroy = count_destroy);
    uint64_t before = rig_records();

    counted = weft_local_create(&options);
    for (int i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, live_as_thread, &destroyed), 0);
        CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
        CU_ASSERT_EQUAL(destroyed, i);
    }
    CU_ASSERT_PTR_NULL(weft_local_get(counted));
    CU_ASSERT_EQUAL(weft_local_release(counted), 0);
    CU_ASSERT_EQUAL(rig_records(), before);
    expect_assert();
}

/* ---- inheritance ---- */

static _Atomic int inherited;
static _Atomic int inherited_destroyed;

static void *copy_number(void *value)
{
    int *copy = malloc(sizeof(*copy));

    EXPECT_EQ(weft_yield(), -EPERM);
    EXPECT_EQ(weft_sleep(weft_after(1)), -EPERM);
    EXPECT_EQ((intptr_t)weft_local_get(counted), 0);
    EXPECT_EQ(weft_local_set(counted, value), -EPERM);
    weft__add_relaxed(&inherited, 1);
    *copy = *(const int *)value + 1;
    return copy;
}

static void *copy_none(void *value)
{
    (void)value;
    return NULL;
}

static void free_number(void *value)
{
    weft__add_relaxed(&inherited_destroyed, 1);
    free(value);
}

struct heir {
    int depth;
    bool gives; /* it has room for a result, and uses it */
};

static int be_heir(void *argument)
{
    struct heir heir = *(const struct heir *)argument;
    const int *number = weft_local_get(counted);

    if (EXPECT(number != NULL))
        EXPECT_EQ(*number, heir.depth);
    EXPECT_EQ((intptr_t)weft_local_get(other), 0);
    EXPECT_EQ((intptr_t)weft_local_get(plain), 0);
    EXPECT_EQ(weft_result_give(&heir, sizeof(heir)), heir.gives ? 0 : -ENOBUFS);
    if (heir.depth == 3)
        return 0;
    struct heir next = { heir.depth + 1, true };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "heir", .result_bytes = sizeof(heir),
                                                    .copy_bytes = sizeof(next),
                                                    .place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_spawn(scope, be_heir, &next, &options);
    EXPECT_EQ(weft_fetch(task, &next, sizeof(next), WEFT_NEVER), 0);
    next.gives = false;
    EXPECT_EQ(weft_wait(weft_go(scope, be_heir, &next), WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(weft_go_copy(scope, be_heir, &next, sizeof(next)), WEFT_NEVER), 0);
    return weft_scope_close(scope);
}

static int leave_inheritance(void *argument)
{
    int number = 0;
    struct heir heir = { 1, false };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_local_set(counted, &number), 0);
    EXPECT_EQ(weft_local_set(other, &number), 0);
    EXPECT_EQ(weft_local_set(plain, &number), 0);
    EXPECT_EQ(weft_wait(weft_go(scope, be_heir, &heir), WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(inherited, 1 + 3 + 9);
    EXPECT_EQ(weft_go(scope, be_heir, &heir), -ESRCH); /* copied, and destroyed again */
    EXPECT_EQ(inherited, 1 + 3 + 9 + 1);
    EXPECT_EQ(inherited_destroyed, inherited);
    inherited = 0;
    inherited_destroyed = 0;
    return weft_local_set(counted, NULL);
}

static void test_inherited_values_are_copied_at_each_spawn(void)
{
    weft_local_options copied = WEFT_LOCAL_OPTIONS(.destroy = free_number, .inherit = copy_number);
    weft_local_options not_copied = WEFT_LOCAL_OPTIONS(.inherit = copy_none);

    counted = weft_local_create(&copied);
    other = weft_local_create(&not_copied);
    plain = weft_local_create(NULL);
    rig_each(leave_inheritance);
    CU_ASSERT_EQUAL(weft_local_release(counted), 0);
    CU_ASSERT_EQUAL(weft_local_release(other), 0);
    CU_ASSERT_EQUAL(weft_local_release(plain), 0);
}

static int see_value_of_thread(void *argument)
{
    EXPECT(weft_local_get(counted) == argument);
    return 0;
}

static void *pass_on(void *value)
{
    return value;
}

static void *call_from_thread(void *argument)
{
    static char value;
    weft_local_options options = WEFT_LOCAL_OPTIONS(.inherit = pass_on);
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    counted = weft_local_create(&options);
    EXPECT_EQ(weft_local_set(counted, &value), 0);
    EXPECT_EQ(weft_call(runtime, see_value_of_thread, &value), 0);
    EXPECT_EQ(weft_local_set(counted, NULL), 0);
    EXPECT_EQ(weft_call(runtime, see_value_of_thread, NULL), 0);
    EXPECT_EQ(weft_local_release(counted), 0);
    EXPECT_EQ(weft_stop(runtime, WEFT_NEVER), 0);
    return argument;
}

static void test_a_call_inherits_from_its_thread(void)
{
    run_in_thread(call_from_thread);
}

/* Inherit functions of a thread that set more values than its array has room for. */
enum { first_keys = 4, more_keys = 16 };

static weft_local crowd[first_keys + more_keys];
static int crowd_count;

static void *pass_on_and_set(void *value)
{
    void *blocks[8];

    if (crowd_count < first_keys + more_keys) {
        EXPECT_EQ(weft_local_set(crowd[crowd_count], &crowd_count), 0);
        crowd_count++;
    }
    for (size_t i = 0; i < WEFT__COUNT(blocks); i++) { /* what was freed gets another content */
        blocks[i] = malloc(64 + 16 * i);
        if (blocks[i] != NULL)
            memset(blocks[i], 0, 64 + 16 * i);
    }
    for (size_t i = 0; i < WEFT__COUNT(blocks); i++)
        free(blocks[i]);
    return value;
}

static int see_crowd(void *argument)
{
    for (int i = 0; i < first_keys; i++)
        EXPECT(weft_local_get(crowd[i]) == argument);
    return 0;
}

static void *call_with_crowd(void *argument)
{
    static char value;
    weft_local_options options = WEFT_LOCAL_OPTIONS(.inherit = pass_on_and_set);
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);

    for (int i = 0; i < first_keys + more_keys; i++)
        crowd[i] = weft_local_create(i < first_keys ? &options : NULL);
    for (int i = 0; i < first_keys; i++)
        EXPECT_EQ(weft_local_set(crowd[i], &value), 0);
    crowd_count = first_keys;
    for (int i = 0; i < more_keys; i++)
        EXPECT_EQ(weft_call(runtime, see_crowd, &value), 0);
    for (int i = 0; i < first_keys + more_keys; i++)
        EXPECT_EQ(weft_local_release(crowd[i]), 0);
    EXPECT_EQ(weft_stop(runtime, WEFT_NEVER), 0);
    return argument;
}

static void test_an_inherit_function_of_a_thread_may_set_values(void)
{
    run_in_thread(call_with_crowd);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_each_task_has_a_value_of_its_own),
        UNIT_TEST(test_a_task_may_have_many_values),
        UNIT_TEST(test_what_is_no_key_is_refused),
        UNIT_TEST(test_values_are_destroyed_last_first_before_the_task_ends),
        UNIT_TEST(test_a_destroy_may_wait_and_set_values_for_four_rounds),
        UNIT_TEST(test_a_thread_has_values_which_are_destroyed_when_it_ends),
        UNIT_TEST(test_inherited_values_are_copied_at_each_spawn),
        UNIT_TEST(test_a_call_inherits_from_its_thread),
        UNIT_TEST(test_an_inherit_function_of_a_thread_may_set_values),
    };

    return unit_run(argc, argv, "local", tests, WEFT__COUNT(tests));
}

/* Pins: a migratable task stays on its worker until the last one is given up. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { rounds = 200, spins = 20000 };

/* A migratable task that tells where it runs each time it was let go on. */
static struct {
    _Atomic int told; /* how often */
    _Atomic int where;
    _Atomic int over;
    int depth; /* of its pins */
} guest;

static int tell_where(void *argument)
{
    int home = weft_worker_self();

    (void)argument;
    for (int i = 0; i < guest.depth; i++)
        EXPECT_EQ(weft_pin(), 0);
    for (int i = 1; i < guest.depth; i++)
        EXPECT_EQ(weft_unpin(), 0);                /* all but the outermost */
    while (weft__load_acquire(&guest.over) == 0) { /* pairs with the store of its host */
        weft__store_relaxed(&guest.where, weft_worker_self());
        weft__add_acqrel(&guest.told, 1);
        EXPECT_EQ(weft_park(WEFT_NEVER), 0);
    }
    if (guest.depth > 0) {
        EXPECT_EQ(weft_worker_self(), home);
        EXPECT_EQ(weft_unpin(), 0);
    }
    return 0;
}

/* Lets the guest go on while it computes here itself: an idle worker takes who may be taken. */
static bool moves(weft_task task)
{
    int home = weft__load_relaxed(&guest.where);
    int told = weft__load_acquire(&guest.told); /* pairs with the add of the guest */

    EXPECT_EQ(weft_unpark(task), 1);
    for (int i = 0; i < spins && weft__load_acquire(&guest.told) == told; i++) /* the same */
        weft__pause();
    rig_await(task, WEFT_TASK_WAITING);
    while (weft__load_acquire(&guest.told) == told) /* the same */
        (void)weft_yield();
    rig_await(task, WEFT_TASK_WAITING);
    return weft__load_relaxed(&guest.where) != home;
}

static weft_task start_guest(weft_scope scope, int depth)
{
    guest.told = 0;
    guest.over = 0;
    guest.depth = depth;
    weft_task task = weft_spawn(scope, tell_where, NULL, &WEFT_SPAWN_OPTIONS(.migratable = 1));
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

static void end_guest(weft_task task)
{
    weft__store_release(&guest.over, 1); /* pairs with the load of the guest */
    EXPECT_EQ(weft_unpark(task), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
}

static int pin_a_guest(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = start_guest(scope, 0);

    (void)argument;
    while (!moves(task)) { /* it does, sooner or later */
    }
    end_guest(task);
    for (int depth = 1; depth <= 3; depth++) {
        task = start_guest(scope, depth);
        for (int i = 0; i < rounds; i++)
            EXPECT(!moves(task));
        end_guest(task);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_pin_keeps_a_migratable_task_on_its_worker(void)
{
    rig_run(2, pin_a_guest);
}

static int pin_for_good(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_pin(), 0);
    return 0; /* with the section open */
}

static int pin_others(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_pin(), 0); /* of a task that is not migratable */
    EXPECT_EQ(weft_wait(weft_spawn(scope, pin_for_good, NULL, &WEFT_SPAWN_OPTIONS(.migratable = 1)),
                        WEFT_NEVER),
              0);
    EXPECT_EQ(weft_unpin(), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_pin_where_nothing_moves_anyway(void)
{
    rig_each(pin_others);
    for (int i = 0; i < 2; i++) { /* a thread */
        CU_ASSERT_EQUAL(weft_pin(), 0);
        CU_ASSERT_EQUAL(weft_unpin(), 0);
        CU_ASSERT_EQUAL(weft_unpin(), 0);
    }
}

static int refused[2];

static void *pin_in_a_callback(void *value)
{
    refused[0] = weft_pin();
    refused[1] = weft_unpin();
    return value;
}

static int spawn_an_heir(void *argument)
{
    weft_local key = weft_local_create(&WEFT_LOCAL_OPTIONS(.inherit = pin_in_a_callback));

    (void)argument;
    EXPECT_EQ(weft_local_set(key, refused), 0);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT_EQ(weft_wait(weft_go(scope, pin_for_good, NULL), WEFT_NEVER), 0);
    EXPECT_EQ(refused[0], -EPERM);
    EXPECT_EQ(refused[1], -EPERM);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_local_release(key), 0);
    return 0;
}

static void test_pin_in_a_callback_is_refused(void)
{
    rig_run(1, spawn_an_heir);
}

static int unpin_only(void *argument)
{
    (void)argument;
    return weft_unpin();
}

static int unpin_too_often(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    return weft_call(runtime, unpin_only, NULL);
}

static void test_unpin_without_a_section_ends_the_program(void)
{
    static char said[2048];
    int status = rig_respawn("unpin", said, sizeof(said));

    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "weft_unpin: no section was begun"));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_pin_keeps_a_migratable_task_on_its_worker),
        UNIT_TEST(test_pin_where_nothing_moves_anyway),
        UNIT_TEST(test_pin_in_a_callback_is_refused),
        UNIT_TEST(test_unpin_without_a_section_ends_the_program),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return unpin_too_often();
    return unit_run(argc, argv, "pin", tests, WEFT__COUNT(tests));
}

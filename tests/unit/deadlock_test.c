/* The report of a deadlock: given once when nothing can end it, and never when something can. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "runtime/sched/deadlock.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/thread.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { text_bytes = 512 };

static struct {
    _Atomic uint32_t count;
    char text[text_bytes];
} heard;

static void hear(void *context, const char *text)
{
    (void)context;
    if (strstr(text, "deadlock") == NULL)
        return;
    (void)snprintf(heard.text, sizeof(heard.text), "%s", text);
    weft__add_acqrel(&heard.count, 1); /* pairs with the acquire of who waits for it */
}

static const struct weft__watch *watch; /* of the runtime that runs */

static weft_runtime start_quick(weft_report_fn report)
{
    int rc = 0;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .report = report);
    weft_runtime runtime = weft_start(&options, NULL);
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);

    weft__store_relaxed(&heard.count, 0);
    weft__store_relaxed(&found->watch.quiet_ns, 30 * WEFT_MILLISECOND);
    watch = &found->watch;
    weft__handle_unpin(runtime);
    return runtime;
}

/* Two tasks that wait for a message of the other one. */
struct table {
    weft_chan chans[2];
    weft_task tasks[2];
    weft_scope scope;
};

static struct table table;

static int wait_for_other(void *argument)
{
    uint64_t message = 0;
    int rc = weft_chan_take(*(weft_chan *)argument, &message, WEFT_NEVER);

    return rc < 0 ? rc : weft_chan_put(table.chans[0], &message, WEFT_NEVER);
}

static int lock_up(void *argument)
{
    (void)argument;
    table.scope = weft_scope_open(NULL);
    for (int i = 0; i < 2; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = i == 0 ? "left" : "right");
        table.chans[i] = weft_chan_create(sizeof(uint64_t), 0);
        table.tasks[i] = weft_spawn(table.scope, wait_for_other, &table.chans[i], &options);
    }
    int rc = weft_scope_close(table.scope);
    for (int i = 0; i < 2; i++)
        (void)weft_chan_release(table.chans[i]);
    return rc;
}

/* What a signal handler of another kind would do: the notice itself lets the program end. */
static void hear_and_close(void *context, const char *text)
{
    hear(context, text);
    for (int i = 0; i < 2 && strstr(text, "deadlock") != NULL; i++)
        (void)weft_chan_close(table.chans[i], -EDEADLK);
}

static void test_all_tasks_that_wait_for_one_another_are_named(void)
{
    weft_runtime runtime = start_quick(hear_and_close);

    CU_ASSERT_EQUAL(weft_call(runtime, lock_up, NULL), -EDEADLK);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft__load_acquire(&heard.count), 1); /* pairs with the add in hear */
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "all tasks wait for one another"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "left (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "right (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard.text, "waits for a message in a channel"));
}

static int wait_a_while(void *argument)
{
    uint64_t message = 0;
    weft_chan chan = weft_chan_create(sizeof(uint64_t), 0);
    int rc = weft_chan_take(chan, &message, weft_after(*(int64_t *)argument));

    (void)weft_chan_release(chan);
    return rc;
}

static int read_pipe(void *argument)
{
    char byte;
    weft_fd *ends = argument;
    return weft_read(ends[0], &byte, 1, WEFT_NEVER) == 1 ? 0 : -EIO;
}

static int make_pipe(void *argument)
{
    return weft_pipe(argument);
}

/* Returns when the watchdog has looked for a deadlock once more. */
static void await_look(void)
{
    uint64_t looks = weft__load_relaxed(&watch->quiet_looks);

    while (weft__load_relaxed(&watch->quiet_looks) == looks)
        (void)sched_yield();
}

static void *write_late(void *argument)
{
    const weft_fd *ends = argument;

    await_look();
    return (void *)(intptr_t)write(weft_fd_number(ends[1]), "x", 1);
}

/* A deadline, I/O, and a thread that sleeps outside of weft: each for longer than the quiet time.
 * */
static void test_what_can_end_is_no_deadlock(void)
{
    int64_t while_ns = 150 * WEFT_MILLISECOND;
    weft_fd ends[2];
    pthread_t thread;
    weft_runtime runtime = start_quick(hear);

    CU_ASSERT_EQUAL(weft_call(runtime, wait_a_while, &while_ns), -ETIMEDOUT);
    CU_ASSERT_EQUAL(weft_call(runtime, make_pipe, ends), 0);
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, write_late, ends), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, read_pipe, ends), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(weft_close(ends[0]), 0);
    CU_ASSERT_EQUAL(weft_close(ends[1]), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft__load_acquire(&heard.count), 0); /* pairs with the add in hear */
}

static weft_chan gate;

static int wait_at_gate(void *argument)
{
    uint64_t message = 0;
    (void)argument;
    return weft_chan_take(gate, &message, WEFT_NEVER);
}

static void *open_gate_late(void *argument)
{
    (void)argument;
    await_look();
    return (void *)(intptr_t)weft_chan_close(gate, 0);
}

static void test_a_thread_outside_may_end_it(void)
{
    pthread_t thread;
    weft_runtime runtime = start_quick(hear);

    gate = weft_chan_create(sizeof(uint64_t), 0);
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, open_gate_late, NULL), 0);
    CU_ASSERT_EQUAL(weft_call(runtime, wait_at_gate, NULL), -EPIPE);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(weft_chan_release(gate), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft__load_acquire(&heard.count), 0); /* pairs with the add in hear */
}

/*
 * A thread that was let go, but gets no further meanwhile: a signal handler holds it up for longer
 * than the quiet time. What it waited in was a take, or a call into the runtime.
 */
static struct {
    pthread_t thread;
    weft_chan asked;
    weft_chan answered;
    _Atomic uint32_t held; /* 1: in the handler; 2: out of it */
} slow;

static void hold_up(int number)
{
    (void)number;
    weft__store_release(&slow.held, 1); /* pairs with the load of hold_up_thread */
    await_look();
    weft__store_release(&slow.held, 2);
}

static void hold_up_thread(void)
{
    weft__store_relaxed(&slow.held, 0);
    EXPECT_EQ(pthread_kill(slow.thread, SIGUSR1), 0);
    while (weft__load_acquire(&slow.held) == 0) /* pairs with the store of hold_up */
        (void)sched_yield();
}

static void *answer_once(void *argument)
{
    uint64_t message = 0;

    (void)argument;
    EXPECT_EQ(weft_chan_take(slow.asked, &message, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_put(slow.answered, &message, WEFT_NEVER), 0);
    return NULL;
}

static int ask_once(void *argument)
{
    uint64_t message = 0;

    (void)argument;
    while (weft__thread_sleepers() == 0)
        (void)sched_yield();
    hold_up_thread();
    EXPECT_EQ(weft_chan_put(slow.asked, &message, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(slow.answered, &message, WEFT_NEVER), 0);
    return 0;
}

static int be_held_up(void *argument)
{
    (void)argument;
    hold_up_thread();
    return 0;
}

static weft_runtime called;

static void *answer_after_call(void *argument)
{
    uint64_t message = 0;

    (void)argument;
    slow.thread = pthread_self();
    EXPECT_EQ(weft_call(called, be_held_up, NULL), 0);
    EXPECT_EQ(weft_chan_put(slow.answered, &message, WEFT_NEVER), 0);
    return NULL;
}

static int take_answer(void *argument)
{
    uint64_t message = 0;

    (void)argument;
    return weft_chan_take(slow.answered, &message, WEFT_NEVER);
}

static void test_a_thread_that_was_let_go_may_act(void)
{
    pthread_t thread;
    struct sigaction before;
    struct sigaction action = { .sa_handler = hold_up };

    called = start_quick(hear);
    slow.asked = weft_chan_create(sizeof(uint64_t), 0);
    slow.answered = weft_chan_create(sizeof(uint64_t), 0);
    CU_ASSERT_EQUAL(sigaction(SIGUSR1, &action, &before), 0);
    CU_ASSERT_EQUAL(pthread_create(&slow.thread, NULL, answer_once, NULL), 0);
    CU_ASSERT_EQUAL(weft_call(called, ask_once, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(slow.thread, NULL), 0);
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, answer_after_call, NULL), 0);
    CU_ASSERT_EQUAL(weft_call(called, take_answer, NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(sigaction(SIGUSR1, &before, NULL), 0);
    CU_ASSERT_EQUAL(weft_chan_release(slow.asked), 0);
    CU_ASSERT_EQUAL(weft_chan_release(slow.answered), 0);
    CU_ASSERT_EQUAL(weft_stop(called, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft__load_acquire(&heard.count), 0); /* pairs with the add in hear */
    CU_ASSERT_EQUAL(weft__thread_sleepers(), 0);
    expect_assert();
}

/* Each reason stands on one side: a new one has to be put there. */
static void test_reasons_that_only_a_task_ends(void)
{
    static const bool counts[WEFT__REASON_OPERATION + 1] = {
        [WEFT__REASON_JOIN] = true,      [WEFT__REASON_SCOPE] = true,
        [WEFT__REASON_PUT] = true,       [WEFT__REASON_TAKE] = true,
        [WEFT__REASON_SELECT] = true,    [WEFT__REASON_TIMER] = true,
        [WEFT__REASON_LOCK] = true,      [WEFT__REASON_CONDITION] = true,
        [WEFT__REASON_SEMAPHORE] = true, [WEFT__REASON_EVENT] = true,
        [WEFT__REASON_BARRIER] = true,   [WEFT__REASON_LATCH] = true,
        [WEFT__REASON_ONCE] = true,      [WEFT__REASON_FUTURE] = true,
        [WEFT__REASON_PERMIT] = true,
    };

    for (unsigned reason = 0; reason <= WEFT__REASON_OPERATION; reason++)
        CU_ASSERT_EQUAL(weft__deadlock_counts(reason), counts[reason]);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_all_tasks_that_wait_for_one_another_are_named),
        UNIT_TEST(test_what_can_end_is_no_deadlock),
        UNIT_TEST(test_a_thread_outside_may_end_it),
        UNIT_TEST(test_a_thread_that_was_let_go_may_act),
        UNIT_TEST(test_reasons_that_only_a_task_ends),
    };
    return unit_run(argc, argv, "deadlock", tests, WEFT__COUNT(tests));
}

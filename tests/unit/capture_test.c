/* Where tasks stand that run: those that compute, those that sit in system calls, those that can't
 * be asked; and what becomes of a program's own handler. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/sched/capture.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/runtime.h"
#include "tests/support/bodies.h"
#include "tests/support/dumped.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { patience_s = 60 };

static _Atomic uint32_t stage; /* what the hog has come to, and then: that it may end */
static int ends[2];

static bool await_stage(uint32_t wanted)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;

    while (weft__load_acquire(&stage) < wanted) /* pairs with raise_stage */
        if (sched_yield() != 0 || weft_clock() > until_ns)
            return false;
    return true;
}

static void raise_stage(uint32_t to)
{
    weft__store_release(&stage, to); /* pairs with await_stage */
}

WEFT__NOIPA static int compute(void *argument)
{
    uint64_t sum = 0;

    (void)argument;
    raise_stage(1);
    while (weft__load_relaxed(&stage) < 2) {
        sum += weft__load_relaxed(&stage);
        if (WEFT__TSAN)
            (void)weft_clock(); /* it delivers signals in calls alone */
    }
    return (int)(sum & 0);
}

/* Says in @argument what read has said: it must not have been interrupted. */
WEFT__NOIPA static int sit_in_read(void *argument)
{
    char byte;

    raise_stage(1);
    *(ssize_t *)argument = read(ends[0], &byte, 1);
    __asm__ volatile("" ::: "memory");
    return 0;
}

static int compute_blocked(void *argument)
{
    sigset_t urgent;
    sigset_t before;

    (void)sigemptyset(&urgent);
    (void)sigaddset(&urgent, SIGURG);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &urgent, &before), 0);
    EXPECT_EQ(compute(argument), 0);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    return 0;
}

struct hog {
    weft_runtime runtime;
    weft_task_fn body;
    void *argument;
};

static struct hog hog;

static int own_hog(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_spawn(scope, hog.body, hog.argument, &WEFT_SPAWN_OPTIONS(.name = "hog"));
    return weft_scope_close(scope);
}

static void *call_hog(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_call(hog.runtime, own_hog, NULL), 0);
    return NULL;
}

static weft_runtime start_hog(weft_task_fn body, void *argument, pthread_t *out_caller)
{
    raise_stage(0);
    hog = (struct hog){ weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL), body, argument };
    EXPECT(hog.runtime > 0);
    EXPECT_EQ(pthread_create(out_caller, NULL, call_hog, NULL), 0);
    EXPECT(await_stage(1));
    return hog.runtime;
}

static void end_hog(weft_runtime runtime, pthread_t caller)
{
    raise_stage(2);
    CU_ASSERT_EQUAL(pthread_join(caller, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    expect_assert();
}

/* Dumps until the line of the hog has @what: its thread may not have got to it yet, or no CPU. */
static bool dumps_until(const char *what)
{
    int64_t until_ns = weft_clock() + patience_s * WEFT_SECOND;
    char wanted[64];

    (void)snprintf(wanted, sizeof(wanted), "\"hog\": runs%s", what);
    do {
        int rc = dumped_take();
        if (rc != 2)
            return false;
    } while (strstr(dumped_text, wanted) == NULL && weft_clock() < until_ns);
    return dumped_line_says("hog", wanted);
}

static void test_a_task_that_computes_is_asked_by_a_signal(void)
{
    pthread_t caller;
    weft_runtime runtime = start_hog(compute, NULL, &caller);

    CU_ASSERT_TRUE(dumps_until("; on worker 0; "));
    CU_ASSERT_TRUE(dumped_line_says("hog", "; stack "));
    CU_ASSERT_TRUE(WEFT__TSAN ||
                   dumped_has_frame_in(dumped_stack_of("hog"), (const void *)(uintptr_t)compute));
    CU_ASSERT_TRUE(WEFT__TSAN || strstr(dumped_stack_of("hog"), "ends early") == NULL);
    end_hog(runtime, caller);
}

static void test_a_task_in_a_system_call_is_not_disturbed(void)
{
    pthread_t caller;
    ssize_t got = -1;

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    weft_runtime runtime = start_hog(sit_in_read, &got, &caller);
    CU_ASSERT_TRUE(dumps_until(", in system call "));
    CU_ASSERT_TRUE(
        WEFT__TSAN || /* whose read has large frames without frame pointers */
        dumped_has_frame_in(dumped_stack_of("hog"), (const void *)(uintptr_t)sit_in_read));
    CU_ASSERT_EQUAL(write(ends[1], "x", 1), 1);
    end_hog(runtime, caller);
    CU_ASSERT_EQUAL(got, 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_a_thread_that_blocks_the_signal_does_not_answer(void)
{
    pthread_t caller;
    weft_runtime runtime = start_hog(compute_blocked, NULL, &caller);

    CU_ASSERT_EQUAL(dumped_take(), 2);
    CU_ASSERT_TRUE(dumped_line_says("hog", "runs (its thread did not answer); on worker 0"));
    CU_ASSERT_STRING_EQUAL(dumped_stack_of("hog"), "");
    end_hog(runtime, caller); /* the signal arrives late, and finds no question */
}

static void test_a_signal_that_can_not_be_sent_is_said(void)
{
    pthread_t caller;
    weft_runtime runtime = start_hog(compute, NULL, &caller);

    weft__fault_arm(WEFT__FAULT_SIGNAL, 1, -EAGAIN);
    CU_ASSERT_EQUAL(dumped_take(), 2);
    CU_ASSERT_TRUE(dumped_line_says("hog", "runs (it has gone on meanwhile)"));
    weft__fault_arm(WEFT__FAULT_SIGNAL, 1, -EPERM);
    CU_ASSERT_EQUAL(dumped_take(), 2);
    CU_ASSERT_TRUE(dumped_line_says("hog", "runs (its stack can't be had: error -1)"));
    weft__fault_arm(WEFT__FAULT_SIGNAL, 0, 0);
    CU_ASSERT_TRUE(dumps_until("; on worker 0; ")); /* the slot is free again */
    end_hog(runtime, caller);
}

/* ---- a program with a handler of its own; a fresh process, where nobody has asked yet ---- */

static _Atomic uint32_t heard_plain;
static _Atomic uint32_t heard_info;

static void hear(int number)
{
    (void)number;
    weft__add_relaxed(&heard_plain, 1);
}

static void hear_info(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    weft__add_relaxed(&heard_info, info->si_code == SI_TKILL ? 1 : 100);
}

static int keep_handler(bool with_info)
{
    struct sigaction action = { .sa_handler = hear };
    pthread_t caller;

    if (with_info) {
        action.sa_sigaction = hear_info;
        action.sa_flags = SA_SIGINFO;
    }
    (void)sigaction(SIGURG, &action, NULL);
    weft_runtime runtime = start_hog(compute, NULL, &caller);
    bool asked = dumps_until("; on worker 0; ");
    bool quiet = weft__load_relaxed(&heard_plain) + weft__load_relaxed(&heard_info) == 0;
    (void)pthread_kill(pthread_self(), SIGURG);
    raise_stage(2);
    (void)pthread_join(caller, NULL);
    (void)weft_stop(runtime, WEFT_NEVER);
    uint32_t plain = weft__load_relaxed(&heard_plain);
    uint32_t info = weft__load_relaxed(&heard_info);
    return asked && quiet && plain == (with_info ? 0 : 1) && info == (with_info ? 1 : 0) ? 0 : 1;
}

static void test_the_handler_of_the_program_hears_what_is_not_for_weft(void)
{
    static char said[4096];

    CU_ASSERT_EQUAL(rig_respawn("plain", said, sizeof(said)), 0);
    CU_ASSERT_EQUAL(rig_respawn("info", said, sizeof(said)), 0);
}

/* ---- slots ---- */

static void test_questions_without_an_answer_cost_no_slot(void)
{
    struct weft__peek peek;
    struct weft__captured captured;
    struct weft__stack stack = { .low = NULL };
    pthread_t caller;
    weft_runtime runtime = start_hog(compute_blocked, NULL, &caller);
    int rc = 0;
    struct weft__runtime *found = weft__handle_pin(runtime, &rc);
    int thread = weft__load_relaxed(&found->workers[0]->thread_id);

    weft__peek_open(&peek);
    for (int i = 0; i < 20; i++) /* each takes its question back: no slot is lost */
        CU_ASSERT_EQUAL(weft__capture_task(&peek, thread, NULL, &stack, 1000, &captured),
                        -ETIMEDOUT);
    CU_ASSERT_EQUAL(captured.frames.count, 0);
    CU_ASSERT_EQUAL(weft__capture_task(&peek, INT32_MAX, NULL, &stack, 1000, &captured), -ESRCH);
    weft__peek_close(&peek);
    weft__handle_unpin(runtime);
    end_hog(runtime, caller);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_task_that_computes_is_asked_by_a_signal),
        UNIT_TEST(test_a_task_in_a_system_call_is_not_disturbed),
        UNIT_TEST(test_a_thread_that_blocks_the_signal_does_not_answer),
        UNIT_TEST(test_a_signal_that_can_not_be_sent_is_said),
        UNIT_TEST(test_the_handler_of_the_program_hears_what_is_not_for_weft),
        UNIT_TEST(test_questions_without_an_answer_cost_no_slot),
    };
    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return keep_handler(strcmp(argv[2], "info") == 0);
    return unit_run(argc, argv, "capture", tests, WEFT__COUNT(tests));
}

/* A task that runs over the end of its stack: who is named, who is not, and that the process then
 * dies of the fault. Each in a fresh process. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "runtime/sched/worker.h"
#include "runtime/task/guard.h"
#include "tests/support/fatal.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { factor = WEFT__ASAN ? 4 : 1, hosts_exit = 42, pairs = 20 };

static volatile long depth_limit = 1L << 40;
static volatile char sink;
static _Atomic uint32_t calls;

/* The deepest frames are the scheduler's: the fault comes while it switches to somebody else. */
WEFT__NOIPA static long dig_and_yield(long depth)
{
    (void)weft_yield();
    if (depth >= depth_limit)
        return depth;
    long below = dig_and_yield(depth + 1);
    sink = (char)below;
    return below + 1;
}

static int overflow_in_a_switch(void *argument)
{
    (void)argument;
    return dig_and_yield(0) > 0;
}

/* Writes over the canary of its stack, as if it had run there, and faults far away from it. */
static int break_canary(void *argument)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());

    if (task == NULL)
        return 1;
    task->stack->low[0] = 'x';
    return argument != NULL ? fatal_touch_nothing(NULL) : 0;
}

static void *overflow_in_a_thread(void *argument)
{
    return (void *)(intptr_t)fatal_overflow(argument);
}

static int overflow_elsewhere(void *argument)
{
    pthread_t thread;

    (void)argument;
    if (pthread_create(&thread, NULL, overflow_in_a_thread, NULL) == 0)
        (void)pthread_join(thread, NULL);
    return 0;
}

/* Waits for the second fault, and ends the process then. */
static void host_collects_two(int number)
{
    (void)number;
    if (weft__add_acqrel(&calls, 1) == 1) /* pairs with itself */
        _exit(hosts_exit);
    for (;;)
        (void)pause();
}

static int spread(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < 2; i++) {
        char name[WEFT_NAME];
        (void)snprintf(name, sizeof(name), i == 0 ? "twin-aaaaaaaaaaaa" : "twin-bb");
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = name,
                                                        .stack_bytes = i == 0 ? 16384 : 262144,
                                                        .place = weft_place_worker((uint32_t)i));
        (void)weft_spawn(scope, fatal_overflow, NULL, &options);
    }
    return weft_scope_close(scope);
}

static int run_two_at_once(void)
{
    (void)signal(SIGSEGV, host_collects_two);
    fatal_options.workers = 2;
    weft_runtime runtime = weft_start(&fatal_options, NULL);
    return weft_call(runtime, spread, NULL);
}

static int run_hanging_report(void)
{
    fatal_options.report = fatal_hang;
    return fatal_run(&fatal_greedy);
}

static int run_off(void)
{
    fatal_options.overflow_off = 1;
    return fatal_run(&fatal_greedy);
}

static int run_without_report(void)
{
    fatal_options.report = NULL;
    return fatal_run(&fatal_greedy);
}

static int run_in_a_switch(void)
{
    static const struct fatal_plan plan = { .name = "deep",
                                            .body = overflow_in_a_switch,
                                            .in_company = true };
    return fatal_run(&plan);
}

static int run_in_a_switch_to_the_loop(void)
{
    static const struct fatal_plan plan = { .name = "deep", .body = overflow_in_a_switch };
    return fatal_run(&plan);
}

static int run_thread(void)
{
    static const struct fatal_plan plan = { .name = "innocent", .body = overflow_elsewhere };
    return fatal_run(&plan);
}

/* The child has no runtime, and nobody to tell. */
static int overflow_in_a_child(void *argument)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(fatal_overflow(argument));
    bool right = waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
                 WTERMSIG(status) == SIGSEGV;
    return right ? hosts_exit : 1;
}

static int run_forked(void)
{
    static const struct fatal_plan plan = { .name = "parent", .body = overflow_in_a_child };
    return fatal_run(&plan);
}

static int run_unnamed(void)
{
    static const struct fatal_plan plan = { .body = fatal_overflow };
    return fatal_run(&plan);
}

static int run_wild(void)
{
    static const struct fatal_plan plan = { .name = "innocent", .body = fatal_touch_nothing };
    return fatal_run(&plan);
}

static int run_sent(void)
{
    static const struct fatal_plan plan = { .name = "innocent", .body = fatal_send };
    return fatal_run(&plan);
}

static int run_canary_and_fault(void)
{
    static char anything;
    static const struct fatal_plan plan = { .name = "greedy",
                                            .body = break_canary,
                                            .argument = &anything };
    weft__guard_pretend(true, 0);
    return fatal_run(&plan);
}

static int run_canary_and_end(void)
{
    static const struct fatal_plan plan = { .name = "greedy", .body = break_canary };
    weft__guard_pretend(true, 0);
    return fatal_run(&plan);
}

static int run_class(size_t stack_bytes)
{
    struct fatal_plan plan = { .name = "greedy",
                               .body = fatal_overflow,
                               .stack_bytes = stack_bytes };
    return fatal_run(&plan);
}

static int run_class_16k(void)
{
    return run_class(16 * 1024);
}

static int run_class_64k(void)
{
    return run_class(64 * 1024);
}

static int run_class_256k(void)
{
    return run_class(256 * 1024);
}

static int run_class_1m(void)
{
    return run_class(1024 * 1024);
}

static int run_shielded(void)
{
    weft__guard_pretend(true, -1); /* guards by mprotect */
    return fatal_run(&fatal_greedy);
}

static int run_program(void *argument)
{
    (void)argument;
    return fatal_own((void *)(uintptr_t)&fatal_greedy);
}

static int run_main(void)
{
    static char name[] = "program";
    static char *arguments[] = { name, NULL };
    return weft_main(1, arguments, run_program, NULL);
}

static const struct fatal_row rows[] = {
    { "16k",
      run_class_16k,
      fatal_by_fault,
      { WEFT__ASAN ? "stack of 65536 bytes: spawn it" : "stack of 16384 bytes: spawn it",
        "heard: weft: task greedy (0x" },
      NULL },
    { "64k",
      run_class_64k,
      fatal_by_fault,
      { WEFT__ASAN ? "stack of 262144 bytes: spawn it" : "stack of 65536 bytes: spawn it",
        "a larger stack_bytes in weft_spawn_options" },
      NULL },
    { "256k",
      run_class_256k,
      fatal_by_fault,
      { WEFT__ASAN ? "stack of 1048576 bytes: spawn it" : "stack of 262144 bytes: spawn it",
        "weft_runtime_options" },
      NULL },
    { "1m",
      run_class_1m,
      fatal_by_fault,
      { WEFT__ASAN ? "stack of 4194304 bytes: that is the largest"
                   : "stack of 1048576 bytes: that is the largest",
        "task greedy" },
      "spawn it with" },
    { "mprotect", run_shielded, fatal_by_fault, { "task greedy (0x", "spawned at " }, NULL },
    { "weft_main", run_main, fatal_by_fault, { "weft: task greedy (0x", NULL }, "heard" },
    { "unnamed", run_unnamed, fatal_by_fault, { "task (unnamed) (0x", NULL }, NULL },
    { "switch", run_in_a_switch, fatal_by_fault, { "task deep (0x", NULL }, NULL },
    { "switch-loop", run_in_a_switch_to_the_loop, fatal_by_fault, { "task deep (0x", NULL }, NULL },
    { "canary",
      run_canary_and_fault,
      fatal_by_fault,
      { "heard: weft: task greedy (0x", NULL },
      NULL },
    { "canary-end",
      run_canary_and_end,
      fatal_by_abort,
      { "task greedy ran over the end of its stack", "spawn it with a larger stack_bytes" },
      NULL },
    { "hanging",
      run_hanging_report,
      fatal_by_fault,
      { "heard: weft: task greedy (0x", NULL },
      NULL },
    { "wild", run_wild, fatal_by_fault, { NULL, NULL }, "heard" },
    { "sent", run_sent, fatal_by_fault, { NULL, NULL }, "heard" },
    { "thread", run_thread, fatal_by_fault, { NULL, NULL }, "heard" },
    { "forked", run_forked, hosts_exit, { NULL, NULL }, "heard" },
    { "off", run_off, fatal_by_fault, { NULL, NULL }, "heard" },
    { "no-report", run_without_report, fatal_by_fault, { NULL, NULL }, "heard" },
    { "two", run_two_at_once, hosts_exit, { "task twin-", "task twin-" }, NULL },
};

static void test_overflow_is_named_and_faults_as_usual(void)
{
    fatal_check(rows, WEFT__COUNT(rows));
}

/* OVERFLOW: whichever comes first, each notice has the size that belongs to its name. */
static void test_two_overflows_at_once_are_told_apart(void)
{
    static char said[8192];

    for (int i = 0; i < pairs; i++) {
        char wanted[2][64];
        (void)rig_respawn("two", said, sizeof(said));
        const char *first = strstr(said, "task twin-aaaaaaaaaaaa (0x");
        const char *second = strstr(said, "task twin-bb (0x");
        (void)snprintf(wanted[0], sizeof(wanted[0]), "its stack of %d bytes", factor * 16384);
        (void)snprintf(wanted[1], sizeof(wanted[1]), "its stack of %d bytes", factor * 262144);
        CU_ASSERT_TRUE_FATAL(first != NULL && second != NULL);
        CU_ASSERT_PTR_EQUAL(strstr(first, "its stack of "), strstr(first, wanted[0]));
        CU_ASSERT_PTR_EQUAL(strstr(second, "its stack of "), strstr(second, wanted[1]));
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_overflow_is_named_and_faults_as_usual),
        UNIT_TEST(test_two_overflows_at_once_are_told_apart),
    };
    int ends = fatal_main(argc, argv, rows, WEFT__COUNT(rows));

    return ends >= 0 ? ends : unit_run(argc, argv, "overflow", tests, WEFT__COUNT(tests));
}

/* The report of a stack overflow and the handlers of SIGSEGV that a program has itself: each gets
 * its fault, and the signal is given back. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/sched/worker.h"
#include "runtime/task/guard.h"
#include "tests/support/fatal.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { page_bytes = 4096, hosts_exit = 42, rounds = 20 };

static struct sigaction saved;

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void host_exits(int number)
{
    say("host: plain\n");
    _exit(number == SIGSEGV ? hosts_exit : 1);
}

/* The fault is the task's own: of the guard, with the errno of the moment; in a handler
 * ThreadSanitizer has set one of its own, to see who spoils it. */
static void host_looks(int number, siginfo_t *info, void *context)
{
    struct weft__task *task = weft__worker_task(weft__self_worker());
    const char *address = info->si_addr;
    bool right = (WEFT__TSAN || errno == EDOM) && number == SIGSEGV && context != NULL &&
                 address < task->stack->low && address >= task->stack->low - WEFT__GUARD_BYTES;

    say(right ? "host: right\n" : "host: wrong\n");
    _exit(hosts_exit);
}

static void host_returns(int number)
{
    (void)number;
    say("host: returns\n");
}

static void host_goes_on(int number, siginfo_t *info, void *context)
{
    say("host: first\n");
    saved.sa_sigaction(number, info, context);
}

static void host_repairs(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (mprotect(info->si_addr, page_bytes, PROT_READ | PROT_WRITE) < 0)
        _exit(1);
}

static void set_host(void (*plain)(int), void (*full)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = { .sa_flags = flags };

    if (full != NULL) {
        action.sa_sigaction = full;
        action.sa_flags |= SA_SIGINFO;
    } else {
        action.sa_handler = plain;
    }
    (void)sigaction(SIGSEGV, &action, &saved);
}

static int run_plain_host(void)
{
    set_host(host_exits, NULL, 0);
    return fatal_run(&fatal_greedy);
}

static int run_full_host(void)
{
    set_host(NULL, host_looks, SA_ONSTACK);
    return fatal_run(&fatal_greedy);
}

/* The host's handler sees errno as the task had it, though the wait for the report has failed. */
static int run_full_host_after_hanging_report(void)
{
    fatal_options.report = fatal_hang;
    return run_full_host();
}

static int run_once_host(void)
{
    set_host(host_returns, NULL, (int)SA_RESETHAND);
    return fatal_run(&fatal_greedy);
}

static int run_ignored_fault(void)
{
    set_host(SIG_IGN, NULL, 0);
    return fatal_run(&fatal_greedy);
}

static int run_ignored_signal(void)
{
    static const struct fatal_plan plan = { .body = fatal_send };
    set_host(SIG_IGN, NULL, 0);
    return fatal_run(&plan);
}

/* With a handler that the program sets when the runtime is there already. */
static int run_later_host(void (*plain)(int), void (*full)(int, siginfo_t *, void *))
{
    weft_runtime runtime = weft_start(&fatal_options, NULL);

    set_host(plain, full, SA_ONSTACK);
    return weft_call(runtime, fatal_own, (void *)(uintptr_t)&fatal_greedy);
}

static int run_later_host_alone(void)
{
    return run_later_host(host_exits, NULL);
}

static int run_later_host_chains(void)
{
    return run_later_host(NULL, host_goes_on);
}

/* A second runtime does not put the handler above one that goes on to it. */
static int run_later_host_chains_restarted(void)
{
    weft_runtime runtime = weft_start(&fatal_options, NULL);

    set_host(NULL, host_goes_on, SA_ONSTACK);
    (void)weft_stop(runtime, WEFT_NEVER);
    return fatal_run(&fatal_greedy);
}

static int repair(void *argument)
{
    (void)argument;
    char *page = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = EDOM;
    page[0] = 'x';
    return page[0] == 'x' && errno == EDOM ? hosts_exit : 1;
}

static int run_repairing_host(void)
{
    static const struct fatal_plan plan = { .body = repair };
    set_host(NULL, host_repairs, 0);
    return fatal_run(&plan);
}

static const struct fatal_row rows[] = {
    { "host-plain",
      run_plain_host,
      hosts_exit,
      { "heard: weft: task greedy", "host: plain" },
      NULL },
    { "host-full", run_full_host, hosts_exit, { "heard: weft: task greedy", "host: right" }, NULL },
    { "host-full-hanging",
      run_full_host_after_hanging_report,
      hosts_exit,
      { "heard: weft: task greedy", "host: right" },
      NULL },
    { "host-once",
      run_once_host,
      fatal_by_fault,
      { "heard: weft: task greedy", "host: returns" },
      NULL },
    { "host-ignores",
      run_ignored_fault,
      fatal_by_fault,
      { "heard: weft: task greedy", NULL },
      NULL },
    { "host-ignores-sent", run_ignored_signal, 0, { NULL, NULL }, "heard" },
    { "host-repairs", run_repairing_host, hosts_exit, { NULL, NULL }, "heard" },
    { "host-later", run_later_host_alone, hosts_exit, { "host: plain", NULL }, "heard" },
    { "host-later-chains",
      run_later_host_chains,
      fatal_by_fault,
      { "host: first", "heard: weft: task greedy" },
      NULL },
    { "host-later-restarted",
      run_later_host_chains_restarted,
      fatal_by_fault,
      { "host: first", "heard: weft: task greedy" },
      NULL },
};

static void test_overflow_reaches_the_handler_of_the_program(void)
{
    fatal_check(rows, WEFT__COUNT(rows));
}

static void (*handler_now(void))(int)
{
    struct sigaction now;

    (void)sigaction(SIGSEGV, NULL, &now);
    return now.sa_handler;
}

static void test_signal_and_stacks_are_given_back_at_stop(void)
{
    struct sigaction before;
    struct sigaction host = { .sa_handler = host_exits };

    CU_ASSERT_EQUAL(sigaction(SIGSEGV, &host, &before), 0);
    weft_runtime first = weft_start(&fatal_options, NULL);
    CU_ASSERT_TRUE(handler_now() != host_exits);
    weft_runtime second = weft_start(&fatal_options, NULL);
    CU_ASSERT_EQUAL(weft_stop(first, WEFT_NEVER), 0);
    CU_ASSERT_TRUE(handler_now() != host_exits); /* the second needs it */
    CU_ASSERT_EQUAL(weft_stop(second, WEFT_NEVER), 0);
    CU_ASSERT_TRUE(handler_now() == host_exits);
    uint32_t mappings = rig_mappings();
    for (int i = 0; i < rounds; i++)
        CU_ASSERT_EQUAL(weft_stop(weft_start(&fatal_options, NULL), WEFT_NEVER), 0);
    CU_ASSERT_TRUE(WEFT__TSAN || WEFT__ASAN || rig_mappings() < mappings + rounds);
    CU_ASSERT_TRUE(rig_is_alone());
    CU_ASSERT_EQUAL(sigaction(SIGSEGV, &before, NULL), 0);
}

static void test_signal_is_left_alone_when_off_or_without_report(void)
{
    struct sigaction before;
    struct sigaction host = { .sa_handler = host_exits };
    weft_runtime_options ways[2] = { fatal_options, fatal_options };

    ways[0].overflow_off = 1;
    ways[1].report = NULL;
    CU_ASSERT_EQUAL(sigaction(SIGSEGV, &host, &before), 0);
    for (size_t i = 0; i < WEFT__COUNT(ways); i++) {
        weft_runtime runtime = weft_start(&ways[i], NULL);
        CU_ASSERT_TRUE(handler_now() == host_exits);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    }
    CU_ASSERT_EQUAL(sigaction(SIGSEGV, &before, NULL), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_overflow_reaches_the_handler_of_the_program),
        UNIT_TEST(test_signal_and_stacks_are_given_back_at_stop),
        UNIT_TEST(test_signal_is_left_alone_when_off_or_without_report),
    };
    int ends = fatal_main(argc, argv, rows, WEFT__COUNT(rows));

    return ends >= 0 ? ends : unit_run(argc, argv, "overflow_host", tests, WEFT__COUNT(tests));
}

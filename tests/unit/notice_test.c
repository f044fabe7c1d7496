/* Notices: what weft has fallen back on is said once, with what it costs and what to change; a
 * healthy start says nothing. Each row in a process of its own, for they are said once in each. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "numa/memory.h"
#include "runtime/base/fault.h"
#include "runtime/sched/runtime.h"
#include "runtime/task/guard.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"
#include "uring/probe.h"

static void print_notice(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "notice: %s\n", text);
}

/* What a row is about: the ring, or the choice of an engine, or neither. */
enum { any, ring, choice };

/* Each row pretends one thing before the first start. */
static void pretend_nothing(void)
{
}

static void hide_defer_taskrun(void)
{
    weft__probe_pretend(UINT32_C(1) << WEFT__FEATURE_DEFER_TASKRUN);
}

static void hide_msg_ring(void)
{
    weft__probe_pretend(UINT32_C(1) << WEFT__FEATURE_MSG_RING | UINT32_C(1)
                                                                    << WEFT__FEATURE_MSG_RING_SYNC);
}

static void wish_compat(void)
{
    (void)setenv("WEFT_ENGINE", "compat", 1);
}

static void plan_faults(void)
{
    (void)setenv("WEFT_FAULT", "recv:EIO:1/1000", 1);
}

static void refuse_ring(void)
{
    (void)unsetenv("WEFT_ENGINE");
    weft__fault_arm(WEFT__FAULT_RING_SETUP, 1, -EPERM);
}

static void hide_guard_markers(void)
{
    weft__guard_pretend(true, 1000);
}

static void leave_canaries_alone(void)
{
    weft__guard_pretend(true, 0);
}

static void refuse_policy_calls(void)
{
    (void)setenv("WEFT_TOPOLOGY", "2x1", 1);
    weft__fault_arm(WEFT__FAULT_MEMPOLICY, 1, -EPERM);
}

static void refuse_policy_calls_on_one_node(void)
{
    (void)setenv("WEFT_TOPOLOGY", "1x1", 1);
    weft__fault_arm(WEFT__FAULT_MEMPOLICY, 1, -EPERM);
}

/* Two calls ask for the affinity, three with the helper threads of the compat engine; the next sets
 * that of whichever worker is first. */
static void refuse_pinning(void)
{
    weft__fault_arm(WEFT__FAULT_AFFINITY, engines_use_ring() ? 3 : 4, -EPERM);
}

/* The first call asks whether there are such calls at all. */
static void refuse_binding(void)
{
    weft__fault_arm(WEFT__FAULT_MEMPOLICY, 2, -EPERM);
    weft__memory_unmap(weft__memory_map(0, 4096), 4096);
}

/* As if the kernel had set the flag twice. */
static int overflow(void *argument)
{
    int rc = 0;
    struct weft__runtime *runtime = weft__runtime_find(0, &rc);

    (void)argument;
    for (uint32_t i = 0; i < runtime->worker_count; i++)
        weft__add_relaxed(&runtime->workers[i]->engine->counters.overflowed, 2);
    weft__runtime_found(runtime);
    return 0;
}

static const struct {
    const char *name;
    void (*pretend)(void);
    weft_task_fn body;
    uint32_t count; /* notices of two runtimes, one after the other */
    int about;
    const char *wanted[3]; /* in the last of them */
} rows[] = {
    { "healthy", pretend_nothing, end_well, 0, any, { "" } },
    { "defer",
      hide_defer_taskrun,
      end_well,
      1,
      ring,
      { "DEFER_TASKRUN", "CPU time", "use Linux" } },
    { "faults", plan_faults, end_well, 1, any, { "on purpose", "WEFT_FAULT", "weft-faults(7)" } },
    { "messages", hide_msg_ring, end_well, 1, ring, { "MSG_RING", "event descriptors", "use" } },
    { "compat", wish_compat, end_well, 1, choice, { "compat engine", "CPU", "WEFT_ENGINE" } },
    { "refused", refuse_ring, end_well, 1, choice, { "compat engine", "CPU", "io_uring" } },
    { "mprotect", hide_guard_markers, end_well, 1, any, { "mprotect", "raise vm.max_map_count" } },
    { "canaries", leave_canaries_alone, end_well, 2, any, { "vm.max_map_count", "canary", "set" } },
    { "policy", refuse_policy_calls, end_well, 1, any, { "NUMA calls are refused", "EPERM" } },
    { "one node", refuse_policy_calls_on_one_node, end_well, 0, any, { "" } },
    { "pinning", refuse_pinning, end_well, 1, any, { "can't be pinned to CPU ", "allow" } },
    { "binding", refuse_binding, end_well, 1, any, { "mbind: EPERM", "first", "allow" } },
    { "overflow", pretend_nothing, overflow, 2, any, { "completion queue", "cq_entries" } },
};

/* Machines whose kernel or owner refuses something say so in each row. */
static bool is_healthy(void)
{
    struct weft__probe probe;
    struct weft__memory_facts facts;

    weft__memory_look(&facts);
    if (!facts.policy_calls || !weft__guard_has_markers())
        return false;
    return !engines_use_ring() || (weft__probe_get(&probe, NULL) == 0 &&
                                   weft__probe_has(probe.features, WEFT__FEATURE_DEFER_TASKRUN) &&
                                   weft__probe_has(probe.features, WEFT__FEATURE_MSG_RING));
}

static int act(const char *name)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .report = print_notice);
    size_t row = 0;

    while (strcmp(rows[row].name, name) != 0)
        row++;
    rows[row].pretend();
    for (int round = 0; round < 2; round++) {
        weft_runtime runtime = weft_start(&options, NULL);
        if (runtime < 0 || weft_call(runtime, rows[row].body, NULL) < 0 ||
            weft_stop(runtime, weft_after(20 * WEFT_SECOND)) < 0)
            return unit_broken;
    }
    return 0;
}

static bool says(const char *said, size_t row)
{
    const char *last = "";
    uint32_t count = 0;

    for (const char *notice = said; (notice = strstr(notice, "notice: weft: ")) != NULL; notice++) {
        const char *text = notice + strlen("notice: ");
        if (rows[row].about != choice && engines_skip_notice(text) != text)
            continue;
        last = notice;
        count++;
    }
    for (size_t i = 0; i < WEFT__COUNT(rows[row].wanted) && rows[row].wanted[i] != NULL; i++)
        if (strstr(last, rows[row].wanted[i]) == NULL)
            return false;
    return count == rows[row].count;
}

static void test_each_fallback_is_said_once_and_nothing_else(void)
{
    static char said[2048];

    if (!is_healthy()) {
        (void)fprintf(stderr, "skipped: this machine has something to say in each row\n");
        return;
    }
    for (size_t row = 0; row < WEFT__COUNT(rows); row++) {
        if (rows[row].about == ring && !engines_use_ring())
            continue;
        int status = rig_respawn(rows[row].name, said, sizeof(said));
        bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0 && says(said, row);
        if (!ok)
            (void)fprintf(stderr, "row %s: status %d, said \"%s\"\n", rows[row].name, status, said);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_a_runtime_without_callback_does_not_use_a_notice_up(void)
{
    static char said[2048];
    int status = rig_respawn("silent", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "notice: weft: the kernel has no guard markers"));
}

static int be_silent_first(void)
{
    hide_guard_markers();
    weft_runtime silent = weft_start(NULL, NULL);
    if (silent < 0 || weft_stop(silent, WEFT_NEVER) != 0)
        return unit_broken;
    return act("mprotect");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_each_fallback_is_said_once_and_nothing_else),
        UNIT_TEST(test_a_runtime_without_callback_does_not_use_a_notice_up),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return strcmp(argv[2], "silent") == 0 ? be_silent_first() : act(argv[2]);
    return unit_run(argc, argv, "notice", tests, WEFT__COUNT(tests));
}

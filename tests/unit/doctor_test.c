/* What the doctor makes of systems that this one is not: fixtures, and answers of trials. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"
#include "tools/doctor/doctor.h"

enum { file_max = 4 };

#define ALL_OPS ((UINT64_C(1) << WEFT__OP_COUNT) - 1)
#define ALL_FEATURES ((1u << WEFT__FEATURE_COUNT) - 1)
#define V2_MOUNT "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

static struct weft__findings findings;

static const struct weft__finding *find(const char *name)
{
    for (size_t i = 0; i < findings.count; i++)
        if (strcmp(findings.items[i].name, name) == 0)
            return &findings.items[i];
    return NULL;
}

/* One finding by its name: its state, a part of its text, a part of its knob ("": none at all). */
static bool found(const char *label, const char *name, enum weft__finding_state state,
                  const char *text, const char *knob)
{
    const struct weft__finding *finding = find(name);
    bool ok = finding != NULL && finding->state == state && strstr(finding->text, text) != NULL &&
              (knob[0] == '\0' ? finding->knob[0] == '\0' : strstr(finding->knob, knob) != NULL);

    if (!ok)
        (void)fprintf(stderr, "%s: %s: state %d, \"%s\", knob \"%s\"\n", label, name,
                      finding == NULL ? -1 : (int)finding->state,
                      finding == NULL ? "" : finding->text, finding == NULL ? "" : finding->knob);
    return ok;
}

static const struct {
    const char *label;
    struct {
        const char *path;
        const char *text;
    } files[file_max];
    const char *name;
    enum weft__finding_state state;
    const char *text;
    const char *knob;
} file_rows[] = {
    { "no /proc", { { NULL, NULL } }, "release", WEFT__FINDING_NOTE, "not known", "" },
    { "the oldest that weft is made for",
      { { "proc/sys/kernel/osrelease", "6.1.0-13-amd64\n" } },
      "release",
      WEFT__FINDING_OK,
      "Linux 6.1.0-13-amd64",
      "" },
    { "one before it",
      { { "proc/sys/kernel/osrelease", "6.0.9\n" } },
      "release",
      WEFT__FINDING_PROBLEM,
      "older than 6.1",
      "install a kernel" },
    { "one with a larger minor number",
      { { "proc/sys/kernel/osrelease", "5.19.0\n" } },
      "release",
      WEFT__FINDING_PROBLEM,
      "5.19.0",
      "install a kernel" },
    { "a container's filter",
      { { "proc/self/status", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n" } },
      "seccomp",
      WEFT__FINDING_OK,
      "a filter is active",
      "" },
    { "no filter",
      { { "proc/self/status", "Name:\tx\nSeccomp:\t0\n" } },
      "seccomp",
      WEFT__FINDING_OK,
      "no filter",
      "" },
    { "no quota, version 2",
      { { "proc/self/cgroup", "0::/a\n" }, { "proc/self/mountinfo", V2_MOUNT } },
      "cpu.max",
      WEFT__FINDING_OK,
      "no quota",
      "" },
    { "half of the CPUs",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/cpu.max", "200000 100000\n" } },
      "cpu.max",
      WEFT__FINDING_NOTE,
      "2.00 of 4 CPUs",
      "--cpus=4" },
    { "more than the CPUs",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/cpu.max", "900000 100000\n" } },
      "cpu.max",
      WEFT__FINDING_OK,
      "no quota",
      "" },
    { "little memory",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/memory.max", "33554432\n" } },
      "memory.max",
      WEFT__FINDING_PROBLEM,
      "32 MiB",
      "memory.max" },
    { "enough memory",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/memory.max", "1073741824\n" } },
      "memory.max",
      WEFT__FINDING_OK,
      "1 GiB",
      "" },
    { "few threads",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/pids.max", "23\n" } },
      "pids.max",
      WEFT__FINDING_PROBLEM,
      "23 are too few",
      "pids.max" },
    { "just enough threads",
      { { "proc/self/cgroup", "0::/a\n" },
        { "proc/self/mountinfo", V2_MOUNT },
        { "sys/fs/cgroup/a/pids.max", "24\n" } },
      "pids.max",
      WEFT__FINDING_OK,
      "24",
      "" },
    { "version 1 beside version 2",
      { { "proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/u\n" } },
      "hierarchy",
      WEFT__FINDING_OK,
      "version 1, with version 2",
      "" },
    { "version 2 alone",
      { { "proc/self/cgroup", "0::/\n" } },
      "hierarchy",
      WEFT__FINDING_OK,
      "version 2",
      "" },
    { "no huge pages",
      { { "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n" } },
      "huge pages",
      WEFT__FINDING_NOTE,
      "never",
      "echo madvise" },
    { "huge pages when asked for",
      { { "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n" } },
      "huge pages",
      WEFT__FINDING_OK,
      "madvise",
      "" },
    { "a kernel without them",
      { { NULL, NULL } },
      "huge pages",
      WEFT__FINDING_OK,
      "no transparent ones",
      "" },
    { "strict overcommit",
      { { "proc/sys/vm/overcommit_memory", "2\n" } },
      "overcommit",
      WEFT__FINDING_NOTE,
      "64 KiB",
      "vm.overcommit_memory=0" },
    { "pages that move by themselves",
      { { "proc/sys/kernel/numa_balancing", "1\n" } },
      "balancing",
      WEFT__FINDING_NOTE,
      "moves pages",
      "numa_balancing=0" },
};

static void test_what_files_say(void)
{
    static const struct weft__doctor_numa two_nodes = { .policy_calls = true, .nodes = 2 };
    static const struct weft__memory_facts jemalloc = { .jemalloc = true, .allocator = "jemalloc" };
    static const struct weft__guard_facts guards = { .map_limit = 65530, .guards_most = 30000 };

    for (size_t i = 0; i < WEFT__COUNT(file_rows); i++) {
        struct tree tree;

        tree_make(&tree);
        for (size_t j = 0; j < file_max && file_rows[i].files[j].path != NULL; j++)
            tree_write(&tree, file_rows[i].files[j].path, file_rows[i].files[j].text);
        findings.count = 0;
        weft__doctor_kernel(&findings, tree.root);
        weft__doctor_cgroup(&findings, tree.root, 4, 4);
        weft__doctor_memory(&findings, tree.root, true, &guards, &jemalloc);
        weft__doctor_numa(&findings, tree.root, &two_nodes);
        CU_ASSERT_TRUE(found(file_rows[i].label, file_rows[i].name, file_rows[i].state,
                             file_rows[i].text, file_rows[i].knob));
        tree_remove(&tree);
    }
}

static const struct {
    const char *label;
    const char *disabled; /* kernel.io_uring_disabled */
    const char *seccomp;
    struct weft__doctor_rings rings;
    const char *name;
    enum weft__finding_state state;
    const char *text;
    const char *knob;
} ring_rows[] = {
    { "all is there",
      "0",
      "0",
      { .probe = { .features = ALL_FEATURES, .ops = ALL_OPS } },
      "operations",
      WEFT__FINDING_OK,
      "all",
      "" },
    { "a feature is missing",
      "0",
      "0",
      { .probe = { .features = ALL_FEATURES & ~(1u << WEFT__FEATURE_MSG_RING), .ops = ALL_OPS } },
      "MSG_RING",
      WEFT__FINDING_NOTE,
      "event descriptors",
      "Linux 5.18" },
    { "an operation is missing",
      "0",
      "0",
      { .probe = { .features = ALL_FEATURES,
                   .ops = ALL_OPS & ~(UINT64_C(1) << WEFT__OP_FTRUNCATE) } },
      "operations",
      WEFT__FINDING_NOTE,
      "missing: ",
      "6.9" },
    { "switched off",
      "2",
      "0",
      { .code = -EPERM, .why = "io_uring is switched off" },
      "rings",
      WEFT__FINDING_PROBLEM,
      "switched off",
      "sysctl -w kernel.io_uring_disabled=0" },
    { "a filter refuses",
      "0",
      "2",
      { .code = -EPERM, .why = "refused" },
      "rings",
      WEFT__FINDING_PROBLEM,
      "refused",
      "seccomp=" },
    { "a policy refuses",
      "0",
      "0",
      { .code = -EPERM, .why = "refused" },
      "rings",
      WEFT__FINDING_PROBLEM,
      "refused",
      "policy" },
    { "not in the kernel",
      "0",
      "0",
      { .code = -ENOSYS, .why = "no" },
      "rings",
      WEFT__FINDING_PROBLEM,
      "no",
      "CONFIG_IO_URING" },
    { "no memory",
      "0",
      "0",
      { .code = -ENOMEM, .why = "no" },
      "rings",
      WEFT__FINDING_PROBLEM,
      "no",
      "ulimit -l" },
    { "a filter kills",
      "0",
      "2",
      { .end = WEFT__DOCTOR_KILLED },
      "rings",
      WEFT__FINDING_PROBLEM,
      "ends programs",
      "EPERM" },
    { "no answer",
      "0",
      "0",
      { .end = WEFT__DOCTOR_LOST },
      "rings",
      WEFT__FINDING_PROBLEM,
      "not known",
      "" },
};

static void test_what_the_probe_says(void)
{
    for (size_t i = 0; i < WEFT__COUNT(ring_rows); i++) {
        struct tree tree;

        tree_make(&tree);
        tree_write(&tree, "proc/sys/kernel/io_uring_disabled", ring_rows[i].disabled);
        char status[64];
        (void)snprintf(status, sizeof(status), "Name:\tx\nSeccomp:\t%s\n", ring_rows[i].seccomp);
        tree_write(&tree, "proc/self/status", status);
        findings.count = 0;
        weft__doctor_rings(&findings, tree.root, &ring_rows[i].rings);
        CU_ASSERT_TRUE(found(ring_rows[i].label, ring_rows[i].name, ring_rows[i].state,
                             ring_rows[i].text, ring_rows[i].knob));
        tree_remove(&tree);
    }
}

static const struct {
    const char *label;
    struct weft__doctor_start start;
    const char *name;
    enum weft__finding_state state;
    const char *text;
} start_rows[] = {
    { "kernel engine",
      { .workers = 2, .about = "2 workers; 1 node; engine kernel; memory by malloc" },
      "engine",
      WEFT__FINDING_OK,
      "kernel" },
    { "another engine, and why",
      { .workers = 2,
        .about = "2 workers; 1 node; engine compat; memory by malloc",
        .notice = "weft: io_uring is refused here" },
      "engine",
      WEFT__FINDING_NOTE,
      "compat: weft: io_uring is refused here" },
    { "a notice beside the kernel engine",
      { .workers = 2, .about = "engine kernel", .notice = "weft: no MSG_RING" },
      "notice",
      WEFT__FINDING_NOTE,
      "no MSG_RING" },
    { "no start",
      { .code = -EPERM, .about = "io_uring_setup refused" },
      "start",
      WEFT__FINDING_PROBLEM,
      "io_uring_setup refused" },
    { "killed", { .end = WEFT__DOCTOR_KILLED }, "start", WEFT__FINDING_PROBLEM, "seccomp" },
    { "lost", { .end = WEFT__DOCTOR_LOST }, "start", WEFT__FINDING_PROBLEM, "crashed" },
};

static void test_what_a_start_says(void)
{
    for (size_t i = 0; i < WEFT__COUNT(start_rows); i++) {
        findings.count = 0;
        weft__doctor_engine(&findings, &start_rows[i].start);
        const struct weft__finding *finding = find(start_rows[i].name);
        bool ok = finding != NULL && finding->state == start_rows[i].state &&
                  strstr(finding->text, start_rows[i].text) != NULL;
        if (!ok)
            (void)fprintf(stderr, "%s: \"%s\"\n", start_rows[i].label,
                          finding == NULL ? "" : finding->text);
        CU_ASSERT_TRUE(ok);
    }
}

static const struct {
    const char *label;
    rlim_t files;
    rlim_t files_most;
    rlim_t tasks;
    bool root;
    const char *name;
    enum weft__finding_state state;
    const char *knob;
} limit_rows[] = {
    { "plenty", 65536, 65536, 5000, false, "open files", WEFT__FINDING_OK, "" },
    { "the usual 1024", 1024, 1048576, 5000, false, "open files", WEFT__FINDING_NOTE, "ulimit -n" },
    { "1024 at most", 1024, 1024, 5000, false, "open files", WEFT__FINDING_NOTE, "prlimit" },
    { "just enough for 100 workers", 232, 65536, 5000, false, "open files", WEFT__FINDING_NOTE,
      "ulimit -n" },
    { "one less", 231, 65536, 5000, false, "open files", WEFT__FINDING_PROBLEM, "ulimit -n" },
    { "just enough threads", 65536, 65536, 120, false, "processes", WEFT__FINDING_OK, "" },
    { "one less", 65536, 65536, 119, false, "processes", WEFT__FINDING_PROBLEM, "ulimit -u" },
    { "not for root", 65536, 65536, 119, true, "processes", WEFT__FINDING_OK, "" },
    { "no limit", RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY, false, "open files",
      WEFT__FINDING_OK, "" },
};

static void test_what_limits_say(void)
{
    for (size_t i = 0; i < WEFT__COUNT(limit_rows); i++) {
        const struct weft__doctor_limits limits = {
            .files = { limit_rows[i].files, limit_rows[i].files_most },
            .locked = { 8 << 20, 8 << 20 },
            .tasks = { limit_rows[i].tasks, limit_rows[i].tasks },
            .root = limit_rows[i].root,
        };

        findings.count = 0;
        weft__doctor_limits(&findings, &limits, 100);
        CU_ASSERT_TRUE(found(limit_rows[i].label, limit_rows[i].name, limit_rows[i].state, "",
                             limit_rows[i].knob));
    }
}

static void test_what_numa_calls_say(void)
{
    static const struct {
        const char *label;
        struct weft__doctor_numa numa;
        enum weft__finding_state state;
        const char *text;
        const char *knob;
    } rows[] = {
        { "allowed", { .policy_calls = true, .nodes = 2 }, WEFT__FINDING_OK, "allowed", "" },
        { "refused, one node",
          { .policy_error = -EPERM, .nodes = 1 },
          WEFT__FINDING_OK,
          "get_mempolicy is refused (EPERM)",
          "" },
        { "refused, two nodes",
          { .policy_error = -EPERM, .nodes = 2 },
          WEFT__FINDING_PROBLEM,
          "get_mempolicy",
          "SYS_NICE" },
        { "mbind alone",
          { .policy_calls = true, .bind_error = -EPERM, .nodes = 2 },
          WEFT__FINDING_PROBLEM,
          "mbind",
          "SYS_NICE" },
        { "not in the kernel",
          { .policy_error = -ENOSYS, .nodes = 2 },
          WEFT__FINDING_PROBLEM,
          "ENOSYS",
          "CONFIG_NUMA" },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        findings.count = 0;
        weft__doctor_numa(&findings, "/nonexistent", &rows[i].numa);
        CU_ASSERT_TRUE(found(rows[i].label, "calls", rows[i].state, rows[i].text, rows[i].knob));
    }
}

static void test_what_memory_says(void)
{
    static const struct weft__memory_facts none = { .allocator = "malloc" };
    static const struct weft__guard_facts guards = { .map_limit = 65530, .guards_most = 30000 };

    findings.count = 0;
    weft__doctor_memory(&findings, "/nonexistent", false, &guards, &none);
    CU_ASSERT_TRUE(
        found("no jemalloc", "allocator", WEFT__FINDING_NOTE, "no jemalloc", "libjemalloc-dev"));
    CU_ASSERT_TRUE(found("no guard markers", "vm.max_map_count", WEFT__FINDING_NOTE,
                         "about 30000 tasks", "vm.max_map_count="));
    findings.count = 0;
    weft__doctor_memory(&findings, "/nonexistent", true, &guards, &none);
    CU_ASSERT_TRUE(found("guard markers", "vm.max_map_count", WEFT__FINDING_OK, "65530", ""));
}

static void test_too_many_findings_are_dropped(void)
{
    findings.count = 0;
    for (int i = 0; i < WEFT__FINDINGS_MOST + 5; i++)
        weft__findings_knob(weft__findings_add(&findings, "x", "y", WEFT__FINDING_NOTE, "%d", i),
                            "turn %d", i);
    CU_ASSERT_EQUAL(findings.count, WEFT__FINDINGS_MOST);
    CU_ASSERT_EQUAL(weft__findings_count(&findings, WEFT__FINDING_NOTE), WEFT__FINDINGS_MOST);
    CU_ASSERT_STRING_EQUAL(findings.items[WEFT__FINDINGS_MOST - 1].knob, "turn 63");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_what_files_say),
        UNIT_TEST(test_what_the_probe_says),
        UNIT_TEST(test_what_a_start_says),
        UNIT_TEST(test_what_limits_say),
        UNIT_TEST(test_what_numa_calls_say),
        UNIT_TEST(test_what_memory_says),
        UNIT_TEST(test_too_many_findings_are_dropped),
    };

    return unit_run(argc, argv, "doctor", tests, sizeof(tests) / sizeof(tests[0]));
}

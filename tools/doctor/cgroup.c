/* What the cgroups above this process allow. */
#include <inttypes.h>
#include <string.h>

#include "numa/plan.h"
#include "tools/common/size.h"
#include "tools/doctor/doctor.h"

#define MEMORY_LEAST (UINT64_C(64) << 20)

enum {
    GROUPS_BYTES = 4096,
    PARKED_BYTES = 4700, /* what a parked task costs */
};

/* "0::/x" alone is version 2; numbered lines with a controller are version 1. */
static void check_version(struct weft__findings *findings, const char *root)
{
    static char groups[GROUPS_BYTES];
    const char *version = "version 2";

    if (!weft__doctor_read(root, "/proc/self/cgroup", groups, sizeof(groups)) || groups[0] == '\0')
        version = "none that this process can see";
    else if (strstr(groups, ":cpu") != NULL || strstr(groups, ":memory") != NULL ||
             strstr(groups, ",cpu") != NULL)
        version = strstr(groups, "0::") != NULL ? "version 1, with version 2 beside it"
                                                : "version 1";
    (void)weft__findings_add(findings, "cgroup", "hierarchy", WEFT__FINDING_OK, "%s", version);
}

static void check_quota(struct weft__findings *findings, const char *root, int cpus)
{
    uint32_t quota = 0;

    (void)weft__cgroup_quota(root, &quota);
    if (quota == 0 || quota >= (uint32_t)cpus * 100) {
        (void)weft__findings_add(findings, "cgroup", "cpu.max", WEFT__FINDING_OK,
                                 "no quota below the %d CPU%s that are allowed", cpus,
                                 cpus == 1 ? "" : "s");
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "cgroup", "cpu.max", WEFT__FINDING_NOTE,
        "%" PRIu32 ".%02" PRIu32 " of %d CPUs: workers are %s, are not pinned, and all of them "
        "stop when the quota of a period is used up",
        quota / 100, quota % 100, cpus, quota <= 100 ? "one" : "as many as fit");
    weft__findings_knob(finding,
                        "docker run --cpus=%d, limits.cpu of the pod, CPUQuota= of the "
                        "unit, or: echo max | sudo tee /sys/fs/cgroup/GROUP/cpu.max",
                        cpus);
}

static void check_memory(struct weft__findings *findings, const char *root)
{
    uint64_t limit = 0;

    (void)weft__cgroup_limit(root, "memory", "memory.max", "memory.limit_in_bytes", &limit);
    if (limit == 0) {
        (void)weft__findings_add(findings, "cgroup", "memory.max", WEFT__FINDING_OK, "no limit");
        return;
    }
    if (limit >= MEMORY_LEAST) {
        (void)weft__findings_add(findings, "cgroup", "memory.max", WEFT__FINDING_OK,
                                 "%s: at most %" PRIu64 " parked tasks, if nothing else took any",
                                 WEFT__SIZE(limit), limit / PARKED_BYTES);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "cgroup", "memory.max", WEFT__FINDING_PROBLEM,
        "%s are little: rings and stacks are charged to it, and the kernel kills what goes over it",
        WEFT__SIZE(limit));
    weft__findings_knob(finding, "docker run --memory=512m, limits.memory of the pod, or: "
                                 "echo 512M | sudo tee /sys/fs/cgroup/GROUP/memory.max");
}

static void check_threads(struct weft__findings *findings, const char *root, int workers)
{
    uint64_t needed = (uint64_t)workers + WEFT__DOCTOR_OTHER_THREADS;
    uint64_t limit = 0;

    (void)weft__cgroup_limit(root, "pids", "pids.max", "pids.max", &limit);
    if (limit == 0) {
        (void)weft__findings_add(findings, "cgroup", "pids.max", WEFT__FINDING_OK, "no limit");
        return;
    }
    if (limit >= needed) {
        (void)weft__findings_add(findings, "cgroup", "pids.max", WEFT__FINDING_OK, "%" PRIu64,
                                 limit);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "cgroup", "pids.max", WEFT__FINDING_PROBLEM,
        "%" PRIu64 " are too few: a runtime takes up to %" PRIu64 " threads", limit, needed);
    weft__findings_knob(finding, "docker run --pids-limit=1024, TasksMax=1024 of the unit, or: "
                                 "echo 1024 | sudo tee /sys/fs/cgroup/GROUP/pids.max");
}

void weft__doctor_cgroup(struct weft__findings *findings, const char *root, int cpus, int workers)
{
    check_version(findings, root);
    check_quota(findings, root, cpus);
    check_memory(findings, root);
    check_threads(findings, root, workers);
}

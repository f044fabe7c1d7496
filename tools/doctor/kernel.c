/* The kernel, its filters, and what its io_uring can do. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/doctor/doctor.h"
#include "uring/op.h"

#define CALLS "io_uring_setup, io_uring_enter and io_uring_register"

enum { MAJOR_LEAST = 6, MINOR_LEAST = 1, STATUS_BYTES = 8192 };

/* What each feature is good for; uring/README.md has the table. */
static const struct {
    const char *since;
    const char *without;
} features[WEFT__FEATURE_COUNT] = {
    [WEFT__FEATURE_DEFER_TASKRUN] = { "6.1", "a completion interrupts the task that runs, so that "
                                             "I/O takes more CPU time" },
    [WEFT__FEATURE_SUBMIT_ALL] = { "5.18", "an operation that is refused ends its batch; weft "
                                           "goes on with the rest" },
    [WEFT__FEATURE_MSG_RING] = { "5.18", "sleeping workers are woken through event descriptors, "
                                         "with a system call more for each wake" },
    [WEFT__FEATURE_MSG_RING_SYNC] = { "6.13", "threads that are no workers wake one through its "
                                              "event descriptor" },
    [WEFT__FEATURE_EXT_ARG] = { "5.11", "each sleep of a worker takes an operation more" },
    [WEFT__FEATURE_NODROP] = { "5.5", "completions can be lost: weft does not start" },
    [WEFT__FEATURE_CQE_SKIP] = { "5.17", "completions that nobody wants come all the same" },
    [WEFT__FEATURE_NO_IOWAIT] = { "6.15", "top shows iowait while a ring sleeps, which costs "
                                          "nothing" },
    [WEFT__FEATURE_REGISTERED_RING] = { "5.18", "each entry into the kernel takes 70 ns more" },
};

static void check_release(struct weft__findings *findings, const char *root)
{
    char release[128];
    int major = 0;
    int minor = 0;

    if (!weft__doctor_read(root, "/proc/sys/kernel/osrelease", release, sizeof(release))) {
        (void)weft__findings_add(findings, "kernel", "release", WEFT__FINDING_NOTE,
                                 "not known: /proc/sys/kernel/osrelease can't be read");
        return;
    }
    bool known = sscanf(release, "%d.%d", &major, &minor) == 2;
    bool old = known && (major < MAJOR_LEAST || (major == MAJOR_LEAST && minor < MINOR_LEAST));
    if (!old) {
        (void)weft__findings_add(findings, "kernel", "release", WEFT__FINDING_OK, "Linux %s",
                                 release);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "kernel", "release", WEFT__FINDING_PROBLEM,
        "Linux %s is older than 6.1: weft may start, but is not made for it", release);
    weft__findings_knob(finding, "install a kernel of 6.1 or newer and boot it");
}

/* 0: none, 1: strict, 2: a filter; -1: not known. */
static int seccomp_mode(const char *root)
{
    static char status[STATUS_BYTES];

    if (!weft__doctor_read(root, "/proc/self/status", status, sizeof(status)))
        return -1;
    const char *line = strstr(status, "\nSeccomp:");
    return line == NULL ? -1 : (int)strtol(line + strlen("\nSeccomp:"), NULL, 10);
}

/* A filter that harms nobody is no fault: every container has one. */
static void check_seccomp(struct weft__findings *findings, const char *root)
{
    static const char *const words[] = {
        "not known: the kernel does not say", "no filter", "strict",
        "a filter is active, as in most containers; what it refuses is said below"
    };
    int mode = seccomp_mode(root);

    (void)weft__findings_add(findings, "kernel", "seccomp", WEFT__FINDING_OK, "%s",
                             mode >= -1 && mode <= 2 ? words[mode + 1] : words[0]);
}

void weft__doctor_kernel(struct weft__findings *findings, const char *root)
{
    check_release(findings, root);
    check_seccomp(findings, root);
}

/* Which command lets io_uring in; @why has said the cause in words. */
static void say_knob(struct weft__finding *finding, const char *root, int code)
{
    long disabled = weft__doctor_number(root, "/proc/sys/kernel/io_uring_disabled", 0);

    if (code == -EPERM && disabled != 0)
        weft__findings_knob(finding, "sudo sysctl -w kernel.io_uring_disabled=0");
    else if (code == -EPERM && seccomp_mode(root) != 0)
        weft__findings_knob(finding,
                            "docker run --security-opt seccomp=FILE, where FILE is the default "
                            "profile with " CALLS " added to an SCMP_ACT_ALLOW list (or "
                            "seccomp=unconfined, to see whether that is it)");
    else if (code == -EPERM || code == -EACCES)
        weft__findings_knob(finding, "sudo ausearch -m AVC,SECCOMP -ts recent (or dmesg), and "
                                     "allow io_uring in the policy that it names");
    else if (code == -ENOSYS)
        weft__findings_knob(finding, "run on a kernel with CONFIG_IO_URING=y; outside gVisor");
    else if (code == -ENOMEM)
        weft__findings_knob(finding, "ulimit -l unlimited, or more memory for the cgroup");
    else if (code == -EMFILE)
        weft__findings_knob(finding, "ulimit -n 65536");
    else if (code == -ENFILE)
        weft__findings_knob(finding, "sudo sysctl -w fs.file-max=1000000");
    else
        weft__findings_knob(finding, "install a kernel of 6.1 or newer and boot it");
}

static void say_refused(struct weft__findings *findings, const char *root,
                        const struct weft__doctor_rings *rings)
{
    struct weft__finding *finding;

    if (rings->end == WEFT__DOCTOR_LOST) {
        (void)weft__findings_add(findings, "io_uring", "rings", WEFT__FINDING_PROBLEM,
                                 "not known: the process that tried them gave no answer");
    } else if (rings->end == WEFT__DOCTOR_KILLED) {
        finding = weft__findings_add(findings, "io_uring", "rings", WEFT__FINDING_PROBLEM,
                                     "a seccomp filter ends programs that use io_uring");
        weft__findings_knob(finding, "allow " CALLS " in that filter, or let it refuse them with "
                                     "EPERM");
    } else {
        finding = weft__findings_add(findings, "io_uring", "rings", WEFT__FINDING_PROBLEM, "%s",
                                     rings->why);
        say_knob(finding, root, rings->code);
    }
}

static void check_operations(struct weft__findings *findings, uint64_t ops)
{
    char missing[256] = "";
    size_t count = 0;

    for (unsigned op = 0; op < WEFT__OP_COUNT; op++) {
        if ((ops >> op & 1) != 0)
            continue;
        size_t used = strlen(missing);
        (void)snprintf(missing + used, sizeof(missing) - used, "%s%s", count == 0 ? "" : ", ",
                       weft__op_name((enum weft__opcode)op));
        count++;
    }
    if (count == 0) {
        (void)weft__findings_add(findings, "io_uring", "operations", WEFT__FINDING_OK,
                                 "all %d that weft uses", WEFT__OP_COUNT);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "io_uring", "operations", WEFT__FINDING_NOTE,
        "missing: %s; helper threads do these, more slowly, or the call fails "
        "with EOPNOTSUPP",
        missing);
    weft__findings_knob(finding, "use a newer kernel; 6.9 has all");
}

void weft__doctor_rings(struct weft__findings *findings, const char *root,
                        const struct weft__doctor_rings *rings)
{
    if (rings->end != WEFT__DOCTOR_ANSWERED || rings->code < 0) {
        say_refused(findings, root, rings);
        return;
    }
    (void)weft__findings_add(findings, "io_uring", "rings", WEFT__FINDING_OK,
                             "allowed (set-up flags 0x%" PRIx32 ")", rings->probe.setup_flags);
    for (unsigned i = 0; i < WEFT__FEATURE_COUNT; i++) {
        const char *name = weft__probe_feature_name((enum weft__feature)i);
        if (weft__probe_has(rings->probe.features, (enum weft__feature)i)) {
            (void)weft__findings_add(findings, "io_uring", name, WEFT__FINDING_OK, "yes");
            continue;
        }
        struct weft__finding *finding = weft__findings_add(
            findings, "io_uring", name, WEFT__FINDING_NOTE, "no: %s", features[i].without);
        weft__findings_knob(finding, "use Linux %s or newer", features[i].since);
    }
    check_operations(findings, rings->probe.ops);
}

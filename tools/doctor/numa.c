/* Whether memory can be put on a node. A filter that ends who asks is not looked for: libnuma asks
 * when it is loaded, so under such a filter no program that has it comes as far as main. */
#include <errno.h>
#include <string.h>

#include "tools/doctor/doctor.h"

static void check_calls(struct weft__findings *findings, const struct weft__doctor_numa *numa)
{
    const char *call = numa->policy_calls ? "mbind" : "get_mempolicy";
    int code = numa->policy_calls ? numa->bind_error : numa->policy_error;

    if (code == 0) {
        (void)weft__findings_add(findings, "NUMA", "calls", WEFT__FINDING_OK,
                                 "get_mempolicy and mbind are allowed");
        return;
    }
    if (numa->nodes == 1) {
        (void)weft__findings_add(findings, "NUMA", "calls", WEFT__FINDING_OK,
                                 "%s is refused (%s); with one node nothing is lost", call,
                                 strerrorname_np(-code));
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "NUMA", "calls", WEFT__FINDING_PROBLEM,
        "%s is refused (%s): memory lies where it is first touched, whatever node is asked for",
        call, strerrorname_np(-code));
    if (code == -ENOSYS)
        weft__findings_knob(finding, "run on a kernel with CONFIG_NUMA=y; outside gVisor");
    else
        weft__findings_knob(finding, "docker run --cap-add SYS_NICE, or allow get_mempolicy, mbind "
                                     "and set_mempolicy in the seccomp profile");
}

/* The kernel would move pages after threads that weft has put where their pages are. */
static void check_balancing(struct weft__findings *findings, const char *root, int nodes)
{
    if (nodes == 1 || weft__doctor_number(root, "/proc/sys/kernel/numa_balancing", 0) == 0)
        return;
    struct weft__finding *finding = weft__findings_add(
        findings, "NUMA", "balancing", WEFT__FINDING_NOTE,
        "the kernel moves pages by itself, which costs faults and gains nothing where workers are "
        "pinned");
    weft__findings_knob(finding, "sudo sysctl -w kernel.numa_balancing=0");
}

void weft__doctor_numa(struct weft__findings *findings, const char *root,
                       const struct weft__doctor_numa *numa)
{
    (void)weft__findings_add(findings, "NUMA", "nodes", WEFT__FINDING_OK,
                             "%d; weft topo shows them", numa->nodes);
    check_calls(findings, numa);
    check_balancing(findings, root, numa->nodes);
}

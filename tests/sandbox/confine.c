/*
 * confine MODE COMMAND [ARGUMENT...]: runs a command as a container with a seccomp profile would.
 *   refuse   io_uring's calls fail with EPERM, as in Docker and containerd
 *   missing  they fail with ENOSYS, as where a profile is older than they are, and in gVisor
 *   kill     who makes one is killed
 * In each, the calls about NUMA memory fail with EPERM, as in Docker. What the command starts is
 * confined, too. Exit status: the command's; 77 without libseccomp; 99 when there is no filter.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

#if WEFT_WITH_SECCOMP

#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

static const int ring_calls[] = { SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
                                  SCMP_SYS(io_uring_register) };
static const int memory_calls[] = { SCMP_SYS(mbind), SCMP_SYS(set_mempolicy),
                                    SCMP_SYS(get_mempolicy), SCMP_SYS(move_pages),
                                    SCMP_SYS(migrate_pages) };

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = seccomp_rule_add(filter, action, calls[i], 0);
    return rc;
}

static int load(uint32_t ring_action)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (filter == NULL)
        return -ENOMEM;
    int rc = add_all(filter, ring_action, ring_calls, sizeof(ring_calls) / sizeof(*ring_calls));
    if (rc == 0)
        rc = add_all(filter, SCMP_ACT_ERRNO(EPERM), memory_calls,
                     sizeof(memory_calls) / sizeof(*memory_calls));
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}

static int confine(const char *mode)
{
    if (strcmp(mode, "refuse") == 0)
        return load(SCMP_ACT_ERRNO(EPERM));
    if (strcmp(mode, "missing") == 0)
        return load(SCMP_ACT_ERRNO(ENOSYS));
    if (strcmp(mode, "kill") == 0)
        return load(SCMP_ACT_KILL_PROCESS);
    return -EINVAL;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: confine refuse|missing|kill COMMAND [ARGUMENT...]\n");
        return unit_broken;
    }
    int rc = confine(argv[1]);
    if (rc < 0) {
        (void)fprintf(stderr, "confine: no filter: %s\n", strerror(-rc));
        return unit_broken;
    }
    (void)execvp(argv[2], argv + 2);
    (void)fprintf(stderr, "confine: %s: %s\n", argv[2], strerror(errno));
    return unit_broken;
}

#else

int main(void)
{
    puts("libseccomp (libseccomp-dev) was not there when the tree was configured");
    return unit_skip;
}

#endif

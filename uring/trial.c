#include "uring/trial.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/sys.h"
#include "uring/setup_error.h"

enum { PAGE_BYTES = 4096, TRIAL_ENTRIES = 4, UNKNOWN = UINT16_MAX };

/* The number behind @name in the text of /proc/self/status; @missing when it is not there. */
static uint32_t number_of(const char *text, const char *name, uint32_t missing)
{
    const char *line = strstr(text, name);
    return line == NULL ? missing : (uint32_t)strtoul(line + strlen(name), NULL, 10);
}

/* The number of filters is told since Linux 5.10. */
uint32_t weft__trial_filters(void)
{
    char *page = weft__memory_alloc(WEFT__NODE_LOCAL, PAGE_BYTES);
    uint32_t mode = UNKNOWN, filters = 0;

    if (page != NULL && weft__sys_read_file("/proc/thread-self/status", page, PAGE_BYTES) > 0) {
        mode = number_of(page, "\nSeccomp:", UNKNOWN);
        filters = number_of(page, "\nSeccomp_filters:", 0);
    }
    weft__memory_free(page, PAGE_BYTES);
    return mode << 16 | (filters & UINT16_MAX);
}

static bool is_refusal(int rc)
{
    return rc == -EPERM || rc == -EACCES || rc == -ENOSYS;
}

/* In the child; what it returns is the errno of a refusal, or 0. What fails otherwise is for the
 * probe to find out. */
static int make_calls(void)
{
    struct io_uring_params params = { 0 };
    int fd = weft__sys_io_uring_setup(TRIAL_ENTRIES, &params);

    if (fd < 0)
        return is_refusal(fd) ? -fd : 0;
    int rc = weft__sys_io_uring_enter(fd, 0, 0, 0, NULL, 0);
    if (is_refusal(rc))
        return -rc;
    rc = weft__sys_io_uring_register(fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
    return is_refusal(rc) ? -rc : 0;
}

int weft__trial_run(struct weft__setup_error *error)
{
    int rc = weft__sys_in_child(make_calls);

    if (rc == 0)
        return 0;
    if (rc > 0) {
        weft__setup_error_explain(error, -rc, "io_uring_setup", "");
        return -rc;
    }
    weft__setup_error_say(error, -EPERM,
                          rc == -ECHILD
                              ? "a seccomp filter kills who calls io_uring (container?). Allow "
                                "io_uring_setup, io_uring_enter and io_uring_register in it, or "
                                "run with --security-opt seccomp=unconfined"
                              : "a seccomp filter is active, and no child process could be made to "
                                "try io_uring in; look at `ulimit -u` and at pids.max of the "
                                "cgroup");
    return -EPERM;
}

/* Limits of the process: descriptors, locked memory, threads. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/common/size.h"
#include "tools/doctor/doctor.h"

enum {
    FILES_OF_WORKER = 2, /* its ring and its bell */
    FILES_OF_OTHERS = 32,
    FILES_GOOD = 65536
};

struct limit_text {
    char text[32];
};

static struct limit_text show_limit(rlim_t limit)
{
    struct limit_text shown;

    if (limit == RLIM_INFINITY)
        (void)snprintf(shown.text, sizeof(shown.text), "unlimited");
    else
        (void)snprintf(shown.text, sizeof(shown.text), "%" PRIu64, (uint64_t)limit);
    return shown;
}

#define LIMIT(limit) (show_limit(limit).text)

static void check_files(struct weft__findings *findings, const struct rlimit *files, int workers)
{
    rlim_t needed = (rlim_t)workers * FILES_OF_WORKER + FILES_OF_OTHERS;
    struct weft__finding *finding;

    if (files->rlim_cur >= FILES_GOOD) {
        (void)weft__findings_add(findings, "limits", "open files", WEFT__FINDING_OK, "%s",
                                 LIMIT(files->rlim_cur));
        return;
    }
    if (files->rlim_cur < needed)
        finding = weft__findings_add(findings, "limits", "open files", WEFT__FINDING_PROBLEM,
                                     "%s are too few: %d workers take %s", LIMIT(files->rlim_cur),
                                     workers, LIMIT(needed));
    else
        finding = weft__findings_add(findings, "limits", "open files", WEFT__FINDING_NOTE,
                                     "%s: room for about %s files and connections at once",
                                     LIMIT(files->rlim_cur), LIMIT(files->rlim_cur - needed));
    if (files->rlim_max >= FILES_GOOD)
        weft__findings_knob(finding,
                            "ulimit -n %d in the shell that starts the program, or "
                            "LimitNOFILE=%d in its unit",
                            FILES_GOOD, FILES_GOOD);
    else
        weft__findings_knob(finding,
                            "as root: prlimit --pid PID --nofile=%d:%d, LimitNOFILE=%d in "
                            "the unit, or docker run --ulimit nofile=%d",
                            FILES_GOOD, FILES_GOOD, FILES_GOOD, FILES_GOOD);
}

/* Rings have not counted against it since Linux 5.12, and weft registers no buffers. */
static void check_locked(struct weft__findings *findings, const struct rlimit *locked)
{
    const char *size = locked->rlim_cur == RLIM_INFINITY ? "unlimited"
                                                         : WEFT__SIZE(locked->rlim_cur);

    (void)weft__findings_add(findings, "limits", "locked memory", WEFT__FINDING_OK,
                             "%s (rings count against it before Linux 5.12 only)", size);
}

static void check_threads(struct weft__findings *findings, const struct weft__doctor_limits *limits,
                          int workers)
{
    rlim_t needed = (rlim_t)workers + WEFT__DOCTOR_OTHER_THREADS;

    if (limits->root || limits->tasks.rlim_cur >= needed) {
        (void)weft__findings_add(findings, "limits", "processes", WEFT__FINDING_OK, "%s%s",
                                 LIMIT(limits->tasks.rlim_cur),
                                 limits->root ? ", which does not hold for root" : "");
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "limits", "processes", WEFT__FINDING_PROBLEM,
        "%s are too few for all programs of this user: a runtime takes up to %s threads",
        LIMIT(limits->tasks.rlim_cur), LIMIT(needed));
    weft__findings_knob(finding, "ulimit -u 4096 in the shell that starts the program, or "
                                 "TasksMax= and LimitNPROC= in its unit");
}

void weft__doctor_limits(struct weft__findings *findings, const struct weft__doctor_limits *limits,
                         int workers)
{
    check_files(findings, &limits->files, workers);
    check_threads(findings, limits, workers);
    check_locked(findings, &limits->locked);
}

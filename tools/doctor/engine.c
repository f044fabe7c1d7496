/* Which engine a runtime takes here, and how its start went. */
#include <string.h>

#include "tools/doctor/doctor.h"

/* The word behind "engine" in what a runtime says of itself. */
static void find_engine(const char *about, char *out_name, size_t name_bytes)
{
    const char *at = strstr(about, "engine ");

    at = at != NULL ? at + strlen("engine ") : "";
    (void)snprintf(out_name, name_bytes, "%.*s", (int)strcspn(at, ";, "), at);
}

static void say_why_not(struct weft__findings *findings, const struct weft__doctor_start *start)
{
    if (start->end == WEFT__DOCTOR_ANSWERED)
        (void)weft__findings_add(findings, "runtime", "start", WEFT__FINDING_PROBLEM,
                                 "it does not start: %s", start->about);
    else if (start->end == WEFT__DOCTOR_KILLED)
        (void)weft__findings_add(findings, "runtime", "start", WEFT__FINDING_PROBLEM,
                                 "a seccomp filter ends the program when a runtime starts");
    else
        (void)weft__findings_add(findings, "runtime", "start", WEFT__FINDING_PROBLEM,
                                 "it crashed, or was not done after ten seconds");
}

void weft__doctor_engine(struct weft__findings *findings, const struct weft__doctor_start *start)
{
    char engine[32];

    if (start->end != WEFT__DOCTOR_ANSWERED || start->code < 0) {
        say_why_not(findings, start);
        return;
    }
    find_engine(start->about, engine, sizeof(engine));
    bool kernel = strcmp(engine, "kernel") == 0;
    struct weft__finding *finding = weft__findings_add(
        findings, "runtime", "engine", kernel ? WEFT__FINDING_OK : WEFT__FINDING_NOTE, "%s",
        kernel ? "kernel: io_uring, the fast one" : engine);
    if (!kernel && start->notice[0] != '\0')
        (void)snprintf(finding->text, sizeof(finding->text), "%s: %s", engine, start->notice);
    if (!kernel)
        weft__findings_knob(finding, "see io_uring above; WEFT_ENGINE chooses by hand");
    (void)weft__findings_add(findings, "runtime", "start", WEFT__FINDING_OK, "%s", start->about);
    if (kernel && start->notice[0] != '\0')
        (void)weft__findings_add(findings, "runtime", "notice", WEFT__FINDING_NOTE, "%s",
                                 start->notice);
}

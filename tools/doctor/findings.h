/* What a doctor finds, one thing each, and how it is shown. */
#ifndef WEFT_TOOLS_DOCTOR_FINDINGS_H
#define WEFT_TOOLS_DOCTOR_FINDINGS_H

#include <stddef.h>
#include <stdio.h>
#include <weft.h>

enum weft__finding_state {
    WEFT__FINDING_OK,
    WEFT__FINDING_NOTE,   /* weft works, and something could be better */
    WEFT__FINDING_PROBLEM /* weft does not work, or what people do with it will fail */
};

enum { WEFT__FINDINGS_MOST = 64 };

struct weft__finding {
    const char *section; /* "limits" */
    const char *name;    /* "open files" */
    enum weft__finding_state state;
    char text[640]; /* what there is, and what it means */
    char knob[384]; /* what to do about it; "" when there is nothing to do */
};

struct weft__findings {
    size_t count; /* beyond WEFT__FINDINGS_MOST nothing is added */
    struct weft__finding items[WEFT__FINDINGS_MOST];
};

/* Adds a finding. What is written to it when there is no more room is dropped. */
WEFT_PRINTF(5, 6)
struct weft__finding *weft__findings_add(struct weft__findings *findings, const char *section,
                                         const char *name, enum weft__finding_state state,
                                         const char *format, ...);

/* Says what to do about it. */
WEFT_PRINTF(2, 3) void weft__findings_knob(struct weft__finding *finding, const char *format, ...);

/* How many are in @state. */
size_t weft__findings_count(const struct weft__findings *findings, enum weft__finding_state state);

void weft__findings_print_text(FILE *out, const struct weft__findings *findings);
void weft__findings_print_json(FILE *out, const struct weft__findings *findings);

#endif

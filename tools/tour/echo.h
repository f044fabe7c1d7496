/* The last part of the tour: an echo server, and tasks that talk to it over TCP on loopback. */
#ifndef WEFT_TOOLS_TOUR_ECHO_H
#define WEFT_TOOLS_TOUR_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/histogram.h"

enum { WEFT__ECHO_CLIENTS = 64, WEFT__ECHO_BYTES = 64 };

struct weft__echo_result {
    bool begun;
    int error;                      /* why it could not go on; 0 */
    uint64_t requests;              /* answered */
    uint64_t wrong;                 /* of these, with other bytes than were sent */
    int64_t ns;                     /* from the first connection to the last reply */
    struct weft__histogram latency; /* of each request, in nanoseconds */
};

/*
 * Lets the clients send and wait for replies for @seconds. Runs in a task. Returns 0 or a negative
 * errno, which is in @result too; -ECANCELED leaves what there was until then.
 */
int weft__echo_run(struct weft__echo_result *result, int64_t seconds);

/* Whether there were requests, and all were answered rightly. */
bool weft__echo_agrees(const struct weft__echo_result *result);

/* Requests a second. */
double weft__echo_rate(const struct weft__echo_result *result);

#endif

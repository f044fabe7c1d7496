/*
 * weft bench load: an echo server of weft under the load of a client that is no part of weft, with
 * the time of each reply.
 * Closed loop: each connection has one request under way, and asks again when the reply is there; a
 * stall of the server holds up the questions too, and hides. Open loop: requests go out by a
 * schedule, whether replies have come or not, and the time of each counts from its place in the
 * schedule, so a stall is seen by all that were due meanwhile.
 */
#ifndef WEFT_TOOLS_BENCH_LOAD_H
#define WEFT_TOOLS_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    weft__load_clients_usual = 64,
    weft__load_clients_max = 512,
    weft__load_seconds_usual = 5,
    weft__load_seconds_max = 3600,
    weft__load_rate_max = 10000000
};

struct weft__load_plan {
    uint64_t rate;    /* requests a second, all connections together; 0: closed loop */
    uint64_t clients; /* connections */
    uint64_t seconds;
    bool json;
};

/* Runs it and prints the report. Returns an exit code. */
int weft__load_run(const struct weft__load_plan *plan);

#endif

/* A metric whose body is a server: starts it, has it asked, and measures it. */
#ifndef WEFT_TOOLS_BENCH_SERVER_H
#define WEFT_TOOLS_BENCH_SERVER_H

#include <stdint.h>

#include "tools/bench/metric.h"

/*
 * Starts a server, sends it @count messages over metric->connections connections, one message in
 * flight on each, and prints the figure as bodies do. The client busy-polls, so that no wake-up of
 * its own is measured. The server gets the first CPU of this process, the client the second.
 *
 * The server is run as `PROGRAM METRIC COUNT`; NULL is our own body. It prints the port of
 * 127.0.0.1 on which it listens, as a line, sends back what comes, and ends with status 0 when the
 * last of its connections has ended.
 * Returns the exit status of the process.
 */
int weft__server_main(const struct weft__metric *metric, uint64_t count, const char *program);

#endif

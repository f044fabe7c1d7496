/* A metric whose body is a server: starts it, has it asked, and measures it. */
#ifndef WEFT_TOOLS_BENCH_SERVER_H
#define WEFT_TOOLS_BENCH_SERVER_H

#include <stdint.h>

#include "tools/bench/metric.h"

/*
 * Starts a server, sends it @count messages over metric->connections connections, and prints the
 * figure as bodies do. One message is in flight on each connection, and the client busy-polls, so
 * that no wake-up of its own is measured; with a metric->rate they go out when they are due, and
 * their times count from then. The server gets the first CPUs of this process, the client the
 * second.
 *
 * The server is run as `PROGRAM METRIC COUNT`; NULL is our own body. It prints the port of
 * 127.0.0.1 on which it listens, as a line, sends back what comes, and ends with status 0 when the
 * last of its connections has ended. A line METRIC VALUE that it prints then is the figure if
 * metric->server_says.
 * Returns the exit status of the process.
 */
int weft__server_main(const struct weft__metric *metric, uint64_t count, const char *program);

#endif

/* The client of a load: one thread, plain non-blocking sockets and ppoll, nothing of weft. */
#ifndef WEFT_TOOLS_BENCH_CLIENT_H
#define WEFT_TOOLS_BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tools/common/histogram.h"

enum { weft__client_message_bytes = 64 };

struct weft__client_result {
    uint64_t sent;
    uint64_t answered;
    uint64_t wrong;               /* replies with other bytes than were sent */
    int64_t elapsed_ns;           /* from the first request to the last reply */
    struct weft__histogram reply; /* ns from the schedule (open) or the sending (closed) */
    struct weft__histogram late;  /* ns by which requests went out behind the schedule */
};

/*
 * Sends requests over @connections connections to @address for @seconds, and then waits up to ten
 * seconds for the replies that are due.
 * @rate: requests a second, all together; 0: each connection asks when its reply is there
 * Returns 0 or a negative errno.
 */
int weft__client_run(const struct sockaddr *address, socklen_t address_bytes, uint32_t connections,
                     uint64_t rate, uint64_t seconds, struct weft__client_result *out);

#endif

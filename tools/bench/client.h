/* The client of an echo server: one thread, plain non-blocking sockets and epoll, nothing of weft.
 */
#ifndef WEFT_TOOLS_BENCH_CLIENT_H
#define WEFT_TOOLS_BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tools/common/histogram.h"

enum { weft__client_message_bytes = 64 };

struct weft__client_plan {
    uint64_t rate; /* requests a second, all together; 0: each connection asks when its reply is
                        * there */
    int64_t duration_ns; /* in which requests are sent */
    uint64_t requests;   /* without a rate, in place of that: so many in all; 0: the time counts */
    bool spins;          /* waits without sleeping, so that no wake-up of its own is measured */
};

struct weft__client_result {
    uint64_t sent;
    uint64_t answered;
    uint64_t wrong;               /* replies with other bytes than were sent */
    uint64_t sum;                 /* of the numbers of the right ones, from 0 on */
    int64_t elapsed_ns;           /* from the first request to the last reply */
    struct weft__histogram reply; /* ns from the schedule (open) or the sending (closed) */
    struct weft__histogram late;  /* ns by which requests went out behind the schedule */
};

struct weft__client;

/* Connects @connections times to @address. NULL with *out_error. */
struct weft__client *weft__client_open(const struct sockaddr *address, socklen_t address_bytes,
                                       uint32_t connections, int *out_error);

/*
 * Sends requests as planned, and waits for the replies; where a time is set, for those that are due
 * then up to ten seconds more. May be done again and again, until it has failed.
 * Returns 0 or a negative errno.
 */
int weft__client_exchange(struct weft__client *client, const struct weft__client_plan *plan,
                          struct weft__client_result *out);

/* Hangs up. NULL is allowed. */
void weft__client_close(struct weft__client *client);

#endif

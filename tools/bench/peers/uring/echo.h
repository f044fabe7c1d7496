/* echo_64B_*: one ring, one thread. */
#ifndef WEFT_TOOLS_BENCH_PEERS_URING_ECHO_H
#define WEFT_TOOLS_BENCH_PEERS_URING_ECHO_H

#include "tools/bench/peers/peer.h"

/* Serves as many connections as the metric's name says, and returns when the last has ended. */
void peer_echo(const struct peer_request *request);

#endif

/* Random reads of one thread with pread. */
#ifndef WEFT_TOOLS_BENCH_PEERS_PTHREAD_RANDREAD_H
#define WEFT_TOOLS_BENCH_PEERS_PTHREAD_RANDREAD_H

#include "tools/bench/peers/peer.h"
#include "tools/bench/randread.h"

int randread(const struct peer_request *request);

#endif

/*
 * The network of a simulation: stream sockets of the TCP and Unix families, within the one process.
 *
 * A simulated socket is a real descriptor, of a real socket that is never connected: so it has a
 * number that nobody else has, options that the kernel checks and keeps, and can be closed, looked
 * at and counted as ever. What it is connected to, and what comes when, is kept here under its
 * number. Bytes take a time that the seed draws, for each piece; connections differ in how much
 * they hold and how fast they are, so that some peers are slow and some buffers full.
 *
 * A connection is torn by a close with bytes unread, or a linger of 0, as TCP's is; and, when
 * WEFT_SIM=cut=N asks for it, one in N connections by chance. The other end then reads ECONNRESET.
 *
 * Sockets that the program makes without weft are the kernel's, and so is what they talk to: a
 * listener of weft_listen is not there for them.
 *
 * REJECTED a socketpair of the kernel's for each connection: its bytes arrive at once, all of them,
 * and nobody can tear it.
 */
#ifndef WEFT_SIM_NET_H
#define WEFT_SIM_NET_H

#include "runtime/base/sim.h"
#include "runtime/sim/wish.h"

/* NULL when it is the kernel's. */
const struct weft__sim_net *weft__net_begin(const struct weft__wish *wish);

#endif

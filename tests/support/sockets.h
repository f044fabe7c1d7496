/* Connections for tests: listening sockets on loopback and on a path, and both ends of one. */
#ifndef WEFT_TESTS_SUPPORT_SOCKETS_H
#define WEFT_TESTS_SUPPORT_SOCKETS_H

#include <weft.h>

enum { SOCKETS_KINDS = 3 }; /* IPv4, IPv6, Unix */

/* An address on which nobody listens yet: a free port of loopback, or a fresh path. */
weft_address sockets_place(int kind);

/* Removes what sockets_place has made, if it was a path. */
void sockets_forget(const weft_address *address);

/* A listening socket of this kind, and its address. For any thread; a failure is an assertion. */
weft_fd sockets_listen(int kind, weft_address *out_address);

/* Both ends of a connection. In a task. */
void sockets_pair(int kind, weft_fd out_ends[2]);

#endif

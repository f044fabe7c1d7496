/* The sockets of a simulated network, by number and by name. net.c says what they do to each other.
 */
#ifndef WEFT_SIM_SOCKET_H
#define WEFT_SIM_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/sim/wire.h"

struct weft__socket_name {
    uint32_t bytes; /* 0: none yet */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un unix_name;
    };
};

/* STATE socket: fresh -> listening; fresh -> connecting -> connected, or fresh again with an error;
 * one that a listener has queued is connected from its beginning. All end by close. */
enum weft__socket_state {
    WEFT__SOCKET_FRESH,
    WEFT__SOCKET_CONNECTING,
    WEFT__SOCKET_CONNECTED,
    WEFT__SOCKET_LISTENING
};

struct weft__socket {
    int fd; /* negative: queued */
    int family;
    enum weft__socket_state state;
    int error;     /* of a connect that has failed, until it is asked for */
    int64_t at_ns; /* connecting: when the handshake is over; queued: when it can be accepted */
    struct weft__socket_name local, peer;
    struct weft__socket *other; /* the other end; NULL: it was closed, or there never was one */
    int64_t gone_ns;            /* when the close of the other end is known here; INT64_MAX */
    int64_t slowness_ns;        /* the most that a piece takes */
    bool ended;                 /* sends no more */
    bool cut_met;
    uint32_t backlog, queued;    /* of a listener */
    struct weft__socket *first;  /* of its queue */
    struct weft__socket *next;   /* in that queue */
    struct weft__wire *in;       /* what it reads */
    struct weft__socket *before; /* all that have a number */
    struct weft__socket *after;
};

/* NULL: no memory. @fd negative: it gets its number later. */
struct weft__socket *weft__socket_make(int fd, int family);
void weft__socket_destroy(struct weft__socket *socket);
void weft__socket_number(struct weft__socket *socket, int fd);

/* The one with this number; NULL: the number is none of a simulated socket. */
struct weft__socket *weft__socket_find(int fd);

void weft__socket_set_name(struct weft__socket_name *name, const void *address, uint32_t bytes);
void weft__socket_give_name(const struct weft__socket_name *name, void *out_address,
                            uint32_t *bytes);

/* Whether a name is one of this host, the only one. */
bool weft__socket_is_here(const struct weft__socket_name *name);

/* Connecting to no address in particular is connecting to this host. */
void weft__socket_home(struct weft__socket_name *name);

/* 0, -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL, -EAFNOSUPPORT. For TCP. */
int weft__socket_bind(struct weft__socket *socket, const void *address, uint32_t bytes);
void weft__socket_bind_any(struct weft__socket *socket);
void weft__socket_bind_near(struct weft__socket *socket, const struct weft__socket_name *to);

/* A listener at this name: by chance one of several that share it. NULL: none. */
struct weft__socket *weft__socket_listener(const struct weft__socket_name *name);

void weft__socket_queue(struct weft__socket *listener, struct weft__socket *server);
struct weft__socket *weft__socket_unqueue(struct weft__socket *listener);

/* What an accepted connection has of its listener's options. */
void weft__socket_inherit(const struct weft__socket *listener, int number);

#endif

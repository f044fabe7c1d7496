#include "runtime/sim/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "runtime/base/sim.h"
#include "runtime/base/sys.h"

enum { numbers_max = 1 << 20, first_port = 20000, last_port = 60000 };
enum { usual_slowness_ns = 50000 };

static struct weft__socket **by_number; /* mapped at the first socket */
static struct weft__socket *all;        /* with a number, the newest first */
static uint16_t next_port = first_port;

struct weft__socket *weft__socket_find(int fd)
{
    return by_number != NULL && fd >= 0 && fd < numbers_max ? by_number[fd] : NULL;
}

void weft__socket_number(struct weft__socket *socket, int fd)
{
    socket->fd = fd;
    by_number[fd] = socket;
    socket->before = NULL;
    socket->after = all;
    if (all != NULL)
        all->before = socket;
    all = socket;
}

struct weft__socket *weft__socket_make(int fd, int family)
{
    if (by_number == NULL)
        by_number = weft__sys_map(numbers_max * sizeof(struct weft__socket *));
    if (by_number == NULL || fd >= numbers_max)
        return NULL;
    struct weft__socket *old = weft__socket_find(fd); /* closed without weft */
    if (old != NULL)
        weft__socket_destroy(old);
    struct weft__socket *made = weft__sys_map(sizeof(*made));
    if (made == NULL)
        return NULL;
    made->in = weft__sys_map(sizeof(*made->in));
    if (made->in == NULL) {
        (void)weft__sys_unmap(made, sizeof(*made));
        return NULL;
    }
    weft__wire_init(made->in, WEFT__WIRE_BYTES);
    made->fd = -1;
    made->family = family;
    made->gone_ns = INT64_MAX;
    made->slowness_ns = usual_slowness_ns;
    if (fd >= 0)
        weft__socket_number(made, fd);
    return made;
}

void weft__socket_destroy(struct weft__socket *socket)
{
    if (socket->other != NULL && socket->other->other == socket)
        socket->other->other = NULL;
    if (socket->fd >= 0) {
        by_number[socket->fd] = NULL;
        if (socket->before != NULL)
            socket->before->after = socket->after;
        else
            all = socket->after;
        if (socket->after != NULL)
            socket->after->before = socket->before;
    }
    (void)weft__sys_unmap(socket->in, sizeof(*socket->in));
    (void)weft__sys_unmap(socket, sizeof(*socket));
}

/* ---- names ---- */

void weft__socket_set_name(struct weft__socket_name *name, const void *address, uint32_t bytes)
{
    memset(name, 0, sizeof(*name));
    name->bytes = bytes < sizeof(name->unix_name) ? bytes : (uint32_t)sizeof(name->unix_name);
    memcpy(&name->any, address, name->bytes);
}

/* As getsockname(2): what there is room for, and how long it is. An unnamed one has its family. */
void weft__socket_give_name(const struct weft__socket_name *name, void *out_address,
                            uint32_t *bytes)
{
    uint32_t length = name->bytes != 0 ? name->bytes : (uint32_t)sizeof(sa_family_t);
    uint32_t room = *bytes < length ? *bytes : length;

    memcpy(out_address, &name->any, room);
    *bytes = length;
}

static in_port_t *port_of(struct weft__socket_name *name)
{
    return name->any.sa_family == AF_INET6 ? &name->v6.sin6_port : &name->v4.sin_port;
}

static in_port_t port_in(const struct weft__socket_name *name)
{
    return name->any.sa_family == AF_INET6 ? name->v6.sin6_port : name->v4.sin_port;
}

static bool is_any(const struct weft__socket_name *name)
{
    return name->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&name->v6.sin6_addr)
                                           : name->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool weft__socket_is_here(const struct weft__socket_name *name)
{
    if (is_any(name))
        return true;
    if (name->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&name->v6.sin6_addr);
    return ntohl(name->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

void weft__socket_home(struct weft__socket_name *name)
{
    if (!is_any(name))
        return;
    if (name->any.sa_family == AF_INET6)
        name->v6.sin6_addr = in6addr_loopback;
    else
        name->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static bool same_address(const struct weft__socket_name *left,
                         const struct weft__socket_name *right)
{
    if (left->any.sa_family == AF_INET6)
        return memcmp(&left->v6.sin6_addr, &right->v6.sin6_addr, sizeof(left->v6.sin6_addr)) == 0;
    return left->v4.sin_addr.s_addr == right->v4.sin_addr.s_addr;
}

/* Whether one who asks for @name means @bound. */
static bool fits(const struct weft__socket_name *bound, const struct weft__socket_name *name)
{
    if (bound->bytes == 0 || bound->any.sa_family != name->any.sa_family)
        return false;
    if (name->any.sa_family == AF_UNIX)
        return bound->bytes == name->bytes && memcmp(&bound->any, &name->any, name->bytes) == 0;
    return port_in(bound) == port_in(name) && (is_any(bound) || same_address(bound, name));
}

static bool shares(const struct weft__socket *socket)
{
    int on = 0;
    return weft__sys_get_option(socket->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) >= 0 &&
           on != 0;
}

/* Whether the name is somebody else's, who does not share it. Connections have the name of their
 * listener, which is no hindrance. */
static bool is_taken(const struct weft__socket *self, const struct weft__socket_name *name)
{
    for (const struct weft__socket *other = all; other != NULL; other = other->after)
        if (other != self && other->state != WEFT__SOCKET_CONNECTED &&
            (fits(&other->local, name) || fits(name, &other->local)) &&
            !(shares(self) && shares(other)))
            return true;
    return false;
}

static void take_port(struct weft__socket *self)
{
    do {
        *port_of(&self->local) = htons(next_port);
        next_port = next_port == last_port ? first_port : (uint16_t)(next_port + 1);
    } while (is_taken(self, &self->local));
}

int weft__socket_bind(struct weft__socket *socket, const void *address, uint32_t bytes)
{
    struct weft__socket_name name;

    weft__socket_set_name(&name, address, bytes);
    if (name.any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    if (bytes < (socket->family == AF_INET6 ? sizeof(name.v6) : sizeof(name.v4)))
        return -EINVAL;
    if (!weft__socket_is_here(&name))
        return -EADDRNOTAVAIL;
    if (port_in(&name) != 0 && is_taken(socket, &name))
        return -EADDRINUSE;
    socket->local = name;
    if (port_in(&name) == 0)
        take_port(socket);
    return 0;
}

void weft__socket_bind_any(struct weft__socket *socket)
{
    struct weft__socket_name name = { 0 };

    name.any.sa_family = (sa_family_t)socket->family;
    name.bytes = socket->family == AF_INET6  ? (uint32_t)sizeof(name.v6)
                 : socket->family == AF_INET ? (uint32_t)sizeof(name.v4)
                                             : (uint32_t)sizeof(sa_family_t);
    socket->local = name;
    if (socket->family != AF_UNIX)
        take_port(socket);
}

void weft__socket_bind_near(struct weft__socket *socket, const struct weft__socket_name *to)
{
    weft__socket_bind_any(socket);
    if (socket->family == AF_UNIX)
        return;
    in_port_t port = port_in(&socket->local);
    socket->local = *to;
    *port_of(&socket->local) = port;
}

struct weft__socket *weft__socket_listener(const struct weft__socket_name *name)
{
    struct weft__socket *found = NULL;
    uint32_t count = 0;

    for (struct weft__socket *socket = all; socket != NULL; socket = socket->after)
        if (socket->state == WEFT__SOCKET_LISTENING && fits(&socket->local, name) &&
            weft__sim_random(0) % ++count == 0)
            found = socket;
    return found;
}

/* ---- the queue of a listener ---- */

void weft__socket_queue(struct weft__socket *listener, struct weft__socket *server)
{
    struct weft__socket **place = &listener->first;

    while (*place != NULL)
        place = &(*place)->next;
    *place = server;
    listener->queued++;
}

struct weft__socket *weft__socket_unqueue(struct weft__socket *listener)
{
    struct weft__socket *server = listener->first;

    if (server == NULL)
        return NULL;
    listener->first = server->next;
    server->next = NULL;
    listener->queued--;
    return server;
}

void weft__socket_inherit(const struct weft__socket *listener, int number)
{
    int on = 0;

    if (weft__sys_get_option(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) >= 0)
        (void)weft__sys_set_option(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

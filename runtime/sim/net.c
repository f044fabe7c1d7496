#include "runtime/sim/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sim/socket.h"
#include "runtime/sim/trace.h"

enum { subscribers_max = 1024 };

static struct {
    struct weft__wish wish;                   /* (i) */
    _Atomic uint32_t *words[subscribers_max]; /* of engines that wait for a socket */
    uint32_t word_count;
} net;

/* Whoever waits for any socket looks again. */
static void changed(void)
{
    for (uint32_t i = 0; i < net.word_count; i++) {
        weft__store_relaxed(net.words[i], 1);
        (void)weft__sys_futex_wake(net.words[i], INT32_MAX);
    }
}

static void subscribe(_Atomic uint32_t *word, bool on)
{
    uint32_t at = 0;

    while (at < net.word_count && net.words[at] != word)
        at++;
    if (on && at == net.word_count && at < subscribers_max)
        net.words[net.word_count++] = word;
    if (!on && at < net.word_count)
        net.words[at] = net.words[--net.word_count];
}

static bool has(int fd)
{
    return weft__socket_find(fd) != NULL;
}

static int64_t delay_of(const struct weft__socket *self)
{
    return 1 + (int64_t)(weft__sim_random(0) % (uint64_t)self->slowness_ns);
}

/* One call of the kernel's is at one time: what came between two looks at the clock would else be
 * met out of order. */
static int64_t instant(void)
{
    const struct weft__sim_ops *sim = weft__sim_here();
    return sim->instant();
}

static uint32_t one_of(uint32_t count)
{
    return (uint32_t)(weft__sim_random(0) % count);
}

/* ---- making and connecting ---- */

static int make_socket(int family, int type)
{
    int fd = weft__sys_socket_real(family, type);

    if (fd >= 0 && (type & 0xF) == SOCK_STREAM && weft__socket_make(fd, family) == NULL) {
        (void)weft__sys_close(fd);
        return -ENOMEM;
    }
    return fd;
}

static int bind_socket(int fd, const void *address, uint32_t bytes)
{
    struct weft__socket *self = weft__socket_find(fd);

    if (self->local.bytes != 0)
        return -EINVAL;
    if (self->family == AF_UNIX) { /* the file is real */
        int rc = weft__sys_bind_real(fd, address, bytes);
        if (rc == 0)
            weft__socket_set_name(&self->local, address, bytes);
        return rc;
    }
    return weft__socket_bind(self, address, bytes);
}

static int listen_socket(int fd, int backlog)
{
    struct weft__socket *self = weft__socket_find(fd);

    if (self->state == WEFT__SOCKET_CONNECTED || self->state == WEFT__SOCKET_CONNECTING)
        return -EINVAL;
    if (self->local.bytes == 0)
        weft__socket_bind_any(self);
    self->state = WEFT__SOCKET_LISTENING;
    self->backlog = backlog < 1 ? 1 : (uint32_t)backlog;
    changed();
    return 0;
}

/* Two ends that are one connection. They differ from others in how fast they are and how much they
 * hold. */
static void join(struct weft__socket *left, struct weft__socket *right)
{
    static const uint32_t rooms[] = { 4096, 1 << 14, 1 << 16, 1 << 16 };
    static const int64_t slowness_ns[] = { 5000, 50000, 500000, 20000000 };
    uint32_t room = rooms[one_of(WEFT__COUNT(rooms))];

    left->slowness_ns = right->slowness_ns = slowness_ns[one_of(WEFT__COUNT(slowness_ns))];
    weft__wire_init(left->in, room);
    weft__wire_init(right->in, room);
    left->other = right;
    right->other = left;
    left->state = right->state = WEFT__SOCKET_CONNECTED;
    if (net.wish.cut_one_in == 0 || one_of(net.wish.cut_one_in) != 0)
        return;
    left->in->cut_ns = right->in->cut_ns = instant() + 1000 * delay_of(left);
    weft__sim_note("fault", "cut", left->fd, left->in->cut_ns);
}

/* 0, -EAGAIN when the backlog is full, -ECONNREFUSED, -ENOMEM. */
static int meet_listener(struct weft__socket *self, const struct weft__socket_name *to)
{
    struct weft__socket *listener = weft__socket_listener(to);

    if (listener == NULL)
        return -ECONNREFUSED;
    if (listener->queued > listener->backlog)
        return -EAGAIN;
    struct weft__socket *server = weft__socket_make(-1, self->family);
    if (server == NULL)
        return -ENOMEM;
    server->local = *to;
    if (self->local.bytes == 0)
        weft__socket_bind_near(self, to);
    server->peer = self->local;
    self->peer = *to;
    join(self, server);
    server->at_ns = instant() + delay_of(self);
    weft__socket_queue(listener, server);
    weft__sim_note("net", "queued", listener->fd, listener->queued);
    changed();
    return 0;
}

/* Ends a handshake whose time has come. A host with a full backlog is asked again. */
static void settle(struct weft__socket *self)
{
    if (self->state != WEFT__SOCKET_CONNECTING || instant() < self->at_ns)
        return;
    int rc = meet_listener(self, &self->peer);
    if (rc == -EAGAIN) {
        self->at_ns = instant() + WEFT__NS_PER_MS;
        return;
    }
    if (rc < 0) {
        self->state = WEFT__SOCKET_FRESH;
        self->error = rc;
    }
    weft__sim_note("net", "connected", self->fd, rc);
}

static int connect_unix(struct weft__socket *self, const struct weft__socket_name *to)
{
    int rc = meet_listener(self, to);

    if (rc == -ECONNREFUSED && to->unix_name.sun_path[0] != '\0' &&
        access(to->unix_name.sun_path, F_OK) < 0)
        return -ENOENT;
    return rc;
}

static int connect_socket(int fd, const void *address, uint32_t bytes)
{
    struct weft__socket *self = weft__socket_find(fd);
    struct weft__socket_name to;

    settle(self);
    if (self->state == WEFT__SOCKET_CONNECTED)
        return -EISCONN;
    if (self->state == WEFT__SOCKET_CONNECTING)
        return -EALREADY;
    if (((const struct sockaddr *)address)->sa_family != self->family)
        return -EAFNOSUPPORT;
    weft__socket_set_name(&to, address, bytes);
    if (self->family == AF_UNIX)
        return connect_unix(self, &to);
    if (!weft__socket_is_here(&to))
        return -ENETUNREACH;
    weft__socket_home(&to);
    self->peer = to;
    self->state = WEFT__SOCKET_CONNECTING;
    self->at_ns = instant() + delay_of(self);
    return -EINPROGRESS;
}

static int accept_socket(int fd, void *out_address, uint32_t *bytes, int flags)
{
    struct weft__socket *listener = weft__socket_find(fd);
    struct weft__socket *server = listener->first;

    if (listener->state != WEFT__SOCKET_LISTENING)
        return -EINVAL;
    if (server == NULL || server->at_ns > instant())
        return -EAGAIN;
    int number = weft__sys_socket_real(server->family,
                                       SOCK_STREAM | (flags & (SOCK_CLOEXEC | SOCK_NONBLOCK)));
    if (number < 0)
        return number;
    if (server->family != AF_UNIX)
        weft__socket_inherit(listener, number);
    (void)weft__socket_unqueue(listener);
    weft__socket_number(server, number);
    if (out_address != NULL)
        weft__socket_give_name(&server->peer, out_address, bytes);
    changed();
    return number;
}

/* ---- bytes ---- */

static bool is_cut(const struct weft__socket *self)
{
    return self->in->cut_ns <= instant();
}

/* The cut is met once; then the stream is over. */
static int meet_cut(struct weft__socket *self)
{
    uint32_t room = self->in->room;

    weft__wire_drop_all(self->in);
    weft__wire_init(self->in, room);
    self->in->end_ns = instant();
    self->ended = true;
    self->cut_met = true;
    return -ECONNRESET;
}

/* What a write finds before it can write; 0: it can. */
static int refuse_send(struct weft__socket *self)
{
    settle(self);
    if (self->state == WEFT__SOCKET_CONNECTING)
        return -EAGAIN;
    if (self->state != WEFT__SOCKET_CONNECTED)
        return self->ended ? -EPIPE : -ENOTCONN;
    if (is_cut(self))
        return meet_cut(self);
    if (self->ended || (self->other == NULL && instant() >= self->gone_ns))
        return -EPIPE;
    return 0;
}

/* How much a transfer moves: often less than it could, as if the rest were late. */
static size_t some_of(const struct weft__socket *self, size_t could, int flags)
{
    if (could < 2 || (flags & (MSG_WAITALL | MSG_PEEK)) != 0 || net.wish.short_one_in == 0 ||
        one_of(net.wish.short_one_in) != 0)
        return could;
    size_t some = 1 + one_of((uint32_t)(could < INT32_MAX ? could : INT32_MAX));
    if (some < could)
        weft__sim_note("fault", "short", self->fd, (int64_t)some);
    return some;
}

/* What there is room for; how many bytes. */
static size_t send_piece(struct weft__socket *self, const char *bytes, size_t count, int64_t now_ns,
                         int64_t delay_ns)
{
    if (self->other == NULL) { /* it is on its way to nobody, which the peer will say */
        self->in->cut_ns = now_ns + delay_ns;
        return count;
    }
    if (self->other->in->deaf)
        return count;
    return weft__wire_put(self->other->in, bytes, count, now_ns, delay_ns);
}

static ssize_t send_parts(int fd, const struct iovec *parts, size_t count)
{
    struct weft__socket *self = weft__socket_find(fd);
    int64_t now_ns = instant();
    int64_t delay_ns = delay_of(self);
    size_t wanted = 0, sent = 0, piece = 0, put = 0;

    int rc = refuse_send(self);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        wanted += parts[i].iov_len;
    size_t most = some_of(self, wanted, 0);
    for (size_t i = 0; i < count && sent < most && put == piece; i++) {
        piece = parts[i].iov_len < most - sent ? parts[i].iov_len : most - sent;
        put = send_piece(self, parts[i].iov_base, piece, now_ns, delay_ns);
        sent += put;
    }
    if (sent > 0)
        changed();
    return sent == 0 && wanted > 0 ? -EAGAIN : (ssize_t)sent;
}

static ssize_t take_parts(struct weft__socket *self, const struct iovec *parts, size_t count,
                          int flags)
{
    int64_t now_ns = instant();
    uint32_t arrived = weft__wire_arrived(self->in, now_ns);
    size_t most = some_of(self, arrived, flags);
    size_t taken = 0;
    bool peek = (flags & MSG_PEEK) != 0;

    for (size_t i = 0; i < count && taken < most; i++) {
        size_t room = parts[i].iov_len < most - taken ? parts[i].iov_len : most - taken;
        taken += weft__wire_take(self->in, parts[i].iov_base, room, now_ns, peek ? taken : 0, peek);
    }
    if (taken > 0)
        changed();
    return (ssize_t)taken;
}

static ssize_t recv_parts(int fd, const struct iovec *parts, size_t count, int flags)
{
    struct weft__socket *self = weft__socket_find(fd);
    size_t wanted = 0;

    settle(self);
    if (self->state == WEFT__SOCKET_CONNECTING)
        return -EAGAIN;
    if (self->state != WEFT__SOCKET_CONNECTED)
        return self->cut_met ? 0 : -ENOTCONN;
    if (is_cut(self))
        return meet_cut(self);
    for (size_t i = 0; i < count; i++)
        wanted += parts[i].iov_len;
    if (weft__wire_arrived(self->in, instant()) > 0 && wanted > 0)
        return take_parts(self, parts, count, flags);
    if (self->in->deaf || self->in->end_ns <= instant())
        return 0;
    return wanted == 0 && self->family != AF_UNIX ? 0 : -EAGAIN;
}

/* ---- ends ---- */

static int shutdown_socket(int fd, int how)
{
    struct weft__socket *self = weft__socket_find(fd);

    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (self->state != WEFT__SOCKET_CONNECTED)
        return -ENOTCONN;
    if (how != SHUT_RD && !self->ended) {
        self->ended = true;
        if (self->other != NULL)
            weft__wire_end(self->other->in, instant(), delay_of(self));
    }
    if (how != SHUT_WR)
        self->in->deaf = true;
    changed();
    return 0;
}

static bool lingers_not(const struct weft__socket *self)
{
    struct linger linger = { 0 };

    return self->fd >= 0 &&
           weft__sys_get_option(self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) >= 0 &&
           linger.l_onoff != 0 && linger.l_linger == 0;
}

/* The other end hears of it: as an end, or as a cut where bytes are lost. */
static void leave_other(struct weft__socket *self)
{
    struct weft__socket *other = self->other;
    int64_t delay_ns = delay_of(self);

    if (other == NULL)
        return;
    weft__wire_end(other->in, instant(), delay_ns);
    if ((self->in->count > 0 && !self->in->deaf) || lingers_not(self))
        other->in->cut_ns = other->in->last_ns;
    other->gone_ns = other->family == AF_UNIX ? instant() : other->in->last_ns;
    other->other = NULL;
}

static void end_socket(struct weft__socket *self)
{
    struct weft__socket *queued;

    weft__sim_note("net", "closed", self->fd, self->queued);
    while ((queued = weft__socket_unqueue(self)) != NULL) {
        if (queued->other != NULL)
            queued->other->in->cut_ns = instant() + delay_of(queued);
        leave_other(queued);
        weft__socket_destroy(queued);
    }
    leave_other(self);
    weft__socket_destroy(self);
    changed();
}

static void closing(int fd)
{
    struct weft__socket *self = weft__socket_find(fd);

    if (self != NULL)
        end_socket(self);
}

/* ---- looking ---- */

static int get_option(int fd, int name, int *out_value)
{
    struct weft__socket *self = weft__socket_find(fd);

    settle(self);
    if (name == SO_ACCEPTCONN) {
        *out_value = self->state == WEFT__SOCKET_LISTENING;
        return 1;
    }
    if (name != SO_ERROR)
        return 0;
    *out_value = -self->error;
    self->error = 0;
    return 1;
}

static int get_name(int fd, bool peer, void *out_address, uint32_t *bytes)
{
    struct weft__socket *self = weft__socket_find(fd);

    settle(self);
    if (peer && self->state != WEFT__SOCKET_CONNECTED)
        return -ENOTCONN;
    weft__socket_give_name(peer ? &self->peer : &self->local, out_address, bytes);
    return 0;
}

static int look_at_connected(const struct weft__socket *self, int64_t now_ns)
{
    bool ended = self->in->end_ns <= now_ns || self->in->deaf;
    int found = 0;

    if (self->in->cut_ns <= now_ns)
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP;
    if (ended || weft__wire_arrived(self->in, now_ns) > 0)
        found |= POLLIN;
    if (ended)
        found |= POLLRDHUP | (self->ended ? POLLHUP : 0);
    if (self->ended || self->other == NULL || self->other->in->deaf ||
        self->other->in->count < self->other->in->room)
        found |= POLLOUT;
    return found;
}

static int look_at(const struct weft__socket *self, int64_t now_ns)
{
    switch (self->state) {
    case WEFT__SOCKET_FRESH: return POLLOUT | POLLHUP | (self->error != 0 ? POLLERR : 0);
    case WEFT__SOCKET_CONNECTING: break;
    case WEFT__SOCKET_LISTENING:
        return self->first != NULL && self->first->at_ns <= now_ns ? POLLIN : 0;
    case WEFT__SOCKET_CONNECTED: return look_at_connected(self, now_ns);
    }
    return 0;
}

static int look(int fd, uint32_t events)
{
    struct weft__socket *self = weft__socket_find(fd);

    settle(self);
    return look_at(self, instant()) & (int)(events | POLLERR | POLLHUP);
}

/* One look at the clock for both questions: what came between two would be missed. */
static int64_t next_of(int fd, uint32_t events)
{
    const struct weft__socket *self = weft__socket_find(fd);
    int64_t now_ns = instant();

    if ((look_at(self, now_ns) & (int)(events | POLLERR | POLLHUP)) != 0)
        return now_ns;
    switch (self->state) {
    case WEFT__SOCKET_FRESH: break;
    case WEFT__SOCKET_CONNECTING: return self->at_ns;
    case WEFT__SOCKET_LISTENING: return self->first != NULL ? self->first->at_ns : INT64_MAX;
    case WEFT__SOCKET_CONNECTED: return weft__wire_next(self->in, now_ns);
    }
    return INT64_MAX;
}

static const struct weft__sim_net ops = {
    .has = has,
    .socket = make_socket,
    .bind = bind_socket,
    .listen = listen_socket,
    .connect = connect_socket,
    .accept = accept_socket,
    .send = send_parts,
    .recv = recv_parts,
    .shutdown = shutdown_socket,
    .option = get_option,
    .name = get_name,
    .poll = look,
    .closing = closing,
    .next = next_of,
    .subscribe = subscribe,
};

const struct weft__sim_net *weft__net_begin(const struct weft__wish *wish)
{
    net.wish = *wish;
    return wish->real_net ? NULL : &ops;
}

/*
 * Request k of connection c has its place in the schedule at start + (k * connections + c) / rate.
 * A connection that can't send, because the server has not read what was sent before, falls behind;
 * its requests keep their places, and go out as soon as there is room. Each request carries its
 * number and its place, so that a reply tells by itself when it was due.
 * Without a rate a request goes out when the reply to the one before it is there, so only those
 * connections are looked at that have something.
 */
#include "tools/bench/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define DRAIN_NS (10 * SECOND_NS)

enum { message_bytes = weft__client_message_bytes, batch = 64, ready_most = 256 };

struct message {
    uint64_t number; /* among all */
    int64_t due_ns;
    uint32_t connection;
    char rest[message_bytes - 20];
};
_Static_assert(sizeof(struct message) == message_bytes, "no holes in what is compared");

struct connection {
    int fd;
    uint32_t number;
    uint32_t awaited;  /* what epoll watches for */
    uint64_t sent;     /* messages that are out, or being sent */
    uint64_t answered; /* replies that are whole */
    size_t out_left;   /* bytes of the message that is being sent */
    size_t in_used;    /* bytes of the reply that is being received */
    struct message out;
    struct message in;
};

struct weft__client {
    struct connection *connections;
    uint32_t count;
    int epoll;
    struct weft__client_plan plan;
    int64_t start_ns;
    int64_t end_ns;  /* no request is due from here on */
    int64_t last_ns; /* no reply is waited for from here on */
    struct weft__client_result *result;
    struct epoll_event ready[ready_most];
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* Whether more requests may be begun in a closed loop. */
static bool goes_on(const struct weft__client *client)
{
    return client->plan.requests != 0 ? client->result->sent < client->plan.requests
                                      : now_ns() < client->end_ns;
}

static uint64_t place_of(const struct weft__client *client, const struct connection *connection,
                         uint64_t index)
{
    return index * client->count + connection->number;
}

/* When the next request of @connection is due; INT64_MAX: there is none. */
static int64_t next_due(const struct weft__client *client, const struct connection *connection)
{
    uint64_t place = place_of(client, connection, connection->sent);
    uint64_t rate = client->plan.rate;

    if (rate == 0)
        return connection->sent == connection->answered && goes_on(client) ? 0 : INT64_MAX;
    /* whole seconds apart: their product with a billion could overflow */
    int64_t due = client->start_ns + (int64_t)(place / rate) * SECOND_NS +
                  (int64_t)(place % rate * (uint64_t)SECOND_NS / rate);
    return due < client->end_ns ? due : INT64_MAX;
}

static void begin_message(struct weft__client *client, struct connection *connection,
                          int64_t due_ns)
{
    int64_t now = now_ns();
    bool scheduled = client->plan.rate != 0;

    connection->out = (struct message){
        .number = scheduled ? place_of(client, connection, connection->sent) : client->result->sent,
        .due_ns = scheduled ? due_ns : now,
        .connection = connection->number,
    };
    memset(connection->out.rest, (int)('a' + connection->out.number % 26),
           sizeof(connection->out.rest));
    connection->out_left = message_bytes;
    connection->sent++;
    client->result->sent++;
    if (scheduled)
        weft__histogram_record(&client->result->late, (uint64_t)(now > due_ns ? now - due_ns : 0));
}

/* Has epoll tell of room for what could not be sent, and of that only. */
static int watch(struct weft__client *client, struct connection *connection)
{
    uint32_t wanted = connection->out_left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    struct epoll_event event = { .events = wanted, .data.u32 = connection->number };

    if (connection->awaited == wanted)
        return 0;
    int how = connection->awaited == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(client->epoll, how, connection->fd, &event) < 0)
        return -errno;
    connection->awaited = wanted;
    return 0;
}

/* Sends what is due, and as much of it as goes. Returns 0 or a negative errno. */
static int send_due(struct weft__client *client, struct connection *connection)
{
    for (int i = 0; i < batch; i++) {
        if (connection->out_left == 0) {
            int64_t due_ns = next_due(client, connection);
            if (due_ns == INT64_MAX || (due_ns != 0 && due_ns > now_ns()))
                break;
            begin_message(client, connection, due_ns);
        }
        const char *bytes = (const char *)&connection->out;
        ssize_t count = send(connection->fd, bytes + message_bytes - connection->out_left,
                             connection->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (count < 0)
            break;
        connection->out_left -= (size_t)count;
    }
    return watch(client, connection);
}

static bool is_right(const struct weft__client *client, const struct connection *connection)
{
    const struct message *in = &connection->in;
    uint64_t number = client->plan.rate != 0 ? place_of(client, connection, connection->answered)
                                             : connection->out.number;

    if (in->number != number || in->connection != connection->number)
        return false;
    for (size_t i = 0; i < sizeof(in->rest); i++)
        if (in->rest[i] != (char)('a' + number % 26))
            return false;
    return true;
}

static void take_reply(struct weft__client *client, struct connection *connection, int64_t now)
{
    struct weft__client_result *result = client->result;

    if (is_right(client, connection)) {
        weft__histogram_record(&result->reply, (uint64_t)(now - connection->in.due_ns));
        result->sum += connection->in.number;
    } else {
        result->wrong++;
    }
    result->answered++;
    connection->answered++;
    connection->in_used = 0;
}

/* Takes the replies that are there. Returns 0 or a negative errno. */
static int receive_replies(struct weft__client *client, struct connection *connection)
{
    int i = 0;

    do {
        char *bytes = (char *)&connection->in;
        ssize_t count = recv(connection->fd, bytes + connection->in_used,
                             message_bytes - connection->in_used, MSG_DONTWAIT);
        if (count == 0)
            return -ECONNRESET;
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        connection->in_used += (size_t)count;
        if (connection->in_used == message_bytes)
            take_reply(client, connection, now_ns());
    } while (++i < batch && connection->sent > connection->answered);
    return 0;
}

/* Begins a request on each connection that may; the earliest that is due later, INT64_MAX: none. */
static int send_all_due(struct weft__client *client, int64_t *out_due_ns)
{
    int rc = 0;

    *out_due_ns = INT64_MAX;
    for (uint32_t i = 0; rc == 0 && i < client->count; i++) {
        struct connection *connection = &client->connections[i];
        rc = send_due(client, connection);
        int64_t due_ns = connection->out_left > 0 ? INT64_MAX : next_due(client, connection);
        *out_due_ns = due_ns < *out_due_ns ? due_ns : *out_due_ns;
    }
    return rc;
}

/* Sleeps until a connection has something, at most until @due_ns. */
static int sleep_until(const struct weft__client *client, int64_t due_ns)
{
    struct pollfd ready = { .fd = client->epoll, .events = POLLIN };
    int64_t left_ns = (due_ns < client->last_ns ? due_ns : client->last_ns) - now_ns();

    left_ns = left_ns > 0 ? left_ns : 0;
    const struct timespec left = { left_ns / SECOND_NS, left_ns % SECOND_NS };
    return ppoll(&ready, 1, &left, NULL) < 0 && errno != EINTR ? -errno : 0;
}

/* Looks which connections have something, and does what there is to do with them. */
static int serve_ready(struct weft__client *client)
{
    int count = epoll_wait(client->epoll, client->ready, ready_most, 0);
    int rc = count < 0 && errno != EINTR ? -errno : 0;

    for (int i = 0; rc == 0 && i < count; i++) {
        const struct epoll_event *event = &client->ready[i];
        struct connection *connection = &client->connections[event->data.u32];
        if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            rc = receive_replies(client, connection);
        if (rc == 0)
            rc = send_due(client, connection);
    }
    return rc;
}

static int run_loop(struct weft__client *client)
{
    const struct weft__client_result *result = client->result;
    int64_t due_ns;
    int rc = send_all_due(client, &due_ns);

    while (rc == 0 && (result->answered < result->sent || due_ns != INT64_MAX)) {
        if (now_ns() > client->last_ns)
            return -ETIMEDOUT;
        if (!client->plan.spins)
            rc = sleep_until(client, due_ns);
        if (rc == 0)
            rc = serve_ready(client);
        if (rc == 0 && client->plan.rate != 0)
            rc = send_all_due(client, &due_ns);
    }
    return rc;
}

int weft__client_exchange(struct weft__client *client, const struct weft__client_plan *plan,
                          struct weft__client_result *out)
{
    bool counts = plan->rate == 0 && plan->requests != 0;

    memset(out, 0, sizeof(*out));
    client->plan = *plan;
    client->plan.requests = counts ? plan->requests : 0;
    client->result = out;
    for (uint32_t i = 0; i < client->count; i++)
        client->connections[i].sent = client->connections[i].answered = 0;
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* 50 us late else */
    client->start_ns = now_ns();
    client->end_ns = client->start_ns + plan->duration_ns;
    client->last_ns = counts ? INT64_MAX : client->end_ns + DRAIN_NS;
    int rc = run_loop(client);
    out->elapsed_ns = now_ns() - client->start_ns;
    return rc;
}

static int open_connection(struct weft__client *client, uint32_t number,
                           const struct sockaddr *address, socklen_t address_bytes)
{
    struct connection *connection = &client->connections[number];
    const int on = 1;

    connection->number = number;
    connection->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, address, address_bytes) < 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    return watch(client, connection);
}

struct weft__client *weft__client_open(const struct sockaddr *address, socklen_t address_bytes,
                                       uint32_t connections, int *out_error)
{
    struct weft__client *client = calloc(1, sizeof(*client));
    int rc = -ENOMEM;

    if (client != NULL) {
        client->connections = calloc(connections, sizeof(*client->connections));
        client->count = client->connections != NULL ? connections : 0;
        for (uint32_t i = 0; i < client->count; i++)
            client->connections[i].fd = -1;
        client->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (client->connections != NULL)
            rc = client->epoll >= 0 ? 0 : -errno;
        for (uint32_t i = 0; rc == 0 && i < connections; i++)
            rc = open_connection(client, i, address, address_bytes);
    }
    if (rc == 0)
        return client;
    weft__client_close(client);
    *out_error = rc;
    return NULL;
}

void weft__client_close(struct weft__client *client)
{
    if (client == NULL)
        return;
    for (uint32_t i = 0; i < client->count; i++)
        if (client->connections[i].fd >= 0)
            (void)close(client->connections[i].fd);
    if (client->epoll >= 0)
        (void)close(client->epoll);
    free(client->connections);
    free(client);
}

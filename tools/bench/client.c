/*
 * Request k of connection c has its place in the schedule at start + (k * connections + c) / rate.
 * A connection that can't send, because the server has not read what was sent before, falls behind;
 * its requests keep their places, and go out as soon as there is room. Each request carries its
 * number and its place, so that a reply tells by itself when it was due.
 */
#include "tools/bench/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define DRAIN_NS (10 * SECOND_NS)

enum { message_bytes = weft__client_message_bytes, batch = 64 };

struct message {
    uint64_t number; /* of its connection */
    int64_t due_ns;
    uint32_t connection;
    char rest[message_bytes - 20];
};
_Static_assert(sizeof(struct message) == message_bytes, "no holes in what is compared");

struct connection {
    int fd;
    uint32_t number;
    uint64_t sent;     /* messages that are out, or being sent */
    uint64_t answered; /* replies that are whole */
    size_t out_left;   /* bytes of the message that is being sent */
    size_t in_used;    /* bytes of the reply that is being received */
    struct message out;
    struct message in;
};

struct client {
    struct connection *connections;
    struct pollfd *polls;
    uint32_t count;
    uint64_t rate;
    int64_t start_ns;
    int64_t end_ns; /* no request is due from here on */
    struct weft__client_result *result;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* When the next request of @connection is due; INT64_MAX: there is none. */
static int64_t next_due(const struct client *client, const struct connection *connection)
{
    uint64_t place = connection->sent * client->count + connection->number;

    if (client->rate == 0)
        return connection->sent == connection->answered && now_ns() < client->end_ns ? 0
                                                                                     : INT64_MAX;
    /* whole seconds apart: their product with a billion could overflow */
    int64_t due = client->start_ns + (int64_t)(place / client->rate) * SECOND_NS +
                  (int64_t)(place % client->rate * (uint64_t)SECOND_NS / client->rate);
    return due < client->end_ns ? due : INT64_MAX;
}

static void begin_message(struct client *client, struct connection *connection, int64_t due_ns)
{
    int64_t now = now_ns();

    connection->out = (struct message){
        .number = connection->sent,
        .due_ns = client->rate == 0 ? now : due_ns,
        .connection = connection->number,
    };
    memset(connection->out.rest, (int)('a' + connection->sent % 26), sizeof(connection->out.rest));
    connection->out_left = message_bytes;
    connection->sent++;
    if (client->rate != 0)
        weft__histogram_record(&client->result->late, (uint64_t)(now > due_ns ? now - due_ns : 0));
}

/* Sends what is due, and as much of it as goes. Returns 0 or a negative errno. */
static int send_due(struct client *client, struct connection *connection)
{
    for (int i = 0; i < batch; i++) {
        if (connection->out_left == 0) {
            int64_t due_ns = next_due(client, connection);
            if (due_ns > now_ns())
                return 0;
            begin_message(client, connection, due_ns);
        }
        const char *bytes = (const char *)&connection->out;
        ssize_t count = send(connection->fd, bytes + message_bytes - connection->out_left,
                             connection->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        connection->out_left -= (size_t)count;
    }
    return 0;
}

static bool is_right(const struct connection *connection)
{
    const struct message *in = &connection->in;
    char rest = (char)('a' + connection->answered % 26);

    if (in->number != connection->answered || in->connection != connection->number)
        return false;
    for (size_t i = 0; i < sizeof(in->rest); i++)
        if (in->rest[i] != rest)
            return false;
    return true;
}

static void take_reply(struct client *client, struct connection *connection, int64_t now)
{
    if (is_right(connection))
        weft__histogram_record(&client->result->reply, (uint64_t)(now - connection->in.due_ns));
    else
        client->result->wrong++;
    client->result->answered++;
    connection->answered++;
    connection->in_used = 0;
}

/* Takes the replies that are there. Returns 0 or a negative errno. */
static int receive_replies(struct client *client, struct connection *connection)
{
    for (int i = 0; i < batch; i++) {
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
    }
    return 0;
}

/* What to wait for; *out_due_ns is when the next request goes out. False: all is done. */
static bool prepare_wait(struct client *client, int64_t *out_due_ns)
{
    bool busy = false;

    *out_due_ns = INT64_MAX;
    for (uint32_t i = 0; i < client->count; i++) {
        const struct connection *connection = &client->connections[i];
        int64_t due_ns = connection->out_left > 0 ? INT64_MAX : next_due(client, connection);
        client->polls[i].fd = connection->fd;
        client->polls[i].events = (short)(connection->out_left > 0 ? POLLIN | POLLOUT : POLLIN);
        *out_due_ns = due_ns < *out_due_ns ? due_ns : *out_due_ns;
        busy = busy || due_ns != INT64_MAX || connection->out_left > 0 ||
               connection->sent > connection->answered;
    }
    return busy;
}

static int wait_until(struct client *client, int64_t due_ns)
{
    int64_t last_ns = client->end_ns + DRAIN_NS;
    int64_t left_ns = (due_ns < last_ns ? due_ns : last_ns) - now_ns();

    left_ns = left_ns > 0 ? left_ns : 0;
    const struct timespec left = { left_ns / SECOND_NS, left_ns % SECOND_NS };
    int ready = ppoll(client->polls, client->count, &left, NULL);
    return ready < 0 && errno != EINTR ? -errno : 0;
}

static int run_loop(struct client *client)
{
    int64_t due_ns;
    int rc = 0;

    while (rc == 0 && prepare_wait(client, &due_ns)) {
        if (now_ns() > client->end_ns + DRAIN_NS)
            return -ETIMEDOUT;
        rc = wait_until(client, due_ns);
        for (uint32_t i = 0; rc == 0 && i < client->count; i++) {
            struct connection *connection = &client->connections[i];
            if ((client->polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
                rc = receive_replies(client, connection);
            if (rc == 0)
                rc = send_due(client, connection);
        }
    }
    return rc;
}

static int open_connection(struct connection *connection, uint32_t number,
                           const struct sockaddr *address, socklen_t address_bytes)
{
    const int on = 1;

    connection->number = number;
    connection->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, address, address_bytes) < 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    return 0;
}

/* Needs no room for @count more than the caller gave. */
static int open_all(struct client *client, const struct sockaddr *address, socklen_t address_bytes)
{
    int rc = 0;

    for (uint32_t i = 0; i < client->count; i++)
        client->connections[i].fd = -1;
    for (uint32_t i = 0; rc == 0 && i < client->count; i++)
        rc = open_connection(&client->connections[i], i, address, address_bytes);
    return rc;
}

static void close_all(struct client *client)
{
    for (uint32_t i = 0; i < client->count; i++)
        if (client->connections[i].fd >= 0)
            (void)close(client->connections[i].fd);
}

int weft__client_run(const struct sockaddr *address, socklen_t address_bytes, uint32_t connections,
                     uint64_t rate, uint64_t seconds, struct weft__client_result *out)
{
    struct client client = {
        .connections = calloc(connections, sizeof(*client.connections)),
        .polls = calloc(connections, sizeof(*client.polls)),
        .count = connections,
        .rate = rate,
        .result = out,
    };
    int rc = -ENOMEM;

    memset(out, 0, sizeof(*out));
    if (client.connections != NULL && client.polls != NULL) {
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* 50 us late else */
        rc = open_all(&client, address, address_bytes);
        client.start_ns = now_ns();
        client.end_ns = client.start_ns + (int64_t)seconds * SECOND_NS;
        if (rc == 0)
            rc = run_loop(&client);
        out->elapsed_ns = now_ns() - client.start_ns;
        for (uint32_t i = 0; i < client.count; i++)
            out->sent += client.connections[i].sent;
        close_all(&client);
    }
    free(client.connections);
    free(client.polls);
    return rc;
}

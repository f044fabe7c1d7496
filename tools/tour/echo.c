/*
 * The server is what a user would write: weft_serve, and a task for each connection that sends
 * back what it receives. Each client has a connection, one request under way, and a histogram of
 * its own, so that the tasks share nothing.
 */
#include "tools/tour/echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

struct server {
    weft_fd listener;
    int result; /* of weft_serve */
};

struct client {
    const weft_address *address;
    weft_deadline until;
    uint32_t number;
    uint64_t requests;
    uint64_t wrong;
    struct weft__histogram latency;
};

/* Sends back what comes, until the other end has nothing more to send. */
static int echo(weft_fd connection, void *context)
{
    char buffer[512]; /* a user may take more: stacks have 64 KiB */
    ssize_t count = 1;
    int rc = 0;

    (void)context;
    while (rc == 0 && count > 0) {
        count = weft_recv(connection, buffer, sizeof(buffer), WEFT_NEVER);
        if (count > 0)
            rc = weft_send_all(connection, buffer, (size_t)count, NULL, WEFT_NEVER);
    }
    return count < 0 ? (int)count : rc;
}

static int serve(void *argument)
{
    struct server *server = argument;

    server->result = weft_serve(server->listener, echo, NULL, NULL, WEFT_NEVER);
    return 0;
}

/* Each request has other bytes: a reply to an older one would be found out. */
static void fill(char request[WEFT__ECHO_BYTES], uint32_t number, uint64_t round)
{
    memset(request, (int)('a' + number % 26), WEFT__ECHO_BYTES);
    memcpy(request, &round, sizeof(round));
    memcpy(request + sizeof(round), &number, sizeof(number));
}

static int ask(struct client *client, weft_fd connection)
{
    char request[WEFT__ECHO_BYTES];
    char reply[WEFT__ECHO_BYTES];

    fill(request, client->number, client->requests);
    int64_t start_ns = weft_clock();
    int rc = weft_send_all(connection, request, sizeof(request), NULL, WEFT_NEVER);
    if (rc == 0)
        rc = weft_recv_exactly(connection, reply, sizeof(reply), NULL, WEFT_NEVER);
    if (rc < 0)
        return rc;
    weft__histogram_record(&client->latency, (uint64_t)(weft_clock() - start_ns));
    client->requests++;
    client->wrong += memcmp(request, reply, sizeof(request)) != 0 ? 1 : 0;
    return 0;
}

static int run_client(void *argument)
{
    struct client *client = argument;
    weft_fd connection = weft_connect(client->address, WEFT_NEVER);
    int rc = connection < 0 ? (int)connection : 0;

    while (rc == 0 && weft_clock() < client->until.ns)
        rc = ask(client, connection);
    if (connection >= 0)
        weft_close(connection);
    return rc;
}

/* A listening socket on a port that the kernel chooses, and its address. */
static weft_fd listen_anywhere(weft_address *out_address)
{
    weft_address any;
    int rc = weft_address_parse("127.0.0.1:0", &any);
    weft_fd listener = rc < 0 ? rc : weft_listen(&any, NULL);

    if (listener >= 0)
        rc = weft_socket_local(listener, out_address);
    if (listener >= 0 && rc < 0) {
        weft_close(listener);
        return rc;
    }
    return listener;
}

static int run_clients(struct client *clients, const weft_address *address, int64_t seconds)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "client", .place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < WEFT__ECHO_CLIENTS; i++) {
        clients[i].address = address;
        clients[i].until = weft_after(seconds * WEFT_SECOND);
        clients[i].number = i;
        (void)weft_spawn(scope, run_client, &clients[i], &options);
    }
    return weft_scope_close(scope);
}

static void add_up(struct weft__echo_result *result, const struct client *clients)
{
    for (uint32_t i = 0; i < WEFT__ECHO_CLIENTS; i++) {
        result->requests += clients[i].requests;
        result->wrong += clients[i].wrong;
        weft__histogram_merge(&result->latency, &clients[i].latency);
    }
}

/* The clients are done before the server is told to end, so it has nobody to cut off. */
static int run_server(struct weft__echo_result *result, struct client *clients, int64_t seconds)
{
    struct server server = { .result = 0 };
    weft_address address;

    server.listener = listen_anywhere(&address);
    if (server.listener < 0)
        return (int)server.listener;
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, serve, &server);
    int64_t start_ns = weft_clock();
    int rc = run_clients(clients, &address, seconds);
    result->ns = weft_clock() - start_ns;
    weft_close(server.listener);
    int joined = weft_scope_close(scope);
    if (rc == 0)
        rc = joined;
    return rc == 0 && server.result != -EBADF ? server.result : rc;
}

int weft__echo_run(struct weft__echo_result *result, int64_t seconds)
{
    struct client *clients = calloc(WEFT__ECHO_CLIENTS, sizeof(*clients));

    memset(result, 0, sizeof(*result)); /* too large for a literal on the stack */
    result->begun = true;
    if (clients == NULL) {
        result->error = -ENOMEM;
        return -ENOMEM;
    }
    result->error = run_server(result, clients, seconds);
    add_up(result, clients);
    free(clients);
    return result->error;
}

bool weft__echo_agrees(const struct weft__echo_result *result)
{
    return result->error == 0 && result->wrong == 0 && result->requests >= WEFT__ECHO_CLIENTS;
}

double weft__echo_rate(const struct weft__echo_result *result)
{
    return result->ns == 0 ? 0 : (double)result->requests / ((double)result->ns / 1e9);
}

/* The client of a load, against plain servers that stall, lie or hang up. */
#include "tools/bench/client.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/unit.h"

enum { connections_max = 4, buffer_bytes = 256 };

static const int64_t second_ns = 1000000000;

struct server {
    int listener;
    struct sockaddr_in address;
    uint32_t connections;
    int stall_ms;         /* after the first bytes; 0: none */
    uint64_t spoil_every; /* one byte of so many is wrong; 0: none */
    uint64_t hang_up;     /* after so many bytes; 0: never */
    uint64_t bytes;       /* that it has sent back */
    pthread_t thread;
};

static struct weft__client_result result;

static int echo_once(struct server *server, int fd)
{
    char buffer[buffer_bytes];
    ssize_t count = read(fd, buffer, sizeof(buffer));

    if (count <= 0)
        return 0;
    if (server->stall_ms > 0) {
        (void)poll(NULL, 0, server->stall_ms);
        server->stall_ms = 0;
    }
    for (ssize_t i = 0; i < count; i++) {
        server->bytes++;
        if (server->spoil_every != 0 && server->bytes % server->spoil_every == 0)
            buffer[i] ^= 1;
    }
    return write(fd, buffer, (size_t)count) == count;
}

static void *serve(void *argument)
{
    struct server *server = argument;
    struct pollfd polls[connections_max];
    uint32_t open = server->connections;

    for (uint32_t i = 0; i < server->connections; i++)
        polls[i] = (struct pollfd){ accept(server->listener, NULL, NULL), POLLIN, 0 };
    while (open > 0 && poll(polls, server->connections, -1) > 0) {
        for (uint32_t i = 0; i < server->connections; i++) {
            bool ends = server->hang_up != 0 && server->bytes >= server->hang_up;
            if (polls[i].fd < 0 || (polls[i].revents == 0 && !ends))
                continue;
            if (!ends && echo_once(server, polls[i].fd))
                continue;
            (void)close(polls[i].fd);
            polls[i].fd = -1;
            open--;
        }
    }
    return NULL;
}

static void start(struct server *server)
{
    socklen_t bytes = sizeof(server->address);

    server->address = (struct sockaddr_in){ .sin_family = AF_INET,
                                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(server->listener >= 0);
    CU_ASSERT_EQUAL_FATAL(bind(server->listener, (struct sockaddr *)&server->address, bytes), 0);
    CU_ASSERT_EQUAL_FATAL(listen(server->listener, connections_max), 0);
    CU_ASSERT_EQUAL_FATAL(
        getsockname(server->listener, (struct sockaddr *)&server->address, &bytes), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* Connects, and exchanges as planned. */
static int ask(const struct server *server, uint32_t connections,
               const struct weft__client_plan *plan)
{
    int rc = 0;
    struct weft__client *client = weft__client_open((const struct sockaddr *)&server->address,
                                                    sizeof(server->address), connections, &rc);

    if (client != NULL)
        rc = weft__client_exchange(client, plan, &result);
    weft__client_close(client);
    return rc;
}

static int run_for(struct server *server, uint64_t rate, int64_t duration_ns)
{
    start(server);
    int rc = ask(server, server->connections,
                 &(struct weft__client_plan){ .rate = rate, .duration_ns = duration_ns });
    CU_ASSERT_EQUAL(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
    return rc;
}

static int run(struct server *server, uint64_t rate)
{
    return run_for(server, rate, second_ns);
}

static void test_closed_loop_gets_each_reply(void)
{
    struct server server = { .connections = 4 };

    CU_ASSERT_EQUAL(run(&server, 0), 0);
    CU_ASSERT_TRUE(result.answered >= 4);
    CU_ASSERT_EQUAL(result.answered, result.sent);
    CU_ASSERT_EQUAL(result.wrong, 0);
    CU_ASSERT_EQUAL(result.reply.count, result.answered);
    CU_ASSERT_EQUAL(result.late.count, 0);
    CU_ASSERT_EQUAL(server.bytes, result.sent * weft__client_message_bytes);
}

/* Again and again over the same connections, also fewer than there are. */
static void test_closed_loop_sends_as_many_as_asked(void)
{
    static const uint64_t requests[] = { 4, 1, 2, 1001 };
    struct server server = { .connections = 4 };
    int rc = 0;

    start(&server);
    struct weft__client *client = weft__client_open((struct sockaddr *)&server.address,
                                                    sizeof(server.address), 4, &rc);
    CU_ASSERT_PTR_NOT_NULL_FATAL(client);
    for (size_t i = 0; i < 2 * WEFT__COUNT(requests); i++) {
        uint64_t count = requests[i / 2];
        struct weft__client_plan plan = { .requests = count, .spins = i % 2 == 0 };
        CU_ASSERT_EQUAL(weft__client_exchange(client, &plan, &result), 0);
        CU_ASSERT_EQUAL(result.sent, count);
        CU_ASSERT_EQUAL(result.answered, count);
        CU_ASSERT_EQUAL(result.wrong, 0);
        CU_ASSERT_EQUAL(result.sum, count * (count - 1) / 2);
        CU_ASSERT_EQUAL(result.reply.count, count);
    }
    weft__client_close(client);
    CU_ASSERT_EQUAL(pthread_join(server.thread, NULL), 0);
    CU_ASSERT_EQUAL(server.bytes, 2 * (4 + 1 + 2 + 1001) * weft__client_message_bytes);
    (void)close(server.listener);
}

static void test_open_loop_sends_as_many_as_asked(void)
{
    static const uint64_t rates[] = { 1, 3, 997, 2000 };

    for (size_t i = 0; i < WEFT__COUNT(rates); i++) {
        struct server server = { .connections = 3 };

        CU_ASSERT_EQUAL(run(&server, rates[i]), 0);
        if (result.sent != rates[i])
            (void)fprintf(stderr, "rate %" PRIu64 ": %" PRIu64 " sent\n", rates[i], result.sent);
        CU_ASSERT_EQUAL(result.sent, rates[i]);
        CU_ASSERT_EQUAL(result.answered, result.sent);
        CU_ASSERT_EQUAL(result.wrong, 0);
        CU_ASSERT_EQUAL(result.late.count, result.sent);
    }
}

/* What is due at the end itself is not sent any more. */
static void test_open_loop_of_part_of_a_second(void)
{
    struct server server = { .connections = 3 };

    CU_ASSERT_EQUAL(run_for(&server, 2000, second_ns / 10), 0);
    CU_ASSERT_EQUAL(result.sent, 200);
    CU_ASSERT_EQUAL(result.answered, 200);
    server.bytes = 0;
    CU_ASSERT_EQUAL(run_for(&server, 2000, second_ns / 10 + 1), 0);
    CU_ASSERT_EQUAL(result.sent, 201);
}

/* The first request ends up in a stall of 300 ms, and all that are due meanwhile see the rest of
 * it: what is due in its first 200 ms waits for 100 ms at least. */
static void test_open_loop_sees_a_stall_by_all_that_were_due(void)
{
    struct server server = { .connections = 2, .stall_ms = 300 };

    CU_ASSERT_EQUAL(run(&server, 1000), 0);
    CU_ASSERT_EQUAL(result.sent, 1000);
    uint64_t slow = weft__histogram_between(&result.reply, 99000000, UINT64_MAX);
    if (slow < 200)
        (void)fprintf(stderr, "%" PRIu64 " replies took 100 ms\n", slow);
    CU_ASSERT_TRUE(slow >= 200);
}

/* More requests are due in the stall than the buffers of a connection hold. */
static void test_open_loop_falls_behind_and_loses_none(void)
{
    struct server server = { .connections = 1, .stall_ms = 300 };

    CU_ASSERT_EQUAL(run(&server, 100000), 0);
    CU_ASSERT_EQUAL(result.sent, 100000);
    CU_ASSERT_EQUAL(result.answered, 100000);
    CU_ASSERT_EQUAL(result.wrong, 0);
}

static void test_wrong_replies_are_counted(void)
{
    const uint64_t message = weft__client_message_bytes;
    struct server server = { .connections = 1, .spoil_every = 10 * message };

    CU_ASSERT_EQUAL(run(&server, 100), 0);
    CU_ASSERT_EQUAL(result.answered, 100);
    CU_ASSERT_EQUAL(result.wrong, 10);
    CU_ASSERT_EQUAL(result.reply.count, 90);
}

static void test_a_server_that_hangs_up_is_an_error(void)
{
    struct server server = { .connections = 2, .hang_up = 640 };

    int rc = run(&server, 0);
    CU_ASSERT_TRUE(rc == -ECONNRESET || rc == -EPIPE);
}

static void test_nobody_listens(void)
{
    static const struct weft__client_plan once = { .rate = 1, .duration_ns = INT64_C(1000000000) };
    struct server server = { .connections = 1 };

    start(&server);
    CU_ASSERT_EQUAL(ask(&server, 1, &once), 0);
    CU_ASSERT_EQUAL(pthread_join(server.thread, NULL), 0);
    (void)close(server.listener);
    CU_ASSERT_EQUAL(ask(&server, 1, &once), -ECONNREFUSED);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_closed_loop_gets_each_reply),
        UNIT_TEST(test_closed_loop_sends_as_many_as_asked),
        UNIT_TEST(test_open_loop_sends_as_many_as_asked),
        UNIT_TEST(test_open_loop_of_part_of_a_second),
        UNIT_TEST(test_open_loop_sees_a_stall_by_all_that_were_due),
        UNIT_TEST(test_open_loop_falls_behind_and_loses_none),
        UNIT_TEST(test_wrong_replies_are_counted),
        UNIT_TEST(test_a_server_that_hangs_up_is_an_error),
        UNIT_TEST(test_nobody_listens),
    };

    return unit_run(argc, argv, "client", tests, sizeof(tests) / sizeof(tests[0]));
}

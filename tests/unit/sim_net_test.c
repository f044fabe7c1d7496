/* The network of a simulation: what sockets do, and what goes wrong by chance. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/simulate.h"
#include "tests/support/unit.h"

enum { clients = 4, echo_bytes = 100000, block_bytes = 500 };

static weft_fd listener;
static weft_address place;
static _Atomic int failures;

/* Sends back what comes, until the client has ended its half. */
static int echo(weft_fd connection, void *unused)
{
    char block[block_bytes];
    ssize_t count;

    (void)unused;
    while ((count = weft_recv(connection, block, sizeof(block), WEFT_NEVER)) > 0)
        if (weft_send_all(connection, block, (size_t)count, NULL, WEFT_NEVER) < 0)
            return -EIO;
    return (int)count;
}

static int serve(void *unused)
{
    (void)unused;
    return weft_serve(listener, echo, NULL, NULL, WEFT_NEVER);
}

static char byte_at(size_t at)
{
    return (char)(at * 31 / 7);
}

struct upload {
    weft_fd fd;
};

static int upload(void *argument)
{
    const struct upload *self = argument;
    char block[block_bytes];

    for (size_t done = 0; done < echo_bytes; done += block_bytes) {
        for (size_t i = 0; i < block_bytes; i++)
            block[i] = byte_at(done + i);
        int rc = weft_send_all(self->fd, block, block_bytes, NULL, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return weft_shutdown(self->fd, SHUT_WR);
}

/* Uploads and downloads at the same time: the buffers between hold less than all. */
static int ask(void *unused)
{
    char block[block_bytes];
    size_t seen = 0;
    ssize_t count;
    struct upload up = { .fd = weft_connect(&place, WEFT_NEVER) };
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    if (up.fd < 0)
        return (int)up.fd;
    (void)weft_go(scope, upload, &up);
    while ((count = weft_recv(up.fd, block, sizeof(block), WEFT_NEVER)) > 0)
        for (ssize_t i = 0; i < count; i++, seen++)
            failures += block[i] != byte_at(seen);
    int rc = weft_scope_close(scope);
    (void)weft_close(up.fd);
    return count < 0 ? (int)count : rc < 0 ? rc : seen == echo_bytes ? 0 : -EIO;
}

static int talk(const char *address)
{
    weft_address wanted = { 0 };
    weft_scope scope = weft_scope_open(NULL);

    int rc = weft_address_parse(address, &wanted);
    listener = rc == 0 ? weft_listen(&wanted, NULL) : rc;
    if (listener < 0)
        return (int)listener;
    (void)!weft_socket_local(listener, &place);
    weft_task server = weft_go(scope, serve, NULL);
    weft_scope asking = weft_scope_open(NULL);
    for (int i = 0; i < clients; i++)
        (void)weft_go(asking, ask, NULL);
    rc = weft_scope_close(asking);
    (void)weft_cancel(server);
    int rc2 = weft_scope_close(scope);
    (void)weft_close(listener);
    return rc < 0 ? rc : rc2 < 0 && rc2 != -ECANCELED ? rc2 : failures;
}

static int talk_all(void *unused)
{
    char path[64];

    (void)unused;
    (void)snprintf(path, sizeof(path), "unix:/tmp/weft-sim-%010d",
                   (int)getpid()); /* as long for all: lengths are in the trace */
    int rc = talk("127.0.0.1:0");
    if (rc == 0)
        rc = talk("[::1]:0");
    if (rc == 0)
        rc = talk(path);
    (void)unlink(path + sizeof("unix:") - 1);
    return rc;
}

/* Connected ends; the listener is gone. */
static int make_pair(weft_fd ends[2])
{
    weft_address wanted = { 0 };

    int rc = weft_address_parse("127.0.0.1:0", &wanted);
    weft_fd door = weft_listen(&wanted, NULL);
    (void)!weft_socket_local(door, &place);
    ends[0] = weft_connect(&place, WEFT_NEVER);
    ends[1] = weft_accept(door, NULL, WEFT_NEVER);
    (void)weft_close(door);
    return rc < 0 || ends[0] < 0 || ends[1] < 0 ? -EIO : 0;
}

static int meet_errors(void *unused)
{
    weft_fd ends[2];
    char byte = 'x';
    weft_address taken = { 0 }, name = { 0 };

    (void)unused;
    SIMULATE_MUST(make_pair(ends) == 0);
    SIMULATE_MUST(weft_connect(&place, WEFT_NEVER) == -ECONNREFUSED); /* the listener is closed */
    SIMULATE_MUST(weft_recv(ends[0], &byte, 1, weft_after(WEFT_SECOND)) == -ETIMEDOUT);
    SIMULATE_MUST(weft_send(ends[1], &byte, 1, WEFT_NEVER) == 1);
    SIMULATE_MUST(weft_shutdown(ends[1], SHUT_WR) == 0);
    SIMULATE_MUST(weft_send(ends[1], &byte, 1, WEFT_NEVER) == -EPIPE);
    SIMULATE_MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == 1);
    SIMULATE_MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_send(ends[0], &byte, 1, WEFT_NEVER) == 1); /* the other half goes on */
    SIMULATE_MUST(weft_recv(ends[1], &byte, 1, WEFT_NEVER) == 1);
    SIMULATE_MUST(weft_send(ends[0], &byte, 1, WEFT_NEVER) == 1);
    SIMULATE_MUST(weft_sleep(weft_after(WEFT_SECOND)) == 0);
    SIMULATE_MUST(weft_close(ends[1]) == 0); /* with a byte unread: that is a reset */
    SIMULATE_MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == -ECONNRESET);
    SIMULATE_MUST(weft_close(ends[0]) == 0);
    SIMULATE_MUST(weft_address_parse("127.0.0.1:0", &taken) == 0);
    weft_fd first = weft_listen(&taken, NULL);
    SIMULATE_MUST(weft_socket_local(first, &name) == 0);
    SIMULATE_MUST(weft_listen(&name, NULL) == -EADDRINUSE);
    SIMULATE_MUST(weft_accept(first, NULL, weft_after(WEFT_SECOND)) == -ETIMEDOUT);
    return weft_close(first);
}

static void test_a_network_of_its_own(void)
{
    char seed[16], trace[] = "/tmp/weft-sim-XXXXXX", second[] = "/tmp/weft-sim-XXXXXX";

    CU_ASSERT_FATAL(mkstemp(trace) >= 0 && mkstemp(second) >= 0);
    for (int i = 1; i <= 8; i++) {
        (void)snprintf(seed, sizeof(seed), "%d", i);
        CU_ASSERT_EQUAL(simulate("errors", seed, NULL), 0);
        CU_ASSERT_EQUAL(simulate("talk", seed, trace), 0);
        if (simulate_said[0] != '\0')
            fprintf(stderr, "%s\n", simulate_said);
        CU_ASSERT_EQUAL(simulate("talk", seed, second), 0);
        char *one = simulate_slurp(trace), *two = simulate_slurp(second);
        CU_ASSERT_STRING_EQUAL(one, two);
        free(one);
        free(two);
    }
    (void)unlink(trace);
    (void)unlink(second);
}

static void test_connections_are_cut_by_chance(void)
{
    (void)setenv("WEFT_SIM", "cut=1", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 1);
    (void)setenv("WEFT_SIM", "cut=x", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 3);
    (void)setenv("WEFT_SIM", "short=2,net=sim", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 0);
    (void)setenv("WEFT_SIM", "net=real", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 0);
    (void)unsetenv("WEFT_SIM");
}

/* ---- short transfers ---- */

enum { pieces = 40, piece_bytes = 100 };

/* Sends that have room, and receives of what has come: says which moved less. */
static int move_pieces(void *unused)
{
    char bytes[piece_bytes] = { 0 };
    weft_fd ends[2];
    int sends = 0, receives = 0;

    (void)unused;
    SIMULATE_MUST(make_pair(ends) == 0);
    for (int i = 0; i < pieces; i++) {
        ssize_t sent = weft_send(ends[0], bytes, sizeof(bytes), WEFT_NEVER);
        SIMULATE_MUST(sent > 0);
        SIMULATE_MUST(weft_sleep(weft_after(WEFT_SECOND)) == 0);
        ssize_t first = weft_recv(ends[1], bytes, sizeof(bytes), WEFT_NEVER);
        SIMULATE_MUST(first > 0 && first <= sent);
        SIMULATE_MUST(weft_recv_exactly(ends[1], bytes, (size_t)(sent - first), NULL, WEFT_NEVER) ==
                      0);
        sends += sent < piece_bytes;
        receives += first < sent;
    }
    fprintf(stderr, "%s%s", sends > 0 ? "sends " : "", receives > 0 ? "receives" : "");
    SIMULATE_MUST(weft_close(ends[0]) == 0);
    return weft_close(ends[1]);
}

static void test_sends_and_receives_are_short_by_chance(void)
{
    CU_ASSERT_EQUAL(simulate("pieces", "1", NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, "sends receives");
    (void)setenv("WEFT_SIM", "short=0", 1);
    CU_ASSERT_EQUAL(simulate("pieces", "1", NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, "");
    (void)unsetenv("WEFT_SIM");
}

static const struct simulate_role roles[] = {
    { "talk", talk_all },
    { "errors", meet_errors },
    { "pieces", move_pieces },
};

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_network_of_its_own),
        UNIT_TEST(test_connections_are_cut_by_chance),
        UNIT_TEST(test_sends_and_receives_are_short_by_chance),
    };

    simulate_as_told(argc, argv, roles, WEFT__COUNT(roles));
    if (WEFT__ASAN || WEFT__TSAN) {
        puts("a build with a sanitizer can't simulate");
        return unit_skip;
    }
    return unit_run(argc, argv, "sim_net", tests, WEFT__COUNT(tests));
}

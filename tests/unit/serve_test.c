/* The server: connections served, its bound, what ends it, and what becomes of those served. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { clients = 20, most = 3 };

static _Atomic int inside, inside_most, served, canceled;

/* What a task that serves is given to run with. */
struct stand {
    weft_fd listener;
    weft_serve_fn fn;
    const weft_serve_options *options;
    weft_deadline until;
};

static int run_server(void *argument)
{
    const struct stand *stand = argument;
    int context = 7;

    return weft_serve(stand->listener, stand->fn, &context, stand->options, stand->until);
}

/* A server as a task of @scope, and where it listens. */
static weft_task start(weft_scope scope, struct stand *stand, weft_address *out_at)
{
    served = canceled = inside = inside_most = 0;
    stand->listener = sockets_listen(0, out_at);
    return weft_go_copy(scope, run_server, stand, sizeof(*stand));
}

/* Echoes until the other end has ended, then fails, which harms nobody. */
static int echo(weft_fd connection, void *context)
{
    char bytes[64];
    ssize_t count;

    EXPECT_EQ(*(const int *)context, 7);
    int now = weft__add_relaxed(&inside, 1) + 1;
    if (now > weft__load_relaxed(&inside_most))
        weft__store_relaxed(&inside_most, now);
    while ((count = weft_recv(connection, bytes, sizeof(bytes), WEFT_NEVER)) > 0)
        EXPECT_EQ(weft_send_all(connection, bytes, (size_t)count, NULL, WEFT_NEVER), 0);
    weft__sub_relaxed(&inside, 1);
    weft__add_relaxed(count == 0 ? &served : &canceled, 1);
    EXPECT(count == 0 || count == -ECANCELED);
    return -EIO;
}

static int talk(void *argument)
{
    char byte = 'q';
    weft_fd fd = weft_connect(argument, WEFT_NEVER);

    EXPECT_EQ(weft_send(fd, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(fd, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(byte, 'q');
    return weft_close(fd);
}

static void talk_all(weft_address *at)
{
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < clients; i++)
        EXPECT(weft_go(scope, talk, at) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
}

static int serves_until_closed(void *argument)
{
    struct stand stand = { .fn = echo, .until = WEFT_NEVER };
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task server = start(scope, &stand, &at);

    (void)argument;
    talk_all(&at);
    weft_fd late = weft_connect(&at, WEFT_NEVER);
    char byte = 'l';
    EXPECT_EQ(weft_send(late, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(late, &byte, 1, WEFT_NEVER), 1); /* so it is served */
    EXPECT_EQ(weft_close(stand.listener), 0);
    EXPECT_EQ(weft_send(late, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(late, &byte, 1, WEFT_NEVER), 1); /* and goes on */
    EXPECT_EQ(weft_task_state_of(server), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_close(late), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    EXPECT_EQ(served, clients + 1);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_until_the_listener_is_closed(void)
{
    rig_each(serves_until_closed);
}

static int serves_few(void *argument)
{
    struct stand stand = { .fn = echo,
                           .options = &WEFT_SERVE_OPTIONS(.most = most, .name = "few"),
                           .until = WEFT_NEVER };
    weft_fd held[most];
    char byte = 'h';
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task server = start(scope, &stand, &at);

    (void)argument;
    for (int i = 0; i < most; i++) {
        held[i] = weft_connect(&at, WEFT_NEVER);
        EXPECT_EQ(weft_send(held[i], &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_recv(held[i], &byte, 1, WEFT_NEVER), 1);
    }
    weft_fd next = weft_connect(&at, WEFT_NEVER); /* waits in the backlog */
    EXPECT_EQ(weft_send(next, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(next, &byte, 1, weft_after(5 * WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_close(held[0]), 0);
    EXPECT_EQ(weft_recv(next, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(next), 0);
    talk_all(&at);
    for (int i = 1; i < most; i++)
        EXPECT_EQ(weft_close(held[i]), 0);
    EXPECT_EQ(weft_close(stand.listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    EXPECT_EQ(served, most + 1 + clients);
    EXPECT_EQ(inside_most, most);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_has_a_bound(void)
{
    rig_each(serves_few);
}

/* Two are served when the server is canceled: their tasks are, and their connections end. */
static int serves_until_canceled(void *argument)
{
    struct stand stand = { .fn = echo, .until = WEFT_NEVER };
    weft_fd held[2];
    char byte = 'c';
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task server = start(scope, &stand, &at);

    (void)argument;
    for (int i = 0; i < 2; i++) {
        held[i] = weft_connect(&at, WEFT_NEVER);
        EXPECT_EQ(weft_send(held[i], &byte, 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_recv(held[i], &byte, 1, WEFT_NEVER), 1);
    }
    EXPECT_EQ(weft_cancel(server), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(canceled, 2);
    EXPECT_EQ(inside, 0);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(weft_recv(held[i], &byte, 1, WEFT_NEVER), 0);
        EXPECT_EQ(weft_close(held[i]), 0);
    }
    EXPECT_EQ(weft_close(stand.listener), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_canceled_cancels_those_served(void)
{
    rig_each(serves_until_canceled);
}

/* Connections come while the server is canceled: each is served, or closed, or in the backlog. */
static int cancel_against_connections(void *argument)
{
    (void)argument;
    for (int round = 0; round < 30; round++) {
        struct stand stand = { .fn = echo, .until = WEFT_NEVER };
        weft_fd made[clients];
        weft_address at;
        weft_scope scope = weft_scope_open(&run_all);
        weft_task server = start(scope, &stand, &at);
        for (int i = 0; i < clients; i++) {
            made[i] = weft_connect(&at, WEFT_NEVER);
            if (i == round % clients)
                EXPECT_EQ(weft_cancel(server), 0);
        }
        EXPECT_EQ(weft_wait(server, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(inside, 0);
        for (int i = 0; i < clients; i++)
            EXPECT_EQ(weft_close(made[i]), 0);
        EXPECT_EQ(weft_close(stand.listener), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_serve_canceled_leaves_no_connection_open(void)
{
    rig_each(cancel_against_connections);
}

static int drains(void *argument)
{
    struct stand stand = { .fn = echo,
                           .until = weft_after(20 * WEFT_MILLISECOND),
                           .options = &WEFT_SERVE_OPTIONS(.drain_ns = WEFT_MILLISECOND) };
    char byte = 'd';
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_fd idle = 0;
    weft_task server = start(scope, &stand, &at);

    (void)argument;
    idle = weft_connect(&at, WEFT_NEVER);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -ETIMEDOUT); /* though one never ends by itself */
    ssize_t rc = weft_recv(idle, &byte, 1, WEFT_NEVER);
    /* closed by the server; or it was not taken in time, and the listener's close resets it */
    EXPECT(rc == 0 ? canceled == 1 : canceled == 0);
    EXPECT_EQ(weft_close(idle), 0);
    EXPECT_EQ(weft_close(stand.listener), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_at_its_deadline_drains_for_so_long(void)
{
    rig_each(drains);
}

static int closes_itself(weft_fd connection, void *context)
{
    (void)context;
    weft__add_relaxed(&served, 1);
    return weft_close(connection);
}

static int served_by_closing(void *argument)
{
    struct stand stand = { .fn = closes_itself, .until = WEFT_NEVER };
    char byte = 0;
    weft_address at;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task server = start(scope, &stand, &at);

    (void)argument;
    for (int i = 0; i < clients; i++) {
        weft_fd fd = weft_connect(&at, WEFT_NEVER);
        EXPECT_EQ(weft_recv(fd, &byte, 1, WEFT_NEVER), 0);
        EXPECT_EQ(weft_close(fd), 0);
    }
    EXPECT_EQ(weft_close(stand.listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    EXPECT_EQ(served, clients);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_with_a_function_that_closes(void)
{
    rig_each(served_by_closing);
}

/* No descriptor is free: the connection stays in the backlog, and is served when one is. */
static int starves(void *argument)
{
    struct rlimit limit, low;
    struct stand stand = { .fn = echo, .until = WEFT_NEVER };
    weft_address at;
    char byte = 's';
    weft_fd listener = sockets_listen(0, &at);
    weft_fd client = weft_connect(&at, WEFT_NEVER);

    (void)argument;
    served = 0;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)dup(STDIN_FILENO); /* the lowest number that is free */
    (void)close((int)low.rlim_cur);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(weft_accept(listener, NULL, WEFT_NEVER), -EMFILE);
    stand = (struct stand){ listener, echo, NULL, weft_after(25 * WEFT_MILLISECOND) };
    EXPECT_EQ(run_server(&stand), -ETIMEDOUT); /* not -EMFILE */
    weft_scope scope = weft_scope_open(&run_all);
    stand.until = WEFT_NEVER;
    weft_task server = weft_go_copy(scope, run_server, &stand, sizeof(stand));
    rig_await(server, WEFT_TASK_WAITING);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(weft_send(client, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_recv(client, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(client), 0);
    EXPECT_EQ(weft_close(listener), 0);
    EXPECT_EQ(weft_wait(server, WEFT_NEVER), -EBADF);
    EXPECT_EQ(served, 1);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_serve_without_descriptors_goes_on(void)
{
    rig_run(1, starves);
}

static int errors(void *argument)
{
    weft_fd ends[2];
    weft_address at;
    weft_serve_options options = WEFT_SERVE_OPTIONS_INIT;
    weft_fd listener = sockets_listen(0, &at);

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_serve(ends[0], echo, NULL, NULL, WEFT_NEVER), -ENOTSOCK);
    EXPECT_EQ(weft_serve(0, echo, NULL, NULL, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_serve(listener, echo, NULL, NULL, WEFT_NOW), -ETIMEDOUT);
    options.size--;
    EXPECT_EQ(weft_serve(listener, echo, NULL, &options, WEFT_NEVER), -EINVAL);
    options.size++;
    options.drain_ns = -1;
    EXPECT_EQ(weft_serve(listener, echo, NULL, &options, WEFT_NEVER), -EINVAL);
    options.drain_ns = 1;
    options.place = weft_place_worker(1000);
    weft_fd client = weft_connect(&at, WEFT_NEVER);
    EXPECT_EQ(weft_serve(listener, echo, NULL, &options, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(client), 0);
    EXPECT_EQ(weft_shutdown(listener, SHUT_RD), 0);
    EXPECT_EQ(weft_serve(listener, echo, NULL, NULL, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(listener) + weft_close(ends[0]) + weft_close(ends[1]), 0);
    return 0;
}

static void test_serve_errors(void)
{
    rig_run(2, errors);
    CU_ASSERT_EQUAL(weft_serve(0, echo, NULL, NULL, WEFT_NEVER), -EPERM);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_serve_until_the_listener_is_closed),
        UNIT_TEST(test_serve_has_a_bound),
        UNIT_TEST(test_serve_canceled_cancels_those_served),
        UNIT_TEST(test_serve_canceled_leaves_no_connection_open),
        UNIT_TEST(test_serve_at_its_deadline_drains_for_so_long),
        UNIT_TEST(test_serve_with_a_function_that_closes),
        UNIT_TEST(test_serve_without_descriptors_goes_on),
        UNIT_TEST(test_serve_errors),
    };

    return unit_run(argc, argv, "serve", tests, WEFT__COUNT(tests));
}

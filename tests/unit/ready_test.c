/* Waiting until a descriptor is ready. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"

enum { rounds = 100 };

static int await_input(void *argument)
{
    return weft_fd_poll(*(const weft_fd *)argument, POLLIN, WEFT_NEVER);
}

static int eventfds(void *argument)
{
    uint64_t one = 1;
    weft_scope scope = weft_scope_open(NULL);
    weft_fd event = weft_fd_adopt(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

    (void)argument;
    EXPECT_EQ(weft_fd_poll(event, POLLOUT, WEFT_NEVER), POLLOUT);
    EXPECT_EQ(weft_fd_poll(event, POLLIN | POLLOUT, WEFT_NEVER), POLLOUT);
    EXPECT_EQ(weft_fd_poll(event, POLLIN, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_fd_poll(event, POLLIN, WEFT_NOW), -ETIMEDOUT);
    weft_task task = weft_go_copy(scope, await_input, &event, sizeof(event));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(write(weft_fd_number(event), &one, sizeof(one)), sizeof(one));
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), POLLIN);
    EXPECT_EQ(weft_fd_poll(event, POLLIN | POLLOUT, WEFT_NEVER), POLLIN | POLLOUT);
    EXPECT_EQ(weft_fd_poll(event, 0x10000, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_fd_poll(event, -1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(event), 0);
    EXPECT_EQ(weft_fd_poll(event, POLLIN, WEFT_NEVER), -EBADF);
    return weft_scope_close(scope);
}

static void test_an_eventfd_is_ready_when_it_has_been_written(void)
{
    rig_each(eventfds);
}

static int kinds(void *argument)
{
    weft_fd ends[2], pair[2];
    weft_address at;

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_fd_poll(ends[1], POLLOUT, WEFT_NEVER), POLLOUT);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_fd_poll(ends[0], 0, WEFT_NEVER), POLLHUP); /* nobody has asked for it */
    EXPECT_EQ(weft_close(ends[0]), 0);
    weft_fd file = weft_open("/proc/self/exe", O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_fd_poll(file, POLLIN, WEFT_NEVER), POLLIN);
    EXPECT_EQ(weft_close(file), 0);
    weft_fd listener = sockets_listen(0, &at);
    weft_fd client = weft_connect(&at, WEFT_NEVER);
    EXPECT_EQ(weft_fd_poll(listener, POLLIN, WEFT_NEVER), POLLIN);
    EXPECT_EQ(weft_close(client) + weft_close(listener), 0);
    sockets_pair(0, pair);
    EXPECT_EQ(weft_close(pair[1]), 0);
    EXPECT_EQ(weft_fd_poll(pair[0], POLLRDHUP, WEFT_NEVER), POLLRDHUP);
    EXPECT_EQ(weft_close(pair[0]), 0);
    return 0;
}

static void test_pipes_files_and_sockets_are_ready_as_poll_says(void)
{
    rig_run(2, kinds);
}

static int await_any_input(void *argument)
{
    return weft_fd_poll(*(const weft_fd *)argument, POLLIN | POLLPRI | POLLRDBAND, WEFT_NEVER);
}

static int await_urgent(void *argument)
{
    return weft_fd_poll(*(const weft_fd *)argument, POLLPRI, weft_after(5 * WEFT_MILLISECOND));
}

/* A wake-up of a socket names events that it does not have, which io_uring passes on. */
static int ordinary_bytes(void *argument)
{
    (void)argument;
    for (int kind = 0; kind < SOCKETS_KINDS; kind++) {
        weft_fd pair[2];
        char bytes[2];
        weft_scope scope = weft_scope_open(&run_all);
        sockets_pair(kind, pair);
        weft_task task = weft_go_copy(scope, await_any_input, &pair[0], sizeof(pair[0]));
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_send(pair[1], "b", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), POLLIN);
        task = weft_go_copy(scope, await_urgent, &pair[0], sizeof(pair[0]));
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_send(pair[1], "c", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ETIMEDOUT);
        EXPECT(weft_recv(pair[0], bytes, sizeof(bytes), WEFT_NEVER) > 0);
        EXPECT_EQ(weft_close(pair[0]) + weft_close(pair[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_ordinary_bytes_are_not_urgent(void)
{
    rig_each(ordinary_bytes);
}

static int urgent_byte(void *argument)
{
    weft_fd pair[2];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    sockets_pair(0, pair);
    weft_task task = weft_go_copy(scope, await_any_input, &pair[0], sizeof(pair[0]));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(send(weft_fd_number(pair[1]), "u", 1, MSG_OOB), 1);
    EXPECT((weft_wait(task, WEFT_NEVER) & POLLPRI) != 0);
    EXPECT_EQ(weft_scope_close(scope) + weft_close(pair[0]) + weft_close(pair[1]), 0);
    return 0;
}

static void test_an_urgent_byte_is(void)
{
    rig_each(urgent_byte);
}

/* A cancel, or a close, ends the wait; what is there to read is not touched. */
static int ends_early(void *argument)
{
    weft_fd ends[2];

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        char byte = 0;
        weft_scope scope = weft_scope_open(&run_all);
        EXPECT_EQ(weft_pipe(ends), 0);
        weft_task task = weft_go_copy(scope, await_input, &ends[0], sizeof(ends[0]));
        if (round % 2 == 0)
            rig_await(task, WEFT_TASK_WAITING);
        if (round % 3 == 0)
            EXPECT_EQ(weft_write(ends[1], "b", 1, WEFT_NEVER), 1);
        (void)weft_cancel(task);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == -ECANCELED || (round % 3 == 0 && rc == POLLIN));
        if (round % 3 == 0)
            EXPECT_EQ(weft_read(ends[0], &byte, 1, WEFT_NEVER), 1);
        task = weft_go_copy(scope, await_input, &ends[0], sizeof(ends[0]));
        if (round % 2 == 0)
            rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_close(ends[0]), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_cancel_and_close_end_the_wait(void)
{
    rig_each(ends_early);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_an_eventfd_is_ready_when_it_has_been_written),
        UNIT_TEST(test_pipes_files_and_sockets_are_ready_as_poll_says),
        UNIT_TEST(test_ordinary_bytes_are_not_urgent),
        UNIT_TEST(test_an_urgent_byte_is),
        UNIT_TEST(test_cancel_and_close_end_the_wait),
    };

    return unit_run(argc, argv, "ready", tests, WEFT__COUNT(tests));
}

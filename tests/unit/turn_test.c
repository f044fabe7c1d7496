/* The position of a file that many tasks use: no transfer is lost or done twice, whoever waits for
 * its turn can be asked to leave, and a stream has no turns. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/io/turn.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { tasks = 8, records_each = 200, record_bytes = 16, path_room = 256 };

static struct tree tree;

static struct {
    weft_fd fd;
    weft_fd other; /* a second handle of the same path */
    _Atomic uint32_t next;
    uint8_t seen[tasks * records_each];
} desk;

static weft_fd open_file(const char *name, int flags)
{
    char path[path_room];
    (void)snprintf(path, sizeof(path), "%s/%s", tree.root, name);
    return weft_open(path, flags, 0600, WEFT_NEVER);
}

static void make_record(char record[record_bytes + 1], uint32_t number)
{
    (void)snprintf(record, record_bytes + 1, "record %08u\n", number);
}

/* Marks the record; false when it is none. */
static bool mark_record(const char record[record_bytes])
{
    char wanted[record_bytes + 1];
    uint32_t number = (uint32_t)strtoul(record + strlen("record "), NULL, 10);

    make_record(wanted, number);
    if (number >= tasks * records_each || memcmp(record, wanted, record_bytes) != 0)
        return false;
    desk.seen[number]++;
    return true;
}

/* Each record once. */
static void expect_all_seen(void)
{
    for (size_t i = 0; i < sizeof(desk.seen); i++)
        if (!EXPECT_EQ(desk.seen[i], 1))
            return;
}

static void expect_file_whole(void)
{
    char record[record_bytes + 1];

    memset(desk.seen, 0, sizeof(desk.seen));
    for (int64_t at = 0; at < tasks * records_each; at++) {
        EXPECT_EQ(weft_pread(desk.fd, record, record_bytes, at * record_bytes, WEFT_NEVER),
                  record_bytes);
        record[record_bytes] = '\0';
        if (!EXPECT(mark_record(record)))
            return;
    }
    EXPECT_EQ(weft_pread(desk.fd, record, 1, tasks * records_each * record_bytes, WEFT_NEVER), 0);
    expect_all_seen();
}

/* In every way that uses the position. */
static int write_record(uint32_t number)
{
    char record[record_bytes + 1];
    struct iovec halves[] = { { record, 5 }, { record + 5, record_bytes - 5 } };
    ssize_t rc;

    make_record(record, number);
    switch (number % 4) {
    case 0: rc = weft_write(desk.fd, record, record_bytes, WEFT_NEVER); break;
    case 1: rc = weft_write_vector(desk.fd, halves, 2, WEFT_NEVER); break;
    case 2: rc = weft_write_all(desk.fd, record, record_bytes, NULL, WEFT_NEVER); break;
    default: rc = weft_write_vector_all(desk.fd, halves, 2, NULL, WEFT_NEVER); break;
    }
    return rc == record_bytes ? 0 : (int)rc;
}

static int write_records(void *argument)
{
    (void)argument;
    for (int i = 0; i < records_each; i++)
        EXPECT_EQ(write_record(weft__add_relaxed(&desk.next, 1)), 0);
    return 0;
}

static void run_many(weft_task_fn body)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < tasks; i++) {
        options.migratable = i % 2;
        EXPECT(weft_spawn(scope, body, NULL, &options) > 0);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
}

static int many_write(void *argument)
{
    (void)argument;
    weft__store_relaxed(&desk.next, 0);
    desk.fd = open_file("written", O_RDWR | O_CREAT | O_TRUNC);
    run_many(write_records);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_CUR, WEFT_NEVER), tasks * records_each * record_bytes);
    expect_file_whole();
    EXPECT_EQ(weft_close(desk.fd), 0);
    return 0;
}

static void test_writes_of_many_tasks_are_all_there(void)
{
    rig_each(many_write);
}

static int read_records(void *argument)
{
    char record[record_bytes + 1];
    struct iovec halves[] = { { record, 5 }, { record + 5, record_bytes - 5 } };
    uint32_t round = 0;
    ssize_t rc = 0;

    (void)argument;
    do {
        switch (round++ % 3) {
        case 0: rc = weft_read(desk.fd, record, record_bytes, WEFT_NEVER); break;
        case 1: rc = weft_read_vector(desk.fd, halves, 2, WEFT_NEVER); break;
        default:
            rc = weft_read_exactly(desk.fd, record, record_bytes, NULL, WEFT_NEVER);
            rc = rc == 0 ? record_bytes : rc == -EPIPE ? 0 : rc;
        }
        record[record_bytes] = '\0';
        EXPECT(rc == record_bytes ? mark_record(record) : rc == 0);
    } while (rc > 0);
    return 0;
}

static int many_read(void *argument)
{
    (void)argument;
    memset(desk.seen, 0, sizeof(desk.seen));
    desk.fd = open_file("written", O_RDONLY);
    run_many(read_records);
    expect_all_seen();
    EXPECT_EQ(weft_close(desk.fd), 0);
    return 0;
}

static void test_reads_of_many_tasks_see_each_byte_once(void)
{
    rig_each(many_read);
}

/* ---- who waits for the turn ---- */

static int write_byte(void *argument)
{
    (void)argument;
    return (int)weft_write(desk.fd, "w", 1, WEFT_NEVER);
}

/* The turn is taken, by a way of its own, so that others wait for it. */
static struct weft__fd *take_turn(void)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(desk.fd, &rc);

    EXPECT_EQ(rc, 0);
    EXPECT_EQ(weft__turn_take(held, WEFT_NEVER), 0);
    return held;
}

static void give_turn(struct weft__fd *held)
{
    weft__turn_give(held);
    weft__fd_let_go(held);
}

static int leave_line(void *argument)
{
    char byte = 0;

    (void)argument;
    desk.fd = open_file("line", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_SET, WEFT_NEVER), 0);
    struct weft__fd *held = take_turn();
    EXPECT_EQ(weft_read(desk.fd, &byte, 1, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_write(desk.fd, &byte, 1, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_SET, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_pwrite(desk.fd, "p", 1, 0, WEFT_NEVER), 1); /* at an offset: needs none */
    EXPECT_EQ(weft_pread(desk.fd, &byte, 1, 0, WEFT_NEVER), 1);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task first = weft_go(scope, write_byte, NULL);
    weft_task second = weft_go(scope, write_byte, NULL);
    rig_await(first, WEFT_TASK_WAITING);
    rig_await(second, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(first), 0);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_task_state_of(second), WEFT_TASK_WAITING);
    give_turn(held);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 1);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_CUR, WEFT_NEVER), 1); /* and nobody has the turn */
    EXPECT_EQ(weft_close(desk.fd), 0);
    return 0;
}

static void test_a_wait_for_the_turn_ends_with_cancel_and_deadline(void)
{
    rig_each(leave_line);
}

static int close_it(void *argument)
{
    (void)argument;
    return weft_close(desk.fd);
}

static int close_under_line(void *argument)
{
    weft_task waiting[tasks];

    (void)argument;
    desk.fd = open_file("line", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_SET, WEFT_NEVER), 0);
    struct weft__fd *held = take_turn();
    weft_scope scope = weft_scope_open(&run_all);
    for (int i = 0; i < tasks; i++) {
        waiting[i] = weft_go(scope, write_byte, NULL);
        rig_await(waiting[i], WEFT_TASK_WAITING);
    }
    weft_task closer = weft_go(scope, close_it, NULL);
    for (int i = 0; i < tasks; i++)
        EXPECT_EQ(weft_wait(waiting[i], WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_write(desk.fd, "x", 1, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft__turn_take(held, WEFT_NEVER), -EBADF); /* who held it before the close */
    rig_await(closer, WEFT_TASK_WAITING);                 /* for whoever has the turn */
    give_turn(held);
    EXPECT_EQ(weft_wait(closer, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_close_ends_the_waits_for_the_turn(void)
{
    rig_each(close_under_line);
}

/* Each comes behind those who were there. */
static int note_order(void *argument)
{
    char mark = *(const char *)argument;
    return weft_write(desk.fd, &mark, 1, WEFT_NEVER) == 1 ? 0 : -EIO;
}

static int first_come(void *argument)
{
    char got[tasks];

    (void)argument;
    desk.fd = open_file("order", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_seek(desk.fd, 0, SEEK_SET, WEFT_NEVER), 0);
    struct weft__fd *held = take_turn();
    weft_scope scope = weft_scope_open(NULL);
    for (int i = 0; i < tasks; i++) {
        char mark = (char)('a' + i);
        rig_await(weft_go_copy(scope, note_order, &mark, 1), WEFT_TASK_WAITING);
    }
    give_turn(held);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_pread(desk.fd, got, tasks, 0, WEFT_NEVER), tasks);
    EXPECT(memcmp(got, "abcdefgh", tasks) == 0);
    EXPECT_EQ(weft_close(desk.fd), 0);
    return 0;
}

static void test_turns_come_in_the_order_of_the_calls(void)
{
    rig_each(first_come);
}

/* ---- what has no turns ---- */

static int read_byte(void *argument)
{
    char byte = 0;
    ssize_t rc = weft_read(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);
    return rc == 1 ? byte : (int)rc;
}

static int streams(void *argument)
{
    int numbers[2];
    char byte = 0;

    (void)argument;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
    weft_fd ends[2] = { weft_fd_adopt(numbers[0]), weft_fd_adopt(numbers[1]) };
    weft_scope scope = weft_scope_open(&run_all);
    weft_task reader = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
    rig_await(reader, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_write(ends[0], "x", 1, WEFT_NEVER), 1); /* while it reads there */
    EXPECT_EQ(weft_read(ends[1], &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_seek(ends[0], 0, SEEK_SET, WEFT_NEVER), -ESPIPE);
    EXPECT_EQ(weft_write(ends[1], "y", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), 'y');
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    weft_fd zero = weft_open("/dev/zero", O_RDWR, 0, WEFT_NEVER);
    EXPECT_EQ(weft_read(zero, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_pread(zero, &byte, 1, INT64_C(1) << 40, WEFT_NEVER), 1);
    EXPECT_EQ(weft_seek(zero, 5, SEEK_SET, WEFT_NEVER), 0); /* as lseek(2) says there */
    EXPECT_EQ(weft_close(zero), 0);
    return 0;
}

static void test_streams_and_devices_have_no_turns(void)
{
    rig_each(streams);
}

/* ---- seek ---- */

static int seeks(void *argument)
{
    char got[4] = "";

    (void)argument;
    weft_fd fd = open_file("sought", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_write(fd, "abcdef", 6, WEFT_NEVER), 6);
    EXPECT_EQ(weft_seek(fd, 2, SEEK_SET, WEFT_NEVER), 2);
    EXPECT_EQ(weft_read(fd, got, 1, WEFT_NEVER), 1);
    EXPECT_EQ(got[0], 'c');
    EXPECT_EQ(weft_seek(fd, 1, SEEK_CUR, WEFT_NEVER), 4);
    EXPECT_EQ(weft_seek(fd, -1, SEEK_END, WEFT_NEVER), 5);
    EXPECT_EQ(weft_read(fd, got, 4, WEFT_NEVER), 1);
    EXPECT_EQ(weft_seek(fd, 10, SEEK_END, WEFT_NEVER), 16);
    EXPECT_EQ(weft_write(fd, "z", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_pread(fd, got, 4, 13, WEFT_NEVER), 4);
    EXPECT(memcmp(got, "\0\0\0z", 4) == 0);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_DATA, WEFT_NEVER), 0);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_HOLE, WEFT_NEVER), 17); /* of the end, if of nothing else */
    EXPECT_EQ(weft_seek(fd, 100, SEEK_DATA, WEFT_NEVER), -ENXIO);
    EXPECT_EQ(weft_seek(fd, -1, SEEK_SET, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_seek(fd, 0, 1000, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_CUR, WEFT_NEVER), 17);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_SET, WEFT_NEVER), -EBADF);
    return 0;
}

static void test_seek(void)
{
    rig_each(seeks);
}

static void test_outside_a_task(void)
{
    char path[path_room];
    char byte = 0;
    (void)snprintf(path, sizeof(path), "%s/%s", tree.root, "sought");
    weft_fd fd = weft_fd_adopt(open(path, O_RDWR | O_CLOEXEC));

    CU_ASSERT_EQUAL(weft_seek(fd, 0, SEEK_SET, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_read(fd, &byte, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_pread(fd, &byte, 1, 0, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_write_all(fd, &byte, 1, NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_close(fd), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_writes_of_many_tasks_are_all_there),
        UNIT_TEST(test_reads_of_many_tasks_see_each_byte_once),
        UNIT_TEST(test_a_wait_for_the_turn_ends_with_cancel_and_deadline),
        UNIT_TEST(test_close_ends_the_waits_for_the_turn),
        UNIT_TEST(test_turns_come_in_the_order_of_the_calls),
        UNIT_TEST(test_streams_and_devices_have_no_turns),
        UNIT_TEST(test_seek),
        UNIT_TEST(test_outside_a_task),
    };

    tree_make(&tree);
    int status = unit_run(argc, argv, "turn", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

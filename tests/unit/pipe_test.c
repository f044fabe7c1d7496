/* Pipes and eventfds: wholeness of small writes, both kinds of end, capacity, counters. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { writers = 8, records = 40, page = 4096 };

static char record_of[writers][PIPE_BUF];

/* ---- small writes are whole ---- */

struct writing {
    weft_fd to;
    int number;
};

/* Each of a length of its own, up to the largest; the first two bytes say whose and how long. */
static int write_records(void *argument)
{
    const struct writing *writing = argument;
    char *record = record_of[writing->number];

    memset(record, 'a' + writing->number, PIPE_BUF);
    for (int i = 0; i < records; i++) {
        size_t bytes = (size_t)(i % 4 + 1) * PIPE_BUF / 4 - (i % 4 == 3 ? 0 : (size_t)i);
        memcpy(record + 1, &bytes, sizeof(bytes));
        EXPECT_EQ(weft_write(writing->to, record, bytes, WEFT_NEVER), bytes);
    }
    return 0;
}

/* Reads on until @bytes are there. */
static bool read_exactly(weft_fd from, char *buffer, size_t bytes)
{
    size_t got = 0;

    while (got < bytes) {
        ssize_t count = weft_read(from, buffer + got, bytes - got, WEFT_NEVER);
        if (!EXPECT(count > 0))
            return false;
        got += (size_t)count;
    }
    return true;
}

static bool check_record(weft_fd from)
{
    static char record[PIPE_BUF];
    size_t head = 1 + sizeof(size_t);
    size_t bytes = 0;

    if (!read_exactly(from, record, head))
        return false;
    memcpy(&bytes, record + 1, sizeof(bytes));
    if (!EXPECT(bytes > head && bytes <= PIPE_BUF) || !read_exactly(from, record, bytes - head))
        return false;
    for (size_t i = 1; i < bytes - head; i++)
        if (!EXPECT_EQ(record[i], record[0]))
            return false;
    return true;
}

static int write_at_once(void *argument)
{
    char byte;
    weft_fd ends[2] = { 0, 0 };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_pipe_capacity(ends[0], 1), page); /* one record fills it */
    for (int i = 0; i < writers; i++) {
        struct writing writing = { ends[1], i };
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(writing),
                                                        .place = weft_place_spread());
        (void)weft_spawn(scope, write_records, &writing, &options);
    }
    for (int i = 0; i < writers * records && check_record(ends[0]); i++)
        continue;
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, WEFT_NEVER), 0); /* nothing more than that */
    EXPECT_EQ(weft_close(ends[0]), 0);
    return 0;
}

static void test_writes_up_to_pipe_buf_are_whole_whoever_else_writes(void)
{
    rig_each(write_at_once);
}

/* ---- ends ---- */

static int write_for_ever(void *argument)
{
    static const char text[3 * page];
    ssize_t rc;

    while ((rc = weft_write(*(const weft_fd *)argument, text, sizeof(text), WEFT_NEVER)) > 0)
        EXPECT(rc <= (ssize_t)sizeof(text));
    return (int)rc;
}

static int lose_the_reader(void *argument)
{
    weft_fd ends[2] = { 0, 0 };
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_task writer = weft_go_copy(scope, write_for_ever, &ends[1], sizeof(ends[1]));
    rig_await(writer, WEFT_TASK_WAITING); /* it is full */
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_wait(writer, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_write(ends[1], "x", 1, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_fd_poll(ends[1], POLLOUT, WEFT_NEVER), POLLOUT | POLLERR);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    return 0;
}

/* SIGPIPE is as the program has it, and would end this one. */
static void test_a_write_without_reader_is_an_error_and_no_signal(void)
{
    struct sigaction action;

    CU_ASSERT_EQUAL(sigaction(SIGPIPE, NULL, &action), 0);
    CU_ASSERT_TRUE(action.sa_handler == SIG_DFL);
    rig_each(lose_the_reader);
}

static int lose_the_writers(void *argument)
{
    char text[8] = "";
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_fd second = weft_fd_adopt(dup(weft_fd_number(ends[1])));
    EXPECT_EQ(weft_write(ends[1], "one", 3, WEFT_NEVER), 3);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_read(ends[0], text, sizeof(text), WEFT_NEVER), 3);
    EXPECT_EQ(weft_read(ends[0], text, 1, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT); /* second */
    EXPECT_EQ(weft_write(second, "two", 3, WEFT_NEVER), 3);
    EXPECT_EQ(weft_close(second), 0);
    EXPECT_EQ(weft_read(ends[0], text, sizeof(text), WEFT_NEVER), 3);
    EXPECT_EQ(strcmp(text, "two"), 0);
    EXPECT_EQ(weft_read(ends[0], text, sizeof(text), WEFT_NEVER), 0);
    EXPECT_EQ(weft_fd_poll(ends[0], POLLIN, WEFT_NEVER), POLLHUP);
    EXPECT_EQ(weft_write(ends[0], "x", 1, WEFT_NEVER), -EBADF); /* the wrong end */
    EXPECT_EQ(weft_close(ends[0]), 0);
    return 0;
}

static void test_the_end_comes_when_the_last_writer_has_closed(void)
{
    rig_each(lose_the_writers);
}

/* ---- capacity ---- */

static void test_a_pipe_holds_what_it_is_told_to(void)
{
    weft_fd ends[2] = { 0, 0 };
    static char text[page + 1];

    CU_ASSERT_EQUAL(weft_pipe(ends), 0);
    CU_ASSERT_TRUE(weft_pipe_capacity(ends[0], 0) >= page);
    CU_ASSERT_EQUAL(weft_pipe_capacity(ends[1], 3 * page), 4 * page);
    CU_ASSERT_EQUAL(weft_pipe_capacity(ends[0], 0), 4 * page);
    CU_ASSERT_EQUAL(write(weft_fd_number(ends[1]), text, sizeof(text)), sizeof(text));
    CU_ASSERT_EQUAL(weft_pipe_capacity(ends[0], page), -EBUSY);
    CU_ASSERT_EQUAL(weft_pipe_capacity(ends[0], (size_t)INT32_MAX + 1), -EINVAL);
    CU_ASSERT_EQUAL(weft_close(ends[0]), 0);
    CU_ASSERT_EQUAL(weft_pipe_capacity(ends[0], 0), -EBADF);
    CU_ASSERT_EQUAL(weft_close(ends[1]), 0);
    weft_fd counter = weft_eventfd(0, 0);
    CU_ASSERT_EQUAL(weft_pipe_capacity(counter, 0), -EBADF);
    CU_ASSERT_EQUAL(weft_close(counter), 0);
}

/* ---- eventfd ---- */

static int64_t read_counter(weft_fd counter, weft_deadline until)
{
    uint64_t got = 0;
    ssize_t rc = weft_read(counter, &got, sizeof(got), until);

    return rc < 0 ? rc : (int64_t)got;
}

static int take_counter(void *argument)
{
    return (int)read_counter(*(const weft_fd *)argument, WEFT_NEVER);
}

static int count_in_kernel(void *argument)
{
    uint64_t seven = 7;
    weft_scope scope = weft_scope_open(&run_all);
    weft_fd counter = weft_eventfd(2, 0);
    weft_fd permits = weft_eventfd(2, 1);

    (void)argument;
    EXPECT_EQ(weft_write(counter, &seven, sizeof(seven), WEFT_NEVER), sizeof(seven));
    EXPECT_EQ(read_counter(counter, WEFT_NEVER), 9); /* merged */
    EXPECT_EQ(read_counter(counter, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_read(counter, &(uint32_t){ 0 }, 4, WEFT_NEVER), -EINVAL);
    weft_task task = weft_go_copy(scope, take_counter, &counter, sizeof(counter));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_write(counter, &seven, sizeof(seven), WEFT_NEVER), sizeof(seven));
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 7);
    task = weft_go_copy(scope, take_counter, &counter, sizeof(counter));
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_close(counter), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EBADF);
    EXPECT_EQ(read_counter(permits, WEFT_NEVER), 1);
    EXPECT_EQ(read_counter(permits, WEFT_NEVER), 1);
    EXPECT_EQ(read_counter(permits, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    EXPECT_EQ(weft_close(permits), 0);
    EXPECT_EQ(weft_scope_close(scope), -EBADF);
    return 0;
}

static void test_eventfd_counts_or_gives_one_at_a_time(void)
{
    rig_each(count_in_kernel);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_writes_up_to_pipe_buf_are_whole_whoever_else_writes),
        UNIT_TEST(test_a_write_without_reader_is_an_error_and_no_signal),
        UNIT_TEST(test_the_end_comes_when_the_last_writer_has_closed),
        UNIT_TEST(test_a_pipe_holds_what_it_is_told_to),
        UNIT_TEST(test_eventfd_counts_or_gives_one_at_a_time),
    };
    return unit_run(argc, argv, "pipe", tests, WEFT__COUNT(tests));
}

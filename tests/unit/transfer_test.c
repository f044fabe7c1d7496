/* Reading and writing: at once and all, in one part and in several, at offsets, on full and ending
 * files, with signals on the way. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { path_room = 256, large = 1 << 20 };

static struct tree tree;
static char buffers[2][large];

static weft_fd open_file(const char *name, int flags)
{
    char path[path_room];
    (void)snprintf(path, sizeof(path), "%s/%s", tree.root, name);
    return weft_open(path, flags, 0600, WEFT_NEVER);
}

static int at_offsets(void *argument)
{
    char got[16] = "";
    size_t done = 0;

    (void)argument;
    weft_fd fd = open_file("offsets", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_pwrite(fd, "world", 5, 6, WEFT_NEVER), 5);
    EXPECT_EQ(weft_pwrite_all(fd, "hello ", 6, 0, NULL, weft_after(100 * WEFT_SECOND)), 0);
    EXPECT_EQ(weft_pread_exactly(fd, got, 11, 0, NULL, WEFT_NEVER), 0);
    EXPECT(memcmp(got, "hello world", 11) == 0);
    EXPECT_EQ(weft_read(fd, got, 1, WEFT_NEVER), 1); /* the position has stayed */
    EXPECT_EQ(got[0], 'h');
    EXPECT_EQ(weft_pread_exactly(fd, got, 11, 6, &done, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(done, 5);
    EXPECT(memcmp(got, "world", 5) == 0);
    EXPECT_EQ(weft_pwrite(fd, "!", 1, 11, WEFT_NEVER), 1);
    EXPECT_EQ(weft_pread_exactly(fd, got, 6, 6, &done, WEFT_NEVER), 0); /* goes on */
    EXPECT(memcmp(got, "world!", 6) == 0);
    done = 7;
    EXPECT_EQ(weft_pread_exactly(fd, got, 6, 0, &done, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_pwrite_all(fd, got, 6, 0, &done, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(done, 7);
    EXPECT_EQ(weft_pwrite(fd, got, 1, -1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_pread_exactly(fd, got, 1, INT64_MIN, NULL, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_pwrite_vector(fd, NULL, 0, -1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_read_exactly(fd, NULL, 0, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_write_all(fd, NULL, 0, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_read_vector(fd, NULL, 0, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
    fd = open_file("offsets", O_WRONLY | O_APPEND);
    EXPECT_EQ(weft_pwrite(fd, "?", 1, 0, WEFT_NEVER), 1); /* at the end, as pwrite(2) */
    EXPECT_EQ(weft_pread(fd, got, 1, 0, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_close(fd), 0);
    fd = open_file("offsets", O_RDONLY);
    EXPECT_EQ(weft_pread(fd, got, 16, 0, WEFT_NEVER), 13);
    EXPECT(memcmp(got, "hello world!?", 13) == 0);
    EXPECT_EQ(weft_pwrite(fd, got, 1, 0, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_transfers_at_offsets(void)
{
    rig_each(at_offsets);
}

static int vectors(void *argument)
{
    static struct iovec many[3000];
    char got[8] = "";
    struct iovec two[] = { { (char[]){ 'a', 'b' }, 2 }, { NULL, 0 }, { (char[]){ 'c' }, 1 } };
    struct iovec back[] = { { NULL, 0 }, { got, 1 }, { got + 1, 7 } };
    size_t done = 1;

    (void)argument;
    weft_fd fd = open_file("parts", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_write_vector(fd, two, 3, WEFT_NEVER), 3);
    EXPECT_EQ(weft_pwrite_vector(fd, two, 3, 3, WEFT_NEVER), 3);
    EXPECT_EQ(weft_pread_vector(fd, back, 3, 0, WEFT_NEVER), 6);
    EXPECT(memcmp(got, "abcabc", 6) == 0);
    EXPECT_EQ(weft_read_vector(fd, back, 3, WEFT_NEVER), 3); /* from where the first write ended */
    EXPECT_EQ(weft_read_vector(fd, back, 3, WEFT_NEVER), 0);
    EXPECT_EQ(weft_pwrite_vector_all(fd, two, 3, 0, &done, WEFT_NEVER), 0); /* "bc" at 1 */
    EXPECT_EQ(done, 3);
    EXPECT_EQ(weft_pwrite_vector_all(fd, two, 3, 0, &(size_t){ 4 }, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_pread(fd, got, 8, 0, WEFT_NEVER), 6);
    EXPECT(memcmp(got, "abcabc", 6) == 0);
    for (size_t i = 0; i < WEFT__COUNT(many); i++)
        many[i] = (struct iovec){ buffers[0] + i, 1 };
    EXPECT_EQ(weft_pwrite_vector(fd, many, WEFT__COUNT(many), 0, WEFT_NEVER), 1024);
    EXPECT_EQ(weft_pwrite_vector_all(fd, many, WEFT__COUNT(many), 0, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_pread(fd, buffers[1], large, 0, WEFT_NEVER), WEFT__COUNT(many));
    EXPECT(memcmp(buffers[0], buffers[1], WEFT__COUNT(many)) == 0);
    many[0].iov_len = SIZE_MAX;
    EXPECT_EQ(weft_pread_vector(fd, many, 2, 0, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_vectors(void)
{
    for (size_t i = 0; i < large; i++)
        buffers[0][i] = (char)(i % 251);
    rig_each(vectors);
}

/* ---- short transfers: through a pipe, which takes and gives what it has room for ---- */

static int write_large(void *argument)
{
    const struct iovec parts[] = { { buffers[0], 10 },
                                   { buffers[0] + 10, large - 20 },
                                   { buffers[0] + large - 10, 10 } };
    size_t done = 0;
    int rc = weft_write_vector_all(*(const weft_fd *)argument, parts, 3, &done, WEFT_NEVER);

    EXPECT_EQ(done, large);
    return rc;
}

static int in_pieces(void *argument)
{
    size_t done = 0;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    memset(buffers[1], 0, large);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT(weft_go_copy(scope, write_large, &ends[1], sizeof(ends[1])) > 0);
    EXPECT_EQ(weft_read_exactly(ends[0], buffers[1], large, &done, WEFT_NEVER), 0);
    EXPECT_EQ(done, large);
    EXPECT(memcmp(buffers[0], buffers[1], large) == 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_pread_exactly(ends[0], buffers[1], 1, 0, NULL, WEFT_NEVER), -ESPIPE);
    EXPECT_EQ(weft_pwrite_vector_all(ends[1], NULL, 0, 0, NULL, WEFT_NEVER), -ESPIPE);
    EXPECT_EQ(weft_write(ends[1], "abc", 3, WEFT_NEVER), 3);
    done = 0;
    EXPECT_EQ(weft_read_exactly(ends[0], buffers[1], 5, &done, weft_after(WEFT_MILLISECOND)),
              -ETIMEDOUT);
    EXPECT_EQ(done, 3); /* what came before its time was over */
    EXPECT_EQ(weft_write(ends[1], "d", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_read_exactly(ends[0], buffers[1], 5, &done, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(done, 4);
    EXPECT(memcmp(buffers[1], "abcd", 4) == 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    return 0;
}

static void test_short_transfers_are_gone_on_with(void)
{
    rig_each(in_pieces);
}

static int fill_and_leave(void *argument)
{
    size_t done = 0;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    int rc = weft_write_all(ends[1], buffers[0], large, &done, weft_after(WEFT_MILLISECOND));
    EXPECT_EQ(rc, -ETIMEDOUT);
    EXPECT(done > 0 && done < large);
    EXPECT_EQ(weft_read_exactly(ends[0], buffers[1], done, NULL, WEFT_NEVER), 0);
    EXPECT(memcmp(buffers[0], buffers[1], done) == 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_write_all(ends[1], buffers[0], large, &done, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_a_full_pipe_says_how_far_it_came(void)
{
    rig_each(fill_and_leave);
}

/* ---- errors ---- */

static int no_room(void *argument)
{
    size_t done = 0;

    (void)argument;
    weft_fd full = weft_open("/dev/full", O_RDWR, 0, WEFT_NEVER);
    EXPECT_EQ(weft_write(full, "x", 1, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_write_all(full, "x", 1, &done, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_pwrite(full, "x", 1, 5, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_write_vector(full, &(struct iovec){ (char[]){ 'x' }, 1 }, 1, WEFT_NEVER),
              -ENOSPC);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(weft_close(full), 0);
    weft_fd folder = weft_open(tree.root, O_RDONLY | O_DIRECTORY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_read(folder, buffers[1], 1, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_pread(folder, buffers[1], 1, 0, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_close(folder), 0);
    weft_fd name = weft_open(tree.root, O_PATH, 0, WEFT_NEVER);
    EXPECT_EQ(weft_read(name, buffers[1], 1, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_close(name), 0);
    weft_fd fd = open_file("errors", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_write(fd, "x", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_pread(fd, (void *)8, 1, 0, WEFT_NEVER), -EFAULT);
    EXPECT_EQ(weft_pread(fd, buffers[1], 1, 0, WEFT_NOW), -ETIMEDOUT); /* although it is there */
    EXPECT_EQ(weft_write(fd, "x", 1, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_pread(fd, buffers[1], 1, 0, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_read(fd, buffers[1], 1, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static int no_room_in_a_task(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    int rc = weft_wait(weft_go(scope, no_room, argument), WEFT_NEVER);

    (void)weft_scope_close(scope);
    return rc;
}

static void test_errors_are_those_of_read_and_write(void)
{
    rig_each(no_room_in_a_task);
}

/* What stops in the middle leaves the position behind its last byte. The kernel's limit on the
 * length of a file stands for a full disk. */
static int stop_in_the_middle(void *argument)
{
    size_t done = 0;
    char got[4] = "";

    (void)argument;
    weft_fd fd = open_file("limited", O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_EQ(weft_write(fd, buffers[0], 1000, WEFT_NEVER), 1000);
    EXPECT_EQ(weft_write(fd, buffers[0], large / 2, WEFT_NEVER), large / 4 - 1000);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_CUR, WEFT_NEVER), large / 4);
    EXPECT_EQ(weft_write(fd, "x", 1, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(weft_seek(fd, 500, SEEK_SET, WEFT_NEVER), 500);
    EXPECT_EQ(weft_write_all(fd, buffers[0], large, &done, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(done, large / 4 - 500);
    EXPECT_EQ(weft_pread(fd, got, 4, 500, WEFT_NEVER), 4);
    EXPECT(memcmp(got, buffers[0], 4) == 0); /* nothing was written over it */
    EXPECT_EQ(weft_close(fd), 0);
    fd = open_file("limited", O_WRONLY | O_APPEND | O_TRUNC);
    EXPECT_EQ(weft_write(fd, buffers[0], large / 4 - 1, WEFT_NEVER), large / 4 - 1);
    done = 0;
    EXPECT_EQ(weft_write_all(fd, "xy", 2, &done, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_a_write_that_stops_in_the_middle_moves_the_position(void)
{
    struct rlimit before;

    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = { .rlim_cur = large / 4, .rlim_max = before.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
    rig_run(1, stop_in_the_middle);
    rig_run(2, stop_in_the_middle);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
}

/* ---- signals on the way ---- */

static _Atomic bool over;

static void notice_nothing(int number)
{
    (void)number;
}

/* To the process: any thread may get it, the workers among them. */
static void *send_signals(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&over)) {
        (void)kill(getpid(), SIGUSR1);
        weft__lock_backoff(UINT32_MAX);
    }
    return NULL;
}

static int copy_often(void *argument)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "signals %d", *(const int *)argument);
    weft_fd fd = open_file(name, O_RDWR | O_CREAT | O_TRUNC);
    EXPECT(fd > 0);
    for (int i = 0; i < 30; i++) {
        EXPECT_EQ(weft_pwrite_all(fd, buffers[0], large / 8, 0, NULL, WEFT_NEVER), 0);
        EXPECT_EQ(weft_fdatasync(fd, WEFT_NEVER), 0);
        EXPECT_EQ(weft_pread(fd, buffers[1], large / 8, 0, WEFT_NEVER), large / 8);
        EXPECT_EQ(weft_ftruncate(fd, 0, WEFT_NEVER), 0);
    }
    return weft_close(fd);
}

static int copy_under_signals(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < 4; i++)
        EXPECT(weft_go_copy(scope, copy_often, &i, sizeof(i)) > 0);
    int rc = weft_scope_close(scope);
    rc = rc == 0 ? in_pieces(NULL) : rc;
    return rc;
}

static void test_signals_end_no_transfer(void)
{
    struct sigaction action = { .sa_handler = notice_nothing }; /* without SA_RESTART */
    struct sigaction before;
    pthread_t sender;

    weft__store_relaxed(&over, false);
    CU_ASSERT_EQUAL_FATAL(sigaction(SIGUSR1, &action, &before), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&sender, NULL, send_signals, NULL), 0);
    rig_run(1, copy_under_signals);
    rig_run(4, copy_under_signals);
    weft__store_relaxed(&over, true);
    CU_ASSERT_EQUAL(pthread_join(sender, NULL), 0);
    CU_ASSERT_EQUAL(sigaction(SIGUSR1, &before, NULL), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_transfers_at_offsets),
        UNIT_TEST(test_vectors),
        UNIT_TEST(test_short_transfers_are_gone_on_with),
        UNIT_TEST(test_a_full_pipe_says_how_far_it_came),
        UNIT_TEST(test_errors_are_those_of_read_and_write),
        UNIT_TEST(test_a_write_that_stops_in_the_middle_moves_the_position),
        UNIT_TEST(test_signals_end_no_transfer),
    };

    tree_make(&tree);
    for (size_t i = 0; i < large; i++)
        buffers[0][i] = (char)(i % 251);
    int status = unit_run(argc, argv, "transfer", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

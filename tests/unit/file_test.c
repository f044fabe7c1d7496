/* Files and pipes: results and errors of each call, close against operations, stale handles. */
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { readers = 8, rounds = 100, path_room = 256 };

static struct tree tree;

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

static int reads_and_writes(void *argument)
{
    char path[path_room];
    char got[32] = "";

    (void)argument;
    weft_fd fd = weft_open(path_of(path, "new"), O_RDWR | O_CREAT | O_TRUNC, 0640, WEFT_NEVER);
    EXPECT(fd > 0);
    EXPECT_EQ(weft_write(fd, "hello ", 6, WEFT_NEVER), 6);
    EXPECT_EQ(weft_write(fd, "world", 5, WEFT_NEVER), 5); /* goes on where it stands */
    EXPECT_EQ(weft_read(fd, got, sizeof(got), WEFT_NEVER), 0);
    EXPECT_EQ(weft_pread(fd, got, 5, 6, WEFT_NEVER), 5);
    EXPECT(memcmp(got, "world", 5) == 0);
    EXPECT_EQ(weft_pread(fd, got, sizeof(got), 4, WEFT_NEVER), 7);
    EXPECT_EQ(weft_pread(fd, got, 1, 11, WEFT_NEVER), 0);
    EXPECT_EQ(weft_pread(fd, got, 1, INT64_C(1) << 40, WEFT_NEVER), 0);
    EXPECT_EQ(weft_pread(fd, got, 1, -1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_write(fd, got, 0, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
    fd = weft_open(path, O_RDONLY, 0, weft_after(100 * WEFT_SECOND));
    EXPECT_EQ(weft_read(fd, got, 5, weft_after(100 * WEFT_SECOND)), 5);
    EXPECT_EQ(weft_pread(fd, got, 1, 0, WEFT_NEVER), 1); /* the position stays */
    EXPECT_EQ(weft_read(fd, got, sizeof(got), WEFT_NEVER), 6);
    EXPECT(memcmp(got, " world", 6) == 0);
    EXPECT_EQ(weft_write(fd, got, 1, WEFT_NEVER), -EBADF); /* of write(2): not open for it */
    EXPECT(weft_fd_number(fd) >= 0 && (fcntl(weft_fd_number(fd), F_GETFD) & FD_CLOEXEC) != 0);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_open_read_pread_write(void)
{
    rig_each(reads_and_writes);
}

static int open_errors(void *argument)
{
    char path[path_room];

    (void)argument;
    EXPECT_EQ(weft_open(path_of(path, "missing"), O_RDONLY, 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_open("", O_RDONLY, 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_open(tree.root, O_WRONLY, 0, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_open(path_of(path, "file/below"), O_RDONLY, 0, WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_open(path_of(path, "file"), O_RDONLY | O_CREAT | O_EXCL, 0600, WEFT_NEVER),
              -EEXIST);
    EXPECT_EQ(weft_open(path_of(path, "file"), O_RDONLY, 0, WEFT_NOW), -ETIMEDOUT);
    return 0;
}

static void test_open_errors_are_those_of_open(void)
{
    rig_run(2, open_errors);
}

static int stats(void *argument)
{
    char path[path_room];
    struct stat wanted;
    weft_file_info info = WEFT_FILE_INFO_INIT;

    (void)argument;
    EXPECT_EQ(stat(path_of(path, "file"), &wanted), 0);
    EXPECT_EQ(weft_stat(path, &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.kind, WEFT_FILE_REGULAR);
    EXPECT_EQ(info.mode, wanted.st_mode & 07777u);
    EXPECT_EQ(info.bytes, 12);
    EXPECT_EQ(info.inode, wanted.st_ino);
    EXPECT_EQ(info.device, wanted.st_dev);
    EXPECT_EQ(info.links, 1);
    EXPECT_EQ(info.user, wanted.st_uid);
    EXPECT_EQ(info.group, wanted.st_gid);
    EXPECT_EQ(info.modified_ns, wanted.st_mtim.tv_sec * WEFT_SECOND + wanted.st_mtim.tv_nsec);
    weft_file_info of = WEFT_FILE_INFO_INIT;
    weft_fd fd = weft_open(path, O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_stat_of(fd, &of, WEFT_NEVER), 0);
    EXPECT(memcmp(&of, &info, sizeof(of)) == 0);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_stat_tells_what_stat_tells(void)
{
    rig_run(2, stats);
}

static int stat_kinds(void *argument)
{
    static const struct {
        const char *name;
        weft_file_kind kind;
    } rows[] = { { "file", WEFT_FILE_REGULAR },
                 { "folder", WEFT_FILE_DIRECTORY },
                 { "link", WEFT_FILE_SYMLINK },
                 { "pipe", WEFT_FILE_PIPE } };
    weft_file_info info = WEFT_FILE_INFO_INIT;
    char path[path_room];

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        EXPECT_EQ(weft_stat(path_of(path, rows[i].name), &info, WEFT_NEVER), 0);
        EXPECT_EQ(info.kind, rows[i].kind);
    }
    EXPECT_EQ(weft_stat("/dev/null", &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.kind, WEFT_FILE_CHARACTER);
    EXPECT_EQ(weft_stat(path_of(path, "missing"), &info, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_stat_of(0, &info, WEFT_NEVER), -EBADF);
    EXPECT_EQ(info.kind, WEFT_FILE_CHARACTER); /* untouched */
    info.size = 1;
    EXPECT_EQ(weft_stat("/dev/null", &info, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_stat_of(0, &info, WEFT_NEVER), -EBADF);
    weft_fd fd = weft_open("/dev/null", O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_stat_of(fd, &info, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_stat_knows_kinds_and_follows_no_link(void)
{
    rig_run(2, stat_kinds);
}

static int wrong_handles(void *argument)
{
    char byte = 'x';
    weft_file_info info = WEFT_FILE_INFO_INIT;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_fd wrong[] = { 0,
                        1,
                        2,
                        INT64_MAX,
                        (int32_t)ends[0],
                        weft_self(),
                        ends[0] ^ 1 << 20,
                        ends[0] + (INT64_C(1) << 32) };
    for (size_t i = 0; i < WEFT__COUNT(wrong); i++) {
        EXPECT_EQ(weft_read(wrong[i], &byte, 1, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_pread(wrong[i], &byte, 1, 0, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_write(wrong[i], &byte, 1, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_stat_of(wrong[i], &info, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_fd_number(wrong[i]), -EBADF);
        EXPECT_EQ(weft_close(wrong[i]), -EBADF);
    }
    EXPECT_EQ(weft_close(-EMFILE), -EMFILE);
    EXPECT_EQ(weft_read(-EMFILE, &byte, 1, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(byte, 'x');
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[0]), -EBADF);
    EXPECT_EQ(weft_write(ends[1], &byte, 1, WEFT_NEVER), -EPIPE); /* and no signal */
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_handles_wrong_ones_and_stale_ones_are_bad(void)
{
    rig_each(wrong_handles);
}

/* The kernel gives the number of a closed file to the next one; the old handle must not. */
static int number_reuse(void *argument)
{
    char path[path_room];
    char byte = 0;

    (void)argument;
    weft_fd first = weft_open(path_of(path, "file"), O_RDONLY, 0, WEFT_NEVER);
    int number = weft_fd_number(first);
    EXPECT_EQ(weft_close(first), 0);
    weft_fd second = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_fd_number(second), number);
    EXPECT_EQ(weft_read(first, &byte, 1, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_fd_number(first), -EBADF);
    EXPECT_EQ(weft_close(first), -EBADF);
    EXPECT_EQ(weft_read(second, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(second), 0);
    return 0;
}

static void test_a_reused_number_is_not_reached_by_the_old_handle(void)
{
    rig_run(1, number_reuse);
}

/* The first test of this program: no record of a file has been made, and the first one needs
 * memory. */
static void test_without_memory_a_descriptor_stays_its_owners(void)
{
    weft_fd ends[2] = { -1, -1 };
    uint32_t before = rig_descriptors();
    int number = open("/dev/zero", O_RDONLY);

    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft_fd_adopt(number), -ENOMEM);
    CU_ASSERT_TRUE(fcntl(number, F_GETFD) >= 0);
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft_pipe(ends), -ENOMEM);
    CU_ASSERT_TRUE(ends[0] == -1 && ends[1] == -1);
    weft_fd fd = weft_fd_adopt(number);
    CU_ASSERT_EQUAL(weft_fd_number(fd), number); /* the failure has left no owner */
    CU_ASSERT_EQUAL(weft_close(fd), 0);
    CU_ASSERT_EQUAL(rig_descriptors(), before);
}

/* What the process has open besides: "pipe:[7]", "anon_inode:[io_uring]", a path. */
static int find_descriptor(const char *wanted)
{
    char link[64];
    char target[path_room];
    const struct dirent *entry;
    int number = -1;
    DIR *folder = opendir("/proc/self/fd");

    while (number < 0 && (entry = readdir(folder)) != NULL) {
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%.20s", entry->d_name);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        if (length > 0 && strncmp(target, wanted, strlen(wanted)) == 0)
            number = atoi(entry->d_name);
    }
    (void)closedir(folder);
    return number;
}

static int adopt_owned(void *argument)
{
    char path[path_room];
    char byte = 0;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_dir dir = weft_dir_open(path_of(path, "folder"), WEFT_NEVER);
    weft_fd opened = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    weft_fd adopted = weft_fd_adopt(open("/dev/zero", O_RDONLY));
    const int owned[] = { weft_fd_number(ends[0]),
                          weft_fd_number(ends[1]),
                          weft_fd_number(opened),
                          weft_fd_number(adopted),
                          find_descriptor(path),
                          find_descriptor(engines_use_ring() ? "anon_inode:[io_uring]"
                                                             : "anon_inode:[eventpoll]"),
                          find_descriptor("anon_inode:[eventfd]") };
    for (size_t i = 0; i < WEFT__COUNT(owned); i++)
        EXPECT_EQ(weft_fd_adopt(owned[i]), -EEXIST);
    EXPECT_EQ(weft_dir_close(dir), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_close(opened), 0);
    EXPECT_EQ(weft_read(adopted, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(adopted), 0);
    return 0;
}

static void test_adopt_of_what_is_owned_is_refused(void)
{
    rig_run(2, adopt_owned);
}

/* close(2) on the number of a handle, which the program must not call. */
static int close_behind_wefts_back(void *argument)
{
    char byte = 0;

    (void)argument;
    weft_fd robbed = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    int number = weft_fd_number(robbed);
    (void)close(number);
    weft_fd next = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_fd_number(next), number);
    EXPECT_EQ(weft_read(robbed, &byte, 1, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_fd_number(robbed), -EBADF);
    EXPECT_EQ(weft_close(robbed), -EBADF);
    EXPECT_EQ(weft_read(next, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(next), 0);
    return 0;
}

static void test_a_number_closed_by_others_is_not_reached_by_its_old_handle(void)
{
    rig_run(1, close_behind_wefts_back);
}

static int adopt(void *argument)
{
    char byte = 0;

    (void)argument;
    EXPECT_EQ(weft_fd_adopt(-1), -EBADF);
    EXPECT_EQ(weft_fd_adopt(1000000), -EBADF);
    int number = open("/dev/zero", O_RDONLY);
    weft_fd fd = weft_fd_adopt(number);
    EXPECT_EQ(weft_fd_number(fd), number);
    EXPECT_EQ(weft_read(fd, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(fcntl(number, F_GETFD), -1); /* closed with it */
    EXPECT_EQ(weft_fd_adopt(number), -EBADF);
    return 0;
}

static void test_adopt_takes_an_open_descriptor_over(void)
{
    rig_run(1, adopt);
}

static int read_byte(void *argument)
{
    char byte = 0;
    ssize_t rc = weft_read(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);
    return rc == 1 ? byte : (int)rc;
}

/* All that read the file end with -EBADF, then the file is closed. */
static int close_under_readers(void *argument)
{
    weft_task tasks[readers];
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    for (int round = 0; round < 10; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        EXPECT_EQ(weft_pipe(ends), 0);
        for (int i = 0; i < readers; i++) {
            tasks[i] = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
            if (round % 2 == 0)
                rig_await(tasks[i], WEFT_TASK_WAITING);
        }
        EXPECT_EQ(weft_close(ends[0]), 0);
        for (int i = 0; i < readers; i++)
            EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_ends_the_reads_under_way(void)
{
    rig_each(close_under_readers);
}

static int close_it(void *argument)
{
    return weft_close(*(const weft_fd *)argument);
}

static void *close_from_thread(void *argument)
{
    EXPECT_EQ(weft_close(*(const weft_fd *)argument), 0);
    return NULL;
}

/* One of several closers wins, the others are told. A thread may close, too. */
static int close_many_times(void *argument)
{
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_task closers[4];
        int closed = 0;
        weft_scope scope = weft_scope_open(&run_all);
        EXPECT_EQ(weft_pipe(ends), 0);
        weft_task reader = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
        for (int i = 0; i < 4; i++)
            closers[i] = weft_go_copy(scope, close_it, &ends[0], sizeof(ends[0]));
        for (int i = 0; i < 4; i++) {
            int rc = weft_wait(closers[i], WEFT_NEVER);
            EXPECT(rc == 0 || rc == -EBADF);
            closed += rc == 0;
        }
        EXPECT_EQ(closed, 1);
        EXPECT_EQ(weft_wait(reader, WEFT_NEVER), -EBADF);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_by_many_happens_once(void)
{
    rig_each(close_many_times);
}

static int close_by_thread(void *argument)
{
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    for (int round = 0; round < 10; round++) {
        pthread_t thread;
        weft_scope scope = weft_scope_open(&run_all);
        EXPECT_EQ(weft_pipe(ends), 0);
        weft_task reader = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
        rig_await(reader, WEFT_TASK_WAITING);
        EXPECT_EQ(pthread_create(&thread, NULL, close_from_thread, &ends[0]), 0);
        EXPECT_EQ(weft_wait(reader, WEFT_NEVER), -EBADF);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_from_a_thread_ends_the_reads_too(void)
{
    rig_each(close_by_thread);
}

/* A close at about the moment of the write: the byte, or -EBADF; nothing else. */
static int close_against_write(void *argument)
{
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    for (int round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        EXPECT_EQ(weft_pipe(ends), 0);
        weft_task reader = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
        if (round % 2 == 0)
            rig_await(reader, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_write(ends[1], "b", 1, WEFT_NEVER), 1);
        EXPECT_EQ(weft_close(ends[0]), 0);
        int rc = weft_wait(reader, WEFT_NEVER);
        EXPECT(rc == 'b' || rc == -EBADF);
        EXPECT_EQ(weft_close(ends[1]), 0);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_against_a_write(void)
{
    rig_each(close_against_write);
}

static int pipe_deadlines(void *argument)
{
    char byte = 'x';
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_deadline until = weft_after(3 * WEFT_MILLISECOND);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, until), -ETIMEDOUT);
    EXPECT(weft_clock() >= until.ns);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, (weft_deadline){ 1 }), -ETIMEDOUT);
    EXPECT_EQ(byte, 'x');
    EXPECT_EQ(weft_write(ends[1], "y", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, weft_after(WEFT_SECOND)), 1);
    EXPECT_EQ(byte, 'y'); /* the reads that ended early have not taken it */
    EXPECT_EQ(weft_pread(ends[0], &byte, 1, 0, WEFT_NEVER), -ESPIPE);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_read(ends[0], &byte, 1, WEFT_NEVER), 0); /* the end */
    EXPECT_EQ(weft_close(ends[0]), 0);
    return 0;
}

static void test_pipe_deadline_end_and_seek(void)
{
    rig_each(pipe_deadlines);
}

/* Outside a task: what suspends is refused, the rest works. */
static void test_outside_a_task(void)
{
    char byte = 0;
    weft_file_info info = WEFT_FILE_INFO_INIT;
    weft_dir_entry entry;
    weft_fd ends[2] = { 0, 0 };

    CU_ASSERT_EQUAL(weft_pipe(ends), 0);
    CU_ASSERT_TRUE(weft_fd_number(ends[0]) >= 0);
    CU_ASSERT_EQUAL(weft_read(ends[0], &byte, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_write(ends[1], &byte, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_stat_of(ends[0], &info, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_stat("/", &info, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_open("/", O_RDONLY, 0, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_dir_open("/", WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_dir_next(ends[0], &entry, WEFT_NEVER), -EBADF);
    CU_ASSERT_EQUAL(weft_close(ends[0]), 0);
    CU_ASSERT_EQUAL(weft_close(ends[1]), 0);
    CU_ASSERT_EQUAL(weft_close(ends[1]), -EBADF);
}

static void make_tree(void)
{
    char path[path_room];

    tree_make(&tree);
    tree_write(&tree, "file", "twelve bytes");
    tree_write(&tree, "folder/inside", "");
    if (symlink("file", path_of(path, "link")) != 0 || mkfifo(path_of(path, "pipe"), 0600) != 0)
        (void)fprintf(stderr, "the tree is not whole: a test will say so\n");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_without_memory_a_descriptor_stays_its_owners),
        UNIT_TEST(test_open_read_pread_write),
        UNIT_TEST(test_open_errors_are_those_of_open),
        UNIT_TEST(test_stat_tells_what_stat_tells),
        UNIT_TEST(test_stat_knows_kinds_and_follows_no_link),
        UNIT_TEST(test_handles_wrong_ones_and_stale_ones_are_bad),
        UNIT_TEST(test_a_reused_number_is_not_reached_by_the_old_handle),
        UNIT_TEST(test_adopt_of_what_is_owned_is_refused),
        UNIT_TEST(test_a_number_closed_by_others_is_not_reached_by_its_old_handle),
        UNIT_TEST(test_adopt_takes_an_open_descriptor_over),
        UNIT_TEST(test_close_ends_the_reads_under_way),
        UNIT_TEST(test_close_by_many_happens_once),
        UNIT_TEST(test_close_from_a_thread_ends_the_reads_too),
        UNIT_TEST(test_close_against_a_write),
        UNIT_TEST(test_pipe_deadline_end_and_seek),
        UNIT_TEST(test_outside_a_task),
    };

    make_tree();
    int status = unit_run(argc, argv, "file", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

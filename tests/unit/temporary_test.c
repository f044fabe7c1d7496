/* Temporary files, opening with every kind of flag, and paths that begin in a folder. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { path_room = 256, block = 4096 };

static struct tree tree;

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

WEFT__NOINLINE static bool is_unnamed(weft_fd fd)
{
    struct stat info;
    return fstat(weft_fd_number(fd), &info) == 0 && info.st_nlink == 0 &&
           (info.st_mode & 07777) == 0600;
}

WEFT__NOINLINE static int count_entries(const char *folder)
{
    weft_dir_entry entry;
    weft_dir dir = weft_dir_open(folder, WEFT_NEVER);
    int count = 0;

    while (weft_dir_next(dir, &entry, WEFT_NEVER) == 1)
        count++;
    EXPECT_EQ(weft_dir_close(dir), 0);
    return count;
}

static int unnamed(void *argument)
{
    char path[path_room];
    char got[4] = "";
    static const char *const places[] = { NULL, "/tmp", "/dev/shm" };

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(places); i++) {
        weft_fd fd = weft_temporary_open(i == 0 ? path_of(path, "empty") : places[i], WEFT_NEVER);
        if (fd == -ENOENT && i > 0) /* there is no such folder on this system */
            continue;
        EXPECT(fd > 0 && is_unnamed(fd));
        EXPECT_EQ(weft_write(fd, "abc", 3, WEFT_NEVER), 3);
        EXPECT_EQ(weft_pread(fd, got, 4, 0, WEFT_NEVER), 3);
        EXPECT(memcmp(got, "abc", 3) == 0);
        EXPECT_EQ(weft_close(fd), 0);
    }
    EXPECT_EQ(count_entries(path_of(path, "empty")), 0);
    weft_fd fd = weft_temporary_open(NULL, WEFT_NEVER); /* where TMPDIR says */
    EXPECT(fd > 0 && is_unnamed(fd));
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_temporary_open(path_of(path, "missing"), WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_temporary_open(path_of(path, "file"), WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_temporary_open(NULL, WEFT_NOW), -ETIMEDOUT);
    return 0;
}

static void test_a_file_without_a_name(void)
{
    rig_each(unnamed);
}

/* /proc knows neither files without a name nor new ones: the way round is tried, and says so. */
static int no_place(void *argument)
{
    char path[path_room];

    (void)argument;
    weft_fd fd = weft_temporary_open("/proc", WEFT_NEVER);
    EXPECT(fd == -ENOENT || fd == -EACCES || fd == -EPERM || fd == -EOPNOTSUPP);
    fd = weft_temporary_create("/proc", "x", path, sizeof(path), WEFT_NEVER);
    EXPECT(fd == -ENOENT || fd == -EACCES || fd == -EPERM);
    return 0;
}

static void test_a_file_system_without_such_files(void)
{
    rig_run(1, no_place);
}

static int named(void *argument)
{
    char path[path_room] = "untouched";
    char other[path_room];
    char folder[path_room];
    size_t bytes = strlen(path_of(folder, "empty")) + strlen("/pre-") + 16 + 1;

    (void)argument;
    weft_fd fd = weft_temporary_create(folder, "pre-", path, bytes - 1, WEFT_NEVER);
    EXPECT_EQ(fd, -ENAMETOOLONG);
    EXPECT(strcmp(path, "untouched") == 0);
    fd = weft_temporary_create(folder, "pre-", path, bytes, WEFT_NEVER);
    EXPECT(fd > 0);
    EXPECT(strncmp(path, folder, strlen(folder)) == 0);
    EXPECT(strncmp(path + strlen(folder), "/pre-", 5) == 0);
    EXPECT_EQ(strlen(path), bytes - 1);
    weft_fd second = weft_temporary_create(folder, "pre-", other, bytes, WEFT_NEVER);
    EXPECT(second > 0 && strcmp(path, other) != 0);
    EXPECT_EQ(count_entries(folder), 2);
    EXPECT_EQ(weft_write_all(fd, "x", 1, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unlink(path, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unlink(other, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_close(second), 0);
    fd = weft_temporary_create(NULL, "", path, sizeof(path), WEFT_NEVER);
    EXPECT(fd > 0);
    EXPECT_EQ(weft_unlink(path, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_temporary_create(path_of(other, "missing"), "", path, sizeof(path), WEFT_NEVER),
              -ENOENT);
    return 0;
}

static void test_a_file_with_a_name_of_its_own(void)
{
    rig_each(named);
}

/* ---- flags of open ---- */

static int open_flags(void *argument)
{
    static _Alignas(block) char page[block];
    char path[path_room];
    char got[8] = "";

    (void)argument;
    weft_fd fd = weft_open(path_of(path, "flags"), O_WRONLY | O_CREAT | O_EXCL, 0604, WEFT_NEVER);
    weft_file_info info = WEFT_FILE_INFO_INIT;
    EXPECT_EQ(weft_stat_of(fd, &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.mode, 0604);
    EXPECT_EQ(weft_write(fd, "abc", 3, WEFT_NEVER), 3);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600, WEFT_NEVER), -EEXIST);
    fd = weft_open(path, O_RDWR | O_APPEND, 0, WEFT_NEVER);
    EXPECT_EQ(weft_seek(fd, 0, SEEK_SET, WEFT_NEVER), 0);
    EXPECT_EQ(weft_write(fd, "def", 3, WEFT_NEVER), 3); /* at the end all the same */
    EXPECT_EQ(weft_pread(fd, got, 8, 0, WEFT_NEVER), 6);
    EXPECT(memcmp(got, "abcdef", 6) == 0);
    EXPECT_EQ(weft_close(fd), 0);
    fd = weft_open(path, O_RDWR | O_TRUNC, 0, WEFT_NEVER);
    EXPECT_EQ(weft_read(fd, got, 8, WEFT_NEVER), 0);
    EXPECT_EQ(weft_close(fd), 0);
    fd = weft_open(path, O_PATH, 0, WEFT_NEVER);
    EXPECT_EQ(weft_stat_of(fd, &info, WEFT_NEVER), 0);
    EXPECT_EQ(weft_write(fd, "x", 1, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(symlink("flags", path_of(path, "alias")), 0);
    EXPECT_EQ(weft_open(path, O_RDONLY | O_NOFOLLOW, 0, WEFT_NEVER), -ELOOP);
    EXPECT_EQ(unlink(path), 0);
    fd = weft_open(path_of(path, "flags"), O_RDWR | O_DIRECT, 0, WEFT_NEVER);
    if (fd > 0) { /* -EINVAL: such a file system */
        memset(page, 'd', sizeof(page));
        EXPECT_EQ(weft_write(fd, page, block, WEFT_NEVER), block);
        memset(page, 0, sizeof(page));
        EXPECT_EQ(weft_pread(fd, page, block, 0, WEFT_NEVER), block);
        EXPECT_EQ(page[block - 1], 'd');
        EXPECT_EQ(weft_close(fd), 0);
    }
    EXPECT_EQ(unlink(path), 0);
    return 0;
}

static void test_open_takes_all_flags(void)
{
    rig_each(open_flags);
}

static int in_folder(void *argument)
{
    char path[path_room];
    weft_file_info info = WEFT_FILE_INFO_INIT;

    (void)argument;
    weft_fd folder = weft_open(tree.root, O_PATH | O_DIRECTORY, 0, WEFT_NEVER);
    weft_fd fd = weft_open_at(folder, "inside", O_RDWR | O_CREAT, 0600, WEFT_NEVER);
    EXPECT_EQ(weft_write(fd, "four", 4, WEFT_NEVER), 4);
    EXPECT_EQ(weft_stat(path_of(path, "inside"), &info, WEFT_NEVER), 0);
    EXPECT_EQ(weft_stat_at(folder, "inside", 0, &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.bytes, 4);
    EXPECT_EQ(symlink("inside", path_of(path, "to")), 0);
    EXPECT_EQ(weft_stat_at(folder, "to", 0, &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.kind, WEFT_FILE_REGULAR);
    EXPECT_EQ(weft_stat_at(folder, "to", AT_SYMLINK_NOFOLLOW, &info, WEFT_NEVER), 0);
    EXPECT_EQ(info.kind, WEFT_FILE_SYMLINK);
    EXPECT_EQ(weft_stat_at(folder, "missing", 0, &info, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_stat_at(fd, "x", 0, &info, WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_open_at(fd, "x", O_RDONLY, 0, WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_open_at(folder, "missing", O_RDONLY, 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_open_at(folder, "inside", O_RDONLY, 0, WEFT_NOW), -ETIMEDOUT);
    weft_fd zero = weft_open_at(folder, "/dev/zero", O_RDONLY, 0, WEFT_NEVER); /* absolute */
    EXPECT_EQ(weft_close(zero), 0);
    EXPECT_EQ(weft_close(folder), 0);
    EXPECT_EQ(weft_open_at(folder, "inside", O_RDONLY, 0, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_stat_at(folder, "inside", 0, &info, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(unlink(path_of(path, "inside")), 0);
    return 0;
}

static void test_paths_that_begin_in_a_folder(void)
{
    rig_each(in_folder);
}

/* ---- no descriptors left ---- */

static int without_descriptors(void *argument)
{
    char path[path_room];
    struct rlimit before;
    weft_content content = WEFT_CONTENT_INIT;

    (void)argument;
    weft_fd folder = weft_open(tree.root, O_RDONLY | O_DIRECTORY, 0, WEFT_NEVER);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(weft_open("/dev/null", O_RDONLY, 0, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_open_at(folder, "file", O_RDONLY, 0, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_temporary_open(NULL, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_temporary_create(NULL, "", path, sizeof(path), WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_file_load("/dev/null", 1, &content, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(weft_file_replace(path_of(path, "file"), "", 0, 0600, WEFT_NEVER), -EMFILE);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(weft_close(folder), 0);
    return 0;
}

static void test_without_descriptors_each_says_so(void)
{
    uint32_t before = rig_descriptors();

    rig_each(without_descriptors);
    CU_ASSERT_EQUAL(rig_descriptors(), before);
}

/* Of what is not a task. */
static void test_outside_a_task(void)
{
    char path[path_room];
    weft_content content = WEFT_CONTENT_INIT;

    CU_ASSERT_EQUAL(weft_temporary_open(NULL, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_temporary_create(NULL, "", path, sizeof(path), WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_file_load("/", 1, &content, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_file_save("x", "", 0, 0600, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_file_replace("x", "", 0, 0600, WEFT_NEVER), -EPERM);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_file_without_a_name),
        UNIT_TEST(test_a_file_system_without_such_files),
        UNIT_TEST(test_a_file_with_a_name_of_its_own),
        UNIT_TEST(test_open_takes_all_flags),
        UNIT_TEST(test_paths_that_begin_in_a_folder),
        UNIT_TEST(test_without_descriptors_each_says_so),
        UNIT_TEST(test_outside_a_task),
    };

    tree_make(&tree);
    tree_write(&tree, "file", "");
    tree_write(&tree, "empty/x", "");
    char path[path_room];
    if (unlink(path_of(path, "empty/x")) != 0)
        return unit_broken;
    int status = unit_run(argc, argv, "temporary", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

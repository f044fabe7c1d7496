/* Folders: all entries once, kinds, folders that change or vanish meanwhile, two readers, misuse.
 * */
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { crowd = 5000, path_room = 512 };

static struct tree tree;
static char seen[crowd];

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

/* Entries "0" to "4999": each must come once. */
static int read_crowd(void *argument)
{
    char path[path_room];
    weft_dir_entry entry;
    struct stat status;
    int count = 0;
    int rc;
    weft_dir dir = weft_dir_open(path_of(path, "crowd"), WEFT_NEVER);

    (void)argument;
    EXPECT(dir > 0);
    memset(seen, 0, sizeof(seen));
    while ((rc = weft_dir_next(dir, &entry, weft_after(100 * WEFT_SECOND))) == 1) {
        int number = atoi(entry.name);
        if (!EXPECT(number >= 0 && number < crowd))
            break;
        EXPECT_EQ(seen[number]++, 0);
        EXPECT(entry.kind == WEFT_FILE_REGULAR || entry.kind == WEFT_FILE_UNKNOWN);
        if (count++ % 500 == 0) {
            (void)snprintf(path, sizeof(path), "%s/crowd/%s", tree.root, entry.name);
            EXPECT_EQ(stat(path, &status), 0);
            EXPECT_EQ(entry.inode, status.st_ino);
        }
    }
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(count, crowd);
    (void)snprintf(entry.name, sizeof(entry.name), "same");
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), 0); /* the end stays the end */
    EXPECT(strcmp(entry.name, "same") == 0);
    EXPECT_EQ(weft_dir_close(dir), 0);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_dir_close(dir), -EBADF);
    return 0;
}

static void test_every_entry_of_a_large_folder_comes_once(void)
{
    rig_each(read_crowd);
}

static int read_kinds(void *argument)
{
    static const struct {
        const char *name;
        weft_file_kind kind;
    } wanted[] = { { "file", WEFT_FILE_REGULAR },
                   { "folder", WEFT_FILE_DIRECTORY },
                   { "link", WEFT_FILE_SYMLINK },
                   { "pipe", WEFT_FILE_PIPE } };
    char path[path_room];
    weft_dir_entry entry;
    int found = 0;
    weft_dir dir = weft_dir_open(path_of(path, "kinds"), WEFT_NEVER);

    (void)argument;
    while (weft_dir_next(dir, &entry, WEFT_NEVER) == 1) {
        EXPECT(strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0);
        for (size_t i = 0; i < WEFT__COUNT(wanted); i++)
            if (strcmp(entry.name, wanted[i].name) == 0) {
                EXPECT(entry.kind == wanted[i].kind || entry.kind == WEFT_FILE_UNKNOWN);
                found++;
            }
    }
    EXPECT_EQ(found, WEFT__COUNT(wanted));
    EXPECT_EQ(weft_dir_close(dir), 0);
    return 0;
}

static void test_entries_have_their_kinds(void)
{
    rig_run(2, read_kinds);
}

static int open_errors(void *argument)
{
    char path[path_room];
    weft_dir_entry entry;

    (void)argument;
    EXPECT_EQ(weft_dir_open(path_of(path, "missing"), WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_dir_open(path_of(path, "kinds/file"), WEFT_NEVER), -ENOTDIR);
    int through_link = (int)weft_dir_open(path_of(path, "kinds/to-folder"), WEFT_NEVER);
    EXPECT(through_link == -ENOTDIR || through_link == -ELOOP); /* it is not followed */
    EXPECT_EQ(weft_dir_open(tree.root, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_dir_next(0, &entry, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_dir_next(weft_self(), &entry, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_dir_next(-ENOENT, &entry, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_dir_close(-ENOENT), -ENOENT);
    weft_dir dir = weft_dir_open(tree.root, WEFT_NEVER);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_dir_next(dir, &entry, (weft_deadline){ 1 }), -ETIMEDOUT);
    weft__fault_arm(WEFT__FAULT_THREAD, 1, -EAGAIN); /* no helper thread, and no way to start one */
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), 1); /* nothing was lost by that */
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NOW), 1);   /* it was read with the one before */
    EXPECT_EQ(weft_close(dir), -EBADF);                   /* a folder is no file */
    EXPECT_EQ(weft_dir_close(dir), 0);
    return 0;
}

static void test_open_errors_and_wrong_handles(void)
{
    rig_run(2, open_errors);
}

static int vanished_folder(void *argument)
{
    char path[path_room];
    weft_dir_entry entry;

    (void)argument;
    EXPECT_EQ(mkdir(path_of(path, "gone"), 0700), 0);
    weft_dir dir = weft_dir_open(path, WEFT_NEVER);
    EXPECT(dir > 0);
    EXPECT_EQ(rmdir(path), 0);
    int rc = weft_dir_next(dir, &entry, WEFT_NEVER);
    EXPECT(rc == 0 || rc == -ENOENT); /* as getdents(2) has it: an end or an error, no more */
    EXPECT_EQ(weft_dir_close(dir), 0);
    return 0;
}

static void test_a_folder_that_vanishes_ends(void)
{
    rig_run(2, vanished_folder);
}

static int count_entries(void *argument)
{
    weft_dir dir = *(const weft_dir *)argument;
    weft_dir_entry entry;
    int count = 0;
    int rc;

    while ((rc = weft_dir_next(dir, &entry, WEFT_NEVER)) == 1 || rc == -EBUSY) {
        count += rc == 1;
        (void)weft_yield();
    }
    EXPECT_EQ(rc, 0);
    return count;
}

/* Two tasks read one folder: the one that comes into the other's read is told; no entry is lost. */
static int two_readers(void *argument)
{
    char path[path_room];
    weft_scope scope = weft_scope_open(NULL);
    weft_dir dir = weft_dir_open(path_of(path, "crowd"), WEFT_NEVER);
    weft_task first = weft_go_copy(scope, count_entries, &dir, sizeof(dir));
    weft_task second = weft_go_copy(scope, count_entries, &dir, sizeof(dir));

    (void)argument;
    int read = weft_wait(first, WEFT_NEVER);
    read += weft_wait(second, WEFT_NEVER);
    EXPECT_EQ(read, crowd);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_dir_close(dir), 0);
    return 0;
}

static void test_two_readers_share_the_entries(void)
{
    rig_each(two_readers);
}

static int read_one(void *argument)
{
    static weft_dir_entry entry;
    return weft_dir_next(*(const weft_dir *)argument, &entry, WEFT_NEVER);
}

/* While a task reads, no other read gets at the folder; a close leaves its end to the reader. */
static int busy(void *argument)
{
    char path[path_room];
    weft_dir_entry entry;
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()),
                                                 .copy_bytes = sizeof(weft_dir));
    weft_scope scope = weft_scope_open(NULL);
    weft_dir dir = weft_dir_open(path_of(path, "crowd"), WEFT_NEVER);

    (void)argument;
    weft_task reader = weft_spawn(scope, read_one, &dir, &here);
    EXPECT_EQ(weft_yield(), 0); /* a helper reads or has read; the reader runs on when we wait */
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), -EBUSY);
    EXPECT_EQ(weft_dir_close(dir), 0);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_dir_close(dir), -EBADF);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), 1);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_a_folder_under_read_is_busy_and_can_be_closed(void)
{
    uint32_t descriptors = rig_descriptors();

    rig_run(1, busy);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
}

static int read_all(void *argument)
{
    weft_dir_entry entry;
    int rc;

    while ((rc = weft_dir_next(*(const weft_dir *)argument, &entry, WEFT_NEVER)) == 1)
        (void)weft_yield();
    return rc;
}

/* A close at any moment of a walk: it ends with the end or -EBADF, and the folder is given back. */
static int close_under_walk(void *argument)
{
    char path[path_room];

    (void)argument;
    for (int round = 0; round < 100; round++) {
        weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
        weft_dir dir = weft_dir_open(path_of(path, "crowd"), WEFT_NEVER);
        weft_task reader = weft_go_copy(scope, read_all, &dir, sizeof(dir));
        for (int i = 0; i < round; i++)
            (void)weft_yield();
        EXPECT_EQ(weft_dir_close(dir), 0);
        int rc = weft_wait(reader, WEFT_NEVER);
        EXPECT(rc == 0 || rc == -EBADF);
        (void)weft_scope_close(scope);
    }
    return 0;
}

static void test_close_at_any_moment_of_a_walk(void)
{
    uint32_t descriptors = rig_descriptors();

    rig_each(close_under_walk);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
}

/* A thread outside may close a folder, not read it. */
static weft_dir left_open;

static int leave_open(void *argument)
{
    (void)argument;
    left_open = weft_dir_open("/", WEFT_NEVER);
    return left_open > 0 ? 0 : (int)left_open;
}

static void test_outside_a_task_a_folder_can_be_closed_only(void)
{
    weft_dir_entry entry;
    weft_runtime runtime = weft_start(NULL, NULL);

    CU_ASSERT_EQUAL(weft_call(runtime, leave_open, NULL), 0);
    CU_ASSERT_EQUAL(weft_dir_next(left_open, &entry, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_dir_close(left_open), 0);
    CU_ASSERT_EQUAL(weft_dir_next(left_open, &entry, WEFT_NEVER), -EBADF);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
}

static void make_tree(void)
{
    char path[path_room];

    tree_make(&tree);
    for (int i = 0; i < crowd; i++)
        tree_write_at(&tree, "", "crowd/%d", i);
    tree_write(&tree, "kinds/file", "");
    tree_write(&tree, "kinds/folder/inside", "");
    if (symlink("file", path_of(path, "kinds/link")) != 0 ||
        symlink("folder", path_of(path, "kinds/to-folder")) != 0 ||
        mkfifo(path_of(path, "kinds/pipe"), 0600) != 0)
        (void)fprintf(stderr, "the tree is not whole: a test will say so\n");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_every_entry_of_a_large_folder_comes_once),
        UNIT_TEST(test_entries_have_their_kinds),
        UNIT_TEST(test_open_errors_and_wrong_handles),
        UNIT_TEST(test_a_folder_that_vanishes_ends),
        UNIT_TEST(test_two_readers_share_the_entries),
        UNIT_TEST(test_a_folder_under_read_is_busy_and_can_be_closed),
        UNIT_TEST(test_close_at_any_moment_of_a_walk),
        UNIT_TEST(test_outside_a_task_a_folder_can_be_closed_only),
    };

    make_tree();
    int status = unit_run(argc, argv, "dir", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

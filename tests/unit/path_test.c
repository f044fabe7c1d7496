/* Names of files: what each call does, its errors, and that an error leaves the names alone. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { path_room = 160, storm = 300, exchange = 2, keep = 1 }; /* RENAME_* of renameat2(2) */

static struct tree tree;

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

/* The inode behind a name, a link not followed; 0: there is none. */
static WEFT__NOINLINE uint64_t inode_of(const char *name)
{
    char path[path_room];
    struct stat found;
    return lstat(path_of(path, name), &found) == 0 ? found.st_ino : 0;
}

static int renames(void *argument)
{
    char a[path_room], b[path_room], missing[path_room];

    (void)argument;
    tree_write(&tree, "a", "1");
    tree_write(&tree, "b", "2");
    uint64_t first = inode_of("a"), second = inode_of("b");
    (void)path_of(missing, "missing/x");
    EXPECT_EQ(weft_rename(path_of(a, "a"), path_of(b, "b"), keep, WEFT_NEVER), -EEXIST);
    EXPECT_EQ(weft_rename(a, b, exchange, WEFT_NEVER), 0);
    EXPECT(inode_of("a") == second && inode_of("b") == first);
    EXPECT_EQ(weft_rename(a, b, 0, WEFT_NEVER), 0); /* replaces */
    EXPECT(inode_of("a") == 0 && inode_of("b") == second);
    EXPECT_EQ(weft_rename(a, b, 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_rename(b, missing, 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_rename(b, b, 0x8000, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_rename(b, a, 0, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(inode_of("b"), second);
    EXPECT_EQ(weft_rename(path_of(a, "to-b"), path_of(missing, "link"), 0, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_symlink("b", a, WEFT_NEVER), 0);
    EXPECT_EQ(weft_rename(a, missing, 0, weft_after(100 * WEFT_SECOND)), 0);
    EXPECT(inode_of("to-b") == 0 && inode_of("link") != 0 && inode_of("b") == second);
    EXPECT_EQ(weft_unlink(missing, WEFT_NEVER), 0); /* the link, not what it leads to */
    EXPECT(inode_of("link") == 0 && inode_of("b") == second);
    EXPECT_EQ(weft_unlink(missing, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_unlink(b, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_unlink(b, WEFT_NEVER), 0);
    return 0;
}

static void test_rename_and_unlink(void)
{
    rig_each(renames);
}

static int folders(void *argument)
{
    char path[path_room];
    struct stat found;

    (void)argument;
    mode_t before = umask(027);
    EXPECT_EQ(weft_mkdir(path_of(path, "made"), 0775, WEFT_NEVER), 0);
    (void)umask(before);
    EXPECT_EQ(stat(path, &found), 0);
    EXPECT(S_ISDIR(found.st_mode) && (found.st_mode & 07777) == 0750);
    EXPECT_EQ(weft_mkdir(path, 0700, WEFT_NEVER), -EEXIST);
    EXPECT_EQ(weft_unlink(path, WEFT_NEVER), -EISDIR);
    tree_write(&tree, "made/inside", "");
    EXPECT_EQ(weft_rmdir(path, WEFT_NEVER), -ENOTEMPTY);
    EXPECT_EQ(weft_rmdir(path_of(path, "made/inside"), WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_unlink(path, WEFT_NEVER), 0);
    EXPECT_EQ(weft_rmdir(path_of(path, "made"), WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_rmdir(path, weft_after(100 * WEFT_SECOND)), 0);
    EXPECT_EQ(weft_rmdir(path, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_mkdir(path_of(path, "missing/made"), 0700, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_mkdir(path_of(path, "late"), 0700, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(inode_of("late"), 0);
    return 0;
}

static void test_mkdir_and_rmdir(void)
{
    rig_each(folders);
}

static int links(void *argument)
{
    char from[path_room], to[path_room];
    char text[path_room] = "";
    struct stat found;

    (void)argument;
    tree_write(&tree, "file", "x");
    EXPECT_EQ(weft_link(path_of(from, "file"), path_of(to, "more"), WEFT_NEVER), 0);
    EXPECT_EQ(inode_of("more"), inode_of("file"));
    EXPECT_EQ(stat(from, &found), 0);
    EXPECT_EQ(found.st_nlink, 2);
    EXPECT_EQ(weft_link(from, to, WEFT_NEVER), -EEXIST);
    EXPECT_EQ(weft_link(tree.root, path_of(to, "folder"), WEFT_NEVER), -EPERM);
    EXPECT_EQ(weft_link(from, path_of(to, "late"), WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_symlink("nowhere at all", path_of(to, "soft"), WEFT_NEVER), 0);
    EXPECT_EQ(readlink(to, text, sizeof(text) - 1), 14);
    EXPECT(strcmp(text, "nowhere at all") == 0);
    EXPECT_EQ(weft_symlink("x", to, WEFT_NEVER), -EEXIST);
    EXPECT_EQ(weft_symlink("", path_of(from, "empty"), WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_symlink("x", path_of(from, "late"), WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(inode_of("late"), 0);
    EXPECT_EQ(weft_link(to, path_of(from, "soft2"), WEFT_NEVER), 0); /* the link itself */
    EXPECT_EQ(inode_of("soft2"), inode_of("soft"));
    EXPECT_EQ(weft_unlink(from, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unlink(to, WEFT_NEVER), 0);
    EXPECT_EQ(weft_unlink(path_of(to, "more"), WEFT_NEVER), 0);
    EXPECT(inode_of("file") != 0);
    return 0;
}

static void test_link_and_symlink(void)
{
    rig_each(links);
}

/* Another name and back, with deadlines that pass at about that moment: an error leaves the name
 * as it was. */
static int rename_late(void *argument)
{
    char names[2][path_room];
    int at = 0;
    int late = 0;

    (void)argument;
    tree_write(&tree, "here", "x");
    uint64_t inode = inode_of("here");
    (void)path_of(names[0], "here");
    (void)path_of(names[1], "there");
    for (int i = 0; i < storm; i++) {
        weft_deadline until = i % 50 == 0 ? WEFT_NOW : weft_after(i % 50 * 1000);
        int rc = weft_rename(names[at], names[!at], 0, until);
        EXPECT(rc == 0 || rc == -ETIMEDOUT);
        at = rc == 0 ? !at : at;
        late += rc != 0;
        EXPECT_EQ(inode_of(at == 0 ? "here" : "there"), inode);
        EXPECT_EQ(inode_of(at == 0 ? "there" : "here"), 0);
    }
    EXPECT(late > 0); /* the first of each fifty has no time at all */
    EXPECT_EQ(weft_unlink(names[at], WEFT_NEVER), 0);
    return 0;
}

static void test_an_error_leaves_the_names_as_they_were(void)
{
    rig_each(rename_late);
}

/* In a task that is cancelled. */
static int touch_names(void *argument)
{
    char path[path_room];

    (void)argument;
    while (weft_canceled() == 0)
        (void)weft_yield();
    (void)path_of(path, "touched");
    EXPECT_EQ(weft_mkdir(path, 0700, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_symlink("x", path, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_link(path, path, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_rename(path, path, 0, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_unlink(path, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_rmdir(path, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(inode_of("touched"), 0);
    return 0;
}

static int cancel_names(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, touch_names, NULL);

    (void)argument;
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_a_cancelled_task_changes_no_name(void)
{
    rig_each(cancel_names);
}

static void test_outside_a_task(void)
{
    char path[path_room];

    (void)path_of(path, "outside");
    CU_ASSERT_EQUAL(weft_mkdir(path, 0700, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_symlink("x", path, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_link(path, path, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_rename(path, path, 0, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_unlink(path, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_rmdir(path, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(inode_of("outside"), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_rename_and_unlink),
        UNIT_TEST(test_mkdir_and_rmdir),
        UNIT_TEST(test_link_and_symlink),
        UNIT_TEST(test_an_error_leaves_the_names_as_they_were),
        UNIT_TEST(test_a_cancelled_task_changes_no_name),
        UNIT_TEST(test_outside_a_task),
    };

    tree_make(&tree);
    int status = unit_run(argc, argv, "path", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

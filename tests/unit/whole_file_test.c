/* Whole files: any length and kind, limits, and that a replacement is all or nothing. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { path_room = 256, large = 300000, faults_most = 60 };

static struct tree tree;
static char bytes[large];

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

static int load_lengths(void *argument)
{
    static const size_t lengths[] = { 0, 1, 4094, 4095, 4096, 4097, 8192, large };
    char path[path_room];

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(lengths); i++) {
        weft_content content = WEFT_CONTENT_INIT;
        EXPECT_EQ(weft_file_save(path_of(path, "lengths"), bytes, lengths[i], 0600, WEFT_NEVER), 0);
        EXPECT_EQ(weft_file_load(path, SIZE_MAX, &content, WEFT_NEVER), 0);
        EXPECT_EQ(content.count, lengths[i]);
        EXPECT(memcmp(content.bytes, bytes, lengths[i]) == 0);
        EXPECT_EQ(content.bytes[content.count], 0);
        weft_content_release(&content);
        EXPECT(content.bytes == NULL && content.count == 0);
        weft_content_release(&content);
        EXPECT_EQ(weft_file_load(path, lengths[i], &content, WEFT_NEVER), 0);
        EXPECT_EQ(content.count, lengths[i]);
        weft_content_release(&content);
        if (lengths[i] == 0)
            continue;
        EXPECT_EQ(weft_file_load(path, lengths[i] - 1, &content, WEFT_NEVER), -EFBIG);
        EXPECT(content.bytes == NULL); /* untouched */
    }
    weft_content_release(NULL);
    return 0;
}

static void test_load_any_length_up_to_the_limit(void)
{
    rig_each(load_lengths);
}

static int write_and_close(void *argument)
{
    weft_fd fd = *(const weft_fd *)argument;
    int rc = weft_write_all(fd, bytes, large, NULL, WEFT_NEVER);

    EXPECT_EQ(weft_close(fd), 0);
    return rc;
}

static int load_unknown_lengths(void *argument)
{
    weft_content content = WEFT_CONTENT_INIT;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_file_load("/proc/self/maps", SIZE_MAX, &content, WEFT_NEVER), 0);
    EXPECT(content.count > 4096 && strstr(content.bytes, "[stack]") != NULL);
    weft_content_release(&content);
    EXPECT_EQ(weft_file_load("/proc/self/maps", 4096, &content, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(weft_file_load("/dev/zero", 100000, &content, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(weft_file_load("/dev/null", 0, &content, WEFT_NEVER), 0);
    EXPECT_EQ(content.count, 0);
    weft_content_release(&content);
    EXPECT_EQ(weft_pipe(ends), 0);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT(weft_go_copy(scope, write_and_close, &ends[1], sizeof(ends[1])) > 0);
    EXPECT_EQ(weft_file_load_rest(ends[0], SIZE_MAX, &content, WEFT_NEVER), 0);
    EXPECT_EQ(content.count, large);
    EXPECT(memcmp(content.bytes, bytes, large) == 0);
    weft_content_release(&content);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    return 0;
}

static void test_load_what_does_not_say_how_long_it_is(void)
{
    rig_each(load_unknown_lengths);
}

static int errors(void *argument)
{
    char path[path_room];
    weft_content content = WEFT_CONTENT_INIT;

    (void)argument;
    EXPECT_EQ(weft_file_load(path_of(path, "missing"), 1, &content, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_file_load(tree.root, 100, &content, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_file_load_rest(0, 1, &content, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_file_load("/dev/null", 1, &content, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_file_save("/dev/full", "x", 1, 0600, WEFT_NEVER), -ENOSPC);
    EXPECT_EQ(weft_file_save(tree.root, "x", 1, 0600, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_file_replace(tree.root, "x", 1, 0600, WEFT_NEVER), -EISDIR);
    EXPECT_EQ(weft_file_replace("", "x", 1, 0600, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_file_replace("/", "x", 1, 0600, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_file_replace(path_of(path, "missing/x"), "x", 1, 0600, WEFT_NEVER), -ENOENT);
    EXPECT_EQ(weft_file_replace(path_of(path, "old/x"), "x", 1, 0600, WEFT_NEVER), -ENOTDIR);
    EXPECT_EQ(weft_file_replace(path_of(path, "old"), "x", 1, 0600, WEFT_NOW), -ETIMEDOUT);
    return 0;
}

static void test_errors_are_those_of_the_steps(void)
{
    rig_each(errors);
}

/* ---- replace ---- */

WEFT__NOINLINE static unsigned mode_of(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 ? info.st_mode : 0;
}

static void expect_content(const char *path, const char *wanted)
{
    weft_content content = WEFT_CONTENT_INIT;

    if (!EXPECT_EQ(weft_file_load(path, SIZE_MAX, &content, WEFT_NEVER), 0))
        return;
    EXPECT(strcmp(content.bytes, wanted) == 0);
    weft_content_release(&content);
}

/* No new file of a replacement that failed. */
static void expect_tidy(void)
{
    weft_dir_entry entry;
    weft_dir dir = weft_dir_open(tree.root, WEFT_NEVER);

    while (weft_dir_next(dir, &entry, WEFT_NEVER) == 1)
        EXPECT(strncmp(entry.name, ".weft-", 6) != 0);
    EXPECT_EQ(weft_dir_close(dir), 0);
}

static int replace(void *argument)
{
    char path[path_room];
    char link[path_room];
    mode_t mask = umask(022);

    (void)argument;
    EXPECT_EQ(weft_file_replace(path_of(path, "fresh"), "one", 3, 0666, WEFT_NEVER), 0);
    expect_content(path, "one");
    EXPECT_EQ(mode_of(path), S_IFREG | 0644); /* the umask counts for a new one */
    EXPECT_EQ(chmod(path, 0467), 0);
    weft_fd before = weft_open(path, O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_file_replace(path, "second", 6, 0600, WEFT_NEVER), 0);
    expect_content(path, "second");
    EXPECT_EQ(mode_of(path), S_IFREG | 0467); /* kept, whatever the umask */
    char old[8] = "";
    EXPECT_EQ(weft_read(before, old, sizeof(old), WEFT_NEVER), 3); /* who has it open */
    EXPECT(memcmp(old, "one", 3) == 0);
    EXPECT_EQ(weft_close(before), 0);
    EXPECT_EQ(weft_file_replace(path, NULL, 0, 0600, WEFT_NEVER), 0);
    expect_content(path, "");
    EXPECT_EQ(symlink("fresh", path_of(link, "pointer")), 0);
    EXPECT_EQ(weft_file_replace(link, "mine", 4, 0600, WEFT_NEVER), 0);
    EXPECT_EQ(mode_of(link), S_IFREG | 0600); /* the link itself */
    expect_content(path, "");
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(unlink(link), 0);
    expect_tidy();
    (void)umask(mask);
    return 0;
}

static void test_replace_keeps_the_mode_and_what_others_have_open(void)
{
    rig_each(replace);
}

static int replace_here(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_file_replace("bare", "x", 1, 0600, WEFT_NEVER), 0);
    expect_content("bare", "x");
    EXPECT_EQ(weft_unlink("bare", WEFT_NEVER), 0);
    return 0;
}

static void test_replace_of_a_bare_name_is_in_the_working_folder(void)
{
    char before[path_room];

    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof(before)));
    CU_ASSERT_EQUAL_FATAL(chdir(tree.root), 0);
    rig_run(1, replace_here);
    CU_ASSERT_EQUAL(chdir(before), 0);
}

/* A disk that takes no more: the kernel's limit on the length of a file stands for it. */
static int replace_too_long(void *argument)
{
    char path[path_room];

    (void)argument;
    EXPECT_EQ(weft_file_replace(path_of(path, "old"), bytes, large, 0600, WEFT_NEVER), -EFBIG);
    expect_content(path, "old content");
    expect_tidy();
    EXPECT_EQ(weft_file_save(path_of(path, "cut"), bytes, large, 0600, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(unlink(path), 0);
    return 0;
}

static void test_replace_without_room_leaves_the_old(void)
{
    struct rlimit before;
    struct rlimit tight = { .rlim_cur = large / 2 };

    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
    rig_run(1, replace_too_long);
    rig_run(4, replace_too_long);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
}

/* ---- whose file it is then ---- */

enum { some_user = 1234, some_group = 5678, set_user = 04750 };

/* Each of its changes of owner is refused in turn: the owner is kept, or the file does less. */
static int replace_of_another(void *argument)
{
    char path[path_room];
    bool met = true;
    uint32_t nth = 0, not_kept = 0;
    struct stat info;

    (void)argument;
    while (met && ++nth < faults_most) {
        EXPECT_EQ(weft_file_save(path_of(path, "theirs"), "old", 3, 0600, WEFT_NEVER), 0);
        if (chown(path, some_user, some_group) != 0)
            break; /* only root may */
        EXPECT_EQ(chmod(path, set_user), 0);
        weft__fault_arm(WEFT__FAULT_OWNER, nth, -EPERM);
        int rc = weft_file_replace(path, "new", 3, 0600, WEFT_NEVER);
        met = weft__fault_calls(WEFT__FAULT_OWNER) >= nth;
        weft__fault_arm(WEFT__FAULT_OWNER, 0, 0);
        EXPECT(rc == 0 || met);
        EXPECT_EQ(stat(path, &info), 0);
        EXPECT_EQ(info.st_gid, some_group); /* a second try without the user */
        if (info.st_uid == some_user)
            EXPECT_EQ(info.st_mode & 07777, set_user);
        else
            EXPECT_EQ(info.st_mode & 07777, set_user & 0777);
        not_kept += info.st_uid != some_user;
    }
    EXPECT(nth == 1 || not_kept == 1);
    return unlink(path);
}

static void test_replace_keeps_the_owner_or_the_file_does_less(void)
{
    rig_run(1, replace_of_another);
}

/* As a kernel would that lets nobody give files away. */
static int replace_of_another_refused(void *argument)
{
    char path[path_room];
    struct stat info;
    const struct weft__fault_when all = { 1, UINT32_MAX, 1, 0 };

    (void)argument;
    EXPECT_EQ(weft_file_save(path_of(path, "theirs"), "old", 3, 0600, WEFT_NEVER), 0);
    EXPECT_EQ(chmod(path, 06751), 0);
    EXPECT_EQ(stat(path, &info), 0);
    weft__fault_plan(WEFT__FAULT_OWNER, -EPERM, &all);
    EXPECT_EQ(weft_file_replace(path, "new", 3, 0600, WEFT_NEVER), 0);
    weft__fault_plan(WEFT__FAULT_OWNER, 0, NULL);
    EXPECT_EQ(mode_of(path) & 07777, 0711); /* what all have for the new group, no set-id bits */
    return unlink(path);
}

static void test_replace_by_who_may_not_give_files_away(void)
{
    rig_run(1, replace_of_another_refused);
}

/* With each allocation or system call that fails: the old content or the new, and no rest. */
static enum weft__fault_point point;

static int replace_with_faults(void *argument)
{
    char path[path_room];
    bool met = true;
    uint32_t nth = 0;

    (void)argument;
    path_of(path, "old");
    while (met && ++nth < faults_most) {
        weft__fault_arm(point, nth, -EIO);
        int rc = weft_file_replace(path, "new content", 11, 0600, WEFT_NEVER);
        met = weft__fault_calls(point) >= nth;
        weft__fault_arm(point, 0, 0);
        EXPECT(rc == 0 || (rc < 0 && met));
        expect_content(path, rc == 0 ? "new content" : "old content");
        EXPECT_EQ(weft_file_save(path, "old content", 11, 0600, WEFT_NEVER), 0);
        expect_tidy();
    }
    EXPECT(nth > 1 && nth < faults_most);
    return 0;
}

static void test_replace_with_faults_is_all_or_nothing(void)
{
    static const enum weft__fault_point points[] = { WEFT__FAULT_ALLOC, WEFT__FAULT_STAT };

    for (size_t i = 0; i < WEFT__COUNT(points); i++) {
        uint32_t descriptors = rig_descriptors();
        point = points[i];
        rig_run(1, replace_with_faults);
        CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    }
}

/* A cancel at any moment of it. */
static int replace_once(void *argument)
{
    char path[path_room];
    (void)argument;
    return weft_file_replace(path_of(path, "old"), bytes, large, 0600, WEFT_NEVER);
}

static int cancel_replace(void *argument)
{
    char path[path_room];
    weft_file_info info = WEFT_FILE_INFO_INIT;
    int canceled = 0;

    (void)argument;
    path_of(path, "old");
    for (int round = 0; round < 60; round++) {
        weft_scope scope = weft_scope_open(&run_all);
        weft_task task = weft_go(scope, replace_once, NULL);
        for (int i = 0; i < round; i++)
            (void)weft_yield();
        (void)weft_cancel(task);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 0 || rc == -ECANCELED);
        canceled += rc < 0;
        EXPECT_EQ(weft_stat(path, &info, WEFT_NEVER), 0);
        EXPECT(info.bytes == 11 || info.bytes == large); /* never a part */
        EXPECT(rc < 0 || info.bytes == large);
        EXPECT_EQ(weft_file_save(path, "old content", 11, 0600, WEFT_NEVER), 0);
        (void)weft_scope_close(scope);
    }
    EXPECT(canceled > 0);
    expect_tidy();
    return 0;
}

static void test_a_cancelled_replace_is_all_or_nothing(void)
{
    rig_each(cancel_replace);
}

/* Readers meet one of the contents, whole. */
static _Atomic bool over;

static int check_often(void *argument)
{
    char path[path_room];

    (void)argument;
    path_of(path, "changing");
    while (!weft__load_relaxed(&over)) {
        weft_content content = WEFT_CONTENT_INIT;
        EXPECT_EQ(weft_file_load(path, SIZE_MAX, &content, WEFT_NEVER), 0);
        EXPECT(content.count > 0 && content.count % 1000 == 0);
        for (size_t i = 0; i < content.count; i++)
            if (content.bytes[i] != content.bytes[0] && !EXPECT_EQ(i, 0))
                break;
        weft_content_release(&content);
    }
    return 0;
}

static int change_often(void *argument)
{
    char path[path_room];
    static char text[20000];
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&over, false);
    memset(text, 'a', sizeof(text));
    EXPECT_EQ(weft_file_replace(path_of(path, "changing"), text, 1000, 0600, WEFT_NEVER), 0);
    for (int i = 0; i < 3; i++)
        EXPECT(weft_spawn(scope, check_often, NULL, &options) > 0);
    for (int i = 0; i < 30; i++) {
        memset(text, 'a' + i % 26, sizeof(text));
        EXPECT_EQ(weft_file_replace(path, text, (size_t)(i % 20 + 1) * 1000, 0600, WEFT_NEVER), 0);
    }
    weft__store_relaxed(&over, true);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_readers_meet_whole_contents_only(void)
{
    rig_run(1, change_often);
    rig_run(4, change_often);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_load_any_length_up_to_the_limit),
        UNIT_TEST(test_load_what_does_not_say_how_long_it_is),
        UNIT_TEST(test_errors_are_those_of_the_steps),
        UNIT_TEST(test_replace_keeps_the_mode_and_what_others_have_open),
        UNIT_TEST(test_replace_of_a_bare_name_is_in_the_working_folder),
        UNIT_TEST(test_replace_without_room_leaves_the_old),
        UNIT_TEST(test_replace_keeps_the_owner_or_the_file_does_less),
        UNIT_TEST(test_replace_by_who_may_not_give_files_away),
        UNIT_TEST(test_replace_with_faults_is_all_or_nothing),
        UNIT_TEST(test_a_cancelled_replace_is_all_or_nothing),
        UNIT_TEST(test_readers_meet_whole_contents_only),
    };

    tree_make(&tree);
    tree_write(&tree, "old", "old content");
    for (size_t i = 0; i < large; i++)
        bytes[i] = (char)(i % 251);
    int status = unit_run(argc, argv, "whole_file", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

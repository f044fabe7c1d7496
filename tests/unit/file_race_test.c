/*
 * Each operation on files and names against a cancel at about the moment of its end: it has done
 * what it says, or nothing, and no descriptor is left over.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { rounds = 24, block_bytes = 4096, grown_bytes = 16 * block_bytes, path_room = 160 };

static struct tree tree;
static char block[block_bytes];
static const struct iovec halves[] = { { block, block_bytes / 2 },
                                       { block + block_bytes / 2, block_bytes / 2 } };

/* Of one task that is cancelled. There is a file of one block at path, open, and nothing at other;
 * where it says so there is a folder. */
struct attempt {
    char path[path_room];
    char other[path_room];
    weft_fd file;
    ssize_t rc;
};

typedef ssize_t (*operation_fn)(struct attempt *attempt);

static bool is_there(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

/* The file may be there, too, when its opener was told of the cancel. */
static ssize_t open_new(struct attempt *a)
{
    weft_fd fd = weft_open(a->other, O_RDWR | O_CREAT | O_EXCL, 0600, WEFT_NEVER);

    EXPECT(fd < 0 || is_there(a->other));
    return fd > 0 ? weft_close(fd) : (ssize_t)fd;
}

static ssize_t open_old(struct attempt *a)
{
    weft_fd fd = weft_open(a->path, O_RDONLY, 0, WEFT_NEVER);
    return fd > 0 ? weft_close(fd) : (ssize_t)fd;
}

static ssize_t stat_path(struct attempt *a)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    int rc = weft_stat(a->path, &info, WEFT_NEVER);

    EXPECT_EQ(info.bytes, rc == 0 ? block_bytes : 0);
    return rc;
}

static ssize_t stat_open(struct attempt *a)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    int rc = weft_stat_of(a->file, &info, WEFT_NEVER);

    EXPECT_EQ(info.bytes, rc == 0 ? block_bytes : 0);
    return rc;
}

static ssize_t read_block(struct attempt *a)
{
    char got[16] = "";
    ssize_t rc = weft_pread(a->file, got, sizeof(got), 0, WEFT_NEVER);

    EXPECT(rc < 0 || (rc == sizeof(got) && memcmp(got, block, sizeof(got)) == 0));
    return rc;
}

static ssize_t read_parts(struct attempt *a)
{
    char got[2] = "";
    struct iovec parts[] = { { got, 1 }, { got + 1, 1 } };
    ssize_t rc = weft_pread_vector(a->file, parts, 2, 0, WEFT_NEVER);

    EXPECT(rc < 0 || (rc == sizeof(got) && memcmp(got, block, sizeof(got)) == 0));
    return rc;
}

static ssize_t write_block(struct attempt *a)
{
    return weft_pwrite(a->file, block, block_bytes, block_bytes, WEFT_NEVER);
}

static ssize_t write_parts(struct attempt *a)
{
    return weft_pwrite_vector(a->file, halves, WEFT__COUNT(halves), block_bytes, WEFT_NEVER);
}

static ssize_t sync_all(struct attempt *a)
{
    return weft_fsync(a->file, WEFT_NEVER);
}

static ssize_t sync_data(struct attempt *a)
{
    return weft_fdatasync(a->file, WEFT_NEVER);
}

static ssize_t allocate(struct attempt *a)
{
    return weft_fallocate(a->file, 0, 0, grown_bytes, WEFT_NEVER);
}

static ssize_t truncate_it(struct attempt *a)
{
    return weft_ftruncate(a->file, grown_bytes, WEFT_NEVER);
}

static ssize_t rename_it(struct attempt *a)
{
    return weft_rename(a->path, a->other, 0, WEFT_NEVER);
}

static ssize_t unlink_it(struct attempt *a)
{
    return weft_unlink(a->path, WEFT_NEVER);
}

static ssize_t link_it(struct attempt *a)
{
    return weft_link(a->path, a->other, WEFT_NEVER);
}

static ssize_t symlink_it(struct attempt *a)
{
    return weft_symlink(a->path, a->other, WEFT_NEVER);
}

static ssize_t make_folder(struct attempt *a)
{
    return weft_mkdir(a->other, 0700, WEFT_NEVER);
}

static ssize_t remove_folder(struct attempt *a)
{
    return weft_rmdir(a->other, WEFT_NEVER);
}

/* ---- what each leaves behind */

static bool has_other(const struct attempt *a)
{
    return is_there(a->other);
}

static bool has_no_other(const struct attempt *a)
{
    return !is_there(a->other);
}

static bool has_no_path(const struct attempt *a)
{
    return !is_there(a->path);
}

static bool has_moved(const struct attempt *a)
{
    EXPECT(is_there(a->path) != is_there(a->other));
    return is_there(a->other);
}

static bool has_grown(const struct attempt *a)
{
    struct stat found = { 0 };

    EXPECT_EQ(fstat(weft_fd_number(a->file), &found), 0);
    return found.st_size > block_bytes;
}

static const struct {
    const char *name;
    operation_fn run;
    bool (*done)(const struct attempt *attempt); /* NULL: nothing is to be seen of it */
    bool with_folder;
} operations[] = {
    { "open a new file", open_new, NULL, false },
    { "open", open_old, NULL, false },
    { "stat", stat_path, NULL, false },
    { "stat_of", stat_open, NULL, false },
    { "pread", read_block, NULL, false },
    { "pread_vector", read_parts, NULL, false },
    { "pwrite", write_block, has_grown, false },
    { "pwrite_vector", write_parts, has_grown, false },
    { "fsync", sync_all, NULL, false },
    { "fdatasync", sync_data, NULL, false },
    { "fallocate", allocate, has_grown, false },
    { "ftruncate", truncate_it, has_grown, false },
    { "rename", rename_it, has_moved, false },
    { "unlink", unlink_it, has_no_path, false },
    { "link", link_it, has_other, false },
    { "symlink", symlink_it, has_other, false },
    { "mkdir", make_folder, has_other, false },
    { "rmdir", remove_folder, has_no_other, true },
};

static void set_up(struct attempt *attempt, bool with_folder)
{
    (void)snprintf(attempt->path, path_room, "%s/path", tree.root);
    (void)snprintf(attempt->other, path_room, "%s/other", tree.root);
    int fd = open(attempt->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT_EQ(write(fd, block, block_bytes), block_bytes);
    attempt->file = weft_fd_adopt(fd);
    if (with_folder)
        EXPECT_EQ(mkdir(attempt->other, 0700), 0);
}

static void clear(const struct attempt *attempt)
{
    EXPECT_EQ(weft_close(attempt->file), 0);
    (void)unlink(attempt->path);
    if (unlink(attempt->other) != 0)
        (void)rmdir(attempt->other);
}

static operation_fn chosen;
static _Atomic bool begun;

static int run_chosen(void *argument)
{
    struct attempt *attempt = argument;

    weft__store_release(&begun, true); /* pairs with meet */
    attempt->rc = chosen(attempt);
    return 0;
}

/* At once, once it has begun or waits, and a little later. */
static void meet(struct attempt *attempt, int round)
{
    weft_scope scope = weft_scope_open(&run_all);

    weft__store_relaxed(&begun, false);
    weft_task task = weft_spawn(scope, run_chosen, attempt,
                                &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
    while (round % 4 != 0 && !weft__load_acquire(&begun)) /* pairs with run_chosen */
        (void)weft_yield();
    for (int i = 0; i < round / 4; i++)
        (void)weft_yield();
    (void)weft_cancel(task); /* it may have ended */
    (void)!weft_wait(task, WEFT_NEVER);
    (void)weft_scope_close(scope);
}

static int race_all(void *argument)
{
    uint32_t before = rig_descriptors();

    (void)argument;
    for (size_t which = 0; which < WEFT__COUNT(operations); which++) {
        expect_about(operations[which].name);
        for (int round = 0; round < rounds; round++) {
            struct attempt attempt = { .rc = -ECANCELED };
            set_up(&attempt, operations[which].with_folder);
            chosen = operations[which].run;
            meet(&attempt, round);
            EXPECT(attempt.rc >= 0 || attempt.rc == -ECANCELED);
            if (operations[which].done != NULL)
                EXPECT_EQ(operations[which].done(&attempt), attempt.rc >= 0);
            clear(&attempt);
        }
    }
    EXPECT_EQ(rig_descriptors(), before);
    expect_about("");
    return 0;
}

static void test_cancel_against_completion_does_all_or_nothing(void)
{
    memset(block, 'b', sizeof(block));
    tree_make(&tree);
    rig_each(race_all);
    tree_remove(&tree);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_cancel_against_completion_does_all_or_nothing),
    };

    return unit_run(argc, argv, "file_race", tests, WEFT__COUNT(tests));
}

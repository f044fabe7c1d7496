/* Sync, length and room of files: results, errors, and the way round a kernel without the op. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"
#include "uring/probe.h"

enum { path_room = 256, keep_size = 1, punch_hole = 2 }; /* FALLOC_FL_* of fallocate(2) */

static struct tree tree;
static bool without_op; /* the kernel seems to lack ftruncate as an operation */

static const char *path_of(char path[path_room], const char *name)
{
    (void)snprintf(path, path_room, "%s/%s", tree.root, name);
    return path;
}

/* Each looks in a frame of its own. */
WEFT__NOINLINE static int64_t size_of(weft_fd fd)
{
    struct stat info;
    return fstat(weft_fd_number(fd), &info) == 0 ? info.st_size : -1;
}

WEFT__NOINLINE static int64_t blocks_of(weft_fd fd)
{
    struct stat info;
    return fstat(weft_fd_number(fd), &info) == 0 ? info.st_blocks : -1;
}

static uint64_t helper_calls(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;
    EXPECT_EQ(weft_counters_read(weft_runtime_self(), -1, &counters), 0);
    return counters.helper_calls;
}

static int set_lengths(void *argument)
{
    char path[path_room];
    char got[8] = "";

    (void)argument;
    weft_fd fd = weft_open(path_of(path, "cut"), O_RDWR | O_CREAT | O_TRUNC, 0600, WEFT_NEVER);
    EXPECT_EQ(weft_write(fd, "abcdef", 6, WEFT_NEVER), 6);
    uint64_t before = helper_calls();
    EXPECT_EQ(weft_ftruncate(fd, 2, WEFT_NEVER), 0);
    EXPECT_EQ(helper_calls() - before, without_op);
    EXPECT_EQ(size_of(fd), 2);
    EXPECT_EQ(weft_ftruncate(fd, 5, weft_after(100 * WEFT_SECOND)), 0);
    EXPECT_EQ(weft_pread(fd, got, 8, 0, WEFT_NEVER), 5);
    EXPECT(memcmp(got, "ab\0\0\0", 5) == 0);
    EXPECT_EQ(weft_write(fd, "g", 1, WEFT_NEVER), 1); /* where the file stood: at 6 */
    EXPECT_EQ(size_of(fd), 7);
    EXPECT_EQ(weft_ftruncate(fd, INT64_C(1) << 33, WEFT_NEVER), 0);
    EXPECT_EQ(size_of(fd), INT64_C(1) << 33);
    EXPECT_EQ(weft_ftruncate(fd, -1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_ftruncate(fd, INT64_MAX, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(weft_ftruncate(fd, 0, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(size_of(fd), INT64_C(1) << 33);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_ftruncate(fd, 0, WEFT_NEVER), -EBADF);
    fd = weft_open(path, O_RDONLY, 0, WEFT_NEVER);
    EXPECT_EQ(weft_ftruncate(fd, 0, WEFT_NEVER), -EINVAL); /* not open for writing */
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_ftruncate_sets_the_length(void)
{
    struct weft__probe probe = { 0 };

    without_op = false;
    weft__probe_forget();
    if (engines_use_ring()) {
        CU_ASSERT_EQUAL_FATAL(weft__probe_get(&probe, NULL), 0);
        without_op = (probe.ops >> WEFT__OP_FTRUNCATE & 1) == 0;
    }
    rig_each(set_lengths);
}

static void test_ftruncate_on_a_helper_where_the_ring_has_none(void)
{
    without_op = engines_use_ring();
    weft__probe_pretend_ops(UINT64_C(1) << WEFT__OP_FTRUNCATE);
    rig_each(set_lengths);
    weft__probe_pretend_ops(0);
}

static int get_room(void *argument)
{
    enum { room = 1 << 20 };
    char path[path_room];

    (void)argument;
    weft_fd fd = weft_open(path_of(path, "room"), O_RDWR | O_CREAT | O_TRUNC, 0600, WEFT_NEVER);
    int rc = weft_fallocate(fd, keep_size, 0, room, WEFT_NEVER);
    if (rc == -EOPNOTSUPP) /* such a file system */
        return weft_close(fd);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(size_of(fd), 0);
    EXPECT(blocks_of(fd) * 512 >= room);
    EXPECT_EQ(weft_fallocate(fd, 0, 100, room, WEFT_NEVER), 0);
    EXPECT_EQ(size_of(fd), room + 100);
    EXPECT_EQ(weft_fallocate(fd, keep_size | punch_hole, 0, room, WEFT_NEVER), 0);
    EXPECT(blocks_of(fd) * 512 < room);
    EXPECT_EQ(weft_fallocate(fd, 0, INT64_C(5) << 32, 1, WEFT_NEVER), 0); /* wide numbers */
    EXPECT_EQ(size_of(fd), (INT64_C(5) << 32) + 1);
    EXPECT_EQ(weft_fallocate(fd, keep_size, 0, INT64_C(1) << 60, WEFT_NEVER), -EFBIG);
    EXPECT_EQ(weft_fallocate(fd, 0, 0, 0, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_fallocate(fd, 0, -1, 1, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_fallocate(fd, 0, 0, 1, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_fallocate(fd, 0, 0, 1, WEFT_NEVER), -EBADF);
    return 0;
}

static void test_fallocate_gets_room_and_gives_it_back(void)
{
    rig_each(get_room);
}

static int sync_file(void *argument)
{
    char path[path_room];
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    weft_fd fd = weft_open(path_of(path, "kept"), O_RDWR | O_CREAT | O_TRUNC, 0600, WEFT_NEVER);
    EXPECT_EQ(weft_write(fd, "abcdef", 6, WEFT_NEVER), 6);
    EXPECT_EQ(weft_fdatasync(fd, weft_after(100 * WEFT_SECOND)), 0);
    EXPECT_EQ(weft_fsync(fd, WEFT_NEVER), 0);
    EXPECT_EQ(weft_fsync(fd, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_fdatasync(fd, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_close(fd), 0);
    EXPECT_EQ(weft_fsync(fd, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_fdatasync(fd, WEFT_NEVER), -EBADF);
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_fsync(ends[1], WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_fdatasync(ends[1], WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_ftruncate(ends[1], 0, WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_fallocate(ends[1], 0, 0, 1, WEFT_NEVER), -ESPIPE);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_fsync_and_fdatasync(void)
{
    rig_each(sync_file);
}

static void test_outside_a_task(void)
{
    char path[path_room];
    weft_fd fd = weft_fd_adopt(open(path_of(path, "out"), O_RDWR | O_CREAT, 0600));

    CU_ASSERT_EQUAL(weft_fsync(fd, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_fdatasync(fd, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_ftruncate(fd, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(weft_fallocate(fd, 0, 0, 1, WEFT_NEVER), -EPERM);
    CU_ASSERT_EQUAL(size_of(fd), 0);
    CU_ASSERT_EQUAL(weft_close(fd), 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_ftruncate_sets_the_length),
        UNIT_TEST(test_ftruncate_on_a_helper_where_the_ring_has_none),
        UNIT_TEST(test_fallocate_gets_room_and_gives_it_back),
        UNIT_TEST(test_fsync_and_fdatasync),
        UNIT_TEST(test_outside_a_task),
    };

    tree_make(&tree);
    int status = unit_run(argc, argv, "disk", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}

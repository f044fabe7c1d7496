/* Reads of cached data: when they go past the ring, when they must not, and that the bytes are
 * right either way. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/sched/worker.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { path_room = 256, block = 4096, blocks = 64, reads = 32 };

static struct tree tree;

static weft_fd open_file(int flags)
{
    char path[path_room];
    (void)snprintf(path, sizeof(path), "%s/file", tree.root);
    return weft_open(path, flags, 0600, WEFT_NEVER);
}

static void fill(char *buffer, int number)
{
    for (int i = 0; i < block; i++)
        buffer[i] = (char)(number * 31 + i % 97);
}

static bool holds(const char *buffer, int number)
{
    for (int i = 0; i < block; i++)
        if (buffer[i] != (char)(number * 31 + i % 97))
            return false;
    return true;
}

static uint64_t submissions(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;
    EXPECT_EQ(weft_counters_read(weft_runtime_self(), -1, &counters), 0);
    return counters.submissions;
}

/* The slice begins anew, and what was staged is gone. */
static void begin_slice(void)
{
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MICROSECOND)), 0);
}

/* Reads block @number in one go; whether an operation was needed. */
static bool reads_by_ring(weft_fd fd, int number)
{
    static _Alignas(block) char buffer[block];

    begin_slice();
    uint64_t before = submissions();
    EXPECT_EQ(weft_pread(fd, buffer, block, (int64_t)number * block, WEFT_NEVER), block);
    EXPECT(holds(buffer, number));
    return submissions() != before;
}

/* How many of some reads of cached blocks needed one: a slice may end at any time. */
static int count_by_ring(weft_fd fd)
{
    int count = 0;

    for (int i = 0; i < reads; i++)
        count += reads_by_ring(fd, i % blocks);
    return count;
}

static bool file_system_can(weft_fd fd)
{
    char byte;
    struct iovec part = { &byte, 1 };
    return preadv2(weft_fd_number(fd), &part, 1, 0, RWF_NOWAIT) == 1;
}

static _Atomic bool over;

static int stay_ready(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&over))
        (void)weft_yield();
    return 0;
}

static int alone_and_not(void *argument)
{
    (void)argument;
    weft__store_relaxed(&over, false);
    weft_fd fd = open_file(O_RDONLY);
    if (!file_system_can(fd))
        return weft_close(fd);
    EXPECT(count_by_ring(fd) < reads / 2);
    weft_scope scope = weft_scope_open(NULL);
    weft_task other = weft_go(scope, stay_ready, NULL);
    rig_await(other, WEFT_TASK_READY);
    EXPECT_EQ(count_by_ring(fd), reads); /* another one is ready: it has its turn meanwhile */
    weft__store_relaxed(&over, true);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_a_lone_task_reads_past_the_ring(void)
{
    rig_run(1, alone_and_not);
}

static int direct(void *argument)
{
    (void)argument;
    weft_fd fd = open_file(O_RDONLY | O_DIRECT);
    if (fd == -EINVAL) /* such a file system */
        return 0;
    EXPECT_EQ(count_by_ring(fd), reads); /* the try would wait for the disk, with the worker */
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_a_direct_read_never_holds_up_the_worker(void)
{
    rig_run(1, direct);
}

/* Each miss makes the next reads go to the ring at once, up to 63; a hit ends that. */
static int misses(void *argument)
{
    char byte = 0;
    uint32_t tries = 0;

    (void)argument;
    weft_fd fd = open_file(O_RDONLY);
    for (int i = 0; i < 200; i++) {
        begin_slice();
        weft__fault_arm(WEFT__FAULT_READ, 1, -EAGAIN);
        EXPECT_EQ(weft_pread(fd, &byte, 1, 0, WEFT_NEVER), 1);
        tries += weft__fault_calls(WEFT__FAULT_READ);
    }
    weft__fault_arm(WEFT__FAULT_READ, 0, 0);
    EXPECT(tries >= 1);
    EXPECT(tries <= 8 ||
           !engines_use_ring()); /* the other engine tries, too; at 0, 2, 6, 14, 30, 62, 126, 190 */
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_misses_are_tried_less_and_less(void)
{
    rig_run(1, misses);
}

/* A part of what is asked for is in memory: the rest comes from the disk, in the same call. */
static int partly_cached(void *argument)
{
    static char buffer[blocks * block];
    size_t done = 0;

    (void)argument;
    weft_fd fd = open_file(O_RDONLY);
    int number = weft_fd_number(fd);
    for (int round = 0; round < 20; round++) {
        (void)posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED);
        (void)posix_fadvise(number, 0, 0, POSIX_FADV_RANDOM); /* no reading ahead */
        EXPECT_EQ(weft_pread(fd, buffer, block, 0, WEFT_NEVER), block);
        begin_slice();
        memset(buffer, 0, sizeof(buffer));
        EXPECT_EQ(weft_seek(fd, 0, SEEK_SET, WEFT_NEVER), 0);
        EXPECT_EQ(weft_read(fd, buffer, sizeof(buffer), WEFT_NEVER), sizeof(buffer));
        for (int i = 0; i < blocks; i++)
            EXPECT(holds(buffer + i * block, i));
        EXPECT_EQ(weft_read(fd, buffer, 1, WEFT_NEVER), 0);
    }
    done = 0;
    EXPECT_EQ(weft_pread_exactly(fd, buffer, sizeof(buffer), block, &done, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(done, sizeof(buffer) - block);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_what_is_partly_cached_is_read_whole(void)
{
    rig_each(partly_cached);
}

/* A file without a page cache: the ring has the last word. */
static int not_cached_at_all(void *argument)
{
    char text[256] = "";

    (void)argument;
    weft_fd fd = weft_open("/proc/self/status", O_RDONLY, 0, WEFT_NEVER);
    begin_slice();
    EXPECT(weft_read(fd, text, sizeof(text) - 1, WEFT_NEVER) > 10);
    EXPECT(strncmp(text, "Name:\t", 6) == 0);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_a_file_without_a_cache_is_read_all_the_same(void)
{
    rig_each(not_cached_at_all);
}

/* ---- a row of cached reads holds up nobody ---- */

static _Atomic uint32_t done_parts;

static int read_on(void *argument)
{
    static char buffer[block];
    weft_fd fd = *(const weft_fd *)argument;

    while (weft__load_relaxed(&done_parts) < 3)
        if (weft_pread(fd, buffer, block, 0, WEFT_NEVER) != block)
            return -EIO;
    return 0;
}

static int sleep_well(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    weft__add_relaxed(&done_parts, 1);
    return 0;
}

/* By operations that end by themselves: each opens a file of its own. */
static int open_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++) {
        weft_file_info info = WEFT_FILE_INFO_INIT;
        EXPECT_EQ(weft_stat(tree.root, &info, WEFT_NEVER), 0);
    }
    weft__add_relaxed(&done_parts, 1);
    return 0;
}

static int64_t answer_late(void *argument)
{
    int rc = weft_sleep(weft_after(WEFT_MILLISECOND));
    return rc == 0 ? *(const int *)argument : rc;
}

static int call_helper(void *argument)
{
    int value = 7;

    (void)argument;
    EXPECT_EQ(weft_blocking_call(answer_late, &value, NULL, WEFT_NEVER), 7);
    weft__add_relaxed(&done_parts, 1);
    return 0;
}

static int read_beside_others(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&done_parts, 0);
    weft_fd fd = open_file(O_RDONLY);
    EXPECT(weft_go_copy(scope, read_on, &fd, sizeof(fd)) > 0);
    EXPECT(weft_go(scope, sleep_well, NULL) > 0);
    EXPECT(weft_go(scope, open_often, NULL) > 0);
    EXPECT(weft_go(scope, call_helper, NULL) > 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(fd), 0);
    return 0;
}

static void test_a_row_of_cached_reads_holds_up_nobody(void)
{
    rig_run(1, read_beside_others);
    rig_run(2, read_beside_others);
}

static bool make_file(void)
{
    static char buffer[block];
    char path[path_room];
    bool good = true;

    (void)snprintf(path, sizeof(path), "%s/file", tree.root);
    int number = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; i < blocks && good; i++) {
        fill(buffer, i);
        good = write(number, buffer, block) == block;
    }
    good = good && fsync(number) == 0;
    return close(number) == 0 && good;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_lone_task_reads_past_the_ring),
        UNIT_TEST(test_a_direct_read_never_holds_up_the_worker),
        UNIT_TEST(test_misses_are_tried_less_and_less),
        UNIT_TEST(test_what_is_partly_cached_is_read_whole),
        UNIT_TEST(test_a_file_without_a_cache_is_read_all_the_same),
        UNIT_TEST(test_a_row_of_cached_reads_holds_up_nobody),
    };

    tree_make(&tree);
    int status = make_file() ? unit_run(argc, argv, "cached", tests, WEFT__COUNT(tests))
                             : unit_broken;
    tree_remove(&tree);
    return status;
}

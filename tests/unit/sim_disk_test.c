/* The disk of a simulation: what a loss of power leaves of files and names, and a disk that is
 * full. Each run is a process of its own, in a folder that the test then looks at. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/simulate.h"
#include "tests/support/unit.h"

enum { lost = 75, seeds = 40, sector = 512 };

static char folder[] = "/tmp/weft-disk-XXXXXX";

static void empty_folder(void)
{
    static const char *const names[] = { "data", "new", "old", "dir", "link", "twin" };

    for (size_t i = 0; i < WEFT__COUNT(names); i++)
        (void)remove(names[i]);
}

/* Runs this program as @what, with @wish for WEFT_SIM, in the folder. */
static int lose(const char *what, const char *wish, int seed, const char *trace)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", seed);
    (void)setenv("WEFT_SIM", wish, 1);
    int status = simulate(what, number, trace);
    (void)unsetenv("WEFT_SIM");
    return status;
}

/* A file of the folder; its length, or -1: there is none. */
static ssize_t look(const char *name, char *bytes, size_t most)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t count = read(fd, bytes, most);
    (void)close(fd);
    return count;
}

static bool holds(const char *name, const char *text)
{
    char bytes[64];

    return look(name, bytes, sizeof(bytes)) == (ssize_t)strlen(text) &&
           memcmp(bytes, text, strlen(text)) == 0;
}

/* ---- content ---- */

enum { blocks = 8 };

static int sync_path(const char *path, int flags)
{
    weft_fd fd = weft_open(path, flags, 0, WEFT_NEVER);
    int rc = fd < 0 ? (int)fd : weft_fsync(fd, WEFT_NEVER);

    (void)weft_close(fd);
    return rc;
}

static int write_blocks(weft_fd fd, int from, int count, char byte)
{
    char block[sector];

    memset(block, byte, sizeof(block));
    for (int i = from; i < from + count; i++)
        SIMULATE_MUST(weft_pwrite_all(fd, block, sector, (int64_t)i * sector, NULL, WEFT_NEVER) ==
                      0);
    return 0;
}

/* The file with all its blocks, which the power can't take any more. */
static weft_fd open_synced(void)
{
    weft_fd fd = weft_open("data", O_RDWR | O_CREAT, 0600, WEFT_NEVER);

    SIMULATE_MUST(fd > 0);
    SIMULATE_MUST(write_blocks(fd, 0, blocks, 'a') == 0);
    SIMULATE_MUST(weft_fdatasync(fd, WEFT_NEVER) == 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    return fd;
}

/* Half of the blocks are synced; then they are written again, and more behind them. The last change
 * is the 24th, a sync of another folder. */
static int write_some(void *unused)
{
    weft_fd fd = open_synced();

    (void)unused;
    SIMULATE_MUST(fd > 0);
    SIMULATE_MUST(write_blocks(fd, 0, blocks / 2, 'b') == 0);
    SIMULATE_MUST(write_blocks(fd, blocks, blocks, 'c') == 0);
    SIMULATE_MUST(sync_path("/", O_RDONLY | O_DIRECTORY) == 0);
    return weft_close(fd);
}

/* What the loss has left: whole sectors of one time or the other, and how many of which. */
struct left {
    int old, fresh, behind, zeros;
};

static bool count_left(struct left *left)
{
    static char bytes[4 * blocks * sector];
    ssize_t count = look("data", bytes, sizeof(bytes));

    *left = (struct left){ 0 };
    if (count < blocks * sector || count % sector != 0)
        return false;
    for (int i = 0; i < count / sector; i++) {
        const char *block = bytes + (ptrdiff_t)i * sector;
        if (memcmp(block, block + 1, sector - 1) != 0)
            return false;
        left->old += *block == 'a';
        left->fresh += *block == 'b';
        left->behind += *block == 'c';
        left->zeros += *block == '\0';
        if (*block != (i >= blocks      ? 'c'
                       : i < blocks / 2 ? 'b'
                                        : 'a') &&
            *block != (i >= blocks ? '\0' : 'a'))
            return false;
    }
    return true;
}

static void test_what_was_synced_stays_and_the_rest_may_be_lost(void)
{
    int all = 0, none = 0, torn = 0, holes = 0;
    struct left left;

    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("write", "crash-at=24", seed, NULL), lost);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(simulate_said, "has lost power at change 24 of its files (sync, "));
        CU_ASSERT_TRUE(count_left(&left));
        all += left.fresh == blocks / 2 && left.behind == blocks;
        none += left.fresh == 0 && left.behind == 0 && left.zeros == 0;
        torn += left.fresh > 0 && left.fresh < blocks / 2;
        holes += left.zeros > 0;
    }
    CU_ASSERT_TRUE(all > 0);
    CU_ASSERT_TRUE(none > 0);
    CU_ASSERT_TRUE(torn > 0);
    CU_ASSERT_TRUE(holes > 0);
    CU_ASSERT_EQUAL(lose("write", "crash-at=25", 1, NULL), 0); /* there are no more */
}

/* The sync of the blocks is the 10th change: when it is under way it has made nothing safe. */
static void test_a_sync_under_way_makes_nothing_durable(void)
{
    int gone = 0, whole = 0;
    struct left left;

    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("write", "crash-at=10", seed, NULL), lost);
        gone += look("data", simulate_said, sizeof(simulate_said)) < 0;
        whole += count_left(&left) && left.old == blocks;
    }
    CU_ASSERT_TRUE(gone > 0);
    CU_ASSERT_TRUE(whole > 0);
}

/* A cut that is not synced is there, or it is not; but never half of what was cut off. */
static int cut_short(void *unused)
{
    weft_fd fd = open_synced();

    (void)unused;
    SIMULATE_MUST(fd > 0);
    SIMULATE_MUST(weft_ftruncate(fd, 0, WEFT_NEVER) == 0);
    SIMULATE_MUST(sync_path("/", O_RDONLY | O_DIRECTORY) == 0);
    return weft_close(fd);
}

static void test_a_file_is_cut_short_in_one_step(void)
{
    static char bytes[2 * blocks * sector], wanted[blocks * sector];
    int cut = 0, whole = 0;

    memset(wanted, 'a', sizeof(wanted));
    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("cut", "crash-at=13", seed, NULL), lost);
        ssize_t count = look("data", bytes, sizeof(bytes));
        cut += count == 0;
        whole += count == sizeof(wanted) && memcmp(bytes, wanted, sizeof(wanted)) == 0;
    }
    CU_ASSERT_EQUAL(cut + whole, seeds);
    CU_ASSERT_TRUE(cut > 0);
    CU_ASSERT_TRUE(whole > 0);
}

/* A file that is written with O_DSYNC is emptied by an open, and written without. */
static int write_through(void *unused)
{
    weft_fd fd = weft_open("data", O_WRONLY | O_CREAT | O_DSYNC, 0600, WEFT_NEVER);

    (void)unused;
    SIMULATE_MUST(fd > 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    SIMULATE_MUST(write_blocks(fd, 0, 1, 'a') == 0);
    SIMULATE_MUST(weft_close(fd) == 0);
    SIMULATE_MUST(sync_path("/", O_RDONLY | O_DIRECTORY) == 0);
    fd = weft_open("data", O_WRONLY | O_TRUNC, 0, WEFT_NEVER);
    SIMULATE_MUST(write_blocks(fd, 0, 1, 'b') == 0);
    SIMULATE_MUST(sync_path("/", O_RDONLY | O_DIRECTORY) == 0);
    return weft_close(fd);
}

static char first_of(const char *name)
{
    char byte = '-';

    return look(name, &byte, 1) < 0 ? '?' : byte;
}

static void test_a_write_with_dsync_is_durable_and_a_truncation_is_not(void)
{
    int old = 0, empty = 0, fresh = 0;

    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("through", "crash-at=4", seed, NULL), lost);
        CU_ASSERT_EQUAL(first_of("data"), 'a');
        empty_folder();
        CU_ASSERT_EQUAL(lose("through", "crash-at=7", seed, NULL), lost);
        old += first_of("data") == 'a';
        empty += first_of("data") == '-';
        fresh += first_of("data") == 'b';
    }
    CU_ASSERT_TRUE(old > 0);
    CU_ASSERT_TRUE(empty > 0);
    CU_ASSERT_TRUE(fresh > 0);
}

/* ---- names ---- */

static int save(const char *path, const char *text)
{
    weft_fd fd = weft_open(path, O_WRONLY | O_CREAT, 0640, WEFT_NEVER);

    SIMULATE_MUST(fd > 0);
    SIMULATE_MUST(weft_write_all(fd, text, strlen(text), NULL, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_fsync(fd, WEFT_NEVER) == 0);
    return weft_close(fd);
}

/* All names are synced, then all of them are changed; the last change is the 21st. */
static int change_names(void *unused)
{
    (void)unused;
    SIMULATE_MUST(save("data", "one") == 0);
    SIMULATE_MUST(save("new", "two") == 0);
    SIMULATE_MUST(save("old", "three") == 0);
    SIMULATE_MUST(weft_mkdir("dir", 0700, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_symlink("nowhere", "link", WEFT_NEVER) == 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    SIMULATE_MUST(weft_rename("new", "data", 0, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_unlink("old", WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_rmdir("dir", WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_unlink("link", WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_link("data", "twin", WEFT_NEVER) == 0);
    SIMULATE_MUST(save("new", "four") == 0);
    return sync_path("/", O_RDONLY | O_DIRECTORY);
}

static int is_there(const char *name)
{
    struct stat found;

    return lstat(name, &found) == 0;
}

/* How many of the six changes have been kept: the first ones. Negative: not those. */
static int changes_kept(void)
{
    int kept = holds("data", "two") ? 1 + !is_there("old") + !is_there("dir") + !is_there("link") +
                                          is_there("twin") + is_there("new")
                                    : 0;
    bool right = holds("data", kept >= 1 ? "two" : "one") && is_there("old") == (kept < 2) &&
                 is_there("dir") == (kept < 3) && is_there("link") == (kept < 4) &&
                 is_there("twin") == (kept >= 5) &&
                 (kept >= 6 ? holds("new", "four") : is_there("new") == (kept == 0)) &&
                 (kept > 0 || holds("new", "two")) && (kept >= 2 || holds("old", "three"));
    return right ? kept : -1;
}

static void test_names_are_lost_in_their_order(void)
{
    int seen[7] = { 0 };

    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("names", "crash-at=21", seed, NULL), lost);
        int kept = changes_kept();
        CU_ASSERT_TRUE_FATAL(kept >= 0);
        seen[kept]++;
    }
    for (int kept = 0; kept <= 6; kept++)
        CU_ASSERT_TRUE(seen[kept] > 0);
    empty_folder();
    CU_ASSERT_EQUAL(lose("names", "crash-at=22", 1, NULL), 0);
}

/* Two names change places, or they don't. */
static int exchange(void *unused)
{
    enum { swap = 2 /* RENAME_EXCHANGE */ };

    (void)unused;
    SIMULATE_MUST(save("data", "one") == 0);
    SIMULATE_MUST(save("new", "two") == 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    SIMULATE_MUST(weft_rename("data", "new", swap, WEFT_NEVER) == 0);
    return sync_path("/", O_RDONLY | O_DIRECTORY);
}

static void test_an_exchange_of_names_is_never_half(void)
{
    int kept = 0, taken_back = 0;

    for (int seed = 1; seed <= seeds; seed++) {
        empty_folder();
        CU_ASSERT_EQUAL(lose("exchange", "crash-at=9", seed, NULL), lost);
        kept += holds("data", "two") && holds("new", "one");
        taken_back += holds("data", "one") && holds("new", "two");
    }
    CU_ASSERT_EQUAL(kept + taken_back, seeds);
    CU_ASSERT_TRUE(kept > 0);
    CU_ASSERT_TRUE(taken_back > 0);
}

/* ---- what weft promises of whole files ---- */

static int replace(void *unused)
{
    (void)unused;
    SIMULATE_MUST(save("data", "one") == 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    SIMULATE_MUST(weft_file_replace("data", "another", 7, 0600, WEFT_NEVER) == 0);
    fprintf(stderr, "replaced\n");
    return sync_path("/", O_RDONLY | O_DIRECTORY);
}

static int save_in_place(void *unused)
{
    (void)unused;
    SIMULATE_MUST(save("data", "one") == 0);
    SIMULATE_MUST(sync_path(".", O_RDONLY | O_DIRECTORY) == 0);
    SIMULATE_MUST(weft_file_save("data", "another", 7, 0600, WEFT_NEVER) == 0);
    return sync_path("/", O_RDONLY | O_DIRECTORY);
}

/* Runs it with a loss at each change behind the first four, for some seeds; how many of the files
 * that are left are neither the old nor the new one. */
static int count_halves(const char *what)
{
    char wish[32];
    int halves = 0;

    for (int seed = 1; seed <= 8; seed++) {
        int status = lost;
        for (int at = 5; status == lost; at++) {
            (void)snprintf(wish, sizeof(wish), "crash-at=%d", at);
            empty_folder();
            status = lose(what, wish, seed, NULL);
            bool new_one = holds("data", "another");
            halves += !new_one &&
                      (strstr(simulate_said, "replaced") != NULL || !holds("data", "one"));
        }
        CU_ASSERT_EQUAL(status, 0);
    }
    return halves;
}

static void test_a_replaced_file_is_never_half(void)
{
    CU_ASSERT_EQUAL(count_halves("replace"), 0);
    CU_ASSERT_TRUE(count_halves("save") > 0);
}

/* ---- a full disk ---- */

static int fill_disk(void *unused)
{
    static char bytes[1000];
    const struct iovec parts[] = { { bytes, 0 }, { bytes, 300 }, { bytes, 700 } };
    weft_fd fd = weft_open("data", O_RDWR | O_CREAT, 0600, WEFT_NEVER);
    weft_fd other = weft_open("new", O_RDWR | O_CREAT, 0600, WEFT_NEVER);

    (void)unused;
    memset(bytes, 'x', sizeof(bytes));
    SIMULATE_MUST(fd > 0 && other > 0);
    SIMULATE_MUST(weft_write(fd, bytes, 1000, WEFT_NEVER) == 1000);
    SIMULATE_MUST(weft_write(other, bytes, 1000, WEFT_NEVER) == 500); /* of 1500 */
    SIMULATE_MUST(weft_write(other, bytes, 1, WEFT_NEVER) == -ENOSPC);
    SIMULATE_MUST(weft_pwrite(other, bytes, 500, 0, WEFT_NEVER) == 500); /* takes no room */
    SIMULATE_MUST(weft_ftruncate(fd, 600, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_write_vector(other, parts, 3, WEFT_NEVER) == 300);
    SIMULATE_MUST(weft_write_vector(other, parts, 3, WEFT_NEVER) == 100);
    SIMULATE_MUST(weft_fallocate(fd, 0, 0, 601, WEFT_NEVER) == -ENOSPC);
    SIMULATE_MUST(weft_ftruncate(fd, -1, WEFT_NEVER) == -EINVAL);
    SIMULATE_MUST(weft_fallocate(fd, 0, -1, 1, WEFT_NEVER) == -EINVAL);
    SIMULATE_MUST(weft_fallocate(fd, 0, INT64_MAX, INT64_MAX, WEFT_NEVER) == -EFBIG);
    SIMULATE_MUST(weft_ftruncate(fd, 601, WEFT_NEVER) == -ENOSPC);
    SIMULATE_MUST(weft_close(other) == 0 && weft_unlink("new", WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_fallocate(fd, 0, 0, 1500, WEFT_NEVER) == 0);
    SIMULATE_MUST(weft_pwrite(fd, bytes, 1, 1500, WEFT_NEVER) == -ENOSPC);
    SIMULATE_MUST(weft_close(fd) == 0);
    fd = weft_open("data", O_RDWR | O_TRUNC | O_APPEND, 0, WEFT_NEVER);
    SIMULATE_MUST(weft_write(fd, bytes, 1000, WEFT_NEVER) == 1000);
    SIMULATE_MUST(weft_write(fd, bytes, 1000, WEFT_NEVER) == 500);
    return weft_close(fd);
}

static void test_a_full_disk_writes_a_part_and_then_nothing(void)
{
    empty_folder();
    CU_ASSERT_EQUAL(lose("fill", "disk=1500", 1, NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, "");
}

/* ---- seeds ---- */

static void test_one_seed_loses_the_same_again(void)
{
    static char first[1 << 20], second[1 << 20];
    char trace[] = "/tmp/weft-disk-XXXXXX";
    struct left left, again;

    int fd = mkstemp(trace);
    CU_ASSERT_FATAL(fd >= 0);
    for (int seed = 1; seed <= 5; seed++) {
        empty_folder();
        int status = lose("write", "crash=10", seed, trace);
        ssize_t count = pread(fd, first, sizeof(first), 0);
        bool some = count_left(&left);
        empty_folder();
        CU_ASSERT_EQUAL(lose("write", "crash=10", seed, trace), status);
        CU_ASSERT_TRUE(count > 0 && pread(fd, second, sizeof(second), 0) == count);
        CU_ASSERT_EQUAL(memcmp(first, second, (size_t)count), 0);
        CU_ASSERT_EQUAL(count_left(&again), some);
        CU_ASSERT_EQUAL(memcmp(&left, &again, sizeof(left)), 0);
    }
    (void)close(fd);
    (void)unlink(trace);
}

static void test_a_wrong_word_is_named(void)
{
    CU_ASSERT_EQUAL(lose("write", "crash=", 1, NULL), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_SIM: \"crash=\" needs a number"));
    CU_ASSERT_EQUAL(lose("write", "cut=3,disk=1G", 1, NULL), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_SIM: \"disk=1G\" needs a number"));
    CU_ASSERT_EQUAL(lose("write", "crush=4", 1, NULL), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "\"crush=4\" is none of its words"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "see weft-sim(7)"));
}

static const struct simulate_role roles[] = {
    { "write", write_some },      { "cut", cut_short },     { "names", change_names },
    { "through", write_through }, { "exchange", exchange }, { "replace", replace },
    { "save", save_in_place },    { "fill", fill_disk },
};

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_what_was_synced_stays_and_the_rest_may_be_lost),
        UNIT_TEST(test_a_sync_under_way_makes_nothing_durable),
        UNIT_TEST(test_a_file_is_cut_short_in_one_step),
        UNIT_TEST(test_a_write_with_dsync_is_durable_and_a_truncation_is_not),
        UNIT_TEST(test_names_are_lost_in_their_order),
        UNIT_TEST(test_an_exchange_of_names_is_never_half),
        UNIT_TEST(test_a_replaced_file_is_never_half),
        UNIT_TEST(test_a_full_disk_writes_a_part_and_then_nothing),
        UNIT_TEST(test_one_seed_loses_the_same_again),
        UNIT_TEST(test_a_wrong_word_is_named),
    };

    simulate_as_told(argc, argv, roles, WEFT__COUNT(roles));
    if (WEFT__ASAN || WEFT__TSAN) {
        puts("a build with a sanitizer can't simulate");
        return unit_skip;
    }
    if (mkdtemp(folder) == NULL || chdir(folder) < 0)
        return 99;
    int rc = unit_run(argc, argv, "sim_disk", tests, WEFT__COUNT(tests));
    empty_folder();
    (void)rmdir(folder);
    return rc;
}

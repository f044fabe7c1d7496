/* The cgroup quota over the whole visible path, in trees of containers and machines. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/plan.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { file_max = 8, untouched = 12345 };

struct file {
    const char *path;
    const char *text;
};

#define V2_MOUNT "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define CPU_MOUNT \
    "33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define CPUSET_MOUNT \
    "34 32 0:31 / /sys/fs/cgroup/cpuset rw shared:9 master:3 - cgroup cgroup rw,cpuset\n"
#define OTHER_MOUNTS \
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n" \
    "23 22 0:21 / /proc rw - proc proc rw\n"

/* clang-format off */
static const struct {
    const char *label;
    uint32_t expect; /* hundredths of a CPU */
    const char *groups;
    const char *mounts;
    struct file files[file_max];
} rows[] = {
    { "v2, own group", 350, "0::/app\n", OTHER_MOUNTS V2_MOUNT,
      { { "sys/fs/cgroup/app/cpu.max", "350000 100000\n" } } },
    { "v2, no quota", 0, "0::/app\n", OTHER_MOUNTS V2_MOUNT,
      { { "sys/fs/cgroup/app/cpu.max", "max 100000\n" } } },
    { "v2, an ancestor has less", 150, "0::/a/b/c\n", V2_MOUNT,
      { { "sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n" }, { "sys/fs/cgroup/a/b/cpu.max",
      "max 100000\n" },
        { "sys/fs/cgroup/a/cpu.max", "150000 100000\n" } } },
    { "v2, our group has less than the ancestor", 100, "0::/a/b\n", V2_MOUNT,
      { { "sys/fs/cgroup/a/b/cpu.max", "100000 100000\n" }, { "sys/fs/cgroup/a/cpu.max",
      "800000 100000\n" } } },
    { "v2, only the root of the mount, as in a container", 200, "0::/\n", V2_MOUNT,
      { { "sys/fs/cgroup/cpu.max", "200000 100000\n" } } },
    { "v2, only the root has one", 50, "0::/a/b\n", V2_MOUNT,
      { { "sys/fs/cgroup/cpu.max", "50000 100000\n" } } },
    { "v2, a neighbour's quota is not ours", 0, "0::/app\n", V2_MOUNT,
      { { "sys/fs/cgroup/app2/cpu.max", "50000 100000\n" }, { "sys/fs/cgroup/ap/cpu.max",
      "50000 100000\n" } } },
    { "v2, not mounted", 0, "0::/app\n", OTHER_MOUNTS,
      { { "sys/fs/cgroup/app/cpu.max", "50000 100000\n" } } },
    { "another period, rounded up", 34, "0::/a\n", V2_MOUNT, { { "sys/fs/cgroup/a/cpu.max",
      "3334 10000\n" } } },
    { "a sliver is one hundredth", 1, "0::/a\n", V2_MOUNT, { { "sys/fs/cgroup/a/cpu.max",
      "1000 1000000\n" } } },
    { "more than fits", UINT32_MAX, "0::/a\n", V2_MOUNT, { { "sys/fs/cgroup/a/cpu.max",
      "100000000000 1000\n" } } },
    { "v1", 250, "4:cpu,cpuacct:/app\n3:cpuset:/other\n", OTHER_MOUNTS CPUSET_MOUNT CPU_MOUNT,
      { { "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n" },
        { "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n" } } },
    { "v1, controllers the other way round, no quota", 0, "4:cpuacct,cpu:/app\n", CPU_MOUNT,
      { { "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n" },
        { "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n" } } },
    { "v1, an ancestor", 75, "4:cpu,cpuacct:/a/b\n", CPU_MOUNT,
      { { "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n" },
        { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "75000\n" },
        { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" } } },
    { "v1, only cpuset and cpuacct", 0, "4:cpuset:/a\n5:cpuacct:/a\n", CPUSET_MOUNT,
      { { "sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us", "75000\n" },
        { "sys/fs/cgroup/cpuset/a/cpu.cfs_period_us", "100000\n" } } },
    { "v1 without period", 0, "4:cpu,cpuacct:/a\n", CPU_MOUNT,
      { { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "75000\n" } } },
    { "hybrid, v1 carries the controller", 300, "4:cpu,cpuacct:/a\n0::/u\n",
      CPU_MOUNT "35 32 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      { { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n" },
        { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" },
        { "sys/fs/cgroup/unified/u/cgroup.procs", "1\n" } } },
    { "both: the least of them", 120, "4:cpu:/a\n0::/u\n", CPU_MOUNT V2_MOUNT,
      { { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n" },
        { "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" },
        { "sys/fs/cgroup/u/cpu.max", "120000 100000\n" } } },
    { "the mount shows our group alone, by the host's name", 175, "0::/docker/4f2\n",
      "30 23 0:26 /docker/4f2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      { { "sys/fs/cgroup/cpu.max", "175000 100000\n" } } },
    { "below the folder that the mount shows", 60, "4:cpu:/docker/4f2/job\n",
      "33 32 0:29 /docker/4f2 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
      { { "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "60000\n" },
      { "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n" },
        { "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "90000\n" },
        { "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n" } } },
    { "outside of what the mount shows: its root", 80, "0::/system.slice/x\n",
      "30 23 0:26 /docker/4f2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      { { "sys/fs/cgroup/cpu.max", "80000 100000\n" }, { "sys/fs/cgroup/system.slice/x/cpu.max",
      "10000 100000\n" } } },
    { "the mount's root begins like our group's name", 80, "0::/docker/4f2b\n",
      "30 23 0:26 /docker/4f2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      { { "sys/fs/cgroup/cpu.max", "80000 100000\n" }, { "sys/fs/cgroupb/cpu.max",
      "10000 100000\n" } } },
    { "above our namespace", 90, "0::/../../x\n", V2_MOUNT,
      { { "sys/fs/cgroup/cpu.max", "90000 100000\n" }, { "sys/x/cpu.max", "10000 100000\n" } } },
    { "somebody's bind mount comes first", 130, "0::/a\n",
      "29 23 0:26 /other /mnt/other rw - cgroup2 cgroup rw\n" V2_MOUNT,
      { { "mnt/other/cpu.max", "10000 100000\n" }, { "sys/fs/cgroup/a/cpu.max",
      "130000 100000\n" } } },
    { "somebody's bind mount comes first and has a shorter name", 130, "0::/docker/4f2\n",
      "29 23 0:26 /o /mnt/other rw - cgroup2 cgroup rw\n"
      "30 23 0:26 /docker/4f2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      { { "mnt/other/cpu.max", "10000 100000\n" }, { "sys/fs/cgroup/cpu.max",
      "130000 100000\n" } } },
    { "somebody's bind mount comes last", 130, "0::/a\n",
      V2_MOUNT "40 23 0:26 /other /mnt/other rw - cgroup2 cgroup rw\n",
      { { "mnt/other/cpu.max", "10000 100000\n" }, { "sys/fs/cgroup/a/cpu.max",
      "130000 100000\n" } } },
    { "of two mounts the one that shows more above us", 40, "0::/a/b\n",
      "29 23 0:26 /a /mnt/part rw - cgroup2 cgroup rw\n" V2_MOUNT,
      { { "sys/fs/cgroup/cpu.max", "40000 100000\n" }, { "mnt/part/cpu.max", "70000 100000\n" } } },
    { "a mount point with a space and a backslash", 110, "0::/a\n",
      "30 23 0:26 / /my\\040c\\134g rw - cgroup2 cgroup rw\n",
      { { "my c\\g/a/cpu.max", "110000 100000\n" } } },
    { "a mounted folder with a space", 115, "0::/my app/x\n",
      "30 23 0:26 /my\\040app /cg rw - cgroup2 cgroup rw\n",
      { { "cg/x/cpu.max", "115000 100000\n" } } },
    { "a group with a space, a colon and a percent sign", 140, "0::/my app:1/%d\n", V2_MOUNT,
      { { "sys/fs/cgroup/my app:1/%d/cpu.max", "140000 100000\n" } } },
    { "mounted at the root", 20, "0::/a\n", "30 23 0:26 / / rw - cgroup2 cgroup rw\n",
      { { "a/cpu.max", "20000 100000\n" } } },
    { "unreadable mountinfo lines are passed over", 33, "0::/a\n\ngarbage\n1:\nx:y\n",
      "\n1\n1 2 3\n1 2 0:3 / /x rw - cgroup2\n1 2 0:3 / /x rw shared:1\n-\n" V2_MOUNT,
      { { "sys/fs/cgroup/a/cpu.max", "33000 100000\n" } } },
    { "malformed quotas are none", 77, "0::/a/b/c/d/e/f\n", V2_MOUNT,
      { { "sys/fs/cgroup/a/cpu.max", "77000 100000\n" }, { "sys/fs/cgroup/a/b/cpu.max", "1000\n" },
        { "sys/fs/cgroup/a/b/c/cpu.max", "1000 0\n" }, { "sys/fs/cgroup/a/b/c/d/cpu.max",
        "0 1000\n" },
        { "sys/fs/cgroup/a/b/c/d/e/cpu.max", "1000 100000 5\n" },
        { "sys/fs/cgroup/a/b/c/d/e/f/cpu.max", "18446744073709551616 100000\n" } } },
    { "a quota whose hundredfold overflows", 0, "0::/a\n", V2_MOUNT,
      { { "sys/fs/cgroup/a/cpu.max", "18446744073709551615 100000\n" } } },
    { "in no group", 0, "", V2_MOUNT, { { "sys/fs/cgroup/cpu.max", "90000 100000\n" } } },
};
/* clang-format on */

static void test_quota_table(void)
{
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        uint32_t got = untouched;
        struct tree tree;

        tree_make(&tree);
        tree_write(&tree, "proc/self/cgroup", rows[i].groups);
        tree_write(&tree, "proc/self/mountinfo", rows[i].mounts);
        for (size_t j = 0; j < file_max && rows[i].files[j].path != NULL; j++)
            tree_write(&tree, rows[i].files[j].path, rows[i].files[j].text);
        int rc = weft__cgroup_quota(tree.root, &got);
        bool ok = rc == 0 && got == rows[i].expect;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d got %u want %u\n", i, rows[i].label, rc, got,
                          rows[i].expect);
        CU_ASSERT_TRUE(ok);
        tree_remove(&tree);
    }
}

static const struct {
    const char *label;
    uint64_t expect;
    const char *groups;
    const char *mounts;
    struct file files[3];
} limit_rows[] = {
    { "v2, own group", 1000, "0::/a\n", V2_MOUNT, { { "sys/fs/cgroup/a/memory.max", "1000\n" } } },
    { "v2, none", 0, "0::/a\n", V2_MOUNT, { { "sys/fs/cgroup/a/memory.max", "max\n" } } },
    { "v2, an ancestor has less",
      700,
      "0::/a/b\n",
      V2_MOUNT,
      { { "sys/fs/cgroup/a/b/memory.max", "900\n" }, { "sys/fs/cgroup/a/memory.max", "700\n" } } },
    { "v1, of its own controller",
      4096,
      "4:cpu,cpuacct:/a\n7:memory:/m\n",
      CPU_MOUNT "36 32 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
      { { "sys/fs/cgroup/memory/m/memory.limit_in_bytes", "4096\n" },
        { "sys/fs/cgroup/cpu,cpuacct/a/memory.limit_in_bytes", "1\n" } } },
    { "v1, the largest number of pages is none",
      0,
      "7:memory:/m\n",
      "36 32 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
      { { "sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n" } } },
    { "what is no number is none",
      0,
      "0::/a\n",
      V2_MOUNT,
      { { "sys/fs/cgroup/a/memory.max", "1k\n" } } },
};

static void test_limit_table(void)
{
    for (size_t i = 0; i < WEFT__COUNT(limit_rows); i++) {
        uint64_t got = untouched;
        struct tree tree;

        tree_make(&tree);
        tree_write(&tree, "proc/self/cgroup", limit_rows[i].groups);
        tree_write(&tree, "proc/self/mountinfo", limit_rows[i].mounts);
        for (size_t j = 0; j < 3 && limit_rows[i].files[j].path != NULL; j++)
            tree_write(&tree, limit_rows[i].files[j].path, limit_rows[i].files[j].text);
        int rc = weft__cgroup_limit(tree.root, "memory", "memory.max", "memory.limit_in_bytes",
                                    &got);
        bool ok = rc == 0 && got == limit_rows[i].expect;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d got %llu\n", i, limit_rows[i].label, rc,
                          (unsigned long long)got);
        CU_ASSERT_TRUE(ok);
        tree_remove(&tree);
    }
}

static void test_quota_without_files_is_none(void)
{
    uint32_t got = untouched;

    CU_ASSERT_EQUAL(weft__cgroup_quota("/nonexistent", &got), 0);
    CU_ASSERT_EQUAL(got, 0);
}

static void test_quota_of_an_endless_path_is_none(void)
{
    static char groups[16384] = "0::";
    uint32_t got = untouched;
    struct tree tree;

    memset(groups + strlen(groups), '/', sizeof(groups) - strlen(groups) - 1);
    tree_make(&tree);
    tree_write(&tree, "proc/self/cgroup", groups);
    tree_write(&tree, "proc/self/mountinfo", V2_MOUNT);
    CU_ASSERT_EQUAL(weft__cgroup_quota(tree.root, &got), 0);
    CU_ASSERT_EQUAL(got, 0);
    tree_remove(&tree);
}

/* Hosts of containers have thousands of mounts; ours may be the last. */
static void test_quota_reads_a_long_mountinfo(void)
{
    enum { mount_count = 3000, line_bytes = 64 };
    static char mounts[mount_count * line_bytes];
    uint32_t got = untouched;
    size_t length = 0;
    struct tree tree;

    for (int i = 0; i < mount_count; i++)
        length += (size_t)snprintf(mounts + length, sizeof(mounts) - length,
                                   "%d 1 0:9 / /mnt/%d rw - tmpfs tmpfs rw\n", i, i);
    (void)snprintf(mounts + length, sizeof(mounts) - length, "%s", V2_MOUNT);
    tree_make(&tree);
    tree_write(&tree, "proc/self/cgroup", "0::/a\n");
    tree_write(&tree, "proc/self/mountinfo", mounts);
    tree_write(&tree, "sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    CU_ASSERT_EQUAL(weft__cgroup_quota(tree.root, &got), 0);
    CU_ASSERT_EQUAL(got, 150);
    tree_remove(&tree);
}

static void test_quota_survives_every_failed_call(void)
{
    struct tree tree;
    int failures = 0;

    tree_make(&tree);
    tree_write(&tree, "proc/self/cgroup", "0::/a\n4:cpu:/b\n");
    tree_write(&tree, "proc/self/mountinfo", V2_MOUNT CPU_MOUNT);
    tree_write(&tree, "sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    for (uint32_t nth = 1; nth <= 16; nth++) {
        uint32_t got = untouched;
        weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
        int rc = weft__cgroup_quota(tree.root, &got);
        CU_ASSERT_TRUE(rc == 0 ? got == 150 : rc == -ENOMEM && got == untouched);
        failures += rc != 0;
        weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
        weft__fault_arm(WEFT__FAULT_OPEN, nth, -EACCES);
        CU_ASSERT_EQUAL(weft__cgroup_quota(tree.root, &got), 0);
        CU_ASSERT_TRUE(got == 150 || got == 0);
        weft__fault_arm(WEFT__FAULT_OPEN, 0, 0);
    }
    CU_ASSERT_TRUE(failures >= 4);
    tree_remove(&tree);
}

static void test_quota_of_this_process_is_readable(void)
{
    uint32_t got = untouched;

    CU_ASSERT_EQUAL(weft__cgroup_quota("", &got), 0);
    CU_ASSERT_NOT_EQUAL(got, untouched);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_quota_table),
        UNIT_TEST(test_limit_table),
        UNIT_TEST(test_quota_without_files_is_none),
        UNIT_TEST(test_quota_of_an_endless_path_is_none),
        UNIT_TEST(test_quota_reads_a_long_mountinfo),
        UNIT_TEST(test_quota_survives_every_failed_call),
        UNIT_TEST(test_quota_of_this_process_is_readable),
    };

    return unit_run(argc, argv, "cgroup", tests, WEFT__COUNT(tests));
}

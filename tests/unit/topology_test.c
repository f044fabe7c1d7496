/* The topology from sysfs trees: machines that nobody has in one room. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/topology.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/machine.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"

enum { text_bytes = 384, file_max = 40 };

struct file {
    const char *path; /* below devices/system/ */
    const char *text;
};

/* What most CPUs have: siblings and a level 3 cache, after two smaller ones. */
#define CPU(id, siblings, l3)                                                  \
    { "cpu/cpu" id "/topology/core_cpus_list", siblings "\n" },                \
        { "cpu/cpu" id "/cache/index0/level", "1\n" },                         \
        { "cpu/cpu" id "/cache/index0/shared_cpu_list", siblings "\n" },       \
        { "cpu/cpu" id "/cache/index1/level", "3\n" },                         \
        { "cpu/cpu" id "/cache/index1/shared_cpu_list", l3 "\n" }

/* Less than most have. */
#define CPU_L3(id, cpus) \
    { "cpu/cpu" id "/cache/index0/level", "3\n" }, \
        { "cpu/cpu" id "/cache/index0/shared_cpu_list", cpus "\n" }
#define CPU_PACKAGE(id, package) { "cpu/cpu" id "/topology/physical_package_id", package "\n" }
#define CPU_CORE(id, core, package) \
    { "cpu/cpu" id "/topology/core_id", core "\n" }, CPU_PACKAGE(id, package)

#define NODE(id, cpus, kilobytes, distances)                                                    \
    { "node/node" id "/cpulist", cpus "\n" },                                                   \
        { "node/node" id "/meminfo", "Node " id " MemTotal:       " kilobytes " kB\n"           \
                                     "Node " id " MemFree:        17 kB\n" },                   \
        { "node/node" id "/distance", distances "\n" }

/* clang-format off */
static const struct machine {
    const char *label;
    const char *expect; /* as machine_describe writes it */
    struct file files[file_max];
} machines[] = {
    { "2 nodes x 4, a cache per node",
      "0:4:1024>0 1:4:2048>1 | 0:0.0.0.0 1:0.1.0.0 2:0.2.0.0 3:0.3.0.0 "
      "4:1.4.1.0 5:1.5.1.0 6:1.6.1.0 7:1.7.1.0 | 10,21;21,10",
      { { "cpu/online", "0-7\n" }, { "node/online", "0-1\n" },
        CPU("0", "0", "0-3"), CPU("3", "3", "0-3"), CPU("4", "4", "4-7"), CPU("7", "7", "4-7"),
        CPU_L3("1", "0-3"), CPU_L3("2", "0-3"), CPU_L3("5", "4-7"), CPU_L3("6", "4-7"),
        NODE("0", "0-3", "1048576", "10 21"), NODE("1", "4-7", "2097152", "21 10") } },
    { "holes in CPU and node numbers",
      "1:2:64>1 5:2:64>5 | 0:0.0.0.0 2:1.1.1.0 9:0.2.0.0 40:1.3.1.0 | 10,20;20,10",
      { { "cpu/online", "0,2,9,40\n" }, { "node/online", "1,5\n" },
        NODE("1", "0,9", "65536", "10 20"), NODE("5", "2,40", "65536", "20 10") } },
    { "threads: second ones far away, as on x86-64",
      "0:4:1>0 | 0:0.0.0.0 1:0.1.0.0 2:0.0.0.1 3:0.1.0.1 | 10",
      { { "cpu/online", "0-3\n" }, { "node/online", "0\n" },
        CPU("0", "0,2", "0-3"), CPU("1", "1,3", "0-3"), CPU("2", "0,2", "0-3"),
        CPU("3", "1,3", "0-3"),
        NODE("0", "0-3", "1024", "10") } },
    { "threads: four a core, one of them offline, the old file name",
      "0:3:1>0 | 4:0.0.0.0 6:0.0.0.1 7:0.0.0.2 | 10",
      { { "cpu/online", "4,6-7\n" }, { "node/online", "0\n" },
        { "cpu/cpu4/topology/thread_siblings_list", "4-7\n" },
        { "cpu/cpu6/topology/thread_siblings_list", "4-7\n" },
        { "cpu/cpu7/topology/thread_siblings_list", "4-7\n" },
        NODE("0", "4-7", "1024", "10") } },
    { "threads: only package and core number",
      "0:4:0>0 | 0:0.0.0.0 1:0.1.1.0 2:0.0.0.1 3:0.1.1.1 | 10",
      { { "cpu/online", "0-3\n" },
        CPU_CORE("0", "0", "0"), CPU_CORE("1", "0", "7"), CPU_CORE("2", "0", "0"),
        CPU_CORE("3", "0", "7") } },
    { "threads: the package is not known",
      "0:2:0>0 | 0:0.0.0.0 1:0.1.0.0 | 10",
      { { "cpu/online", "0-1\n" },
        CPU_CORE("0", "0", "-1"), CPU_CORE("1", "0", "-1") } },
    { "several caches per node, as on EPYC",
      "0:4:1>0 1:4:1>1 | 0:0.0.0.0 1:0.1.0.0 2:0.2.1.0 3:0.3.1.0 "
      "4:1.4.2.0 5:1.5.2.0 6:1.6.3.0 7:1.7.3.0 | 10,32;32,10",
      { { "cpu/online", "0-7\n" }, { "node/online", "0-1\n" },
        CPU_L3("0", "0-1"), CPU_L3("1", "0-1"), CPU_L3("2", "2-3"), CPU_L3("3", "2-3"),
        CPU_L3("4", "4-5"),
        CPU_L3("5", "4-5"), CPU_L3("6", "6-7"), CPU_L3("7", "6-7"),
        NODE("0", "0-3", "1024", "10 32"), NODE("1", "4-7", "1024", "32 10") } },
    { "one cache over two nodes is a group each",
      "0:2:1>0 1:2:1>1 | 0:0.0.0.0 1:0.1.0.0 2:1.2.1.0 3:1.3.1.0 | 10,11;11,10",
      { { "cpu/online", "0-3\n" }, { "node/online", "0-1\n" },
        CPU("0", "0", "0-3"), CPU("1", "1", "0-3"), CPU("2", "2", "0-3"), CPU("3", "3", "0-3"),
        NODE("0", "0-1", "1024", "10 11"), NODE("1", "2-3", "1024", "11 10") } },
    { "a memory-less node takes the nearest memory, not the first",
      "0:1:1>0 1:1:0>2 2:1:1>2 | 0:0.0.0.0 1:1.1.1.0 2:2.2.2.0 | 10,21,31;31,10,12;31,12,10",
      { { "cpu/online", "0-2\n" }, { "node/online", "0-2\n" },
        NODE("0", "0", "1024", "10 21 31"), NODE("1", "1", "0", "31 10 12"),
        NODE("2", "2", "1024", "31 12 10") } },
    { "a CPU-less node",
      "0:2:1>0 3:0:64>3 | 0:0.0.0.0 1:0.1.0.0 | 10,17;28,10",
      { { "cpu/online", "0-1\n" }, { "node/online", "0,3\n" },
        NODE("0", "0-1", "1024", "10 17"), NODE("3", "", "65536", "28 10") } },
    { "offline CPUs are not there",
      "0:2:1>0 1:0:1>1 | 0:0.0.0.0 2:0.1.0.0 | 10,20;20,10",
      { { "cpu/online", "0,2\n" }, { "cpu/present", "0-7\n" }, { "node/online", "0-1\n" },
        CPU("0", "0-1", "0-3"), CPU("2", "2-3", "0-3"),
        NODE("0", "0-3", "1024", "10 20"), NODE("1", "4-7", "1024", "20 10") } },
    { "no node folder: one flat node, caches by package",
      "0:4:0>0 | 0:0.0.0.0 1:0.1.0.0 2:0.2.1.0 3:0.3.1.0 | 10",
      { { "cpu/online", "0-3\n" },
        CPU_PACKAGE("0", "0"), CPU_PACKAGE("1", "0"), CPU_PACKAGE("2", "1"),
        CPU_PACKAGE("3", "1") } },
    { "nothing but a count of CPUs, and that under its other name",
      "0:2:0>0 | 0:0.0.0.0 1:0.1.0.0 | 10",
      { { "cpu/present", "0-1" } } },
    { "a node list that is empty is no node list",
      "0:1:0>0 | 0:0.0.0.0 | 10",
      { { "cpu/online", "0\n" }, { "node/online", "\n" } } },
    { "files of a node are missing",
      "0:2:0>1 1:0:1>1 | 0:0.0.0.0 1:0.1.0.0 | 10,20;20,10",
      { { "cpu/online", "0-1\n" }, { "node/online", "0-1\n" }, { "node/node0/cpulist", "0-1\n" },
        { "node/node1/meminfo", "Node 1 MemTotal: 1024 kB\n" } } },
    { "a CPU that no node claims joins its cache's node, else the first with CPUs",
      "0:0:1>0 1:2:1>1 2:2:1>2 | 0:2.0.0.0 1:1.1.1.0 2:1.2.2.0 3:2.3.0.0 | "
      "10,20,20;20,10,20;20,20,10",
      { { "cpu/online", "0-3\n" }, { "node/online", "0-2\n" },
        CPU("0", "0", "0,3"), CPU("3", "3", "0,3"), CPU("1", "1", "1"), CPU("2", "2", "2"),
        NODE("0", "", "1024", "10 20 20"), NODE("1", "1", "1024", "20 10 20"),
        NODE("2", "3", "1024", "20 20 10") } },
    { "a CPU that two nodes claim is the first one's",
      "0:2:1>0 1:1:1>1 | 0:0.0.0.0 1:0.1.0.0 2:1.2.1.0 | 10,20;20,10",
      { { "cpu/online", "0-2\n" }, { "node/online", "0-1\n" },
        NODE("0", "0-1", "1024", "10 20"), NODE("1", "1-2", "1024", "20 10") } },
    { "siblings that leave out the CPU itself",
      "0:2:0>0 | 0:0.0.0.0 1:0.1.0.0 | 10",
      { { "cpu/online", "0-1\n" }, { "cpu/cpu1/topology/core_cpus_list", "0\n" } } },
    { "numbers above 4096, and a cache at index 3",
      "1000:2:1>1000 1023:1:1>1023 | 4095:0.0.0.0 4097:0.1.0.0 1048575:1.2.1.0 | 10,254;254,10",
      { { "cpu/online", "4095,4097,1048575\n" }, { "node/online", "1000,1023\n" },
        { "cpu/cpu4095/cache/index0/level", "1" }, { "cpu/cpu4095/cache/index1/level", "1" },
        { "cpu/cpu4095/cache/index2/level", "2" }, { "cpu/cpu4095/cache/index3/level", "3" },
        { "cpu/cpu4095/cache/index3/shared_cpu_list", "4095-4097" },
        { "cpu/cpu4097/cache/index0/level", "3" },
        { "cpu/cpu4097/cache/index0/shared_cpu_list", "4095-4097" },
        NODE("1000", "4095-4097", "1024", "10 254"), NODE("1023", "1048575", "1024", "254 10") } },
};

static const struct {
    const char *label;
    size_t at;
    const char *named; /* the file, as the error ends its path */
    const char *why;
    struct file bad;
} bad_rows[] = {
    { "letter in the CPU list", 2, "cpu/online", "not a list", { "cpu/online", "0-x\n" } },
    { "NUL in the CPU list", 3, "cpu/online", "not a list", { "cpu/online", "0-1\1,2\n" } },
    { "reversed CPU list", 2, "cpu/online", "not a list", { "cpu/online", "3-1\n" } },
    { "CPU 2^32", 2, "cpu/online", "too large", { "cpu/online", "0-4294967296\n" } },
    { "node list", 1, "node/online", "not a list", { "node/online", "0 1\n" } },
    { "node above 1023", 2, "node/online", "1023", { "node/online", "0,1024\n" } },
    { "siblings", 2, "cpu/cpu1/topology/core_cpus_list", "not a list",
      { "cpu/cpu1/topology/core_cpus_list", "1,\n" } },
    { "old siblings", 0, "cpu/cpu0/topology/thread_siblings_list", "not a list",
      { "cpu/cpu0/topology/thread_siblings_list", "x" } },
    { "core number", 1, "cpu/cpu0/topology/core_id", "not a number",
      { "cpu/cpu0/topology/core_id", "1.5\n" } },
    { "core number 2^32", 0, "cpu/cpu0/topology/core_id", "too large",
      { "cpu/cpu0/topology/core_id", "4294967296\n" } },
    { "core number empty", 0, "cpu/cpu0/topology/core_id", "not a number",
      { "cpu/cpu0/topology/core_id", "" } },
    { "core number -2", 0, "cpu/cpu0/topology/core_id", "not a number",
      { "cpu/cpu0/topology/core_id", "-2\n" } },
    { "package", 1, "cpu/cpu0/topology/physical_package_id", "not a number",
      { "cpu/cpu0/topology/physical_package_id", "0x0\n" } },
    { "cache level", 0, "cpu/cpu1/cache/index0/level", "not a number",
      { "cpu/cpu1/cache/index0/level", "three\n" } },
    { "CPUs of a node", 3, "node/node1/cpulist", "not a list", { "node/node1/cpulist",
      "1-1-1\n" } },
    { "memory without number", 17, "node/node0/meminfo", "not a number",
      { "node/node0/meminfo", "Node 0 MemTotal: kB\n" } },
    { "memory without unit", 18, "node/node0/meminfo", "kB",
      { "node/node0/meminfo", "Node 0 MemTotal: 5 MB\n" } },
    { "memory of 2^64", 17, "node/node0/meminfo", "too large",
      { "node/node0/meminfo", "Node 0 MemTotal: 18446744073709551616 kB\n" } },
    { "memory whose bytes overflow", 17, "node/node0/meminfo", "too large",
      { "node/node0/meminfo", "Node 0 MemTotal: 18014398509481984 kB\n" } },
    { "memory not told", 9, "node/node0/meminfo", "missing", { "node/node0/meminfo",
      "Node 0 X\n" } },
    { "too few distances", 2, "node/node0/distance", "per node is needed", { "node/node0/distance",
      "10\n" } },
    { "too many distances", 6, "node/node0/distance", "enough", { "node/node0/distance",
      "10 20 30\n" } },
    { "a distance of 0", 3, "node/node1/distance", "1 to 255", { "node/node1/distance",
      "20 0\n" } },
    { "a distance of 256", 0, "node/node1/distance", "1 to 255", { "node/node1/distance",
      "256 10\n" } },
    { "a word among distances", 3, "node/node1/distance", "per node", { "node/node1/distance",
      "20 near\n" } },
};
/* clang-format on */

static void write_files(const struct tree *tree, const struct file *files, size_t count)
{
    for (size_t i = 0; i < count && files[i].path != NULL; i++)
        tree_write_at(tree, files[i].text, "devices/system/%s", files[i].path);
}

static void test_read_table_of_machines(void)
{
    for (size_t i = 0; i < WEFT__COUNT(machines); i++) {
        const struct machine *machine = &machines[i];
        struct weft__topology *topology = NULL;
        struct weft__topology_error error = { .text = "" };
        char got[text_bytes] = "";
        struct tree tree;

        tree_make(&tree);
        write_files(&tree, machine->files, file_max);
        int rc = weft__topology_read(tree.root, &topology, &error);
        if (rc == 0)
            machine_describe(topology, got, sizeof(got));
        bool ok = rc == 0 && strcmp(got, machine->expect) == 0 && machine_is_sound(topology) &&
                  !topology->synthetic;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d %s\n got  %s\n want %s\n", i, machine->label,
                          rc, error.text, got, machine->expect);
        CU_ASSERT_TRUE(ok);
        weft__topology_destroy(topology);
        tree_remove(&tree);
    }
}

/* Two CPUs on two nodes; each bad row changes one of its files. */
static const struct file small_machine[] = {
    { "cpu/online", "0-1\n" },
    { "node/online", "0-1\n" },
    NODE("0", "0", "1024", "10 20"),
    NODE("1", "1", "1024", "20 10"),
};

static void test_read_malformed_names_file_and_character(void)
{
    for (size_t i = 0; i < WEFT__COUNT(bad_rows); i++) {
        struct weft__topology *topology = NULL;
        struct weft__topology_error error = { .text = "" };
        char named[128];
        struct tree tree;

        tree_make(&tree);
        write_files(&tree, small_machine, WEFT__COUNT(small_machine));
        tree_write(&tree, "devices/system/cpu/cpu0/topology/core_id", "0\n");
        write_files(&tree, &bad_rows[i].bad, 1);
        int rc = weft__topology_read(tree.root, &topology, &error);
        (void)snprintf(named, sizeof(named), "%s: character %zu: ", bad_rows[i].named,
                       bad_rows[i].at);
        bool ok = rc == -EINVAL && topology == NULL && error.at == bad_rows[i].at &&
                  strstr(error.text, named) != NULL && strstr(error.text, bad_rows[i].why) != NULL;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d at=%zu %s\n", i, bad_rows[i].label, rc,
                          error.at, error.text);
        CU_ASSERT_TRUE(ok);
        CU_ASSERT_EQUAL(weft__topology_read(tree.root, &topology, NULL), -EINVAL);
        weft__topology_destroy(topology);
        tree_remove(&tree);
    }
}

static void test_read_nul_inside_a_file_is_malformed(void)
{
    struct weft__topology *topology = NULL;
    struct weft__topology_error error = { .text = "" };
    char path[256];
    struct tree tree;

    tree_make(&tree);
    tree_write(&tree, "devices/system/cpu/online", "");
    (void)snprintf(path, sizeof(path), "%s/devices/system/cpu/online", tree.root);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite("0-1\0,5\n", 1, 7, file), 7);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(weft__topology_read(tree.root, &topology, &error), -EINVAL);
    CU_ASSERT_EQUAL(error.at, 3);
    tree_remove(&tree);
}

static void test_read_without_a_cpu_says_where_it_looked(void)
{
    struct weft__topology *topology = NULL;
    struct weft__topology_error error = { .text = "" };
    static char root[2048];

    CU_ASSERT_EQUAL(weft__topology_read("/nonexistent/sys", &topology, &error), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent/sys"));
    memset(root, 'r', sizeof(root) - 1);
    root[sizeof(root) - 1] = '\0';
    CU_ASSERT_EQUAL(weft__topology_read(root, &topology, &error), -ENAMETOOLONG);
    CU_ASSERT_PTR_NULL(topology);
}

/* Fails the n-th call of @point, for every n until all are through. Returns the failures. */
static unsigned read_with_faults(const char *root, enum weft__fault_point point, int error_number)
{
    unsigned failures = 0;

    for (uint32_t nth = 1; nth < 10000; nth++) {
        struct weft__topology *topology = NULL;
        weft__fault_arm(point, nth, error_number);
        int rc = weft__topology_read(root, &topology, NULL);
        bool struck = weft__fault_calls(point) == nth;
        weft__fault_arm(point, 0, 0);
        CU_ASSERT_TRUE(rc == 0 || (topology == NULL && (rc == -ENOMEM || rc == -ENOENT)));
        CU_ASSERT_TRUE(rc != 0 || machine_is_sound(topology));
        weft__topology_destroy(topology);
        failures += rc != 0;
        if (!struck)
            break;
    }
    return failures;
}

static void test_read_survives_every_failed_call(void)
{
    struct tree tree;

    tree_make(&tree);
    write_files(&tree, small_machine, WEFT__COUNT(small_machine));
    CU_ASSERT_TRUE(read_with_faults(tree.root, WEFT__FAULT_ALLOC, -ENOMEM) > 20);
    CU_ASSERT_EQUAL(read_with_faults(tree.root, WEFT__FAULT_OPEN, -EACCES), 1);
    CU_ASSERT_TRUE(read_with_faults(tree.root, WEFT__FAULT_OPEN, -ENOMEM) > 10);
    CU_ASSERT_TRUE(read_with_faults(tree.root, WEFT__FAULT_READ, -EIO) >= 1);
    tree_remove(&tree);
}

static void test_read_a_machine_of_8192_cpus(void)
{
    struct weft__topology *topology = NULL;
    struct tree tree;

    tree_make(&tree);
    tree_write(&tree, "devices/system/cpu/online", "0-16383:1/2\n");
    tree_write(&tree, "devices/system/node/online", "0-1\n");
    tree_write(&tree, "devices/system/node/node0/cpulist", "0-8191\n");
    tree_write(&tree, "devices/system/node/node1/cpulist", "8192-16383\n");
    tree_write(&tree, "devices/system/cpu/cpu16382/topology/core_cpus_list", "0-16383\n");
    CU_ASSERT_EQUAL_FATAL(weft__topology_read(tree.root, &topology, NULL), 0);
    CU_ASSERT_EQUAL(topology->cpu_count, 8192);
    CU_ASSERT_EQUAL(topology->core_count, 8192);
    CU_ASSERT_EQUAL(topology->nodes[1].cpu_count, 4096);
    CU_ASSERT_EQUAL(weft__topology_find_cpu(topology, 16382), 8191);
    CU_ASSERT_EQUAL(weft__topology_find_cpu(topology, 16383), -1);
    CU_ASSERT_EQUAL(weft__topology_find_cpu(topology, UINT32_MAX), -1);
    CU_ASSERT_TRUE(machine_is_sound(topology));
    weft__topology_destroy(topology);
    tree_remove(&tree);
}

static void test_read_this_machine(void)
{
    struct weft__topology *topology = NULL;
    struct weft__topology_error error = { .text = "" };

    if (access("/sys/devices/system/cpu/online", R_OK) != 0) {
        (void)fprintf(stderr, "no /sys here: not tried\n");
        return;
    }
    int rc = weft__topology_read("/sys", &topology, &error);
    if (rc != 0)
        (void)fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_TRUE(machine_is_sound(topology));
    CU_ASSERT_EQUAL((long)topology->cpu_count, sysconf(_SC_NPROCESSORS_ONLN));
    weft__topology_destroy(topology);
}

static void test_flat_is_one_node_of_single_cores(void)
{
    struct weft__cpuset cpus = { .words = NULL };
    struct weft__topology *topology = NULL;
    char got[text_bytes] = "";
    size_t at;

    CU_ASSERT_EQUAL(weft__topology_flat(&cpus, &topology), -ENOENT);
    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&cpus, "1,5000", &at), 2);
    CU_ASSERT_EQUAL_FATAL(weft__topology_flat(&cpus, &topology), 0);
    machine_describe(topology, got, sizeof(got));
    CU_ASSERT_STRING_EQUAL(got, "0:2:0>0 | 1:0.0.0.0 5000:0.1.0.0 | 10");
    CU_ASSERT_EQUAL(weft__topology_distance(topology, 0, 0), 10);
    weft__topology_destroy(topology);
    weft__topology_destroy(NULL);
    weft__cpuset_fini(&cpus);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_read_table_of_machines),
        UNIT_TEST(test_read_malformed_names_file_and_character),
        UNIT_TEST(test_read_nul_inside_a_file_is_malformed),
        UNIT_TEST(test_read_without_a_cpu_says_where_it_looked),
        UNIT_TEST(test_read_survives_every_failed_call),
        UNIT_TEST(test_read_a_machine_of_8192_cpus),
        UNIT_TEST(test_read_this_machine),
        UNIT_TEST(test_flat_is_one_node_of_single_cores),
    };

    return unit_run(argc, argv, "topology", tests, WEFT__COUNT(tests));
}

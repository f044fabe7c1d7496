/* What the probe finds, and the sentences for a kernel that refuses. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "tests/support/engine_log.h"
#include "tests/support/engines.h"
#include "tests/support/unit.h"
#include "uring/probe.h"
#include "uring/setup_error.h"

enum { FILES_MAX = 4 };

/* A /proc and cgroup tree as a refused program would see it, and what it must be told. */
static const struct row {
    const char *label;
    int code;
    struct {
        const char *path;
        const char *text;
    } files[FILES_MAX];
    const char *expect[2]; /* pieces of the sentence */
} rows[] = {
    { "seccomp",
      -EPERM,
      { { "/proc/sys/kernel/io_uring_disabled", "0\n" },
        { "/proc/self/status", "Name:\tx\nSeccomp:\t2\n" } },
      { "seccomp", "seccomp=unconfined" } },
    { "seccomp by ENOSYS",
      -ENOSYS,
      { { "/proc/self/status", "Name:\tx\nSeccomp:\t2\n" } },
      { "seccomp", "Allow io_uring_setup" } },
    { "refused, nothing known", -EPERM, { { NULL, NULL } }, { "seccomp", "container" } },
    { "sysctl 2",
      -EPERM,
      { { "/proc/sys/kernel/io_uring_disabled", "2\n" } },
      { "kernel.io_uring_disabled is 2", "sysctl kernel.io_uring_disabled=0" } },
    { "sysctl 1 with a group",
      -EPERM,
      { { "/proc/sys/kernel/io_uring_disabled", "1\n" },
        { "/proc/sys/kernel/io_uring_group", "118\n" } },
      { "io_uring_group is 118", "Add this user to that group" } },
    { "sysctl 1 without a group",
      -EPERM,
      { { "/proc/sys/kernel/io_uring_disabled", "1\n" },
        { "/proc/sys/kernel/io_uring_group", "-1\n" } },
      { "io_uring_group is -1", "Set it to a group" } },
    { "no filter, no sysctl",
      -EPERM,
      { { "/proc/sys/kernel/io_uring_disabled", "0\n" },
        { "/proc/self/status", "Name:\tx\nSeccomp:\t0\n" } },
      { "security module", "policy" } },
    { "security module", -EACCES, { { NULL, NULL } }, { "security module", "SELinux" } },
    { "no such call",
      -ENOSYS,
      { { "/proc/self/status", "Name:\tx\nSeccomp:\t0\n" },
        { "/proc/sys/kernel/osrelease", "6.1.0-tiny\n" } },
      { "6.1.0-tiny", "CONFIG_IO_URING" } },
    { "old kernel",
      -EINVAL,
      { { "/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n" } },
      { "5.10.0-28-amd64", "6.1" } },
    { "full memory cgroup",
      -ENOMEM,
      { { "/proc/self/cgroup", "0::/box/inner\n" },
        { "/sys/fs/cgroup/box/memory.max", "67108864\n" },
        { "/sys/fs/cgroup/box/memory.current", "66000000\n" } },
      { "memory cgroup /box", "64 MiB" } },
    { "roomy memory cgroup, locked memory limited",
      -ENOMEM,
      { { "/proc/self/cgroup", "0::/box\n" },
        { "/sys/fs/cgroup/box/memory.max", "max\n" },
        { "/proc/self/limits",
          "Limit   Soft Limit   Hard Limit  Units\n"
          "Max locked memory         65536                65536                bytes\n" } },
      { "65536 bytes", "ulimit -l" } },
    { "descriptors", -EMFILE, { { NULL, NULL } }, { "RLIMIT_NOFILE", "each worker needs two" } },
    { "descriptors of the system", -ENFILE, { { NULL, NULL } }, { "fs.file-max", "system" } },
    { "anything else", -EIO, { { NULL, NULL } }, { "io_uring_setup failed", "nput/output" } },
};

static void make_folders(char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

static void write_fixture(const char *root, const char *path, const char *text)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    make_folders(full, strlen(root) + 1);
    FILE *file = fopen(full, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

/* Removes the file and the folders that it made empty. */
static void remove_fixture(const char *root, const char *path)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    (void)unlink(full);
    for (char *slash = strrchr(full, '/'); slash > full + strlen(root);
         slash = strrchr(full, '/')) {
        *slash = '\0';
        (void)rmdir(full);
    }
}

static void check_row(const struct row *row, const char *root)
{
    struct weft__setup_error error = { 0 };

    for (int i = 0; i < FILES_MAX && row->files[i].path != NULL; i++)
        write_fixture(root, row->files[i].path, row->files[i].text);
    weft__setup_error_explain(&error, row->code, "io_uring_setup", root);
    CU_ASSERT_EQUAL(error.code, row->code);
    for (int i = 0; i < 2; i++) {
        bool found = strstr(error.text, row->expect[i]) != NULL;
        if (!found)
            fprintf(stderr, "%s: no \"%s\" in: %s\n", row->label, row->expect[i], error.text);
        CU_ASSERT_TRUE(found);
    }
    CU_ASSERT_TRUE(strlen(error.text) < sizeof(error.text) - 1); /* not cut off */
    for (int i = 0; i < FILES_MAX && row->files[i].path != NULL; i++)
        remove_fixture(root, row->files[i].path);
}

static void test_explain_table(void)
{
    char root[] = "/tmp/weft-probe-XXXXXX";

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    for (size_t i = 0; i < WEFT__COUNT(rows); i++)
        check_row(&rows[i], root);
    CU_ASSERT_EQUAL(rmdir(root), 0);
    weft__setup_error_explain(NULL, -EPERM, "io_uring_setup", "");
}

static void test_open_refused_setup_gives_its_own_sentence(void)
{
    static const int codes[] = { -EPERM, -ENOMEM, -EMFILE, -ENFILE, -EIO };
    static struct weft__setup_error errors[WEFT__COUNT(codes)];
    struct weft__engine *engine = NULL;

    for (size_t i = 0; i < WEFT__COUNT(codes); i++) {
        weft__probe_forget();
        weft__fault_arm(WEFT__FAULT_RING_SETUP, 1, codes[i]);
        CU_ASSERT_EQUAL(weft__engine_open_kernel(NULL, NULL, &engine, &errors[i]), codes[i]);
        CU_ASSERT_PTR_NULL(engine);
        CU_ASSERT_EQUAL(errors[i].code, codes[i]);
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(errors[i].text, errors[j].text);
    }
}

/* Says why the machine can't be asked. */
static bool has_ring(void)
{
    const char *why = engines_refusal();

    if (why != NULL)
        (void)fprintf(stderr, "no ring, so that a test is left out: %s\n", why);
    return why == NULL;
}

/* The first set-up of the probe is refused as an old kernel would: the newest flags go. */
static void test_probe_refused_flags_are_dropped_newest_first(void)
{
    struct weft__probe probe;

    if (!has_ring())
        return;
    weft__probe_forget();
    weft__fault_arm(WEFT__FAULT_RING_SETUP, 1, -EINVAL);
    CU_ASSERT_EQUAL(weft__probe_get(&probe, NULL), 0);
    CU_ASSERT_FALSE(weft__probe_has(probe.features, WEFT__FEATURE_DEFER_TASKRUN));
    CU_ASSERT_TRUE(weft__probe_has(probe.features, WEFT__FEATURE_SUBMIT_ALL));
    CU_ASSERT_EQUAL(probe.setup_flags & IORING_SETUP_SINGLE_ISSUER, 0);
    CU_ASSERT_NOT_EQUAL(probe.setup_flags & IORING_SETUP_COOP_TASKRUN, 0);
    weft__probe_forget();
}

static void test_probe_setup_gives_up_when_nothing_is_left_to_drop(void)
{
    struct io_uring_params params;

    weft__fault_arm(WEFT__FAULT_RING_SETUP, 1, -EINVAL);
    CU_ASSERT_EQUAL(weft__probe_setup(4, 8, 0, &params), -EINVAL);
}

static void test_probe_is_done_once_and_hides_on_request(void)
{
    struct weft__probe first, second;

    if (!has_ring())
        return;
    weft__probe_forget();
    CU_ASSERT_EQUAL_FATAL(weft__probe_get(&first, NULL), 0);
    weft__fault_arm(WEFT__FAULT_RING_SETUP, 1, -EPERM);
    CU_ASSERT_EQUAL(weft__probe_get(&second, NULL), 0); /* from memory: no set-up */
    weft__fault_arm(WEFT__FAULT_RING_SETUP, 0, 0);
    CU_ASSERT_EQUAL(first.features, second.features);
    uint64_t newer = UINT64_C(1) << WEFT__OP_FTRUNCATE; /* than the oldest kernel */
    CU_ASSERT_EQUAL(first.ops | newer, (UINT64_C(1) << WEFT__OP_COUNT) - 1);
    CU_ASSERT_TRUE(weft__probe_has(first.features, WEFT__FEATURE_NODROP));

    weft__probe_hide(&first, UINT32_C(1) << WEFT__FEATURE_DEFER_TASKRUN, 1u << WEFT__OP_READ);
    CU_ASSERT_FALSE(weft__probe_has(first.features, WEFT__FEATURE_DEFER_TASKRUN));
    CU_ASSERT_EQUAL(first.setup_flags & IORING_SETUP_DEFER_TASKRUN, 0);
    CU_ASSERT_EQUAL(first.ops >> WEFT__OP_READ & 1, 0);
    for (int i = 0; i < WEFT__FEATURE_COUNT; i++)
        CU_ASSERT_STRING_NOT_EQUAL(weft__probe_feature_name((enum weft__feature)i), "unknown");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_explain_table),
        UNIT_TEST(test_open_refused_setup_gives_its_own_sentence),
        UNIT_TEST(test_probe_refused_flags_are_dropped_newest_first),
        UNIT_TEST(test_probe_setup_gives_up_when_nothing_is_left_to_drop),
        UNIT_TEST(test_probe_is_done_once_and_hides_on_request),
    };
    return unit_run(argc, argv, "probe", tests, WEFT__COUNT(tests));
}

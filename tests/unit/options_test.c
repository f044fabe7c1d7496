/* Options of a runtime: each bad one, given or in the environment, has a sentence that names it. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/blocking.h>

#include "runtime/sched/options.h"
#include "tests/support/unit.h"

static const char *const variables[] = { "WEFT_WORKERS",     "WEFT_SMT",     "WEFT_SPIN_US",
                                         "WEFT_WATCHDOG_MS", "WEFT_HELPERS", "WEFT_TOPOLOGY",
                                         "WEFT_ENGINE",      "WEFT_POLICY",  "WEFT_INTERACTIVE" };

static void clear_environment(void)
{
    for (size_t i = 0; i < WEFT__COUNT(variables); i++)
        (void)unsetenv(variables[i]);
}

static void test_resolve_bad_option_is_named(void)
{
    enum { size = sizeof(weft_runtime_options) };
    static const struct {
        const char *wanted; /* in the sentence */
        weft_runtime_options given;
    } rows[] = {
        { "wrong size", { .size = 0 } },
        { "wrong size", { .size = size + 8 } },
        { "workers", { .size = size, .workers = 1025 } },
        { "workers", { .size = size, .workers = UINT32_MAX } },
        { "spin_us", { .size = size, .spin_us = 1001 } },
        { "spin_us", { .size = size, .spin_us = UINT32_MAX - 1 } },
        { "watchdog_ms", { .size = size, .watchdog_ms = 3600001 } },
        { "watchdog_ms", { .size = size, .watchdog_ms = UINT32_MAX - 1 } },
        { "helpers", { .size = size, .helpers = 1025 } },
        { "helpers", { .size = size, .helpers = UINT32_MAX } },
        { "stack_bytes", { .size = size, .stack_bytes = (1 << 20) + 1 } },
        { "stack_bytes", { .size = size, .stack_bytes = SIZE_MAX } },
        { "sq_entries", { .size = size, .sq_entries = 3 } },
        { "sq_entries", { .size = size, .sq_entries = 65536 } },
        { "cq_entries", { .size = size, .cq_entries = 4095 } },
        { "cq_entries", { .size = size, .cq_entries = 1u << 31 } },
    };

    clear_environment();
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__options options = { .workers = 77 };
        char text[256] = "";
        int rc = weft__options_resolve(&rows[i].given, &options, text, sizeof(text));
        bool ok = rc == -EINVAL && strstr(text, rows[i].wanted) != NULL && options.workers == 77;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %d, \"%s\"\n", i, rows[i].wanted, rc, text);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_resolve_environment_table(void)
{
    static const struct {
        const char *name;
        const char *value;
        bool fits;
        uint32_t workers;
        int64_t spin_ns;
        bool smt_off;
        int64_t watchdog_ms;
    } rows[] = {
        { "WEFT_WORKERS", "1", true, 1, -50000, false, 20 },
        { "WEFT_WORKERS", "1024", true, 1024, -50000, false, 20 },
        { "WEFT_WORKERS", "007", true, 7, -50000, false, 20 },
        { "WEFT_WORKERS", "", true, 0, -50000, false, 20 }, /* as if it were not set */
        { "WEFT_SMT", "off", true, 0, -50000, true, 20 },
        { "WEFT_SMT", "on", true, 0, -50000, false, 20 },
        { "WEFT_SMT", "", true, 0, -50000, false, 20 },
        { "WEFT_SPIN_US", "0", true, 0, 0, false, 20 },
        { "WEFT_SPIN_US", "1000", true, 0, 1000000, false, 20 },
        { "WEFT_WATCHDOG_MS", "0", true, 0, -50000, false, 0 },
        { "WEFT_WATCHDOG_MS", "20", true, 0, -50000, false, 20 },
        { "WEFT_WATCHDOG_MS", "3600000", true, 0, -50000, false, 3600000 },
        { "WEFT_WATCHDOG_MS", "3600001", false, 0, 0, false, 0 },
        { "WEFT_WATCHDOG_MS", "off", false, 0, 0, false, 0 },
        { "WEFT_HELPERS", "0", false, 0, 0, false, 0 },
        { "WEFT_HELPERS", "1025", false, 0, 0, false, 0 },
        { "WEFT_HELPERS", "some", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "0", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "1025", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "4x", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "0x4", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", " 4", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "-4", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "+4", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "two", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "99999999999999999999999", false, 0, 0, false, 0 },
        { "WEFT_WORKERS", "4294967297", false, 0, 0, false, 0 },
        { "WEFT_SMT", "no", false, 0, 0, false, 0 },
        { "WEFT_SMT", "OFF", false, 0, 0, false, 0 },
        { "WEFT_SPIN_US", "1001", false, 0, 0, false, 0 },
        { "WEFT_SPIN_US", "1.5", false, 0, 0, false, 0 },
        { "WEFT_INTERACTIVE", "1025", false, 0, 0, false, 0 },
        { "WEFT_INTERACTIVE", "-1", false, 0, 0, false, 0 },
        { "WEFT_POLICY", "Global", false, 0, 0, false, 0 },
        { "WEFT_ENGINE", "epoll", false, 0, 0, false, 0 },
        { "WEFT_ENGINE", "Kernel", false, 0, 0, false, 0 },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__options options = { .workers = 77 };
        char text[256] = "";
        clear_environment();
        (void)setenv(rows[i].name, rows[i].value, 1);
        int rc = weft__options_resolve(NULL, &options, text, sizeof(text));
        bool ok = rows[i].fits
                      ? rc == 0 && options.workers == rows[i].workers &&
                            options.spin_ns == rows[i].spin_ns &&
                            options.smt_off == rows[i].smt_off &&
                            options.watchdog_ns == rows[i].watchdog_ms * 1000000
                      : rc == -EINVAL && strncmp(text, rows[i].name, strlen(rows[i].name)) == 0 &&
                            strstr(text, rows[i].value) != NULL && options.workers == 77;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s=%s): %d, \"%s\"\n", i, rows[i].name, rows[i].value,
                          rc, text);
        CU_ASSERT_TRUE(ok);
    }
    clear_environment();
}

static void test_resolve_given_options_arrive(void)
{
    struct weft__options options;
    char text[256] = "";
    weft_runtime_options given = WEFT_RUNTIME_OPTIONS(.workers = 1024, .smt_off = 1,
                                                      .stack_bytes = 1 << 20, .spin_us = 1000,
                                                      .migratable = 1, .topology = "2x2",
                                                      .watchdog_ms = 30, .helpers = 7,
                                                      .sq_entries = 32768, .cq_entries = 1);

    clear_environment();
    CU_ASSERT_EQUAL_FATAL(weft__options_resolve(&given, &options, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(options.workers, 1024);
    CU_ASSERT_TRUE(options.smt_off);
    CU_ASSERT_EQUAL(options.task_flags, WEFT__TASK_MIGRATABLE);
    CU_ASSERT_EQUAL(options.stack_class, WEFT__STACK_1M);
    CU_ASSERT_EQUAL(options.spin_ns, 1000000);
    CU_ASSERT_EQUAL(options.watchdog_ns, 30000000);
    CU_ASSERT_EQUAL(options.helpers, 7);
    CU_ASSERT_STRING_EQUAL(options.topology, "2x2");
    CU_ASSERT_EQUAL(options.engine.sq_entries, 32768);
    CU_ASSERT_EQUAL(options.engine.cq_entries, 1);
    given.spin_us = WEFT_SPIN_NONE;
    given.watchdog_ms = WEFT_WATCHDOG_OFF;
    CU_ASSERT_EQUAL(weft__options_resolve(&given, &options, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(options.spin_ns, 0);
    CU_ASSERT_EQUAL(options.watchdog_ns, 0);
}

static void test_resolve_nothing_given_gives_the_defaults(void)
{
    struct weft__options options;
    char text[256] = "";

    clear_environment();
    CU_ASSERT_EQUAL_FATAL(weft__options_resolve(NULL, &options, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(options.workers, 0);
    CU_ASSERT_FALSE(options.smt_off);
    CU_ASSERT_EQUAL(options.task_flags, 0);
    CU_ASSERT_EQUAL(options.stack_class, WEFT__STACK_64K);
    CU_ASSERT_EQUAL(options.spin_ns, -50000); /* adaptive, at most 50 us */
    CU_ASSERT_EQUAL(options.watchdog_ns, 20000000);
    CU_ASSERT_PTR_NULL(options.topology);
    CU_ASSERT_PTR_NULL(options.report);
    CU_ASSERT_EQUAL(options.helpers, 0); /* the pool's default */
}

/* weft/runtime.h lists what the environment overrides. */
static void test_resolve_environment_overrides_what_is_given(void)
{
    struct weft__options options;
    char text[256] = "";
    weft_runtime_options given = WEFT_RUNTIME_OPTIONS(.workers = 3, .smt_off = 1, .spin_us = 7,
                                                      .topology = "1x1", .helpers = 3);

    clear_environment();
    (void)setenv("WEFT_WORKERS", "5", 1);
    (void)setenv("WEFT_SMT", "on", 1);
    (void)setenv("WEFT_SPIN_US", "9", 1);
    (void)setenv("WEFT_TOPOLOGY", "3x3", 1);
    (void)setenv("WEFT_HELPERS", "4", 1);
    CU_ASSERT_EQUAL(weft__options_resolve(&given, &options, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(options.workers, 5);
    CU_ASSERT_FALSE(options.smt_off);
    CU_ASSERT_EQUAL(options.spin_ns, 9000);
    CU_ASSERT_STRING_EQUAL(options.topology, "3x3");
    CU_ASSERT_EQUAL(options.helpers, 4);
    clear_environment();
}

/* In C++, which has no other way, the defaults are those of the C macros. */
static void test_initializers_are_the_defaults(void)
{
    static const weft_runtime_options runtime = WEFT_RUNTIME_OPTIONS_INIT;
    static const weft_spawn_options spawn = WEFT_SPAWN_OPTIONS_INIT;
    static const weft_scope_options scope = WEFT_SCOPE_OPTIONS_INIT;
    static const weft_blocking_options blocking = WEFT_BLOCKING_OPTIONS_INIT;
    static const weft_runtime_options no_runtime = { .size = sizeof(no_runtime) };
    static const weft_spawn_options no_spawn = { .size = sizeof(no_spawn) };
    static const weft_blocking_options no_blocking = { .size = sizeof(no_blocking) };
    static const weft_scope_options no_scope = { .size = sizeof(no_scope) };

    CU_ASSERT_EQUAL(memcmp(&runtime, &no_runtime, sizeof(runtime)), 0);
    CU_ASSERT_EQUAL(memcmp(&spawn, &no_spawn, sizeof(spawn)), 0);
    CU_ASSERT_EQUAL(memcmp(&scope, &no_scope, sizeof(scope)), 0);
    CU_ASSERT_EQUAL(memcmp(&blocking, &no_blocking, sizeof(blocking)), 0);
}

static void test_resolve_engine_is_free_unless_named(void)
{
    static const struct {
        const char *value;
        enum weft__choice_wish wish;
    } rows[] = {
        { "", WEFT__CHOICE_FREE },
        { "kernel", WEFT__CHOICE_KERNEL },
        { "compat", WEFT__CHOICE_COMPAT },
    };

    clear_environment();
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__options options = { 0 };
        char text[256] = "";
        (void)setenv("WEFT_ENGINE", rows[i].value, 1);
        CU_ASSERT_EQUAL(weft__options_resolve(NULL, &options, text, sizeof(text)), 0);
        CU_ASSERT_EQUAL(options.wish, rows[i].wish);
    }
    clear_environment();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_resolve_bad_option_is_named),
        UNIT_TEST(test_resolve_environment_table),
        UNIT_TEST(test_resolve_given_options_arrive),
        UNIT_TEST(test_resolve_nothing_given_gives_the_defaults),
        UNIT_TEST(test_resolve_environment_overrides_what_is_given),
        UNIT_TEST(test_initializers_are_the_defaults),
        UNIT_TEST(test_resolve_engine_is_free_unless_named),
    };
    return unit_run(argc, argv, "options", tests, WEFT__COUNT(tests));
}

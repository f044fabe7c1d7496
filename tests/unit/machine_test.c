/* What the fingerprint of a machine reads out of texts. */
#include "tools/bench/machine.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/unit.h"

const char weft__machine_commit[] = "test\"quote";

static void test_find_line(void)
{
    static const struct {
        const char *text;
        const char *key;
        const char *expect; /* NULL: not there */
    } rows[] = {
        { "processor\t: 0\nmodel name\t: AMD EPYC 7571\nflags\t: x\n", "model name",
          "AMD EPYC 7571" },
        { "model name\t: first\nmodel name\t: second\n", "model name", "first" },
        { "model\t\t: 5\nmodel name\t: yes\n", "model name", "yes" },
        { "model name\t: yes\nmodel\t\t: 5\n", "model", "5" },
        { "CPU implementer\t: 0x41\n", "CPU implementer", "0x41" },
        { "model name\t:\n", "model name", "" },
        { "model name\t: cut", "model name", "cut" },
        { "the model name\t: no\n", "model name", NULL },
        { "", "model name", NULL },
        { "\n\n", "model name", NULL },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char got[32] = "untouched";
        bool found = weft__machine_find_line(rows[i].text, rows[i].key, got, sizeof(got));
        const char *expect = rows[i].expect == NULL ? "untouched" : rows[i].expect;
        bool ok = found == (rows[i].expect != NULL) && strcmp(got, expect) == 0;
        if (!ok)
            (void)fprintf(stderr, "row %zu: %d \"%s\"\n", i, (int)found, got);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_find_word(void)
{
    static const char about[] = "4 workers: affinity allows 8 CPUs, cgroup quota 3.50; 1 node; "
                                "engine compat; memory by malloc";
    char got[32] = "untouched";

    CU_ASSERT_TRUE(weft__machine_find_word(about, "engine ", got, sizeof(got)));
    CU_ASSERT_STRING_EQUAL(got, "compat");
    CU_ASSERT_TRUE(weft__machine_find_word(about, "cgroup quota ", got, sizeof(got)));
    CU_ASSERT_STRING_EQUAL(got, "3.50");
    CU_ASSERT_TRUE(weft__machine_find_word(about, "memory by ", got, sizeof(got)));
    CU_ASSERT_STRING_EQUAL(got, "malloc");
    CU_ASSERT_FALSE(weft__machine_find_word(about, "governor ", got, sizeof(got)));
    CU_ASSERT_STRING_EQUAL(got, "malloc");
}

static void test_json_is_quoted(void)
{
    static const struct weft__machine machine = {
        .cpus = 3, .cpu = "a \"b\"", .kernel = "k", .engine = "e", .governor = "g", .quota = "q"
    };
    char *got = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&got, &bytes);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    weft__machine_print_json(out, &machine);
    (void)fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "\"commit\": \"test\\\"quote\", \"cpu\": \"a \\\"b\\\"\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "\"cpus\": 3, \"kernel\": \"k\", \"engine\": \"e\""));
    free(got);
}

static void test_this_machine_has_a_name(void)
{
    const struct weft__machine *machine = weft__machine_look();

    CU_ASSERT_TRUE(machine->cpus > 0);
    CU_ASSERT_TRUE(machine->cpu[0] != '\0' && machine->kernel[0] != '\0');
    CU_ASSERT_TRUE(machine->engine[0] != '\0' && machine->quota[0] != '\0');
    CU_ASSERT_PTR_EQUAL(weft__machine_look(), machine);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_find_line),
        UNIT_TEST(test_find_word),
        UNIT_TEST(test_json_is_quoted),
        UNIT_TEST(test_this_machine_has_a_name),
    };

    return unit_run(argc, argv, "machine", tests, sizeof(tests) / sizeof(tests[0]));
}

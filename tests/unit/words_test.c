/* What the parts of the command share: nearest names, JSON strings, sizes. */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/unit.h"
#include "tools/common/nearest.h"
#include "tools/common/quote.h"
#include "tools/common/size.h"

static void test_nearest_name(void)
{
    static const char *const names[] = { "tour", "doctor", "topo", "bench" };
    static const struct {
        const char *word;
        const char *expect; /* NULL: none is near */
    } rows[] = {
        { "tuor", "tour" },
        { "docter", "doctor" },
        { "topology", NULL },
        { "top", "topo" },
        { "benchs", "bench" },
        { "", NULL },
        { "x", NULL },
        { "tour", "tour" },
        { "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", NULL },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__nearest nearest = weft__nearest_begin(rows[i].word, strlen(rows[i].word));
        for (size_t j = 0; j < WEFT__COUNT(names); j++)
            weft__nearest_try(&nearest, names[j]);
        bool ok = rows[i].expect == NULL
                      ? nearest.name == NULL
                      : nearest.name != NULL && strcmp(nearest.name, rows[i].expect) == 0;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %s\n", i, rows[i].word,
                          nearest.name == NULL ? "none" : nearest.name);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_json_strings(void)
{
    static const struct {
        const char *text;
        const char *expect;
    } rows[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "\n\x01\x7f", "\"\\u000a\\u0001\\u007f\"" },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\"" },
        { "\xff", "\"\\ufffd\"" },
        { "\xc3", "\"\\ufffd\"" },                       /* cut short */
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },            /* longer than needed */
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* half of a pair */
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char *got = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&got, &bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        weft__quote_json(out, rows[i].text);
        (void)fclose(out);
        bool ok = strcmp(got, rows[i].expect) == 0;
        if (!ok)
            (void)fprintf(stderr, "row %zu: %s\n", i, got);
        CU_ASSERT_TRUE(ok);
        free(got);
    }
}

static void test_sizes(void)
{
    static const struct {
        uint64_t bytes;
        const char *expect;
    } rows[] = {
        { 0, "0 B" },
        { 1023, "1023 B" },
        { 1024, "1 KiB" },
        { 1536, "1.5 KiB" },
        { 65536, "64 KiB" },
        { (UINT64_C(1) << 20) - 1, "1 MiB" },
        { UINT64_C(8) << 30, "8 GiB" },
        { UINT64_C(6268157952), "5.8 GiB" },
        { UINT64_MAX, "16 EiB" },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        bool ok = strcmp(WEFT__SIZE(rows[i].bytes), rows[i].expect) == 0;
        if (!ok)
            (void)fprintf(stderr, "row %zu: %s\n", i, WEFT__SIZE(rows[i].bytes));
        CU_ASSERT_TRUE(ok);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_nearest_name),
        UNIT_TEST(test_json_strings),
        UNIT_TEST(test_sizes),
    };

    return unit_run(argc, argv, "words", tests, sizeof(tests) / sizeof(tests[0]));
}

/* Sets of CPU numbers: the kernel's list form, any size, what happens without memory. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/cpuset.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/unit.h"

enum { untouched_at = 999 };

/* clang-format off */
static const struct {
    const char *label;
    const char *list;
    int expect;         /* members, or negative errno */
    const char *format; /* the set written again; of an error: its members from before */
    size_t at;          /* of an error */
} list_rows[] = {
    { "empty text",            "",                   0,       "",              untouched_at },
    { "memory-only node",      "\n",                 0,       "",              untouched_at },
    { "one",                   "7",                  1,       "7",             untouched_at },
    { "range, newline",        "0-3\n",              4,       "0-3",           untouched_at },
    { "mixed",                 "0,4-5,9",            4,       "0,4-5,9",       untouched_at },
    { "neighbours join",       "1,2,3",              3,       "1-3",           untouched_at },
    { "duplicate counts once", "1,1,0-2",            3,       "0-2",           untouched_at },
    { "any order",             "9,1",                2,       "1,9",           untouched_at },
    { "across words",          "62-65,127-128",      6,       "62-65,127-128", untouched_at },
    { "range of one",          "5-5",                1,       "5",             untouched_at },
    { "leading zeros",         "007-08",             2,       "7-8",           untouched_at },
    { "stride",                "0-9:2/4",            6,       "0-1,4-5,8-9",   untouched_at },
    { "stride cut short",      "0-4:2/4",            3,       "0-1,4",         untouched_at },
    { "stride of all",         "0-3:4/4",            4,       "0-3",           untouched_at },
    { "stride, then more",     "0-3:1/2,8",          3,       "0,2,8",         untouched_at },
    { "beyond CPU_SETSIZE",    "0,4096,8191",        3,       "0,4096,8191",   untouched_at },
    { "the highest",           "1048575",            1,       "1048575",       untouched_at },
    { "reversed range",        "5-2",                -EINVAL, "1,3",           2 },
    { "trailing comma",        "1,",                 -EINVAL, "1,3",           2 },
    { "leading comma",         ",1",                 -EINVAL, "1,3",           0 },
    { "two commas",            "1,,2",               -EINVAL, "1,3",           2 },
    { "open range",            "1-",                 -EINVAL, "1,3",           2 },
    { "open range, comma",     "1-,2",               -EINVAL, "1,3",           2 },
    { "negative",              "-1",                 -EINVAL, "1,3",           0 },
    { "letter",                "0-3x",               -EINVAL, "1,3",           3 },
    { "space",                 "0 1",                -EINVAL, "1,3",           1 },
    { "leading space",         " 1",                 -EINVAL, "1,3",           0 },
    { "two newlines",          "1\n\n",              -EINVAL, "1,3",           1 },
    { "text after newline",    "1\n2",               -EINVAL, "1,3",           1 },
    { "hexadecimal",           "0x1",                -EINVAL, "1,3",           1 },
    { "stride without range",  "1:1/2",              -EINVAL, "1,3",           1 },
    { "stride without group",  "0-3:1",              -EINVAL, "1,3",           5 },
    { "stride, open group",    "0-3:1/",             -EINVAL, "1,3",           6 },
    { "stride of none",        "0-3:0/2",            -EINVAL, "1,3",           4 },
    { "stride beyond group",   "0-3:3/2",            -EINVAL, "1,3",           6 },
    { "stride group of 0",     "0-3:0/0",            -EINVAL, "1,3",           4 },
    { "stride without number", "0-3:/2",             -EINVAL, "1,3",           3 },
    { "above the highest",     "1048576",            -ERANGE, "1,3",           0 },
    { "range to above",        "0-1048576",          -ERANGE, "1,3",           2 },
    { "2^32",                  "1,4294967296",       -ERANGE, "1,3",           2 },
    { "2^32 + 1 as an end",    "1-4294967297",       -ERANGE, "1,3",           2 },
    { "2^64",                  "18446744073709551616", -ERANGE, "1,3",         0 },
    { "2^64 + 1 in a stride",  "0-3:18446744073709551617/2", -ERANGE, "1,3",   4 },
    { "2^32 as a group",       "0-3:1/4294967296",   -ERANGE, "1,3",           6 },
};
/* clang-format on */

static void test_parse_list_table(void)
{
    for (size_t i = 0; i < WEFT__COUNT(list_rows); i++) {
        struct weft__cpuset set;
        char text[64];
        size_t at = untouched_at;

        weft__cpuset_init(&set);
        CU_ASSERT_EQUAL(weft__cpuset_parse_list(&set, "1,3", &at), 2);
        int rc = weft__cpuset_parse_list(&set, list_rows[i].list, &at);
        size_t length = weft__cpuset_format(&set, text, sizeof(text));
        bool ok = rc == list_rows[i].expect && at == list_rows[i].at && length == strlen(text) &&
                  strcmp(text, list_rows[i].format) == 0;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d at=%zu set=%s\n", i, list_rows[i].label, rc,
                          at, text);
        CU_ASSERT_TRUE(ok);
        weft__cpuset_fini(&set);
    }
}

static void test_scan_list_stops_at_the_first_foreign_character(void)
{
    static const struct {
        const char *text;
        uint32_t count;
        size_t at;
    } rows[] = {
        { "0-3,8:mem=4G", 5, 5 },
        { "0-3:mem", 4, 3 },
        { "0-9:1/5:mem", 2, 7 },
        { "5 node", 1, 1 },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        struct weft__cpuset set = { .words = NULL };
        size_t at = 0;
        CU_ASSERT_EQUAL(weft__cpuset_scan_list(&set, rows[i].text, &at), 0);
        CU_ASSERT_EQUAL(at, rows[i].at);
        CU_ASSERT_EQUAL(weft__cpuset_count(&set), rows[i].count);
        weft__cpuset_fini(&set);
    }
}

static void test_add_and_remove_change_one_member(void)
{
    struct weft__cpuset set = { .words = NULL };

    CU_ASSERT_FALSE(weft__cpuset_has(&set, 0));
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, 0), -1);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, 64), 0);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, 63), 0);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, 5000), 0);
    CU_ASSERT_EQUAL(weft__cpuset_count(&set), 3);
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, 0), 63);
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, 64), 64);
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, 65), 5000);
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, 5001), -1);
    CU_ASSERT_EQUAL(weft__cpuset_next(&set, UINT32_MAX), -1);
    weft__cpuset_remove(&set, 64);
    weft__cpuset_remove(&set, 65);
    weft__cpuset_remove(&set, UINT32_MAX);
    CU_ASSERT_FALSE(weft__cpuset_has(&set, 64));
    CU_ASSERT_TRUE(weft__cpuset_has(&set, 63));
    CU_ASSERT_FALSE(weft__cpuset_has(&set, UINT32_MAX));
    CU_ASSERT_EQUAL(weft__cpuset_count(&set), 2);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, WEFT__CPUSET_MAX), -ERANGE);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, UINT32_MAX), -ERANGE);
    weft__cpuset_fini(&set);
    CU_ASSERT_EQUAL(weft__cpuset_count(&set), 0);
}

static void test_copy_and_intersect_leave_the_source(void)
{
    struct weft__cpuset wide = { .words = NULL };
    struct weft__cpuset narrow = { .words = NULL };
    struct weft__cpuset copy = { .words = NULL };
    char text[32];
    size_t at;

    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&wide, "0-3,500", &at), 5);
    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&narrow, "2-9", &at), 8);
    CU_ASSERT_EQUAL(weft__cpuset_copy(&copy, &wide), 0);
    CU_ASSERT_EQUAL(weft__cpuset_copy(&copy, &copy), 0);
    weft__cpuset_intersect(&copy, &narrow);
    (void)weft__cpuset_format(&copy, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "2-3");
    CU_ASSERT_EQUAL(weft__cpuset_count(&wide), 5);
    weft__cpuset_intersect(&narrow, &wide);
    (void)weft__cpuset_format(&narrow, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "2-3");
    weft__cpuset_fini(&narrow);
    CU_ASSERT_EQUAL(weft__cpuset_copy(&wide, &narrow), 0);
    CU_ASSERT_EQUAL(weft__cpuset_count(&wide), 0);
    weft__cpuset_fini(&wide);
    weft__cpuset_fini(&copy);
}

static void test_format_cuts_as_snprintf_does(void)
{
    struct weft__cpuset set = { .words = NULL };
    char text[8];
    size_t at;

    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&set, "0-3,100-200,7000", &at), 106);
    for (size_t room = 0; room <= sizeof(text); room++) {
        memset(text, 'x', sizeof(text));
        CU_ASSERT_EQUAL(weft__cpuset_format(&set, text, room), strlen("0-3,100-200,7000"));
        if (room > 0)
            CU_ASSERT_EQUAL(strlen(text), room - 1);
        if (room < sizeof(text))
            CU_ASSERT_EQUAL(text[room], 'x');
    }
    weft__cpuset_fini(&set);
}

static void test_without_memory_the_set_stays(void)
{
    struct weft__cpuset set = { .words = NULL };
    struct weft__cpuset other = { .words = NULL };
    size_t at = 0;

    CU_ASSERT_EQUAL(weft__cpuset_add(&set, 3), 0);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__cpuset_add(&set, 9999), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&set, "0-5", &at), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 2, -ENOMEM);
    CU_ASSERT_EQUAL(weft__cpuset_parse_list(&set, "0-5,9999", &at), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__cpuset_copy(&other, &set), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
    CU_ASSERT_EQUAL(weft__cpuset_count(&set), 1);
    CU_ASSERT_TRUE(weft__cpuset_has(&set, 3));
    CU_ASSERT_EQUAL(weft__cpuset_count(&other), 0);
    weft__cpuset_fini(&set);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_parse_list_table),
        UNIT_TEST(test_scan_list_stops_at_the_first_foreign_character),
        UNIT_TEST(test_add_and_remove_change_one_member),
        UNIT_TEST(test_copy_and_intersect_leave_the_source),
        UNIT_TEST(test_format_cuts_as_snprintf_does),
        UNIT_TEST(test_without_memory_the_set_stays),
    };

    return unit_run(argc, argv, "cpuset", tests, WEFT__COUNT(tests));
}

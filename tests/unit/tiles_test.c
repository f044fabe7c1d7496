/* Loops over two dimensions: each place once, in tiles no larger than asked for; failures. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { most_rows = 150, most_columns = 200 };

static _Atomic uint32_t hits[most_rows][most_columns];

struct sides {
    size_t rows;
    size_t columns;
};

static int hit(weft_range rows, weft_range columns, void *argument)
{
    const struct sides *sides = argument;

    EXPECT(rows.begin < rows.end && rows.end - rows.begin <= sides->rows);
    EXPECT(columns.begin < columns.end && columns.end - columns.begin <= sides->columns);
    for (size_t i = rows.begin; i < rows.end; i++)
        for (size_t j = columns.begin; j < columns.end; j++)
            weft__add_relaxed(&hits[i][j], 1);
    if (columns.begin == 0)
        (void)weft_yield();
    return 0;
}

static void expect_hits(weft_range rows, weft_range columns)
{
    for (size_t i = 0; i < most_rows; i++)
        for (size_t j = 0; j < most_columns; j++) {
            bool inside = i >= rows.begin && i < rows.end && j >= columns.begin && j < columns.end;
            if (!EXPECT_EQ(weft__load_relaxed(&hits[i][j]), inside ? 1 : 0))
                return;
            weft__store_relaxed(&hits[i][j], 0);
        }
}

static const struct {
    const char *label;
    weft_range rows;
    weft_range columns;
    size_t tile_rows;
    size_t tile_columns;
    weft_schedule schedule;
} loops[] = {
    { "all", { 0, most_rows }, { 0, most_columns }, 0, 0, WEFT_DYNAMIC },
    { "one by one", { 0, 30 }, { 5, 25 }, 1, 1, WEFT_DYNAMIC },
    { "rows", { 3, 77 }, { 0, most_columns }, 1, SIZE_MAX, WEFT_DYNAMIC },
    { "one tile", { 3, 77 }, { 9, 10 }, SIZE_MAX, SIZE_MAX, WEFT_DYNAMIC },
    { "bands", { 0, most_rows }, { 1, most_columns }, 7, 33, WEFT_STATIC },
    { "shares", { 1, most_rows }, { 0, most_columns }, 8, 8, WEFT_GUIDED },
    { "no row", { 4, 4 }, { 0, 9 }, 1, 1, WEFT_DYNAMIC },
    { "reversed columns", { 0, 9 }, { 9, 4 }, 1, 1, WEFT_STATIC },
};

static int loop_each(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(loops); i++) {
        struct sides sides = { loops[i].tile_rows, loops[i].tile_columns };
        sides.rows = sides.rows != 0 ? sides.rows : 64;
        sides.columns = sides.columns != 0 ? sides.columns : 64;
        expect_about(loops[i].label);
        EXPECT_EQ(weft_for_tiles(loops[i].rows, loops[i].columns, loops[i].tile_rows,
                                 loops[i].tile_columns, hit, &sides,
                                 &WEFT_FOR_OPTIONS(.schedule = loops[i].schedule)),
                  0);
        expect_hits(loops[i].rows, loops[i].columns);
    }
    return 0;
}

static void test_for_tiles_does_each_place_once(void)
{
    rig_each(loop_each);
    CU_ASSERT_EQUAL(loop_each(NULL), 0); /* on a thread */
    expect_assert();
}

/* ---- the ends of the range, and failures ---- */

static int note_high(weft_range rows, weft_range columns, void *argument)
{
    (void)argument;
    EXPECT(rows.end == SIZE_MAX && columns.end == SIZE_MAX);
    weft__add_relaxed(&hits[0][0], 1);
    return 0;
}

static int loop_over_odd_ranges(void *argument)
{
    const weft_range all = { 0, SIZE_MAX };
    const weft_range high = { SIZE_MAX - 10, SIZE_MAX };
    weft_for_options wrong = WEFT_FOR_OPTIONS_INIT;

    (void)argument;
    EXPECT_EQ(weft_for_tiles(all, all, 1, 1, note_high, NULL, NULL), -EOVERFLOW);
    EXPECT_EQ(weft_for_tiles(all, all, SIZE_MAX, SIZE_MAX, note_high, NULL, NULL), 0);
    EXPECT_EQ(weft_for_tiles(high, high, 0, 0, note_high, NULL, NULL), 0);
    EXPECT_EQ(weft__load_relaxed(&hits[0][0]), 2);
    weft__store_relaxed(&hits[0][0], 0);
    wrong.size = 1;
    EXPECT_EQ(weft_for_tiles(high, high, 0, 0, note_high, NULL, &wrong), -EINVAL);
    return 0;
}

static void test_for_tiles_of_odd_ranges_is_defined(void)
{
    rig_each(loop_over_odd_ranges);
    expect_assert();
}

/* In the tiles of the third column. */
static int fail_in_column(weft_range rows, weft_range columns, void *argument)
{
    (void)argument;
    weft__add_relaxed(&hits[0][0], 1);
    return columns.begin == 20 ? -(int)(10 + rows.begin) : 0;
}

static int fail_and_go_on(void *argument)
{
    weft_for_failure failures[4];
    size_t failed = 0;
    uint32_t calls = 0;

    (void)argument;
    for (int schedule = WEFT_DYNAMIC; schedule <= WEFT_GUIDED; schedule++) {
        EXPECT_EQ(weft_for_tiles((weft_range){ 0, 40 }, (weft_range){ 0, 50 }, 10, 10,
                                 fail_in_column, NULL,
                                 &WEFT_FOR_OPTIONS(.schedule = (weft_schedule)schedule,
                                                   .policy = WEFT_RUN_ALL, .failures = failures,
                                                   .failures_room = 4, .out_count = &failed)),
                  -10);
        calls += 20; /* each is made, whatever else was in its chunk */
        EXPECT_EQ(weft__load_relaxed(&hits[0][0]), calls);
        EXPECT_EQ(failed, 4);
        for (size_t i = 0; i < 4; i++) {
            EXPECT_EQ(failures[i].begin, 5 * i + 2);
            EXPECT_EQ(failures[i].end, 5 * i + 3);
            EXPECT_EQ(failures[i].code, -(int)(10 + 10 * i));
        }
    }
    weft__store_relaxed(&hits[0][0], 0);
    return 0;
}

/* On one worker it is known which calls are not made. */
static int fail_and_stop(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_for_tiles((weft_range){ 0, 40 }, (weft_range){ 0, 50 }, 10, 10, fail_in_column,
                             NULL, &WEFT_FOR_OPTIONS(.grain = 100)),
              -10);
    EXPECT_EQ(weft__load_relaxed(&hits[0][0]), 3);
    weft__store_relaxed(&hits[0][0], 0);
    return 0;
}

static void test_for_tiles_reports_failures(void)
{
    rig_each(fail_and_go_on);
    rig_run(1, fail_and_stop);
    CU_ASSERT_EQUAL(fail_and_stop(NULL), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_for_tiles_does_each_place_once),
        UNIT_TEST(test_for_tiles_of_odd_ranges_is_defined),
        UNIT_TEST(test_for_tiles_reports_failures),
    };

    return unit_run(argc, argv, "tiles", tests, WEFT__COUNT(tests));
}

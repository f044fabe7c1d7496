/* The base layer: list, fault points, files of the kernel, clock, random numbers, errno. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/list.h"
#include "runtime/base/random.h"
#include "runtime/base/sys.h"
#include "tests/support/unit.h"

static void test_list_append_and_take_keep_order(void)
{
    struct weft__list list;
    struct weft__list elements[3];

    weft__list_init(&list);
    for (size_t i = 0; i < WEFT__COUNT(elements); i++)
        weft__list_append(&list, &elements[i]);
    for (size_t i = 0; i < WEFT__COUNT(elements); i++)
        CU_ASSERT_PTR_EQUAL(weft__list_take(&list), &elements[i]);
    CU_ASSERT_PTR_NULL(weft__list_take(&list));
}

static void test_list_remove_twice_harms_nothing(void)
{
    struct weft__list list;
    struct weft__list first;
    struct weft__list second;

    weft__list_init(&list);
    weft__list_append(&list, &first);
    weft__list_append(&list, &second);
    weft__list_remove(&first);
    weft__list_remove(&first);
    CU_ASSERT_PTR_EQUAL(weft__list_take(&list), &second);
    CU_ASSERT_TRUE(weft__list_empty(&list));
}

static void test_list_move_leaves_the_source_empty(void)
{
    struct weft__list from;
    struct weft__list to;
    struct weft__list element;

    weft__list_init(&from);
    weft__list_append(&from, &element);
    weft__list_move(&to, &from);
    CU_ASSERT_TRUE(weft__list_empty(&from));
    CU_ASSERT_PTR_EQUAL(weft__list_take(&to), &element);
    weft__list_move(&to, &from);
    CU_ASSERT_TRUE(weft__list_empty(&to));
}

static void test_fault_nth_call_fails_and_no_other(void)
{
    weft__fault_arm(WEFT__FAULT_CLOSE, 3, -EIO);
    for (int call = 1; call <= 5; call++) {
        int wanted = call == 3 ? -EIO : -EBADF;
        CU_ASSERT_EQUAL(weft__sys_close(-1), wanted);
    }
    CU_ASSERT_EQUAL(weft__fault_calls(WEFT__FAULT_CLOSE), 3);
    CU_ASSERT_EQUAL(weft__load_relaxed(&weft__fault_armed), 0);
}

static void test_fault_disarmed_point_fails_nothing(void)
{
    weft__fault_arm(WEFT__FAULT_CLOSE, 1, -EIO);
    weft__fault_arm(WEFT__FAULT_CLOSE, 0, 0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&weft__fault_armed), 0);
    CU_ASSERT_EQUAL(weft__sys_close(-1), -EBADF);
}

static void test_read_file_table(void)
{
    static const struct {
        const char *label;
        const char *content;
        size_t room;
        ssize_t expect;
    } rows[] = {
        { "empty", "", 8, 0 },
        { "fits with its NUL", "1234567", 8, 7 },
        { "one byte too long", "12345678", 8, -E2BIG },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char path[] = "/tmp/weft-base-XXXXXX";
        char got[16] = "untouched";
        int fd = mkstemp(path);
        CU_ASSERT_TRUE_FATAL(fd >= 0);
        size_t length = strlen(rows[i].content);
        CU_ASSERT_EQUAL(weft__sys_write(fd, rows[i].content, length), (ssize_t)length);
        (void)weft__sys_close(fd);

        ssize_t count = weft__sys_read_file(path, got, rows[i].room);

        (void)unlink(path);
        bool ok = count == rows[i].expect && (count < 0 || strcmp(got, rows[i].content) == 0);
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %zd\n", i, rows[i].label, count);
        CU_ASSERT_TRUE(ok);
    }
    CU_ASSERT_EQUAL(weft__sys_read_file("/nonexistent", &(char){ 0 }, 1), -ENOENT);
}

static int64_t fixed_clock(void)
{
    return 42;
}

static void test_clock_replaced_and_restored(void)
{
    weft__clock_replace(fixed_clock);
    CU_ASSERT_EQUAL(weft__clock_now(), 42);
    weft__clock_replace(NULL);
    int64_t before = weft__clock_now();
    CU_ASSERT_TRUE(before != 42);
    CU_ASSERT_TRUE(weft__clock_now() >= before);
}

static void test_random_below_stays_below_and_repeats_by_seed(void)
{
    struct weft__random first;
    struct weft__random second;
    uint32_t seen = 0;

    weft__random_init(&first, 7);
    weft__random_init(&second, 7);
    for (int i = 0; i < 1000; i++) {
        uint32_t number = weft__random_below(&first, 10);
        CU_ASSERT_TRUE(number < 10);
        CU_ASSERT_EQUAL(number, weft__random_below(&second, 10));
        seen |= 1u << number;
    }
    CU_ASSERT_EQUAL(seen, (1u << 10) - 1);
}

static void test_errno_set_is_got(void)
{
    weft__sys_errno_set(EXDEV);
    CU_ASSERT_EQUAL(weft__sys_errno_get(), EXDEV);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_list_append_and_take_keep_order),
        UNIT_TEST(test_list_remove_twice_harms_nothing),
        UNIT_TEST(test_list_move_leaves_the_source_empty),
        UNIT_TEST(test_fault_nth_call_fails_and_no_other),
        UNIT_TEST(test_fault_disarmed_point_fails_nothing),
        UNIT_TEST(test_read_file_table),
        UNIT_TEST(test_clock_replaced_and_restored),
        UNIT_TEST(test_random_below_stays_below_and_repeats_by_seed),
        UNIT_TEST(test_errno_set_is_got),
    };
    return unit_run(argc, argv, "base", tests, WEFT__COUNT(tests));
}

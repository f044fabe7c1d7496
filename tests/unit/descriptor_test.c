/* Who owns a descriptor number: one owner at most, while others open and close around it. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/base/descriptor.h"
#include "runtime/base/fault.h"
#include "tests/support/expect.h"
#include "tests/support/unit.h"

enum { threads = 4, rounds = 20000, far = 5000 };

static int open_some(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void test_adopt_and_close_by_one_owner(void)
{
    int number = open_some();

    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), 0);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 8), -EEXIST);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), -EEXIST);
    CU_ASSERT_TRUE(weft__descriptor_is_owned(number, 7));
    CU_ASSERT_FALSE(weft__descriptor_is_owned(number, 8));
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 8), -EBADF);
    CU_ASSERT_EQUAL(fcntl(number, F_GETFD), FD_CLOEXEC);
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 7), 0);
    CU_ASSERT_EQUAL(fcntl(number, F_GETFD), -1);
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 7), -EBADF);
    CU_ASSERT_FALSE(weft__descriptor_is_owned(number, 7));
}

static void test_adopt_of_what_is_not_open_leaves_no_owner(void)
{
    int number = open_some();

    (void)close(number);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), -EBADF);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(-1, 7), -EBADF);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(INT32_MAX, 7), -EBADF);
    CU_ASSERT_EQUAL(open_some(), number);
    weft__fault_arm(WEFT__FAULT_FCNTL, 2, -EBADF); /* closed between the two looks */
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), -EBADF);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 8), 0);
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 8), 0);
}

/* The kernel hands a number out that has an owner: it was closed behind the owner's back. */
static void test_own_takes_the_number_from_who_has_lost_it(void)
{
    int number = open_some();

    CU_ASSERT_EQUAL(weft__descriptor_own(number, 7), 0);
    (void)close(number);
    CU_ASSERT_EQUAL(open_some(), number);
    CU_ASSERT_EQUAL(weft__descriptor_own(number, 8), 0);
    CU_ASSERT_FALSE(weft__descriptor_is_owned(number, 7));
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 7), -EBADF);
    CU_ASSERT_EQUAL(fcntl(number, F_GETFD), FD_CLOEXEC); /* the new owner's lives on */
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 8), 0);
}

/* The kernel hands a number out as soon as close(2) has begun, before the closer knows. */
static void test_end_of_a_close_leaves_the_next_owner(void)
{
    int number = open_some();

    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), 0);
    CU_ASSERT_TRUE(weft__descriptor_begin_close(number, 7));
    CU_ASSERT_FALSE(weft__descriptor_begin_close(number, 7));
    (void)close(number);
    CU_ASSERT_EQUAL(open_some(), number);
    CU_ASSERT_EQUAL(weft__descriptor_own(number, 8), 0);
    weft__descriptor_end_close(number, 7);
    CU_ASSERT_TRUE(weft__descriptor_is_owned(number, 8));
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 8), 0);
}

static void test_what_weft_keeps_is_adopted_by_nobody(void)
{
    int number = open_some();

    weft__descriptor_keep(number);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), -EEXIST);
    weft__descriptor_close_kept(number);
    CU_ASSERT_EQUAL(fcntl(number, F_GETFD), -1);
    CU_ASSERT_EQUAL(open_some(), number);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(number, 7), 0);
    CU_ASSERT_EQUAL(weft__descriptor_close(number, 7), 0);
}

static void test_high_numbers_need_memory_once(void)
{
    struct rlimit limit;

    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit more = { far + 1, limit.rlim_max };
    if (limit.rlim_max <= far || setrlimit(RLIMIT_NOFILE, &more) != 0)
        return; /* so no number is that high */
    int number = open_some();
    CU_ASSERT_EQUAL_FATAL(dup2(number, far), far);
    CU_ASSERT_FALSE(weft__descriptor_is_owned(far, 7));
    CU_ASSERT_EQUAL(weft__descriptor_close(far, 7), -EBADF);
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(far, 7), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__descriptor_own(far, 7), -ENOMEM);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(far, 7), 0);
    CU_ASSERT_EQUAL(weft__descriptor_adopt(far, 8), -EEXIST);
    CU_ASSERT_EQUAL(weft__descriptor_close(far, 7), 0);
    (void)close(number);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A number that a thread has just got from the kernel is its own: no other's close, begun before,
 * makes the adoption fail, or takes the number away afterwards. */
static void *open_and_close(void *argument)
{
    const int64_t owner = *(const int64_t *)argument;

    for (int round = 0; round < rounds; round++) {
        int number = open_some();
        int rc = round % 2 == 0 ? weft__descriptor_adopt(number, owner)
                                : weft__descriptor_own(number, owner);
        bool ok = EXPECT_EQ(rc, 0) && EXPECT(weft__descriptor_is_owned(number, owner));
        if (!EXPECT_EQ(weft__descriptor_close(number, owner), 0) || !ok)
            break;
    }
    return NULL;
}

static void test_threads_that_open_and_close_never_meet_an_owner(void)
{
    static int64_t owners[threads];
    pthread_t running[threads];

    for (int i = 0; i < threads; i++) {
        owners[i] = i + 1;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&running[i], NULL, open_and_close, &owners[i]), 0);
    }
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL(pthread_join(running[i], NULL), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_adopt_and_close_by_one_owner),
        UNIT_TEST(test_adopt_of_what_is_not_open_leaves_no_owner),
        UNIT_TEST(test_own_takes_the_number_from_who_has_lost_it),
        UNIT_TEST(test_end_of_a_close_leaves_the_next_owner),
        UNIT_TEST(test_what_weft_keeps_is_adopted_by_nobody),
        UNIT_TEST(test_high_numbers_need_memory_once),
        UNIT_TEST(test_threads_that_open_and_close_never_meet_an_owner),
    };
    return unit_run(argc, argv, "descriptor", tests, sizeof(tests) / sizeof(tests[0]));
}

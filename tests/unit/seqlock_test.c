/* Sequence locks: what is read is what one store has written; wrong sizes and addresses. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { words = 9, writers = 3, readers = 4, rounds = 3000 };

static weft_seqlock lock = WEFT_SEQLOCK_INIT;
static uint64_t guarded[words];
static _Atomic uint64_t next;
static _Atomic uint32_t writing;

/* All words of a store are its number. */
static int write_often(void *argument)
{
    uint64_t mine[words];

    (void)argument;
    for (int i = 0; i < rounds; i++) {
        uint64_t number = weft__add_relaxed(&next, 1) + 1;
        for (int w = 0; w < words; w++)
            mine[w] = number;
        EXPECT_EQ(weft_seqlock_store(&lock, guarded, mine, sizeof(mine)), 0);
        if (i % 64 == 0)
            (void)weft_yield(); /* of a thread: -EPERM */
    }
    weft__sub_relaxed(&writing, 1);
    return 0;
}

static bool is_whole(const uint64_t *read)
{
    for (int w = 1; w < words; w++)
        if (read[w] != read[0])
            return false;
    return true;
}

static int read_often(void *argument)
{
    uint64_t read[words];

    (void)argument;
    do {
        EXPECT_EQ(weft_seqlock_load(&lock, read, guarded, sizeof(read)), 0);
        EXPECT(is_whole(read));
        (void)weft_yield();
    } while (weft__load_relaxed(&writing) > 0);
    return 0;
}

static void *write_in_thread(void *argument)
{
    (void)write_often(argument);
    return NULL;
}

static int read_and_write(void *argument)
{
    uint64_t read[words];
    pthread_t thread;
    weft_scope scope = weft_scope_open(NULL);

    weft__store_relaxed(&next, 0);
    weft__store_relaxed(&writing, writers + 1);
    EXPECT_EQ(pthread_create(&thread, NULL, write_in_thread, NULL), 0);
    for (int i = 0; i < writers; i++)
        (void)weft_go(scope, write_often, argument);
    for (int i = 0; i < readers; i++)
        (void)weft_go(scope, read_often, argument);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_seqlock_load(&lock, read, guarded, sizeof(read)), 0);
    EXPECT(is_whole(read) && read[0] > 0 && read[0] <= (writers + 1) * rounds);
    return 0;
}

static void test_seqlock_load_is_of_one_store(void)
{
    rig_each(read_and_write);
    expect_assert();
}

static void test_seqlock_refuses_what_is_no_words(void)
{
    uint64_t to[2] = { 1, 2 };
    const uint64_t from[2] = { 3, 4 };

    CU_ASSERT_EQUAL(weft_seqlock_store(&lock, to, from, 12), -EINVAL);
    CU_ASSERT_EQUAL(weft_seqlock_store(&lock, (char *)to + 4, from, 8), -EINVAL);
    CU_ASSERT_EQUAL(weft_seqlock_load(&lock, to, from, 1), -EINVAL);
    CU_ASSERT_EQUAL(weft_seqlock_load(&lock, to, (const char *)from + 1, 8), -EINVAL);
    CU_ASSERT_TRUE(to[0] == 1 && to[1] == 2);
    CU_ASSERT_EQUAL(weft_seqlock_store(&lock, NULL, NULL, 0), 0);
    CU_ASSERT_EQUAL(weft_seqlock_load(&lock, (char *)to + 0, from, 8), 0);
    CU_ASSERT_TRUE(to[0] == 3 && to[1] == 2);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_seqlock_load_is_of_one_store),
        UNIT_TEST(test_seqlock_refuses_what_is_no_words),
    };

    return unit_run(argc, argv, "seqlock", tests, WEFT__COUNT(tests));
}

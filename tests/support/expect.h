/*
 * Checks that a task or a thread may make. CUnit keeps global state, and its fatal assertions jump,
 * which from a task would be a jump across stacks. So a check that fails is written down here, and
 * the main thread asserts after the join that there is none.
 */
#ifndef WEFT_TESTS_SUPPORT_EXPECT_H
#define WEFT_TESTS_SUPPORT_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

/* Both return whether the check holds, for bodies that can't go on without it. */
#define EXPECT(condition) expect_true((condition), #condition, __FILE__, __LINE__)
#define EXPECT_EQ(got, wanted)                                                                     \
    expect_equal((int64_t)(got), (int64_t)(wanted), #got " == " #wanted, __FILE__, __LINE__)

bool expect_true(bool holds, const char *text, const char *file, int line);
bool expect_equal(int64_t got, int64_t wanted, const char *text, const char *file, int line);

/* What the checks from now on are about ("2 workers"); shown with their failures. The string must
 * live until expect_assert. */
void expect_about(const char *what);

/* Main thread: prints what has failed since the last call, and asserts that nothing has. */
void expect_assert(void);

#endif

/* The context switch: messages, arguments, kept registers, FP control words, alignment. Uses no
 * scheduler, so that it also runs under an emulator of another architecture. */
#include <CUnit/CUnit.h>
#include <fenv.h>
#include <stdint.h>
#include <stdlib.h>

#include "runtime/task/context.h"
#include "tests/support/unit.h"

enum { stack_bytes = 64 * 1024, hops = 100000 };

static struct weft__context here;
static struct weft__context there;
static char *stack;

static void enter(weft__context_fn fn, void *argument)
{
    weft__context_adopt(&here);
    weft__context_make(&there, stack, stack + stack_bytes, fn, argument);
}

static void *to_there(uintptr_t message)
{
    return weft__context_switch(&here, &there, (void *)message, 0);
}

static void *to_here(uintptr_t message)
{
    return weft__context_switch(&there, &here, (void *)message, 0);
}

/* Answers each message with its successor. */
static void add_one(void *message, void *argument)
{
    weft__fiber_arrive(&there.fiber);
    *(uintptr_t *)argument = (uintptr_t)__builtin_frame_address(0);
    for (;;)
        message = to_here((uintptr_t)message + 1);
}

static void test_switch_carries_messages_both_ways(void)
{
    uintptr_t frame = 0;
    uintptr_t value = 1;

    enter(add_one, &frame);
    for (int i = 0; i < hops; i++)
        value = (uintptr_t)to_there(value);
    CU_ASSERT_EQUAL(value, hops + 1);
    CU_ASSERT_TRUE(frame > (uintptr_t)stack && frame < (uintptr_t)stack + stack_bytes);
    CU_ASSERT_EQUAL(frame % 16, 0); /* the ABI's alignment at the first call */
}

/* Fills the registers that a function must keep, switches, and says whether they are the same. */
static uint64_t values_survive(void *(*other)(uintptr_t), uint64_t seed)
{
    volatile uint64_t source[12];
    uint64_t kept[12];
    volatile double start = (double)seed;
    double real = start * 1.5;

    for (uint64_t i = 0; i < WEFT__COUNT(kept); i++)
        source[i] = seed * (i + 3);
    for (size_t i = 0; i < WEFT__COUNT(kept); i++)
        kept[i] = source[i];
    (void)other(seed);
    uint64_t wrong = real != start * 1.5;
    for (size_t i = 0; i < WEFT__COUNT(kept); i++)
        wrong += kept[i] != source[i];
    return wrong;
}

static void keep_values(void *message, void *argument)
{
    uint64_t *wrong = argument;

    weft__fiber_arrive(&there.fiber);
    (void)message;
    for (uint64_t seed = 7;; seed += 5)
        *wrong += values_survive(to_here, seed);
}

static void test_switch_keeps_values_on_both_sides(void)
{
    uint64_t wrong_there = 0;
    uint64_t wrong_here = 0;

    enter(keep_values, &wrong_there);
    for (uint64_t seed = 1; seed < 1000; seed++)
        wrong_here += values_survive(to_there, seed);
    CU_ASSERT_EQUAL(wrong_here, 0);
    CU_ASSERT_EQUAL(wrong_there, 0);
}

static void round_upwards(void *message, void *argument)
{
    int *modes = argument;

    weft__fiber_arrive(&there.fiber);
    (void)message;
    modes[0] = fegetround(); /* a new context starts with the default */
    (void)fesetround(FE_UPWARD);
    (void)to_here(0);
    modes[1] = fegetround();
    for (;;)
        (void)to_here(0);
}

static void test_switch_rounding_mode_is_each_sides_own(void)
{
    int modes[2] = { -1, -1 };

    (void)fesetround(FE_DOWNWARD);
    enter(round_upwards, modes);
    (void)to_there(0);
    CU_ASSERT_EQUAL(fegetround(), FE_DOWNWARD);
    (void)to_there(0);
    CU_ASSERT_EQUAL(fegetround(), FE_DOWNWARD);
    CU_ASSERT_EQUAL(modes[0], FE_TONEAREST);
    CU_ASSERT_EQUAL(modes[1], FE_UPWARD);
    weft__context_reset_fp();
    CU_ASSERT_EQUAL(fegetround(), FE_TONEAREST);
}

/* Goes back from within two calls, for good. */
WEFT__FIBER_BODY static void leave_for_good(void *message, void *argument)
{
    weft__fiber_arrive(&there.fiber);
    *(uintptr_t *)argument += (uintptr_t)message;
    (void)weft__context_switch(&there, &here, message, 1);
}

/* ThreadSanitizer keeps a call stack of its own for each fiber: it must not grow with each use. */
static void test_switch_stack_is_used_again_and_again(void)
{
    uintptr_t sum = 0;

    weft__context_adopt(&here); /* once: with AddressSanitizer it reads the process's maps */
    for (int i = 0; i < hops; i++) {
        weft__context_make(&there, stack, stack + stack_bytes, leave_for_good, &sum);
        (void)to_there(1);
    }
    CU_ASSERT_EQUAL(sum, hops);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_switch_carries_messages_both_ways),
        UNIT_TEST(test_switch_keeps_values_on_both_sides),
        UNIT_TEST(test_switch_rounding_mode_is_each_sides_own),
        UNIT_TEST(test_switch_stack_is_used_again_and_again),
    };
    stack = aligned_alloc(16, stack_bytes);
    if (stack == NULL)
        return unit_broken;
    int status = unit_run(argc, argv, "switch", tests, WEFT__COUNT(tests));
    free(stack);
    return status;
}

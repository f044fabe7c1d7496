/* Stacks: classes, colours, reuse, trimming; and the three ways to guard them, which really do. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/fault.h"
#include "runtime/task/guard.h"
#include "runtime/task/stack.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { crowd = 1200, neighbours = 15, factor = WEFT__ASAN ? 4 : 1, budget = 40, page = 4096 };

static struct weft__stack_depot depot;
static struct weft__stack_magazine magazine;

static void open_pool(void)
{
    weft__stack_depot_init(&depot, -1);
    weft__stack_magazine_init(&magazine, &depot);
}

static void close_pool(void)
{
    weft__stack_magazine_fini(&magazine);
    weft__stack_depot_fini(&depot, false);
}

/* Kernels with guard markers and without, with a budget for mprotect and without. */
static const struct {
    const char *label;
    bool no_markers;
    long budget;
    bool guarded;
} ways[] = { { "the kernel's best", false, -1, true },
             { "mprotect", true, budget, true },
             { "canaries", true, 0, false } };

static void use_way(size_t i)
{
    weft__guard_pretend(ways[i].no_markers, ways[i].budget);
}

static void use_best_way(void)
{
    weft__guard_pretend(false, -1);
}

static void test_class_is_the_smallest_that_holds(void)
{
    static const struct {
        size_t bytes;
        int wanted;
    } rows[] = {
        { 0, WEFT__STACK_16K },     { 16384, WEFT__STACK_16K },  { 16385, WEFT__STACK_64K },
        { 65536, WEFT__STACK_64K }, { 65537, WEFT__STACK_256K }, { 262144, WEFT__STACK_256K },
        { 262145, WEFT__STACK_1M }, { 1048576, WEFT__STACK_1M }, { 1048577, -1 },
        { SIZE_MAX, -1 },           { SIZE_MAX / 4 + 1, -1 },    { SIZE_MAX / 2 + 1, -1 },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++)
        CU_ASSERT_EQUAL(weft__stack_class_of(rows[i].bytes), rows[i].wanted);
    CU_ASSERT_EQUAL(weft__stack_class_bytes(WEFT__STACK_64K), (size_t)factor * 65536);
}

/* Tops in different cache sets, every byte of the class but the colour usable, guards apart. */
static void test_get_bounds_and_colours(void)
{
    for (int size_class = 0; size_class < WEFT__STACK_CLASSES; size_class++) {
        struct weft__stack *stacks[neighbours];
        size_t bytes = weft__stack_class_bytes((enum weft__stack_class)size_class);
        uint32_t seen = 0;
        open_pool();
        for (int i = 0; i < neighbours; i++) {
            stacks[i] = weft__stack_get(&magazine, (enum weft__stack_class)size_class);
            CU_ASSERT_PTR_NOT_NULL_FATAL(stacks[i]);
            size_t room = (size_t)(stacks[i]->top - stacks[i]->low);
            CU_ASSERT_TRUE(room <= bytes && room > bytes - page / 2);
            CU_ASSERT_EQUAL((uintptr_t)stacks[i]->top % 16, 0);
            CU_ASSERT_EQUAL(stacks[i]->size_class, size_class);
            seen |= 1u << ((bytes - room) / 128);
            memset(stacks[i]->low, 0xA5, room);
        }
        CU_ASSERT_EQUAL(__builtin_popcount(seen), neighbours); /* no two the same */
        for (int i = 0; i < neighbours; i++)
            weft__stack_put(&magazine, stacks[i]);
        close_pool();
    }
}

static int compare_lows(const void *left, const void *right)
{
    const char *a = (*(struct weft__stack *const *)left)->low;
    const char *b = (*(struct weft__stack *const *)right)->low;
    return a < b ? -1 : a > b;
}

static void test_get_many_are_apart_by_a_guard(void)
{
    static struct weft__stack *stacks[crowd];

    open_pool();
    for (int i = 0; i < crowd; i++) {
        stacks[i] = weft__stack_get(&magazine, WEFT__STACK_16K);
        CU_ASSERT_PTR_NOT_NULL_FATAL(stacks[i]);
    }
    CU_ASSERT_TRUE(weft__load_relaxed(&depot.made) >= crowd);
    CU_ASSERT_TRUE(weft__load_relaxed(&depot.bytes) >= crowd * factor * 16384u);
    qsort(stacks, crowd, sizeof(stacks[0]), compare_lows);
    for (int i = 1; i < crowd; i++)
        CU_ASSERT_TRUE(stacks[i]->low - stacks[i - 1]->top >= WEFT__GUARD_BYTES);
    for (int i = 0; i < crowd; i++)
        weft__stack_put(&magazine, stacks[i]);
    close_pool();
}

static void test_put_the_last_is_got_first(void)
{
    struct weft__stack *stacks[3];

    open_pool();
    for (int i = 0; i < 3; i++)
        stacks[i] = weft__stack_get(&magazine, WEFT__STACK_64K);
    struct weft__stack *other = weft__stack_get(&magazine, WEFT__STACK_16K);
    for (int i = 0; i < 3; i++)
        weft__stack_put(&magazine, stacks[i]);
    weft__stack_put(&magazine, other);
    for (int i = 3; i-- > 0;)
        CU_ASSERT_PTR_EQUAL(weft__stack_get(&magazine, WEFT__STACK_64K), stacks[i]);
    for (int i = 0; i < 3; i++)
        weft__stack_put(&magazine, stacks[i]);
    close_pool();
}

/* What one worker gives back serves another; nothing new is made for it. */
static void test_two_magazines_share_a_depot(void)
{
    static struct weft__stack *stacks[crowd];
    struct weft__stack_magazine second;

    open_pool();
    weft__stack_magazine_init(&second, &depot);
    for (int i = 0; i < crowd; i++)
        stacks[i] = weft__stack_get(&magazine, WEFT__STACK_16K);
    uint64_t made = weft__load_relaxed(&depot.made);
    for (int i = 0; i < crowd; i++)
        weft__stack_put(&magazine, stacks[i]);
    CU_ASSERT_TRUE(magazine.idle_count[WEFT__STACK_16K] <= WEFT__MAGAZINE);
    for (int i = 0; i < crowd - WEFT__MAGAZINE; i++) {
        stacks[i] = weft__stack_get(&second, WEFT__STACK_16K);
        CU_ASSERT_PTR_NOT_NULL_FATAL(stacks[i]);
    }
    CU_ASSERT_EQUAL(weft__load_relaxed(&depot.made), made);
    for (int i = 0; i < crowd - WEFT__MAGAZINE; i++)
        weft__stack_put(&second, stacks[i]);
    weft__stack_magazine_fini(&second);
    close_pool();
}

/* Idle stacks beyond the high water mark keep no memory after a second tend, few ones keep theirs.
 * */
static void tend_crowd(int count, bool kept)
{
    static struct weft__stack *stacks[crowd];

    open_pool();
    for (int i = 0; i < count; i++) {
        stacks[i] = weft__stack_get(&magazine, WEFT__STACK_16K);
        CU_ASSERT_PTR_NOT_NULL_FATAL(stacks[i]);
        stacks[i]->low[0] = 'd';
        stacks[i]->top[-1] = 'd';
    }
    weft__stack_tend(&depot);
    weft__stack_tend(&depot); /* in use: nothing happens */
    CU_ASSERT_EQUAL(stacks[0]->top[-1], 'd');
    for (int i = 0; i < count; i++)
        weft__stack_put(&magazine, stacks[i]);
    weft__stack_magazine_fini(&magazine);
    weft__stack_tend(&depot);
    CU_ASSERT_EQUAL(stacks[0]->top[-1], 'd'); /* may be wanted again at once */
    weft__stack_tend(&depot);
    for (int i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(stacks[i]->low[0], kept ? 'd' : '\0');
        CU_ASSERT_EQUAL(stacks[i]->top[-1], kept ? 'd' : '\0');
    }
    struct weft__stack *again = weft__stack_get(&magazine, WEFT__STACK_16K);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    again->top[-1] = 'e';
    weft__stack_put(&magazine, again);
    close_pool();
}

static void test_tend_gives_the_pages_of_many_idle_stacks_back(void)
{
    use_best_way();
    tend_crowd(crowd, strcmp(weft__guard_method(), "canaries") == 0);
    tend_crowd(crowd / 2, true);
}

static void test_get_without_memory_is_null_and_works_later(void)
{
    open_pool();
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_PTR_NULL(weft__stack_get(&magazine, WEFT__STACK_64K));
    weft__fault_arm(WEFT__FAULT_MMAP, 0, 0);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_PTR_NULL(weft__stack_get(&magazine, WEFT__STACK_64K));
    weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
    struct weft__stack *stack = weft__stack_get(&magazine, WEFT__STACK_64K);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
    weft__stack_put(&magazine, stack);
    close_pool();
}

static void test_mprotect_stays_within_its_budget_and_gets_it_back(void)
{
    for (int round = 0; round < 3; round++) {
        static struct weft__stack *stacks[2 * budget];
        int guarded = 0;
        if (round == 0)
            weft__guard_pretend(true, budget);
        open_pool();
        for (int i = 0; i < 2 * budget; i++) {
            stacks[i] = weft__stack_get(&magazine, WEFT__STACK_16K);
            CU_ASSERT_PTR_NOT_NULL_FATAL(stacks[i]);
            guarded += stacks[i]->guarded;
            weft__stack_check(stacks[i], "nobody"); /* the canaries of the others are whole */
        }
        CU_ASSERT_EQUAL(guarded, budget);
        for (int i = 0; i < 2 * budget; i++)
            weft__stack_put(&magazine, stacks[i]);
        close_pool(); /* unmaps the guards, too */
    }
    use_best_way();
}

static void test_mprotect_that_fails_leaves_a_canary_and_the_budget(void)
{
    weft__guard_pretend(true, 32);
    open_pool();
    weft__fault_arm(WEFT__FAULT_MPROTECT, 1, -ENOMEM);
    struct weft__stack *stack = weft__stack_get(&magazine, WEFT__STACK_16K);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
    CU_ASSERT_EQUAL(weft__fault_calls(WEFT__FAULT_MPROTECT), 1);
    weft__fault_arm(WEFT__FAULT_MPROTECT, 0, 0);
    weft__stack_put(&magazine, stack);
    CU_ASSERT_STRING_EQUAL(weft__guard_method(), "mprotect"); /* one is left of the budget */
    close_pool();
    use_best_way();
}

/* ---- what must end the process; each in a child ---- */

struct crime {
    size_t way;
    long offset; /* from low, of the byte that is written */
};

static int commit_crime(void *argument)
{
    const struct crime *crime = argument;

    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit */
    use_way(crime->way);
    open_pool();
    struct weft__stack *stack = weft__stack_get(&magazine, WEFT__STACK_16K);
    if (stack == NULL || stack->guarded != ways[crime->way].guarded)
        return unit_broken;
    ((volatile char *)stack->low)[crime->offset] = 'x';
    weft__stack_check(stack, "greedy");
    return 0;
}

static void test_a_byte_below_the_stack_ends_the_process(void)
{
    static char said[1024];

    for (size_t way = 0; way < WEFT__COUNT(ways); way++) {
        for (int last = 0; last < 2 && ways[way].guarded; last++) {
            struct crime crime = { way, last ? -WEFT__GUARD_BYTES : -1 };
            int status = rig_fork(commit_crime, &crime, said, sizeof(said));
            bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
            if (!killed)
                (void)fprintf(stderr, "%s: status %x %s\n", ways[way].label, (unsigned)status,
                              said);
            CU_ASSERT_TRUE(killed);
        }
        struct crime none = { way, page };
        CU_ASSERT_EQUAL(rig_fork(commit_crime, &none, said, sizeof(said)), 0);
    }
}

static void test_a_broken_canary_is_told_with_the_name_of_the_task(void)
{
    static char said[1024];

    for (long offset = 0; offset < 64; offset += 63) {
        struct crime crime = { 2, offset };
        int status = rig_fork(commit_crime, &crime, said, sizeof(said));
        CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        CU_ASSERT_PTR_NOT_NULL(strstr(said, "task greedy ran over the end of its stack"));
    }
}

/* What a task brings along from another node is that node's again, and counts there. */
static void test_put_of_another_depots_stack_sends_it_home(void)
{
    struct weft__stack_depot other;
    struct weft__stack_magazine its;

    open_pool();
    weft__stack_depot_init(&other, -1);
    weft__stack_magazine_init(&its, &other);
    struct weft__stack *stack = weft__stack_get(&its, WEFT__STACK_64K);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
    weft__stack_put(&magazine, stack);
    CU_ASSERT_EQUAL(magazine.idle_count[WEFT__STACK_64K], 0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&other.idle_count[WEFT__STACK_64K]), 1);
    CU_ASSERT_PTR_EQUAL(other.idle[WEFT__STACK_64K], stack);
    weft__stack_magazine_fini(&its);
    CU_ASSERT_EQUAL(weft__load_relaxed(&other.idle_count[WEFT__STACK_64K]),
                    weft__load_relaxed(&other.made));
    weft__stack_depot_fini(&other, false);
    close_pool();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_class_is_the_smallest_that_holds),
        UNIT_TEST(test_get_bounds_and_colours),
        UNIT_TEST(test_get_many_are_apart_by_a_guard),
        UNIT_TEST(test_put_the_last_is_got_first),
        UNIT_TEST(test_put_of_another_depots_stack_sends_it_home),
        UNIT_TEST(test_two_magazines_share_a_depot),
        UNIT_TEST(test_tend_gives_the_pages_of_many_idle_stacks_back),
        UNIT_TEST(test_get_without_memory_is_null_and_works_later),
        UNIT_TEST(test_mprotect_stays_within_its_budget_and_gets_it_back),
        UNIT_TEST(test_mprotect_that_fails_leaves_a_canary_and_the_budget),
        UNIT_TEST(test_a_byte_below_the_stack_ends_the_process),
        UNIT_TEST(test_a_broken_canary_is_told_with_the_name_of_the_task),
    };
    return unit_run(argc, argv, "stack", tests, WEFT__COUNT(tests));
}

/*
 * Poll points of a task that computes: what others of its worker have begun reaches the kernel, and
 * who is woken runs before the task goes on.
 */
#include <CUnit/CUnit.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "runtime/sched/worker.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"
#include "uring/engine.h"

enum { rounds = 200 };

struct reader {
    weft_fd ends[2];
    int bytes; /* read so far */
};

static int read_bytes(void *argument)
{
    struct reader *reader = argument;
    char byte;

    while (weft_read(reader->ends[0], &byte, 1, WEFT_NEVER) == 1)
        reader->bytes++;
    return 0;
}

static uint32_t count_staged(void)
{
    return weft__self_worker()->engine->staged;
}

static uint64_t count_completions(void)
{
    return weft__load_relaxed(&weft__self_worker()->engine->counters.completed);
}

static void poll_by_call(weft_strand *strand)
{
    (void)strand;
    EXPECT_EQ(weft_poll(), 0);
}

static void poll_by_fork(weft_strand *strand)
{
    for (int i = 0; i < 50; i++) {
        weft_fork(strand, fork_well, NULL);
        EXPECT_EQ(weft_fork_join(strand), 0);
    }
}

/* The bytes come from outside, as those of a client do. */
static void compute_beside(weft_strand *strand, void (*poll_once)(weft_strand *strand))
{
    struct reader reader = { .bytes = 0 };
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_pipe(reader.ends), 0);
    weft_task task = weft_go(scope, read_bytes, &reader);
    for (int i = 0; i < rounds; i++) {
        rig_await(task, WEFT_TASK_WAITING);
        while (count_staged() > 0)
            poll_once(strand);
        uint64_t completions = count_completions();
        EXPECT_EQ(write(weft_fd_number(reader.ends[1]), "a", 1), 1);
        while (count_completions() == completions)
            poll_once(strand);
        EXPECT_EQ(reader.bytes, i + 1);
    }
    EXPECT_EQ(weft_close(reader.ends[1]), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(reader.ends[0]), 0);
}

static int compute_and_poll(void *argument)
{
    (void)argument;
    compute_beside(NULL, poll_by_call);
    return 0;
}

static int fork_beside(weft_strand *strand, void *argument)
{
    (void)argument;
    compute_beside(strand, poll_by_fork);
    return 0;
}

static int compute_and_fork(void *argument)
{
    return weft_fork_run(fork_beside, argument);
}

static void test_who_is_woken_runs_before_a_task_that_polls(void)
{
    rig_run(1, compute_and_poll);
    expect_assert();
}

static void test_who_is_woken_runs_before_a_task_that_forks(void)
{
    rig_run(1, compute_and_fork);
    expect_assert();
}

static int poll_once_each(void *argument)
{
    struct reader reader = { .bytes = 0 };
    int staged = 0;

    (void)argument;
    EXPECT_EQ(weft_pipe(reader.ends), 0);
    for (int i = 0; i < rounds; i++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_task task = weft_go(scope, read_bytes, &reader);
        rig_await(task, WEFT_TASK_WAITING);
        staged += count_staged() > 0;
        EXPECT_EQ(weft_poll(), 0);
        EXPECT(count_staged() == 0 || weft__sim_is_on()); /* where all go on by chance */
        EXPECT_EQ(weft_cancel(task), 0);
        (void)weft_scope_close(scope);
    }
    EXPECT(staged > 0 || strcmp(weft__self_worker()->engine->ops->name, "kernel") != 0);
    EXPECT_EQ(weft_close(reader.ends[0]), 0);
    EXPECT_EQ(weft_close(reader.ends[1]), 0);
    return 0;
}

static void test_a_poll_gives_what_others_have_begun_to_the_kernel(void)
{
    rig_run(1, poll_once_each);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_who_is_woken_runs_before_a_task_that_polls),
        UNIT_TEST(test_who_is_woken_runs_before_a_task_that_forks),
        UNIT_TEST(test_a_poll_gives_what_others_have_begun_to_the_kernel),
    };

    return unit_run(argc, argv, "give_way", tests, WEFT__COUNT(tests));
}

/* An operation that a signal interrupts: the kernel gives it up with EINTR, and weft runs it again,
 * unless somebody has asked for its end. The engine's answers are the test's. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "runtime/io/operation.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* Between the worker and its engine: the next reads do not reach the kernel. */
static struct {
    struct weft__engine_ops ops;
    const struct weft__engine_ops *real;
    void *waiter; /* of the read that is kept back; NULL: none */
    int interrupted;
    int interrupts; /* how many reads are given up */
    bool until_asked;
    bool asked;
} between;

enum { no_op = 77 };

static int submit(struct weft__engine *engine, const struct weft__request *request, void *waiter,
                  weft__op_id *out_op)
{
    if (request->opcode != WEFT__OP_READ || between.interrupted >= between.interrupts)
        return between.real->submit(engine, request, waiter, out_op);
    between.interrupted++;
    between.waiter = waiter;
    *out_op = no_op;
    return 0;
}

static int cancel(struct weft__engine *engine, weft__op_id op)
{
    if (op != no_op)
        return between.real->cancel(engine, op);
    between.asked = true;
    return 0;
}

static bool is_due(void)
{
    return between.waiter != NULL && (!between.until_asked || between.asked);
}

static bool has_events(const struct weft__engine *engine)
{
    return is_due() || between.real->has_events(engine);
}

static int poll(struct weft__engine *engine, uint32_t budget)
{
    int count = between.real->poll(engine, budget);

    if (!is_due())
        return count;
    void *waiter = between.waiter;
    between.waiter = NULL;
    between.asked = false;
    weft__upcall_completed(engine->owner, waiter, -EINTR, 0);
    return count + 1;
}

static void step_between(int interrupts, bool until_asked)
{
    struct weft__engine *engine = weft__self_worker()->engine;

    between.real = engine->ops;
    between.ops = *engine->ops;
    between.ops.submit = submit;
    between.ops.cancel = cancel;
    between.ops.has_events = has_events;
    between.ops.poll = poll;
    between.waiter = NULL;
    between.interrupted = 0;
    between.interrupts = interrupts;
    between.until_asked = until_asked;
    between.asked = false;
    engine->ops = &between.ops;
}

static void step_aside(void)
{
    weft__self_worker()->engine->ops = between.real;
}

/* A worker that has somebody to run does not sleep. */
static _Atomic bool over;

static int stay_ready(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&over))
        (void)weft_yield();
    return 0;
}

static int again(void *argument)
{
    char byte = 0;

    (void)argument;
    weft__store_relaxed(&over, false);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT(weft_go(scope, stay_ready, NULL) > 0);
    weft_fd zero = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    byte = 'x';
    step_between(3, false);
    EXPECT_EQ(weft_read(zero, &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(between.interrupted, 3);
    EXPECT_EQ(byte, 0);
    EXPECT_EQ(weft_read(zero, &byte, 1, weft_after(100 * WEFT_SECOND)), 1);
    step_aside();
    EXPECT_EQ(weft_close(zero), 0);
    weft__store_relaxed(&over, true);
    return weft_scope_close(scope);
}

static void test_an_interrupted_operation_is_run_again(void)
{
    rig_run(1, again);
}

static int read_byte(void *argument)
{
    char byte;
    return (int)weft_read(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);
}

static int asked(void *argument)
{
    char byte = 0;
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    weft__store_relaxed(&over, false);
    weft_scope scope = weft_scope_open(&run_all);
    EXPECT(weft_go(scope, stay_ready, NULL) > 0);
    weft_fd zero = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    step_between(1, true);
    EXPECT_EQ(weft_read(zero, &byte, 1, weft_after(WEFT_MILLISECOND)), -ETIMEDOUT);
    step_aside();
    step_between(1, true);
    weft_task reader = weft_go_copy(scope, read_byte, &zero, sizeof(zero));
    rig_await(reader, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(reader), 0);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), -ECANCELED);
    step_aside();
    step_between(1, true);
    reader = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0])); /* nothing comes there */
    rig_await(reader, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_wait(reader, WEFT_NEVER), -EBADF);
    step_aside();
    EXPECT_EQ(weft_close(zero), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    weft__store_relaxed(&over, true);
    (void)weft_scope_close(scope);
    return 0;
}

static void test_an_interrupt_that_was_asked_for_is_its_end(void)
{
    rig_run(1, asked);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_an_interrupted_operation_is_run_again),
        UNIT_TEST(test_an_interrupt_that_was_asked_for_is_its_end),
    };

    return unit_run(argc, argv, "operation", tests, WEFT__COUNT(tests));
}

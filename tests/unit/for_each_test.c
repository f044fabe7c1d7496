/* Loops over a channel: each message once, failures, a cancel, other takers. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { messages = 500 };

static _Atomic uint32_t hits[messages];
static weft_chan chan;

static int put_all(void *argument)
{
    int rc = 0;

    for (uint32_t i = 0; i < messages && rc == 0; i++)
        rc = weft_chan_put(chan, &i, WEFT_NEVER);
    return rc < 0 ? rc : weft_chan_close(chan, *(const int *)argument);
}

static int hit(void *message, void *argument)
{
    uint32_t i = *(const uint32_t *)message;

    weft__add_relaxed(&hits[i], 1);
    if (i % 3 == 0)
        (void)weft_yield();
    return argument != NULL && i % 100 == 7 ? -EDOM : 0;
}

static uint32_t clear_hits(void)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < messages; i++) {
        EXPECT(weft__load_relaxed(&hits[i]) <= 1);
        sum += weft__load_relaxed(&hits[i]);
        weft__store_relaxed(&hits[i], 0);
    }
    return sum;
}

static const struct {
    const char *label;
    size_t depth;
    int closed; /* with this */
    int wanted;
    weft_for_each_options options;
    bool fails;
    size_t failed;
} loops[] = {
    { "all", 16, 0, 0, WEFT_FOR_EACH_OPTIONS_INIT, false, 0 },
    { "unbuffered", 0, -EPIPE, 0, WEFT_FOR_EACH_OPTIONS_INIT, false, 0 },
    { "closed with an error", 4, -EBADMSG, -EBADMSG, WEFT_FOR_EACH_OPTIONS_INIT, false, 0 },
    { "one task", 16, 0, 0, { sizeof(weft_for_each_options), 1, 0, NULL }, false, 0 },
    { "more tasks than messages",
      WEFT_UNBOUNDED,
      0,
      0,
      { sizeof(weft_for_each_options), messages + 100, WEFT_FIRST_ERROR, NULL },
      false,
      0 },
    { "failures", 16, 0, -EDOM, { sizeof(weft_for_each_options), 3, WEFT_RUN_ALL, NULL }, true, 5 },
};

static void loop_once(size_t i)
{
    weft_for_each_options options = loops[i].options;
    size_t failed = 99;

    expect_about(loops[i].label);
    options.out_failed = &failed;
    chan = weft_chan_create(sizeof(uint32_t), loops[i].depth);
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, put_all, (void *)(uintptr_t)&loops[i].closed);
    EXPECT_EQ(weft_for_each(chan, hit, loops[i].fails ? hits : NULL, &options), loops[i].wanted);
    EXPECT_EQ(failed, loops[i].failed);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(clear_hits(), messages);
    EXPECT_EQ(weft_chan_release(chan), 0);
}

static int loop_each(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(loops); i++)
        loop_once(i);
    return 0;
}

static void test_for_each_does_each_message_once(void)
{
    rig_each(loop_each);
    expect_assert();
}

static uint32_t last_seen;

static int expect_next(void *message, void *argument)
{
    (void)argument;
    EXPECT_EQ(*(const uint32_t *)message, last_seen);
    last_seen++;
    return 0;
}

static void test_for_each_on_a_thread_keeps_the_order(void)
{
    int closed = 0;

    last_seen = 0;
    chan = weft_chan_create(sizeof(uint32_t), messages);
    CU_ASSERT_EQUAL(put_all(&closed), 0);
    CU_ASSERT_EQUAL(weft_for_each(chan, expect_next, NULL, NULL), 0);
    CU_ASSERT_EQUAL(last_seen, messages);
    CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
    expect_assert();
}

/* ---- how it ends early ---- */

static int fail_once(void *message, void *argument)
{
    uint32_t i = *(const uint32_t *)message;

    (void)argument;
    weft__add_relaxed(&hits[i], 1);
    if (i == 3)
        return -EDOM;
    return weft_sleep(weft_after(3600 * WEFT_SECOND)); /* the failure cancels it */
}

/* The other tasks wait in a call or for a message that never comes. */
static int fail_and_stop(void *argument)
{
    size_t failed = 0;

    (void)argument;
    chan = weft_chan_create(sizeof(uint32_t), 16);
    for (uint32_t i = 0; i < 4; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    EXPECT_EQ(weft_for_each(chan, fail_once, NULL,
                            &WEFT_FOR_EACH_OPTIONS(.tasks = 10, .out_failed = &failed)),
              -EDOM);
    EXPECT_EQ(failed, 4);
    EXPECT_EQ(clear_hits(), 4);
    return weft_chan_release(chan);
}

static int loop_for_ever(void *argument)
{
    (void)argument;
    return weft_for_each(chan, hit, NULL, NULL);
}

static int cancel_it(void *argument)
{
    (void)argument;
    chan = weft_chan_create(sizeof(uint32_t), 0);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, loop_for_ever, NULL);
    for (uint32_t i = 0; i < 10; i++)
        EXPECT_EQ(weft_chan_put(chan, &i, WEFT_NEVER), 0);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(clear_hits(), 10);
    return weft_chan_release(chan);
}

static int loop_wrongly(void *argument)
{
    weft_for_each_options wrong = WEFT_FOR_EACH_OPTIONS_INIT;

    (void)argument;
    chan = weft_chan_create(sizeof(uint32_t), 0);
    wrong.size = 1;
    EXPECT_EQ(weft_for_each(chan, hit, NULL, &wrong), -EINVAL);
    EXPECT_EQ(weft_for_each(chan, hit, NULL, &WEFT_FOR_EACH_OPTIONS(.tasks = 65537)), -EINVAL);
    EXPECT_EQ(
        weft_for_each(chan, hit, NULL, &WEFT_FOR_EACH_OPTIONS(.policy = (weft_scope_policy)9)),
        -EINVAL);
    EXPECT_EQ(weft_chan_release(chan), 0);
    EXPECT_EQ(weft_for_each(chan, hit, NULL, NULL), -ESRCH);
    EXPECT_EQ(weft_for_each(-ENOMEM, hit, NULL, NULL), -ENOMEM);
    return 0;
}

static void test_for_each_ends_early(void)
{
    rig_each(fail_and_stop);
    rig_each(cancel_it);
    rig_run(1, loop_wrongly);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_for_each_does_each_message_once),
        UNIT_TEST(test_for_each_on_a_thread_keeps_the_order),
        UNIT_TEST(test_for_each_ends_early),
    };

    return unit_run(argc, argv, "for_each", tests, WEFT__COUNT(tests));
}

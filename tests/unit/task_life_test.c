/* What a task is and says of itself: result bytes, name, state, error object, errno, its turns. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

struct gift {
    size_t bytes;
    int times;
};

static int give(void *argument)
{
    const struct gift *gift = argument;
    unsigned char bytes[64];

    for (int i = 0; i < gift->times; i++) {
        memset(bytes, 'a' + i, sizeof(bytes));
        EXPECT_EQ(weft_result_give(bytes, gift->bytes), 0);
    }
    EXPECT_EQ(weft_result_give(bytes, gift->bytes + 1), -ENOBUFS);
    return 3;
}

static int give_and_fail(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_result_give("x", 1), 0);
    return -EIO;
}

static weft_task start_give(weft_scope scope, size_t bytes, int times)
{
    struct gift gift = { bytes, times };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(gift),
                                                    .result_bytes = bytes);
    return weft_spawn(scope, give, &gift, &options);
}

static int fetches(void *argument)
{
    unsigned char got[65];
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.result_bytes = 1);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = start_give(scope, 64, 2);

    (void)argument;
    memset(got, '.', sizeof(got));
    EXPECT_EQ(weft_fetch(task, got, 63, WEFT_NEVER), -EMSGSIZE);
    EXPECT_EQ(weft_fetch(task, got, 65, WEFT_NEVER), -EMSGSIZE);
    EXPECT(got[0] == '.');
    for (int i = 0; i < 3; i++) { /* the bytes stay for others to fetch */
        EXPECT_EQ(weft_fetch(task, got, 64, WEFT_NOW), 0);
        EXPECT(got[0] == 'b' && got[63] == 'b' && got[64] == '.'); /* the last call counts */
    }
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 3);
    EXPECT_EQ(weft_fetch(start_give(scope, 0, 1), NULL, 0, WEFT_NEVER), 0);
    EXPECT_EQ(weft_fetch(start_give(scope, 0, 0), NULL, 0, WEFT_NEVER), -ENODATA);
    EXPECT_EQ(weft_fetch(start_give(scope, 8, 0), got, 8, WEFT_NEVER), -ENODATA);
    EXPECT_EQ(weft_fetch(weft_go(scope, end_well, NULL), got, 1, WEFT_NEVER), -ENODATA);
    task = weft_spawn(scope, give_and_fail, NULL, &options);
    EXPECT_EQ(weft_fetch(task, got, 1, WEFT_NEVER), -EIO);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

static void test_fetch_gets_what_was_given_as_often_as_wanted(void)
{
    rig_each(fetches);
}

static int names(void *argument)
{
    static const struct {
        const char *given;
        const char *wanted;
    } rows[] = {
        { NULL, "" },
        { "", "" },
        { "reader", "reader" },
        { "1234567890123456789012345678901", "1234567890123456789012345678901" },
        { "1234567890123456789012345678901+2", "1234567890123456789012345678901" },
    };
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char given[64];
        char name[WEFT_NAME + 1] = "untouched";
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = rows[i].given);
        if (rows[i].given != NULL) { /* the name is copied */
            (void)snprintf(given, sizeof(given), "%s", rows[i].given);
            options.name = given;
        }
        weft_task task = weft_spawn(scope, end_well, NULL, &options);
        memset(given, '#', sizeof(given));
        EXPECT_EQ(weft_task_name_of(task, name), 0);
        EXPECT(strcmp(name, rows[i].wanted) == 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT_EQ(weft_task_name_of(task, name), 0);
        EXPECT(strcmp(name, rows[i].wanted) == 0);
    }
    weft_task task = weft_go(scope, end_well, NULL);
    char name[WEFT_NAME] = "untouched";
    EXPECT_EQ(weft_task_name_of(task, name), 0);
    EXPECT_EQ(name[0], '\0');
    EXPECT_EQ(weft_scope_close(scope), 0);
    (void)snprintf(name, sizeof(name), "untouched");
    EXPECT_EQ(weft_task_name_of(task, name), -ESRCH);
    EXPECT(strcmp(name, "untouched") == 0);
    return 0;
}

static void test_names_are_copied_and_cut(void)
{
    rig_each(names);
}

static int see_oneself_run(void *argument)
{
    weft_task self = weft_self();

    (void)argument;
    EXPECT_EQ(weft_task_state_of(self), WEFT_TASK_RUNNING);
    return 0;
}

static int states(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()));
    weft_spawn_options takes = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                      (uint32_t)weft_worker_self()),
                                                  .copy_bytes = sizeof(chan));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft_task task = weft_spawn(scope, end_on_message, &chan, &takes);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_FRESH); /* this task has its worker */
    EXPECT_EQ(weft_yield(), 0);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_chan_try_put(chan, &(int){ 1 }), 0);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_READY);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 1);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_ENDED);
    EXPECT_EQ(weft_wait(weft_spawn(scope, see_oneself_run, NULL, &here), WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_task_state_of(task), -ESRCH);
    EXPECT_EQ(weft_task_state_of(0), -ESRCH);
    EXPECT_EQ(weft_task_state_of(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_states_in_the_life_of_a_task(void)
{
    rig_each(states);
}

static int fail_with_cause(void *argument)
{
    weft_error cause = WEFT_ERROR_INIT;

    cause.code = -ENOSPC;
    (void)snprintf(cause.text, sizeof(cause.text), "%s", (const char *)argument);
    EXPECT_EQ(weft_fail(-EXDEV, NULL, "an earlier word"), -EXDEV); /* the last call counts */
    return weft_fail(-EIO, &cause, "cannot read %s", "a file");
}

static int fail_without_words(void *argument)
{
    (void)argument;
    return -ETIMEDOUT;
}

static int fail_and_recover(void *argument)
{
    (void)argument;
    (void)weft_fail(-EIO, NULL, "not for long");
    return 0;
}

static int errors(void *argument)
{
    static const struct {
        weft_task_fn fn;
        const char *argument;
        int code;
        int cause;
        const char *text;
    } rows[] = {
        { fail_with_cause, "the disk is full", -EIO, -ENOSPC,
          "cannot read a file: the disk is full" },
        { fail_with_cause, "", -EIO, -ENOSPC,
          "cannot read a file: ENOSPC: No space left on device" },
        { fail_without_words, NULL, -ETIMEDOUT, 0, "ETIMEDOUT: the deadline passed" },
        { fail_and_recover, NULL, 0, 0, "" },
        { end_well, NULL, 0, 0, "" },
    };
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        weft_error error = WEFT_ERROR_INIT;
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "worker bee");
        weft_task task = weft_spawn(scope, rows[i].fn, (void *)(uintptr_t)rows[i].argument,
                                    &options);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), rows[i].code);
        EXPECT_EQ(weft_task_error_of(task, &error), 0);
        EXPECT_EQ(error.code, rows[i].code);
        EXPECT_EQ(error.cause_code, rows[i].cause);
        EXPECT_EQ(error.task, task);
        EXPECT(strcmp(error.task_name, "worker bee") == 0);
        EXPECT(strcmp(error.text, rows[i].text) == 0);
    }
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

static void test_error_objects_have_code_sentence_and_cause(void)
{
    rig_each(errors);
}

static int fail_at_length(void *argument)
{
    weft_error cause = WEFT_ERROR_INIT;

    (void)argument;
    cause.code = -EIO;
    memset(cause.text, 'c', sizeof(cause.text) - 1);
    return weft_fail(-EIO, &cause, "%0*d", 150, 7);
}

static int error_limits(void *argument)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task waiting = start_end_on_message(scope, chan);
    weft_task task = weft_go(scope, fail_at_length, NULL);

    (void)argument;
    EXPECT_EQ(weft_task_error_of(waiting, &error), -EBUSY);
    EXPECT_EQ(error.code, 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EIO);
    error.size = 8;
    EXPECT_EQ(weft_task_error_of(task, &error), -EINVAL);
    error.size = sizeof(error);
    EXPECT_EQ(weft_task_error_of(task, &error), 0);
    EXPECT_EQ(strlen(error.text), WEFT_ERROR_TEXT - 1); /* cut, not torn */
    EXPECT(memcmp(error.text + 149, "7: ccc", 6) == 0);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 0 }, WEFT_NEVER), 0);
    (void)weft_scope_close(scope);
    EXPECT_EQ(weft_task_error_of(task, &error), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_error_text_is_cut_and_misuse_is_told(void)
{
    rig_each(error_limits);
}

static int set_other_errno(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++) {
        errno = EXFULL;
        EXPECT_EQ(weft_sleep(weft_after(20 * WEFT_MICROSECOND)), 0);
    }
    return 0;
}

static int keep_errno(void *argument)
{
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_spawn(scope, set_other_errno, NULL, &here);
    for (int i = 1; i <= 20; i++) {
        errno = i;
        EXPECT_EQ(weft_sleep(weft_after(30 * WEFT_MICROSECOND)), 0);
        EXPECT_EQ(errno, i);
        weft_task task = weft_spawn(scope, set_other_errno, NULL, &here);
        errno = i;
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        EXPECT_EQ(errno, i);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_errno_is_the_tasks_own_across_waits(void)
{
    rig_each(keep_errno);
}

static int note_turns(void *argument)
{
    int *turns = argument;

    for (int i = 0; i < 50; i++) {
        ++*turns;
        (void)weft_yield();
    }
    return 0;
}

static int yield_serves_all(void *argument)
{
    int turns[3] = { 0 };
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    EXPECT_EQ(weft_yield(), 0); /* alone: returns at once */
    EXPECT_EQ(weft_poll(), 0);
    for (int i = 0; i < 3; i++)
        (void)weft_spawn(scope, note_turns, &turns[i], &here);
    for (int i = 1; i <= 50; i++) {
        EXPECT_EQ(weft_yield(), 0);
        for (int j = 0; j < 3; j++)
            EXPECT(turns[j] >= i - 1 && turns[j] <= i + 1);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_yield_lets_every_other_task_run_once(void)
{
    rig_run(1, yield_serves_all);
}

/* A loop that only polls: the timer of another task must fire meanwhile. */
static int sleep_once(void *argument)
{
    weft_deadline until = weft_after(WEFT_MILLISECOND);
    int rc = weft_sleep(until);
    EXPECT(weft_clock() >= until.ns);
    *(bool *)argument = true;
    return rc;
}

static int poll_serves_timers(void *argument)
{
    bool slept = false;
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()));
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_spawn(scope, sleep_once, &slept, &here);
    while (!slept) /* the watchdog ends it when this is never true */
        EXPECT_EQ(weft_poll(), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_poll_in_a_busy_loop_serves_timers(void)
{
    rig_run(1, poll_serves_timers);
}

static int sleeps(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_sleep(WEFT_NEVER), -EINVAL);
    EXPECT_EQ(weft_sleep(WEFT_NOW), 0);
    EXPECT_EQ(weft_sleep((weft_deadline){ -7 }), 0);
    EXPECT_EQ(weft_sleep((weft_deadline){ 1 }), 0);
    for (int64_t ns = 1; ns < 3 * WEFT_MILLISECOND; ns *= 7) {
        weft_deadline until = weft_after(ns);
        EXPECT_EQ(weft_sleep(until), 0);
        EXPECT(weft_clock() >= until.ns); /* never early */
    }
    EXPECT_EQ(weft_after(INT64_MAX).ns, INT64_MAX);
    EXPECT(weft_after(-1).ns <= weft_clock());
    return 0;
}

static void test_sleep_is_never_early(void)
{
    rig_each(sleeps);
}

static void test_error_name_has_symbol_and_meaning(void)
{
    static const int fixed[] = { ECANCELED, ETIMEDOUT,  EPIPE, EAGAIN,  ESRCH,     EBADF,
                                 ESHUTDOWN, EOPNOTSUPP, EPERM, EDEADLK, EOWNERDEAD };

    CU_ASSERT_STRING_EQUAL(weft_error_name(-ETIMEDOUT), "ETIMEDOUT: the deadline passed");
    for (size_t i = 0; i < WEFT__COUNT(fixed); i++) {
        const char *name = weft_error_name(-fixed[i]);
        const char *symbol = strerrorname_np(fixed[i]);
        CU_ASSERT_PTR_EQUAL(weft_error_name(fixed[i]), name); /* the sign does not matter */
        CU_ASSERT_EQUAL(strncmp(name, symbol, strlen(symbol)), 0);
        CU_ASSERT_EQUAL(name[strlen(symbol)], ':');
    }
    CU_ASSERT_STRING_EQUAL(weft_error_name(-ENOSPC), "ENOSPC: No space left on device");
    CU_ASSERT_STRING_EQUAL(weft_error_name(123456), "unknown error");
    CU_ASSERT_STRING_EQUAL(weft_error_name(INT32_MIN), "unknown error");
}

static int count_up(void *argument)
{
    ++*(int *)argument;
    return 0;
}

/* No atomics: the close must order what the tasks did. */
static int close_orders(void *argument)
{
    static int counts[200];

    (void)argument;
    for (int round = 1; round <= 5; round++) {
        weft_scope scope = weft_scope_open(NULL);
        for (int i = 0; i < 200; i++)
            (void)weft_go(scope, count_up, &counts[i]);
        EXPECT_EQ(weft_scope_close(scope), 0);
        for (int i = 0; i < 200; i++)
            EXPECT_EQ(counts[i], round);
    }
    memset(counts, 0, sizeof(counts));
    return 0;
}

static void test_close_sees_what_the_tasks_did(void)
{
    rig_each(close_orders);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_fetch_gets_what_was_given_as_often_as_wanted),
        UNIT_TEST(test_names_are_copied_and_cut),
        UNIT_TEST(test_states_in_the_life_of_a_task),
        UNIT_TEST(test_error_objects_have_code_sentence_and_cause),
        UNIT_TEST(test_error_text_is_cut_and_misuse_is_told),
        UNIT_TEST(test_errno_is_the_tasks_own_across_waits),
        UNIT_TEST(test_yield_lets_every_other_task_run_once),
        UNIT_TEST(test_poll_in_a_busy_loop_serves_timers),
        UNIT_TEST(test_sleep_is_never_early),
        UNIT_TEST(test_error_name_has_symbol_and_meaning),
        UNIT_TEST(test_close_sees_what_the_tasks_did),
    };
    return unit_run(argc, argv, "task_life", tests, WEFT__COUNT(tests));
}

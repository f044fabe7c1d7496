/* The simulation itself: one seed is one trace, another seed another; time is virtual; a deadlock
 * and a failure say what to do. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/expect.h"
#include "tests/support/simulate.h"
#include "tests/support/unit.h"

/* ---- a program with tasks, channels, locks, timers, sleep, forks of threads, I/O ---- */

enum { producers = 4, messages = 20 };

static weft_chan chan;
static weft_mutex mutex = WEFT_MUTEX_INIT;
static int64_t sum;

static int produce(void *argument)
{
    int64_t first = (int64_t)(intptr_t)argument;

    for (int64_t i = 0; i < messages; i++) {
        int64_t message = first + i;
        int rc = weft_chan_put(chan, &message, WEFT_NEVER);
        if (rc == 0 && i % 4 == 0)
            rc = weft_sleep(weft_after(message * WEFT_MICROSECOND));
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int consume(void *unused)
{
    int64_t message;

    (void)unused;
    while (weft_chan_take(chan, &message, WEFT_NEVER) == 0) {
        int rc = weft_mutex_lock(&mutex, WEFT_NEVER);
        if (rc < 0)
            return rc;
        sum += message;
        weft_mutex_unlock(&mutex);
    }
    return 0;
}

static int through_pipe(void *unused)
{
    weft_fd ends[2];
    char byte = 'x';

    (void)unused;
    int rc = weft_pipe(ends);
    if (rc == 0)
        rc = (int)weft_write(ends[1], &byte, 1, WEFT_NEVER);
    if (rc == 1)
        rc = (int)weft_read(ends[0], &byte, 1, WEFT_NEVER);
    (void)weft_close(ends[0]);
    (void)weft_close(ends[1]);
    return rc == 1 && byte == 'x' ? 0 : -EIO;
}

static int64_t on_helper(void *argument)
{
    return 1 + *(const int *)argument;
}

static int work(void *unused)
{
    int number = 41;
    weft_scope outer = weft_scope_open(NULL);
    weft_scope inner = weft_scope_open(NULL);

    (void)unused;
    chan = weft_chan_create(sizeof(int64_t), 2);
    for (int i = 0; i < 2; i++)
        (void)weft_go(outer, consume, NULL);
    for (intptr_t i = 0; i < producers; i++)
        (void)weft_go(inner, produce, (void *)(i * 1000));
    (void)weft_go(inner, through_pipe, NULL);
    int64_t called = weft_blocking_call(on_helper, &number, NULL, WEFT_NEVER);
    int rc = weft_scope_close(inner);
    (void)weft_chan_close(chan, 0);
    int rc2 = weft_scope_close(outer);
    (void)weft_chan_release(chan);
    int64_t wanted = producers * (messages * (messages - 1) / 2) +
                     messages * 1000 * (producers * (producers - 1) / 2);
    return rc < 0 ? rc : rc2 < 0 ? rc2 : sum == wanted && called == 42 ? 0 : -EIO;
}

static void test_one_seed_is_one_trace_byte_for_byte(void)
{
    static const char *const seeds[] = { "1", "2", "3", "7", "20" };
    char first[] = "/tmp/weft-sim-XXXXXX", second[] = "/tmp/weft-sim-XXXXXX";
    char *before = NULL;

    CU_ASSERT_FATAL(mkstemp(first) >= 0 && mkstemp(second) >= 0);
    for (size_t i = 0; i < WEFT__COUNT(seeds); i++) {
        CU_ASSERT_EQUAL(simulate("work", seeds[i], first), 0);
        CU_ASSERT_EQUAL(simulate("work", seeds[i], second), 0);
        char *one = simulate_slurp(first), *two = simulate_slurp(second);
        CU_ASSERT_STRING_EQUAL(one, two);
        CU_ASSERT_PTR_NULL(strstr(one, "0x"));
        CU_ASSERT_TRUE(before == NULL || strcmp(before, one) != 0);
        free(two);
        free(before);
        before = one;
    }
    free(before);
    (void)unlink(first);
    (void)unlink(second);
}

/* ---- errors by chance ---- */

static int ask_often(void *unused)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;

    (void)unused;
    for (int i = 0; i < 60; i++) {
        int rc = weft_stat("/", &info, WEFT_NEVER);
        if (rc < 0)
            fprintf(stderr, "%s ", strerrorname_np(-rc));
    }
    return 0;
}

static void test_operations_fail_by_chance_when_asked_to(void)
{
    static char first[simulate_room];

    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, "");
    (void)setenv("WEFT_SIM", "errors=4", 1);
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "ENOMEM"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "EACCES"));
    memcpy(first, simulate_said, sizeof(first));
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, first);
    CU_ASSERT_EQUAL(simulate("ask", "4", NULL), 0);
    CU_ASSERT_STRING_NOT_EQUAL(simulate_said, first);
    (void)unsetenv("WEFT_SIM");
}

static void test_operations_fail_as_often_as_each_is_asked_to(void)
{
    (void)setenv("WEFT_SIM", "errors=statx:EIO:1/3,errors=recv:ECONNRESET:1/1", 1);
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "EIO EIO"));
    CU_ASSERT_PTR_NULL(strstr(simulate_said, "ECONNRESET"));
    (void)setenv("WEFT_SIM", "errors=1,errors=statx:EIO:1/2,errors=statx:ELOOP:1/2", 1);
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "EIO"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "ELOOP"));
    CU_ASSERT_PTR_NULL(strstr(simulate_said, "ENOMEM")); /* of the table, which it is not in */
    (void)unsetenv("WEFT_SIM");
}

static void test_wrong_words_are_named(void)
{
    static const struct {
        const char *words, *said;
    } rows[] = {
        { "errors=often", "\"errors=often\" needs a number" },
        { "cut=3,errors=stat:EIO:1/3", "\"errors=stat:EIO:1/3\" names no operation, such as recv" },
        { "errors=statx:EOFTEN:1/3", "\"errors=statx:EOFTEN:1/3\" names no error, such as" },
        { "errors=statx:EIO", "\"errors=statx:EIO\" needs a chance, such as 1/50" },
        { "errors=statx:EIO:3", "needs a chance" },
        { "errors=statx:EIO:1/0", "needs a chance" },
        { "errors=statx:EIO:1/3:2", "needs a chance" },
        { "errors=:", "names no operation" },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        (void)setenv("WEFT_SIM", rows[i].words, 1);
        CU_ASSERT_EQUAL(simulate("ask", "1", NULL), 3);
        CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, rows[i].said));
        CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "see weft-sim(7)"));
    }
    (void)unsetenv("WEFT_SIM");
}

/* ---- time ---- */

static int sleep_an_hour(void *unused)
{
    int64_t begun = weft_clock();

    (void)unused;
    for (int i = 0; i < 3600; i++)
        if (weft_sleep(weft_after(WEFT_SECOND)) != 0)
            return -EIO;
    int64_t slept = weft_clock() - begun;
    return slept >= 3600 * WEFT_SECOND && slept < 3700 * WEFT_SECOND ? 0 : -ERANGE;
}

static void test_an_hour_of_sleep_is_no_hour(void)
{
    CU_ASSERT_EQUAL(simulate("hour", "1", NULL), 0);
}

/* ---- what is simulate_said of a failure ---- */

static int wait_for_nobody(void *unused)
{
    int64_t message;
    weft_chan never = weft_chan_create(sizeof(message), 0);

    (void)unused;
    return weft_chan_take(never, &message, WEFT_NEVER);
}

static void test_a_deadlock_is_told_with_its_tasks_and_its_seed(void)
{
    CU_ASSERT_EQUAL(simulate("deadlock", "12345", NULL), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "weft: deadlock: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "waits for a message in a channel"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_ENGINE=sim WEFT_SEED=12345 "));
}

/* Two tasks that yield to let the other go first, for ever. */
static int let_others_go(void *unused)
{
    int rc = 0;

    (void)unused;
    while (rc == 0)
        rc = weft_yield();
    return rc;
}

static int be_polite(void *unused)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    EXPECT(weft_go(scope, let_others_go, NULL) > 0);
    EXPECT(weft_go(scope, let_others_go, NULL) > 0);
    return weft_scope_close(scope);
}

static void test_a_livelock_is_told_with_its_tasks_and_its_seed(void)
{
    (void)setenv("WEFT_SIM", "patience=1", 1);
    (void)setenv("WEFT_WORKERS", "2", 1);
    (void)setenv("WEFT_INTERACTIVE", "1", 1);
    CU_ASSERT_EQUAL(simulate("livelock", "7", NULL), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "weft: livelock: for 1 million points"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "waits for the tasks of a scope"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_ENGINE=sim WEFT_SEED=7 WEFT_SIM=patience=1 "
                                                 "WEFT_WORKERS=2 WEFT_INTERACTIVE=1 "));
    (void)unsetenv("WEFT_INTERACTIVE");
    (void)unsetenv("WEFT_WORKERS");
    (void)unsetenv("WEFT_SIM");
}

static int hold_lock(void *unused)
{
    (void)unused;
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    (void)weft_yield();
    return weft_mutex_unlock(&mutex);
}

/* Never lets its worker go: whoever has the lock is kept from giving it back. */
static int try_lock(void *unused)
{
    (void)unused;
    while (weft_mutex_try_lock(&mutex) != 0)
        continue;
    return weft_mutex_unlock(&mutex);
}

static int be_greedy(void *unused)
{
    weft_spawn_options holder = WEFT_SPAWN_OPTIONS(.name = "holder");
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    EXPECT(weft_spawn(scope, hold_lock, NULL, &holder) > 0);
    EXPECT(weft_go(scope, try_lock, NULL) > 0);
    return weft_scope_close(scope);
}

static void test_a_task_that_starves_is_named(void)
{
    (void)setenv("WEFT_SIM", "patience=1", 1);
    (void)setenv("WEFT_TOPOLOGY", "1x1", 1);
    CU_ASSERT_EQUAL(simulate("starvation", "7", NULL), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_SIM=patience=1 WEFT_TOPOLOGY=1x1 /"));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "weft: starvation: holder (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_ENGINE=sim WEFT_SEED=7 "));
    (void)unsetenv("WEFT_TOPOLOGY");
    (void)unsetenv("WEFT_SIM");
}

static int fail(void *unused)
{
    (void)unused;
    return -EIO;
}

static void test_a_failure_names_its_seed(void)
{
    CU_ASSERT_EQUAL(simulate("failure", "99", NULL), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(simulate_said, "WEFT_ENGINE=sim WEFT_SEED=99 "));
    CU_ASSERT_EQUAL(simulate("work", "99", NULL), 0);
    CU_ASSERT_STRING_EQUAL(simulate_said, "");
}

static void test_a_wrong_seed_is_refused(void)
{
    CU_ASSERT_EQUAL(simulate("work", "many", NULL), 3);
    CU_ASSERT_EQUAL(simulate("work", "99999999999999999999999", NULL), 3);
    CU_ASSERT_EQUAL(simulate("work", "18446744073709551615", NULL), 0);
}

static const struct simulate_role roles[] = {
    { "work", work },
    { "hour", sleep_an_hour },
    { "deadlock", wait_for_nobody },
    { "failure", fail },
    { "ask", ask_often },
    { "livelock", be_polite },
    { "starvation", be_greedy },
};

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_one_seed_is_one_trace_byte_for_byte),
        UNIT_TEST(test_an_hour_of_sleep_is_no_hour),
        UNIT_TEST(test_a_deadlock_is_told_with_its_tasks_and_its_seed),
        UNIT_TEST(test_a_livelock_is_told_with_its_tasks_and_its_seed),
        UNIT_TEST(test_a_task_that_starves_is_named),
        UNIT_TEST(test_a_failure_names_its_seed),
        UNIT_TEST(test_a_wrong_seed_is_refused),
        UNIT_TEST(test_operations_fail_by_chance_when_asked_to),
        UNIT_TEST(test_operations_fail_as_often_as_each_is_asked_to),
        UNIT_TEST(test_wrong_words_are_named),
    };

    simulate_as_told(argc, argv, roles, WEFT__COUNT(roles));
    if (WEFT__ASAN || WEFT__TSAN) {
        puts("a build with a sanitizer can't simulate");
        return unit_skip;
    }
    return unit_run(argc, argv, "sim", tests, WEFT__COUNT(tests));
}

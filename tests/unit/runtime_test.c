/* The runtime as an object: start, call, stop, two at once, what it says of itself, bad options. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/base/lock.h"
#include "runtime/sched/worker.h"
#include "uring/engine.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/heap.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* ThreadSanitizer keeps state for each thread that ever was; Address a quarantine. */
enum { cycles = WEFT__TSAN || WEFT__ASAN ? 100 : 1000, warm_cycles = 20, threads = 4, calls = 200 };
enum { heap_slack = 8 * 1024 }; /* over all cycles */

static weft_runtime start(uint32_t workers)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = workers);
    weft_runtime runtime = weft_start(&options, &error);

    if (runtime < 0)
        (void)fprintf(stderr, "no runtime: %s\n", error.text);
    CU_ASSERT_TRUE_FATAL(runtime > 0);
    return runtime;
}

static int sleep_long(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

/* A little of everything, so that a cycle makes records, stacks and descriptors. */
static int use_runtime(void *argument)
{
    weft_fd ends[2] = { 0, 0 };
    weft_chan chan = weft_chan_create(200, 4);
    weft_scope scope = weft_scope_open(NULL);
    weft_dir dir = weft_dir_open("/", WEFT_NEVER);
    weft_dir_entry entry;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "named", .result_bytes = 100,
                                                    .stack_bytes = 256 * 1024);
    char bytes[100] = "";

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT(weft_spawn(scope, sleep_long, NULL, &options) > 0);
    EXPECT(weft_go_copy(scope, sleep_long, bytes, sizeof(bytes)) > 0);
    EXPECT(weft_go(WEFT_DETACHED, sleep_long, NULL) > 0);
    EXPECT_EQ(weft_dir_next(dir, &entry, WEFT_NEVER), 1);
    EXPECT_EQ(weft_dir_close(dir), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void one_cycle(int i)
{
    weft_runtime runtime = start(1 + (uint32_t)i % 2);

    CU_ASSERT_EQUAL(weft_call(runtime, use_runtime, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
}

static void test_start_and_stop_many_times_leaks_nothing(void)
{
    for (int i = 0; i < warm_cycles; i++)
        one_cycle(i);
    uint64_t records = rig_records();
    uint32_t descriptors = rig_descriptors();
    uint32_t mappings = rig_mappings();
    int64_t heap = heap_bytes();
    for (int i = 0; i < cycles; i++)
        one_cycle(i);
    expect_assert();
    if (heap_bytes() > heap + heap_slack)
        (void)fprintf(stderr, "bytes: %" PRId64 ", then %" PRId64 "\n", heap, heap_bytes());
    CU_ASSERT_TRUE(heap_bytes() <= heap + heap_slack);
    CU_ASSERT_EQUAL(rig_records(), records);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    CU_ASSERT_TRUE(rig_is_alone());
    if (rig_mappings() > mappings + 20) /* the allocator's own come and go */
        (void)fprintf(stderr, "mappings: %u, then %u\n", mappings, rig_mappings());
    CU_ASSERT_TRUE(rig_mappings() <= mappings + 20);
}

static int call_other(void *argument)
{
    weft_runtime other = *(const weft_runtime *)argument;
    int value = 31;

    EXPECT(weft_runtime_self() != other);
    EXPECT_EQ(weft_call(other, return_value, &value), 31);
    EXPECT_EQ(weft_call(weft_runtime_self(), return_value, &value), -EDEADLK);
    EXPECT_EQ(weft_stop(weft_runtime_self(), WEFT_NOW), -EDEADLK);
    EXPECT_EQ(weft_worker_count(0), 2);
    EXPECT_EQ(weft_worker_count(other), 3);
    return 7;
}

/* Channels, scopes and waits reach over the border. */
struct border {
    weft_chan there;
    weft_chan back;
};

static int echo(void *argument)
{
    const struct border *border = argument;
    int value;
    int rc;

    while ((rc = weft_chan_take(border->there, &value, WEFT_NEVER)) == 0 &&
           (rc = weft_chan_put(border->back, &value, WEFT_NEVER)) == 0)
        ;
    return rc == -EPIPE ? 0 : rc;
}

static int talk(void *argument)
{
    const struct border *border = argument;

    for (int i = 0; i < calls; i++) {
        int got = -1;
        EXPECT_EQ(weft_chan_put(border->there, &i, WEFT_NEVER), 0);
        EXPECT_EQ(weft_chan_take(border->back, &got, WEFT_NEVER), 0);
        EXPECT_EQ(got, i);
    }
    return weft_chan_close(border->there, 0);
}

struct call {
    weft_runtime runtime;
    weft_task_fn fn;
    void *argument;
    int wanted;
};

static void *call_from_thread(void *argument)
{
    const struct call *call = argument;
    EXPECT_EQ(weft_call(call->runtime, call->fn, call->argument), call->wanted);
    return NULL;
}

static void test_two_runtimes_at_once(void)
{
    weft_runtime first = start(2);
    weft_runtime second = start(3);
    pthread_t thread;

    CU_ASSERT_NOT_EQUAL(first, second);
    CU_ASSERT_EQUAL(weft_call(first, call_other, &second), 7);
    for (int i = 0; i < 10; i++) {
        struct border border = { weft_chan_create(sizeof(int), 0),
                                 weft_chan_create(sizeof(int), 0) };
        struct call call = { second, echo, &border, 0 };
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_from_thread, &call), 0);
        CU_ASSERT_EQUAL(weft_call(first, talk, &border), 0);
        CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
        CU_ASSERT_EQUAL(weft_chan_release(border.there), 0);
        CU_ASSERT_EQUAL(weft_chan_release(border.back), 0);
    }
    CU_ASSERT_EQUAL(weft_stop(first, WEFT_NEVER), 0);
    CU_ASSERT_EQUAL(weft_call(second, return_value, &(int){ 5 }), 5);
    CU_ASSERT_EQUAL(weft_stop(second, WEFT_NEVER), 0);
    expect_assert();
}

/* The ring of this task's worker is not for others: a doorbell in it would ring when the task gives
 * way, which it does not while it stops the other runtime. */
static int stop_other(void *argument)
{
    const struct weft__engine *engine = weft__self_worker()->engine;
    uint64_t before = weft__load_relaxed(&engine->counters.doorbells_sent);

    EXPECT_EQ(weft_stop(*(const weft_runtime *)argument, weft_after(20 * WEFT_SECOND)), 0);
    EXPECT_EQ(weft__load_relaxed(&engine->counters.doorbells_sent), before);
    EXPECT_EQ(engine->staged, 0);
    return 0;
}

static void test_stop_from_a_task_of_another_runtime(void)
{
    weft_runtime first = start(1);

    for (int i = 0; i < 10; i++) {
        weft_runtime second = start(2);
        CU_ASSERT_EQUAL(weft_call(second, return_value, &(int){ 5 }), 5);
        CU_ASSERT_EQUAL(weft_call(first, stop_other, &second), 0);
    }
    CU_ASSERT_EQUAL(weft_stop(first, WEFT_NEVER), 0);
    expect_assert();
}

static _Atomic int sum;

static int add_one(void *argument)
{
    (void)argument;
    weft__add_relaxed(&sum, 1);
    return weft_worker_self();
}

static void *call_often(void *argument)
{
    weft_runtime runtime = *(const weft_runtime *)argument;

    for (int i = 0; i < calls; i++) {
        int worker = weft_call(runtime, add_one, NULL);
        EXPECT(worker >= 0 && worker < 2);
    }
    return NULL;
}

static void test_call_from_many_threads(void)
{
    pthread_t callers[threads];
    weft_runtime runtime = start(2);

    weft__store_relaxed(&sum, 0);
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&callers[i], NULL, call_often, &runtime), 0);
    for (int i = 0; i < threads; i++)
        CU_ASSERT_EQUAL(pthread_join(callers[i], NULL), 0);
    CU_ASSERT_EQUAL(weft__load_relaxed(&sum), threads * calls);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    expect_assert();
}

/* Asks and calls until the runtime is gone; whatever it is told, it must not touch freed memory. */
static void *ask_until_gone(void *argument)
{
    weft_runtime runtime = *(const weft_runtime *)argument;
    weft_counters counters = WEFT_COUNTERS_INIT;
    char about[64];
    int rc;

    do {
        rc = weft_worker_count(runtime);
        EXPECT(rc == 2 || rc == -ESRCH);
        rc = weft_runtime_about(runtime, about, sizeof(about));
        EXPECT(rc > 0 || rc == -ESRCH);
        rc = weft_counters_read(runtime, -1, &counters);
        EXPECT(rc == 0 || rc == -ESRCH);
        rc = weft_call(runtime, add_one, NULL);
        EXPECT(rc >= 0 || rc == -ESRCH || rc == -ESHUTDOWN);
    } while (rc != -ESRCH);
    return NULL;
}

static void test_stop_while_others_ask_and_call(void)
{
    pthread_t askers[threads];

    for (int round = 0; round < 20; round++) {
        weft_runtime runtime = start(2);
        for (int i = 0; i < threads; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&askers[i], NULL, ask_until_gone, &runtime), 0);
        CU_ASSERT_TRUE(weft_call(runtime, add_one, NULL) >= 0);
        CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
        for (int i = 0; i < threads; i++)
            CU_ASSERT_EQUAL(pthread_join(askers[i], NULL), 0);
    }
    expect_assert();
}

/* The last message of a runtime's last task comes from a thread outside: the thread may still be on
 * its way out of the put when the runtime is gone. */
static void *put_the_last(void *argument)
{
    weft_chan chan = *(const weft_chan *)argument;

    EXPECT_EQ(weft_chan_try_put(chan, &(int){ 4 }), 0);
    return NULL;
}

static int take_the_last(void *argument)
{
    int value = 0;
    int rc = weft_chan_take(*(const weft_chan *)argument, &value, WEFT_NEVER);
    return rc < 0 ? rc : value;
}

static void test_stop_right_after_a_message_from_outside(void)
{
    pthread_t thread;

    for (int round = 0; round < 100; round++) {
        weft_runtime runtime = start(1);
        weft_chan chan = weft_chan_create(sizeof(int), 1);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, put_the_last, &chan), 0);
        CU_ASSERT_EQUAL(weft_call(runtime, take_the_last, &chan), 4);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
        CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
        CU_ASSERT_EQUAL(weft_chan_release(chan), 0);
    }
    expect_assert();
}

/* What weft_call has waited for is not left behind, however short the time that stop has. */
static void test_stop_with_no_time_right_after_a_call(void)
{
    for (int round = 0; round < 200; round++) {
        weft_runtime runtime = start(1);
        CU_ASSERT_EQUAL(weft_call(runtime, add_one, NULL), 0);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NOW), 0);
    }
}

static weft_task canceled_task;

static int go_detached(void *argument)
{
    (void)argument;
    canceled_task = weft_go(WEFT_DETACHED, sleep_long, NULL);
    rig_await(canceled_task, WEFT_TASK_WAITING);
    return 0;
}

static void test_stop_cancels_what_is_left_and_ends_all_handles(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;
    char about[8] = "same";
    weft_runtime runtime = start(2);

    CU_ASSERT_EQUAL(weft_call(runtime, go_detached, NULL), 0);
    CU_ASSERT_EQUAL(weft_task_state_of(canceled_task), WEFT_TASK_WAITING);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft_task_state_of(canceled_task), -ESRCH);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), -ESRCH);
    CU_ASSERT_EQUAL(weft_call(runtime, return_value, &(int){ 0 }), -ESRCH);
    CU_ASSERT_EQUAL(weft_worker_count(runtime), -ESRCH);
    CU_ASSERT_EQUAL(weft_runtime_about(runtime, about, sizeof(about)), -ESRCH);
    CU_ASSERT_STRING_EQUAL(about, "same");
    CU_ASSERT_EQUAL(weft_counters_read(runtime, -1, &counters), -ESRCH);
    CU_ASSERT_EQUAL(weft_stop(0, WEFT_NEVER), -ESRCH);
    CU_ASSERT_EQUAL(weft_stop(-ENOEXEC, WEFT_NEVER), -ENOEXEC);
    CU_ASSERT_EQUAL(weft_call(canceled_task, return_value, &(int){ 0 }), -ESRCH);
}

static void test_about_says_what_runs_and_is_cut_like_snprintf(void)
{
    char whole[512];
    char part[10];
    weft_runtime runtime = start(2);

    int length = weft_runtime_about(runtime, whole, sizeof(whole));
    CU_ASSERT_EQUAL(length, (int)strlen(whole));
    CU_ASSERT_EQUAL(weft_runtime_about(runtime, part, sizeof(part)), length);
    CU_ASSERT_EQUAL(strncmp(part, whole, 9), 0);
    CU_ASSERT_EQUAL(part[9], '\0');
    CU_ASSERT_EQUAL(weft_runtime_about(runtime, NULL, 0), length);
    CU_ASSERT_PTR_NOT_NULL(strstr(whole, engines_use_ring() ? "engine kernel" : "engine compat"));
    CU_ASSERT_PTR_NOT_NULL(strstr(whole, "2 workers"));
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    CU_ASSERT_STRING_EQUAL(weft_version(), "0.1.0");
}

static void test_topology_good_and_bad(void)
{
    static const struct {
        const char *given;
        const char *environment;
        int workers; /* or the error */
    } rows[] = {
        { "2x2", NULL, 4 },       { NULL, "3x1", 3 },  { "nonsense", NULL, -EINVAL },
        { NULL, "2y2", -EINVAL }, { "2x2", "3x1", 3 }, { NULL, "", 0 /* as if it were not set */ },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        weft_error error = WEFT_ERROR_INIT;
        weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.topology = rows[i].given);
        if (rows[i].environment != NULL)
            (void)setenv("WEFT_TOPOLOGY", rows[i].environment, 1);
        weft_runtime runtime = weft_start(&options, &error);
        (void)unsetenv("WEFT_TOPOLOGY");
        if (rows[i].workers < 0) {
            CU_ASSERT_EQUAL(runtime, rows[i].workers);
            CU_ASSERT_EQUAL(error.code, rows[i].workers);
            const char *origin = rows[i].given != NULL ? "the topology option: "
                                                       : "WEFT_TOPOLOGY: ";
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, origin));
            continue;
        }
        CU_ASSERT_TRUE_FATAL(runtime > 0);
        if (rows[i].workers > 0)
            CU_ASSERT_EQUAL(weft_worker_count(runtime), rows[i].workers);
        CU_ASSERT_EQUAL(weft_call(runtime, use_runtime, NULL), 0);
        CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    }
    expect_assert();
}

/* All that ends in weft_start before anything exists leaves nothing. */
static void test_start_with_a_shadow_stack_says_how_to_turn_it_off(void)
{
    weft_error error = WEFT_ERROR_INIT;

    weft__fault_arm(WEFT__FAULT_SHADOW_STACK, 1, 1); /* 1: the thread has one */
    CU_ASSERT_EQUAL(weft_start(NULL, &error), -EOPNOTSUPP);
    CU_ASSERT_EQUAL(weft__fault_calls(WEFT__FAULT_SHADOW_STACK), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "shadow stack"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "GLIBC_TUNABLES=glibc.cpu."));
    weft__fault_arm(WEFT__FAULT_SHADOW_STACK, 0, 0);
    CU_ASSERT_EQUAL(weft_stop(start(1), WEFT_NEVER), 0);
}

static void test_start_that_fails_leaks_nothing(void)
{
    uint64_t records = rig_records();
    uint32_t descriptors = rig_descriptors();
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2000);

    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(weft_start(&options, i % 2 == 0 ? &error : NULL), -EINVAL);
    CU_ASSERT_EQUAL(error.code, -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "workers"));
    CU_ASSERT_EQUAL(rig_records(), records);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_start_and_stop_many_times_leaks_nothing),
        UNIT_TEST(test_two_runtimes_at_once),
        UNIT_TEST(test_stop_from_a_task_of_another_runtime),
        UNIT_TEST(test_call_from_many_threads),
        UNIT_TEST(test_stop_while_others_ask_and_call),
        UNIT_TEST(test_stop_right_after_a_message_from_outside),
        UNIT_TEST(test_stop_with_no_time_right_after_a_call),
        UNIT_TEST(test_stop_cancels_what_is_left_and_ends_all_handles),
        UNIT_TEST(test_about_says_what_runs_and_is_cut_like_snprintf),
        UNIT_TEST(test_topology_good_and_bad),
        UNIT_TEST(test_start_with_a_shadow_stack_says_how_to_turn_it_off),
        UNIT_TEST(test_start_that_fails_leaks_nothing),
    };

    return unit_run(argc, argv, "runtime", tests, WEFT__COUNT(tests));
}

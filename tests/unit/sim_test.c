/* The simulation itself: one seed is one trace, another seed another; time is virtual; a deadlock
 * and a failure say what to do. Each runs in a process of its own. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { room = 1 << 14 };

static char said[room];

/* Runs this program as @what with @seed. Its exit status; negative: a signal has ended it. */
static int simulate(const char *what, const char *seed, const char *trace)
{
    (void)setenv("WEFT_ENGINE", "sim", 1);
    (void)setenv("WEFT_SEED", seed, 1);
    if (trace != NULL)
        (void)setenv("WEFT_TRACE", trace, 1);
    else
        (void)unsetenv("WEFT_TRACE");
    int status = rig_respawn(what, said, sizeof(said));
    (void)unsetenv("WEFT_ENGINE");
    (void)unsetenv("WEFT_SEED");
    (void)unsetenv("WEFT_TRACE");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

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

static int run_runtime(weft_task_fn body)
{
    weft_runtime runtime = weft_start(NULL, NULL);

    if (runtime < 0)
        return 3;
    int rc = weft_call(runtime, body, NULL);
    return weft_stop(runtime, WEFT_NEVER) == 0 && rc == 0 ? 0 : 1;
}

/* Reads a file; its bytes, ended by 0. */
static char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 22);

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t count = fread(text, 1, (1 << 22) - 1, file);
    CU_ASSERT_TRUE(count > 0);
    (void)fclose(file);
    return text;
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
        char *one = slurp(first), *two = slurp(second);
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

/* ---- the network ---- */

enum { clients = 4, echo_bytes = 100000, block_bytes = 500 };

static weft_fd listener;
static weft_address place;
static _Atomic int failures;

/* Sends back what comes, until the client has ended its half. */
static int echo(weft_fd connection, void *unused)
{
    char block[block_bytes];
    ssize_t count;

    (void)unused;
    while ((count = weft_recv(connection, block, sizeof(block), WEFT_NEVER)) > 0)
        if (weft_send_all(connection, block, (size_t)count, NULL, WEFT_NEVER) < 0)
            return -EIO;
    return (int)count;
}

static int serve(void *unused)
{
    (void)unused;
    return weft_serve(listener, echo, NULL, NULL, WEFT_NEVER);
}

static char byte_at(size_t at)
{
    return (char)(at * 31 / 7);
}

struct upload {
    weft_fd fd;
};

static int upload(void *argument)
{
    const struct upload *self = argument;
    char block[block_bytes];

    for (size_t done = 0; done < echo_bytes; done += block_bytes) {
        for (size_t i = 0; i < block_bytes; i++)
            block[i] = byte_at(done + i);
        int rc = weft_send_all(self->fd, block, block_bytes, NULL, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return weft_shutdown(self->fd, SHUT_WR);
}

/* Uploads and downloads at the same time: the buffers between hold less than all. */
static int ask(void *unused)
{
    char block[block_bytes];
    size_t seen = 0;
    ssize_t count;
    struct upload up = { .fd = weft_connect(&place, WEFT_NEVER) };
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    if (up.fd < 0)
        return (int)up.fd;
    (void)weft_go(scope, upload, &up);
    while ((count = weft_recv(up.fd, block, sizeof(block), WEFT_NEVER)) > 0)
        for (ssize_t i = 0; i < count; i++, seen++)
            failures += block[i] != byte_at(seen);
    int rc = weft_scope_close(scope);
    (void)weft_close(up.fd);
    return count < 0 ? (int)count : rc < 0 ? rc : seen == echo_bytes ? 0 : -EIO;
}

static int talk(const char *address)
{
    weft_address wanted = { 0 };
    weft_scope scope = weft_scope_open(NULL);

    int rc = weft_address_parse(address, &wanted);
    listener = rc == 0 ? weft_listen(&wanted, NULL) : rc;
    if (listener < 0)
        return (int)listener;
    (void)!weft_socket_local(listener, &place);
    weft_task server = weft_go(scope, serve, NULL);
    weft_scope asking = weft_scope_open(NULL);
    for (int i = 0; i < clients; i++)
        (void)weft_go(asking, ask, NULL);
    rc = weft_scope_close(asking);
    (void)weft_cancel(server);
    int rc2 = weft_scope_close(scope);
    (void)weft_close(listener);
    return rc < 0 ? rc : rc2 < 0 && rc2 != -ECANCELED ? rc2 : failures;
}

static int talk_all(void *unused)
{
    char path[64];

    (void)unused;
    (void)snprintf(path, sizeof(path), "unix:/tmp/weft-sim-%010d",
                   (int)getpid()); /* as long for all: lengths are in the trace */
    int rc = talk("127.0.0.1:0");
    if (rc == 0)
        rc = talk("[::1]:0");
    if (rc == 0)
        rc = talk(path);
    (void)unlink(path + sizeof("unix:") - 1);
    return rc;
}

/* Connected ends; the listener is gone. */
static int make_pair(weft_fd ends[2])
{
    weft_address wanted = { 0 };

    int rc = weft_address_parse("127.0.0.1:0", &wanted);
    weft_fd door = weft_listen(&wanted, NULL);
    (void)!weft_socket_local(door, &place);
    ends[0] = weft_connect(&place, WEFT_NEVER);
    ends[1] = weft_accept(door, NULL, WEFT_NEVER);
    (void)weft_close(door);
    return rc < 0 || ends[0] < 0 || ends[1] < 0 ? -EIO : 0;
}

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            return -EIO; \
        } \
    } while (0)

static int meet_errors(void *unused)
{
    weft_fd ends[2];
    char byte = 'x';
    weft_address taken = { 0 }, name = { 0 };

    (void)unused;
    MUST(make_pair(ends) == 0);
    MUST(weft_connect(&place, WEFT_NEVER) == -ECONNREFUSED); /* the listener is closed */
    MUST(weft_recv(ends[0], &byte, 1, weft_after(WEFT_SECOND)) == -ETIMEDOUT);
    MUST(weft_send(ends[1], &byte, 1, WEFT_NEVER) == 1);
    MUST(weft_shutdown(ends[1], SHUT_WR) == 0);
    MUST(weft_send(ends[1], &byte, 1, WEFT_NEVER) == -EPIPE);
    MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == 1);
    MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == 0);
    MUST(weft_send(ends[0], &byte, 1, WEFT_NEVER) == 1); /* the other half goes on */
    MUST(weft_recv(ends[1], &byte, 1, WEFT_NEVER) == 1);
    MUST(weft_send(ends[0], &byte, 1, WEFT_NEVER) == 1);
    MUST(weft_sleep(weft_after(WEFT_SECOND)) == 0);
    MUST(weft_close(ends[1]) == 0); /* with a byte unread: that is a reset */
    MUST(weft_recv(ends[0], &byte, 1, WEFT_NEVER) == -ECONNRESET);
    MUST(weft_close(ends[0]) == 0);
    MUST(weft_address_parse("127.0.0.1:0", &taken) == 0);
    weft_fd first = weft_listen(&taken, NULL);
    MUST(weft_socket_local(first, &name) == 0);
    MUST(weft_listen(&name, NULL) == -EADDRINUSE);
    MUST(weft_accept(first, NULL, weft_after(WEFT_SECOND)) == -ETIMEDOUT);
    return weft_close(first);
}

static void test_a_network_of_its_own(void)
{
    char seed[16], trace[] = "/tmp/weft-sim-XXXXXX", second[] = "/tmp/weft-sim-XXXXXX";

    CU_ASSERT_FATAL(mkstemp(trace) >= 0 && mkstemp(second) >= 0);
    for (int i = 1; i <= 8; i++) {
        (void)snprintf(seed, sizeof(seed), "%d", i);
        CU_ASSERT_EQUAL(simulate("errors", seed, NULL), 0);
        CU_ASSERT_EQUAL(simulate("talk", seed, trace), 0);
        if (said[0] != '\0')
            fprintf(stderr, "%s\n", said);
        CU_ASSERT_EQUAL(simulate("talk", seed, second), 0);
        char *one = slurp(trace), *two = slurp(second);
        CU_ASSERT_STRING_EQUAL(one, two);
        free(one);
        free(two);
    }
    (void)unlink(trace);
    (void)unlink(second);
}

static void test_connections_are_cut_by_chance(void)
{
    (void)setenv("WEFT_SIM", "cut=1", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 1);
    (void)setenv("WEFT_SIM", "cut=x", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 3);
    (void)setenv("WEFT_SIM", "short=2,net=sim", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 0);
    (void)setenv("WEFT_SIM", "net=real", 1);
    CU_ASSERT_EQUAL(simulate("talk", "1", NULL), 0);
    (void)unsetenv("WEFT_SIM");
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
    static char first[room];

    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_STRING_EQUAL(said, "");
    (void)setenv("WEFT_SIM", "errors=4", 1);
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "ENOMEM"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "EACCES"));
    memcpy(first, said, sizeof(first));
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 0);
    CU_ASSERT_STRING_EQUAL(said, first);
    CU_ASSERT_EQUAL(simulate("ask", "4", NULL), 0);
    CU_ASSERT_STRING_NOT_EQUAL(said, first);
    (void)setenv("WEFT_SIM", "errors=often", 1);
    CU_ASSERT_EQUAL(simulate("ask", "3", NULL), 3);
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

/* ---- what is said of a failure ---- */

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
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "weft: deadlock: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "waits for a message in a channel"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "WEFT_ENGINE=sim WEFT_SEED=12345 "));
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
    CU_ASSERT_EQUAL(simulate("livelock", "7", NULL), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "weft: livelock: for 1 million points"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "waits for the tasks of a scope"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "WEFT_ENGINE=sim WEFT_SEED=7 "));
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
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "weft: starvation: holder (spawned at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "WEFT_ENGINE=sim WEFT_SEED=7 "));
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
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "WEFT_ENGINE=sim WEFT_SEED=99 "));
    CU_ASSERT_EQUAL(simulate("work", "99", NULL), 0);
    CU_ASSERT_STRING_EQUAL(said, "");
}

static void test_a_wrong_seed_is_refused(void)
{
    CU_ASSERT_EQUAL(simulate("work", "many", NULL), 3);
    CU_ASSERT_EQUAL(simulate("work", "99999999999999999999999", NULL), 3);
    CU_ASSERT_EQUAL(simulate("work", "18446744073709551615", NULL), 0);
}

static const struct {
    const char *name;
    weft_task_fn body;
} roles[] = {
    { "work", work },     { "hour", sleep_an_hour }, { "deadlock", wait_for_nobody },
    { "failure", fail },  { "talk", talk_all },      { "errors", meet_errors },
    { "ask", ask_often }, { "livelock", be_polite }, { "starvation", be_greedy },
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
        UNIT_TEST(test_a_network_of_its_own),
        UNIT_TEST(test_connections_are_cut_by_chance),
        UNIT_TEST(test_operations_fail_by_chance_when_asked_to),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        for (size_t i = 0; i < WEFT__COUNT(roles); i++)
            if (strcmp(argv[2], roles[i].name) == 0)
                return run_runtime(roles[i].body);
    if (WEFT__ASAN || WEFT__TSAN) {
        puts("a build with a sanitizer can't simulate");
        return unit_skip;
    }
    return unit_run(argc, argv, "sim", tests, WEFT__COUNT(tests));
}

/*
 * Fails the first, second, third ... allocation or system call inside of one exported call, until
 * the call meets no failure any more: it says so with the error that its manual names, and nothing
 * is left behind; the next time it works. And each exported call is in this table, in the job of
 * runtime_fault.c, or stands below with the reason why nothing in it can fail in that way.
 *
 * Chunks of records are made when all before are in use, and never go: so the calls that make a
 * record are made when there is none of its kind, or more often than a chunk has records.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "runtime/task/record.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = WEFT__RECORD_CHUNK + 200, few = 20, large = 200, calls_most = 100 };

/* What the calls are given, and what they make. */
static struct {
    weft_scope scope;
    weft_task tasks[few];
    weft_chan chan; /* unbounded */
    weft_local key;
    int64_t made[many];
    int made_count;
    weft_fd ends[2];
} world;

static _Alignas(16) char bytes[large * few];

static int64_t keep(int64_t handle)
{
    if (handle > 0)
        world.made[world.made_count++] = handle;
    return handle;
}

/* Makes something until a chunk more was needed. */
static int64_t make_often(int64_t (*make)(void))
{
    int64_t rc = 0;

    while (rc >= 0 && world.made_count < many)
        rc = keep(make());
    return rc;
}

static int64_t make_local(void)
{
    return weft_local_create(NULL);
}

static int64_t make_timer(void)
{
    return weft_timer_create(WEFT_NEVER, 0);
}

static int64_t adopt_a_copy(void)
{
    int number = dup(STDERR_FILENO);
    int64_t rc = keep(weft_fd_adopt(number));

    if (rc < 0)
        (void)close(number);
    return rc;
}

/* A file whose nature is not known yet. */
static weft_fd adopt_a_file(void)
{
    int number = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    weft_fd fd = keep(weft_fd_adopt(number));

    if (fd < 0)
        (void)close(number);
    return fd;
}

/* Its name is removed again. */
static int64_t make_temporary(void)
{
    char path[large];
    weft_fd fd = keep(weft_temporary_create(NULL, "", path, sizeof(path), WEFT_NEVER));

    if (fd > 0)
        EXPECT_EQ(weft_unlink(path, WEFT_NEVER), 0);
    return fd;
}

static int64_t load_maps(void)
{
    weft_content content = WEFT_CONTENT_INIT;
    int rc = weft_file_load("/proc/self/maps", SIZE_MAX, &content, WEFT_NEVER);

    weft_content_release(&content);
    return rc;
}

static int64_t replace_temporary(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/tmp/weft-calls-fault-%d", (int)getpid());
    int rc = weft_file_replace(path, "x", 1, 0600, WEFT_NEVER);
    (void)unlink(path);
    return rc;
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static int64_t block(void *argument)
{
    (void)argument;
    return 0;
}

static int64_t give_capacity(void)
{
    int64_t rc = weft_pipe(world.ends);
    return rc < 0 ? rc : weft_pipe_capacity(world.ends[1], large);
}

static int produce_nothing(weft_chan chan, void *argument)
{
    (void)chan;
    (void)argument;
    return 0;
}

/* All of them count in the record, but for the last. */
static int64_t nest_deep(void)
{
    int begun = 0;
    int64_t rc = 0;

    while (begun < 2 * few && (rc = weft_shield_begin()) == 0)
        begun++;
    while (begun-- > 0)
        (void)weft_shield_end();
    return rc;
}

/* Puts until the buffer has to grow. */
static int64_t put_often(bool try)
{
    int64_t rc = 0;

    for (int i = 0; i < few && rc == 0; i++)
        rc = try ? weft_chan_try_put(world.chan, bytes)
                 : weft_chan_put(world.chan, bytes, WEFT_NEVER);
    return rc;
}

/* Some may be in before it has to grow. */
static int64_t put_at_once(void)
{
    ssize_t count = weft_chan_put_many(world.chan, bytes, few, WEFT_NEVER);
    return count == few ? 0 : count < 0 ? count : -ENOMEM;
}

/* To nowhere, for standard output and standard error are the test's. */
static int64_t print_long(int stream)
{
    int before = dup(stream);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)dup2(nowhere, stream);
    int64_t rc = stream == STDOUT_FILENO ? weft_printf("%*s", 4 * large, "")
                                         : weft_eprintf("%*s", 4 * large, "");
    (void)dup2(before, stream);
    (void)close(before);
    (void)close(nowhere);
    return rc;
}

static int64_t dump_to_nowhere(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int64_t rc = weft_dump(nowhere);

    (void)close(nowhere);
    return rc;
}

static int64_t each_of_none(void)
{
    weft_chan chan = weft_chan_create(8, 1);

    (void)weft_chan_close(chan, 0);
    int rc = weft_for_each(chan, each_well, NULL, NULL);
    (void)weft_chan_release(chan);
    return rc;
}

#define SPAWN_ROOM WEFT_SPAWN_OPTIONS(.result_bytes = large, .name = "it")

/* Name of the call, what fails in it, with what, the call. */
#define CALLS(X)                                                                                \
    X(weft_chan_create, ALLOC, -ENOMEM, return keep(weft_chan_create(large, few)))              \
    X(weft_chan_put, ALLOC, -ENOMEM, return put_often(false))                                   \
    X(weft_chan_try_put, ALLOC, -ENOMEM, return put_often(true))                                \
    X(weft_chan_put_many, ALLOC, -ENOMEM, return put_at_once())                                 \
    X(weft_chan_bind, ALLOC, -ENOMEM, return weft_chan_bind(world.chan, world.tasks[0]))        \
    X(weft_chan_produce, ALLOC, -ENOMEM,                                                        \
      return keep(weft_chan_produce(world.scope, produce_nothing, NULL, large, few, NULL)))     \
    X(weft_future_create, ALLOC, -ENOMEM, return keep(weft_future_create(large)))               \
    X(weft_local_create, MMAP, -ENOMEM, return make_often(make_local))                          \
    X(weft_local_set, ALLOC, -ENOMEM, return weft_local_set(world.key, bytes))                  \
    X(weft_defer, ALLOC, -ENOMEM, return weft_defer(do_nothing, NULL))                          \
    X(weft_defer_copy, ALLOC, -ENOMEM, return weft_defer_copy(do_nothing, bytes, large))        \
    X(weft_go_copy, ALLOC, -ENOMEM, return weft_go_copy(world.scope, end_well, bytes, large))   \
    X(weft_spawn, ALLOC, -ENOMEM, return weft_spawn(world.scope, end_well, NULL, &SPAWN_ROOM))  \
    X(weft_result_give, ALLOC, -ENOMEM, return weft_result_give("", 0))                         \
    X(weft_random_self, ALLOC, -ENOMEM, return weft_random_self() != NULL ? 0 : -ENOMEM)        \
    X(weft_shield_begin, ALLOC, -ENOMEM, return nest_deep())                                    \
    X(weft_pin, ALLOC, -ENOMEM, return weft_pin())                                              \
    X(weft_for, ALLOC, -ENOMEM, return weft_for(0, few, loop_well, NULL, NULL))                 \
    X(weft_reduce, ALLOC, -ENOMEM,                                                              \
      return weft_reduce(0, few, reduce_well, NULL, bytes, 8, weft_add_integer, NULL))          \
    X(weft_run_on_all, ALLOC, -ENOMEM, return weft_run_on_all(run_well, NULL))                  \
    X(weft_scan, ALLOC, -ENOMEM,                                                                \
      return weft_scan(0, few, scan_well, NULL, bytes, 8, weft_add_integer, NULL))              \
    X(weft_for_tiles, ALLOC, -ENOMEM,                                                              \
      return weft_for_tiles((weft_range){ 0, few }, (weft_range){ 0, few }, 1, 1, tile_well, NULL, \
                         NULL))                                                                 \
    X(weft_for_each, ALLOC, -ENOMEM, return each_of_none())                                     \
    X(weft_sort, ALLOC, -ENOMEM, return weft_sort(bytes, 2, 1, none_before, NULL))              \
    X(weft_fork_run, ALLOC, -ENOMEM, return weft_fork_run(fork_well, NULL))               \
    X(weft_wait_all, ALLOC, -ENOMEM,                                                            \
      return weft_wait_all(world.tasks, few, WEFT_ALL_ENDED, NULL, WEFT_NEVER))                 \
    X(weft_wait_any, ALLOC, -ENOMEM, return weft_wait_any(world.tasks, few, WEFT_NEVER))        \
    X(weft_timer_create, MMAP, -ENOMEM, return make_often(make_timer))                          \
    X(weft_notifier_create, EVENTFD, -EMFILE, return keep(weft_notifier_create()))              \
    X(weft_fd_adopt, MMAP, -ENOMEM, return adopt_a_copy()) /* the first file */                 \
    X(weft_eventfd, EVENTFD, -EMFILE, return keep(weft_eventfd(0, 0)))                          \
    X(weft_pipe_capacity, FCNTL, -EPERM, return give_capacity())                                \
    X(weft_pipe, PIPE, -EMFILE, return weft_pipe(world.ends))                                   \
    X(weft_pread, STAT, -EIO, return weft_pread(adopt_a_file(), bytes, few, 0, WEFT_NEVER))     \
    X(weft_read_exactly, FCNTL, -EIO,                                                           \
      return weft_read_exactly(adopt_a_file(), bytes, few, NULL, WEFT_NEVER))                   \
    X(weft_seek, STAT, -EIO, return weft_seek(adopt_a_file(), few, SEEK_SET, WEFT_NEVER))       \
    X(weft_temporary_create, ALLOC, -ENOMEM, return make_temporary())                           \
    X(weft_file_load, ALLOC, -ENOMEM, return load_maps())                                       \
    X(weft_file_replace, ALLOC, -ENOMEM, return replace_temporary())                            \
    X(weft_blocking_call, THREAD, -EAGAIN,                                                      \
      return weft_blocking_call(block, NULL, NULL, WEFT_NEVER))                                 \
    X(weft_printf, ALLOC, -ENOMEM, return print_long(STDOUT_FILENO))                            \
    X(weft_eprintf, ALLOC, -ENOMEM, return print_long(STDERR_FILENO))                           \
    X(weft_dump, MMAP, -ENOMEM, return dump_to_nowhere())                                       \
    X(weft_dump_on, SIGNAL, -EINVAL, return weft_dump_on(SIGUSR2))

#define FUNCTION(name, point, error, body)       \
    static int64_t call_##name(void)             \
    {                                            \
        body;                                    \
    }
CALLS(FUNCTION)
#undef FUNCTION

static const struct row {
    const char *name;
    int64_t (*call)(void);
    enum weft__fault_point point;
    int error;
} rows[] = {
#define ROW(name, point, error, body) { #name, call_##name, WEFT__FAULT_##point, error },
    CALLS(ROW)
#undef ROW
};

static const struct row *row; /* of the present run */
static uint32_t nth;
static bool met;

static void make_world(void)
{
    memset(&world, 0, sizeof(world));
    world.scope = weft_scope_open(&run_all);
    world.chan = weft_chan_create(large, WEFT_UNBOUNDED);
    world.key = weft_local_create(NULL);
    for (int i = 0; i < few; i++)
        world.tasks[i] = weft_go(world.scope, end_well, NULL);
    EXPECT(world.scope > 0 && world.chan > 0 && world.key > 0 && world.tasks[few - 1] > 0);
}

/* A handle knows its kind, so each release but one says no. */
static void release(int64_t handle)
{
    (void)weft_chan_release(handle);
    (void)weft_future_release(handle);
    (void)weft_timer_release(handle);
    (void)weft_notifier_release(handle);
    (void)weft_local_release(handle);
    (void)weft_close(handle);
}

static void end_world(int64_t rc)
{
    for (int i = world.made_count - 1; i >= 0; i--)
        release(world.made[i]);
    for (int i = 0; i < 2; i++)
        if (world.ends[i] > 0)
            EXPECT_EQ(weft_close(world.ends[i]), 0);
    int closed = weft_scope_close(world.scope);
    EXPECT(closed == 0 || (rc < 0 && closed == rc)); /* a failed spawn is a failure of the scope */
    EXPECT_EQ(weft_chan_release(world.chan), 0);
    EXPECT_EQ(weft_local_release(world.key), 0);
}

static int run_row(void *argument)
{
    (void)argument;
    make_world();
    for (int i = 0; i < few; i++)
        EXPECT_EQ(weft_wait(world.tasks[i], WEFT_NEVER), 0);
    weft__fault_arm(row->point, nth, row->error);
    int64_t rc = row->call();
    met = weft__fault_calls(row->point) >= nth;
    weft__fault_arm(row->point, 0, 0);
    if (!EXPECT(met ? rc == row->error : rc >= 0))
        (void)fprintf(stderr, "%s, failure %u%s: %lld\n", row->name, nth, met ? "" : " not met",
                      (long long)rc);
    end_world(rc);
    return 0;
}

static void test_each_call_says_that_memory_or_a_system_call_failed(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t descriptors = rig_descriptors();
        row = &rows[i];
        nth = 0;
        met = true;
        while (met && ++nth < calls_most)
            rig_run(1, run_row);
        if (nth < 2 || nth == calls_most)
            (void)fprintf(stderr, "%s: %u failures met\n", row->name, nth - 1);
        CU_ASSERT_TRUE(nth > 1 && nth < calls_most);
        CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    }
}

/* ---- all others ---- */

/* Nothing in them fails for want of memory or by a system call that may. */
static const struct {
    const char *reason;
    const char *names; /* each between spaces */
} exempt[] = {
    { "only memory of the caller, and its own",
      " weft_add_double weft_add_integer weft_after weft_clock weft_random_next weft_random_seed "
      "weft_random_split weft_version weft_policy_named "
      "weft_error_name weft_delays_init weft_delays_next"
      " weft_barrier_init weft_barrier_fini weft_condition_init weft_condition_fini"
      " weft_event_init weft_event_fini weft_latch_init weft_latch_fini weft_mutex_init"
      " weft_mutex_fini weft_once_init weft_once_fini weft_rwlock_init weft_rwlock_fini"
      " weft_semaphore_init weft_semaphore_fini weft_spinlock_init weft_spinlock_fini " },
    { "looks at what is there",
      " weft_canceled weft_chan_closed weft_chan_count weft_chan_full weft_chan_ready"
      " weft_counters_read weft_event_is_set weft_fd_number weft_future_is_set weft_local_get"
      " weft_mutex_is_locked weft_runtime_about weft_runtime_self weft_scope_error"
      " weft_scope_failures weft_self weft_task_error_of weft_task_name_of weft_task_state_of"
      " weft_worker_count weft_worker_self weft_interactive_count " },
    { "a lock or a wait in storage that is there: no allocation, ever",
      " weft_barrier_wait weft_chan_fetch weft_chan_next weft_chan_take weft_chan_take_many"
      " weft_chan_try_take weft_chan_wait weft_condition_broadcast weft_condition_signal"
      " weft_condition_wait weft_event_reset weft_event_set weft_event_wait weft_fetch"
      " weft_future_fail weft_future_fetch weft_future_set weft_latch_count weft_latch_wait"
      " weft_mutex_lock weft_mutex_try_lock weft_mutex_unlock weft_notifier_wait weft_once_run"
      " weft_park weft_poll weft_retry weft_rwlock_lock_read weft_rwlock_lock_write"
      " weft_rwlock_try_lock_read weft_rwlock_try_lock_write weft_rwlock_unlock weft_select"
      " weft_semaphore_acquire weft_semaphore_release weft_semaphore_try_acquire"
      " weft_seqlock_load weft_seqlock_store weft_shield_end weft_sleep weft_spinlock_lock "
      "weft_spinlock_try_lock weft_spinlock_unlock "
      "weft_timer_set weft_timer_wait weft_try_select weft_unpark"
      " weft_unpin weft_wait weft_wait_until weft_yield weft_yield_to " },
    { "ends something: never fails for such a reason",
      " weft_cancel weft_task_start weft_chan_close weft_chan_release weft_future_release "
      "weft_local_release"
      " weft_notifier_release weft_release weft_scope_cancel weft_scope_close weft_scope_join"
      " weft_timer_release " },
    { "its code matters more than its sentence", " weft_fail " },
    { "without memory its child runs at once: fork_join_test.c",
      " weft_fork weft_fork_abandoned weft_fork_join " },
    { "writes to an eventfd that is never full for long", " weft_notifier_send " },
    { "a weft_go, and no more", " weft_timer_go " },
    { "weft_start and weft_call in one", " weft_main " },
    { "an operation of the ring, whose failures are the kernel's answers: engine_fault.c",
      " weft_accept weft_fallocate weft_fd_poll weft_fdatasync weft_file_load_rest"
      " weft_file_save weft_fsync weft_ftruncate weft_link weft_mkdir weft_open_at"
      " weft_pread_exactly weft_pread_vector weft_pwrite weft_pwrite_all"
      " weft_pwrite_vector weft_pwrite_vector_all weft_read_vector weft_recv"
      " weft_recv_exactly weft_recv_vector weft_rename weft_rmdir weft_send"
      " weft_send_all weft_send_vector weft_send_vector_all weft_stat weft_stat_at"
      " weft_symlink weft_temporary_open weft_unlink weft_write_all weft_write_vector"
      " weft_write_vector_all " },
    { "socket(2) and its relatives, whose failures are the kernel's answers: socket_test.c",
      " weft_connect weft_listen weft_serve weft_shutdown weft_socket_get weft_socket_local"
      " weft_socket_peer weft_socket_set " },
    { "works on the caller's storage alone", " weft_address_parse weft_address_text " },
    { "gives memory back", " weft_content_release " },
};

WEFT__NOINLINE static bool is_exempt(const char *name)
{
    char word[80];

    (void)snprintf(word, sizeof(word), " %s ", name);
    for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
        if (strstr(exempt[i].names, word) != NULL)
            return true;
    return false;
}

static bool is_row(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

WEFT__NOINLINE static FILE *open_source(const char *file)
{
    char path[512];
    const char *source = getenv("WEFT_SOURCE");
    int above = (int)(sizeof(__FILE__) - sizeof("tests/fault/calls_fault.c"));

    if (source != NULL)
        (void)snprintf(path, sizeof(path), "%s/%s", source, file);
    else /* run by hand, where it was built */
        (void)snprintf(path, sizeof(path), "%.*s%s", above, __FILE__, file);
    return fopen(path, "re");
}

/* The other program runs its calls as one job, with each point failing in turn. */
WEFT__NOINLINE static bool is_in_the_job(const char *name)
{
    char line[256];
    char call[80];
    bool found = false;
    FILE *job = open_source("tests/fault/runtime_fault.c");

    (void)snprintf(call, sizeof(call), "%s(", name);
    while (job != NULL && !found && fgets(line, sizeof(line), job) != NULL)
        found = strstr(line, call) != NULL;
    if (job != NULL)
        (void)fclose(job);
    return found;
}

static void test_every_exported_call_is_failed_or_exempt(void)
{
    char line[128];
    char name[64];
    size_t found = 0;
    FILE *map = open_source("runtime/weft.map");

    CU_ASSERT_PTR_NOT_NULL_FATAL(map);
    while (fgets(line, sizeof(line), map) != NULL) {
        if (sscanf(line, " %63[a-z_];", name) != 1 || strncmp(name, "weft_", 5) != 0)
            continue;
        bool ok = is_row(name) ? !is_exempt(name) : is_exempt(name) || is_in_the_job(name);
        if (!ok)
            (void)fprintf(stderr, "%s is neither failed nor exempt, or both\n", name);
        CU_ASSERT_TRUE(ok);
        found++;
    }
    (void)fclose(map);
    CU_ASSERT_TRUE(found > sizeof(rows) / sizeof(rows[0]));
}

/* A record, once in a process. In a thread that ends: whoever has a generator hands it on, and then
 * nothing in a spawn is the first of its kind any more. */
static void *make_key_of_generators(void *argument)
{
    (void)weft_random_self();
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    static const struct unit_test tests[] = {
        UNIT_TEST(test_each_call_says_that_memory_or_a_system_call_failed),
        UNIT_TEST(test_every_exported_call_is_failed_or_exempt),
    };

    if (pthread_create(&thread, NULL, make_key_of_generators, NULL) != 0 ||
        pthread_join(thread, NULL) != 0)
        return unit_broken;
    return unit_run(argc, argv, "calls_fault", tests, sizeof(tests) / sizeof(tests[0]));
}

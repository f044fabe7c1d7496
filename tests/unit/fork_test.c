/* The child of fork(2): every call says that the runtime was left behind; the parent goes on. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/lock.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { forks = 20, hammers = 2, pipe_bytes = 4096, text_bytes = 3 * pipe_bytes };

/* Handles that were made before the fork. */
static struct {
    weft_runtime runtime;
    weft_scope scope;
    weft_task task;
    weft_chan chan;
    weft_timer timer;
    weft_future future;
    weft_fd file;
    weft_dir folder;
    weft_local local;
    weft_notifier notifier;
    weft_delays delays;
} made;

static weft_error error = WEFT_ERROR_INIT;
static weft_counters counters = WEFT_COUNTERS_INIT;
static weft_file_info info = WEFT_FILE_INFO_INIT;
static weft_content content = WEFT_CONTENT_INIT;
static weft_dir_entry entry;
static weft_barrier barrier = WEFT_BARRIER_INIT(1);
static weft_seqlock seqlock = WEFT_SEQLOCK_INIT;
static weft_spinlock spinlock = WEFT_SPINLOCK_INIT;
static weft_condition condition = WEFT_CONDITION_INIT;
static weft_event event = WEFT_EVENT_INIT;
static weft_latch latch = WEFT_LATCH_INIT(1);
static weft_mutex mutex = WEFT_MUTEX_INIT;
static weft_once once = WEFT_ONCE_INIT;
static weft_rwlock rwlock = WEFT_RWLOCK_INIT;
static weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(1, 1);
static _Alignas(16) char bytes[WEFT_NAME];

static char spelt[WEFT_ADDRESS_TEXT];
static weft_address address;
static const weft_range one = { 0, 1 };
static const struct iovec part = { bytes, 1 };

static int serve_nobody(weft_fd connection, void *context)
{
    (void)connection;
    (void)context;
    return 0;
}

static int64_t not_called(void *argument)
{
    (void)argument;
    return 0;
}

static int no_producer(weft_chan chan, void *argument)
{
    (void)chan;
    (void)argument;
    return 0;
}

static int holds_never(void *context)
{
    (void)context;
    return 0;
}

/* One function a call, in one line each. Every exported call is here, or exempt. */
#define CALL(name, expression)                                                                     \
    static int64_t call_##name(void)                                                               \
    {                                                                                              \
        return (int64_t)(expression);                                                              \
    }

#define CALLS(X)                                                                                   \
    X(blocking_call, weft_blocking_call(not_called, NULL, NULL, WEFT_NEVER))                       \
    X(start, weft_start(NULL, &error))                                                             \
    X(call, weft_call(made.runtime, end_well, NULL))                                               \
    X(stop, weft_stop(made.runtime, WEFT_NOW))                                                     \
    X(runtime_self, weft_runtime_self())                                                           \
    X(worker_count, weft_worker_count(made.runtime))                                               \
    X(worker_count_own, weft_worker_count(0))                                                      \
    X(interactive_count, weft_interactive_count(made.runtime))                                     \
    X(worker_self, weft_worker_self())                                                             \
    X(about, weft_runtime_about(made.runtime, bytes, sizeof(bytes)))                               \
    X(counters_read, weft_counters_read(made.runtime, -1, &counters))                              \
    X(go, weft_go(made.scope, end_well, NULL))                                                     \
    X(go_detached, weft_go(WEFT_DETACHED, end_well, NULL))                                         \
    X(go_copy, weft_go_copy(made.scope, end_well, "", 1))                                          \
    X(spawn, weft_spawn(made.scope, end_well, NULL, NULL))                                         \
    X(wait, weft_wait(made.task, WEFT_NOW))                                                        \
    X(wait_all, weft_wait_all(&made.task, 1, WEFT_ALL_ENDED, NULL, WEFT_NOW))                      \
    X(fetch, weft_fetch(made.task, NULL, 0, WEFT_NOW))                                             \
    X(result_give, weft_result_give("", 0))                                                        \
    X(release, weft_release(made.task))                                                            \
    X(cancel, weft_cancel(made.task))                                                              \
    X(self, weft_self())                                                                           \
    X(yield, weft_yield())                                                                         \
    X(yield_to, weft_yield_to(made.task))                                                          \
    X(poll, weft_poll())                                                                           \
    X(local_create, weft_local_create(NULL))                                                       \
    X(local_set, weft_local_set(made.local, bytes))                                                \
    X(local_release, weft_local_release(made.local))                                               \
    X(delays_init, weft_delays_init(&made.delays, NULL))                                           \
    X(delays_next, weft_delays_next(&made.delays))                                                 \
    X(retry, weft_retry(end_well, NULL, NULL, WEFT_NOW))                                           \
    X(wait_until, weft_wait_until(holds_never, NULL, WEFT_MILLISECOND, WEFT_NOW))                  \
    X(for_all, weft_for(0, 1, loop_well, NULL, NULL))                                              \
    X(reduce, weft_reduce(0, 1, reduce_well, NULL, bytes, 8, weft_add_integer, NULL))              \
    X(run_on_all, weft_run_on_all(run_well, NULL))                                                 \
    X(scan, weft_scan(0, 1, scan_well, NULL, bytes, 8, weft_add_integer, NULL))                    \
    X(for_tiles, weft_for_tiles(one, one, 0, 0, tile_well, NULL, NULL))                            \
    X(for_each, weft_for_each(made.chan, each_well, NULL, NULL))                                   \
    X(sort, weft_sort(bytes, 2, 1, none_before, NULL))                                             \
    X(fork_run, weft_fork_run(fork_well, NULL))                                                    \
    X(map_run,                                                                                     \
      weft_map_run(&WEFT_MAP(.count = 1), NULL, WEFT_NOW))                                         \
    X(shield_begin, weft_shield_begin())                                                           \
    X(shield_end, weft_shield_end())                                                               \
    X(defer, weft_defer(free, NULL))                                                               \
    X(defer_copy, weft_defer_copy(free, NULL, 0))                                                  \
    X(sleep, weft_sleep(WEFT_NOW))                                                                 \
    X(task_start, weft_task_start(made.task))                                                      \
    X(task_state_of, weft_task_state_of(made.task))                                                \
    X(task_name_of, weft_task_name_of(made.task, bytes))                                           \
    X(task_error_of, weft_task_error_of(made.task, &error))                                        \
    X(scope_open, weft_scope_open(NULL))                                                           \
    X(scope_join, weft_scope_join(made.scope, WEFT_NOW))                                           \
    X(scope_close, weft_scope_close(made.scope))                                                   \
    X(scope_cancel, weft_scope_cancel(made.scope))                                                 \
    X(scope_cancel_root, weft_scope_cancel(WEFT_DETACHED))                                         \
    X(scope_error, weft_scope_error(made.scope, 0, &error))                                        \
    X(scope_failures, weft_scope_failures(made.scope))                                             \
    X(chan_create, weft_chan_create(8, 1))                                                         \
    X(chan_put, weft_chan_put(made.chan, bytes, WEFT_NOW))                                         \
    X(chan_take, weft_chan_take(made.chan, bytes, WEFT_NOW))                                       \
    X(chan_try_put, weft_chan_try_put(made.chan, bytes))                                           \
    X(chan_try_take, weft_chan_try_take(made.chan, bytes))                                         \
    X(chan_next, weft_chan_next(made.chan, bytes, WEFT_NOW))                                       \
    X(chan_fetch, weft_chan_fetch(made.chan, bytes, WEFT_NOW))                                     \
    X(chan_wait, weft_chan_wait(made.chan, WEFT_NOW))                                              \
    X(chan_put_many, weft_chan_put_many(made.chan, bytes, 1, WEFT_NOW))                            \
    X(chan_take_many, weft_chan_take_many(made.chan, bytes, 1, 1, WEFT_NOW))                       \
    X(chan_full, weft_chan_full(made.chan))                                                        \
    X(chan_ready, weft_chan_ready(made.chan))                                                      \
    X(chan_count, weft_chan_count(made.chan))                                                      \
    X(chan_closed, weft_chan_closed(made.chan))                                                    \
    X(chan_close, weft_chan_close(made.chan, 0))                                                   \
    X(chan_bind, weft_chan_bind(made.chan, made.task))                                             \
    X(chan_produce, weft_chan_produce(made.scope, no_producer, NULL, 8, 1, NULL))                  \
    X(chan_release, weft_chan_release(made.chan))                                                  \
    X(select, weft_select(NULL, 0, WEFT_NOW))                                                      \
    X(try_select, weft_try_select(NULL, 0))                                                        \
    X(wait_any, weft_wait_any(&made.task, 1, WEFT_NOW))                                            \
    X(park, weft_park(WEFT_NOW))                                                                   \
    X(unpark, weft_unpark(made.task))                                                              \
    X(pin, weft_pin())                                                                             \
    X(unpin, weft_unpin())                                                                         \
    X(timer_create, weft_timer_create(WEFT_NOW, 0))                                                \
    X(timer_wait, weft_timer_wait(made.timer, WEFT_NOW))                                           \
    X(timer_set, weft_timer_set(made.timer, WEFT_NOW, 0))                                          \
    X(timer_go, weft_timer_go(made.scope, WEFT_NOW, 0, end_well, NULL))                            \
    X(timer_release, weft_timer_release(made.timer))                                               \
    X(mutex_lock, weft_mutex_lock(&mutex, WEFT_NEVER))                                             \
    X(mutex_try_lock, weft_mutex_try_lock(&mutex))                                                 \
    X(mutex_unlock, weft_mutex_unlock(&mutex))                                                     \
    X(mutex_is_locked, weft_mutex_is_locked(&mutex))                                               \
    X(barrier_init, weft_barrier_init(&barrier, 1))                                                \
    X(barrier_wait, weft_barrier_wait(&barrier, WEFT_NEVER))                                       \
    X(condition_wait, weft_condition_wait(&condition, &mutex, WEFT_NEVER))                         \
    X(condition_signal, weft_condition_signal(&condition))                                         \
    X(condition_broadcast, weft_condition_broadcast(&condition))                                   \
    X(event_wait, weft_event_wait(&event, WEFT_NEVER))                                             \
    X(event_set, weft_event_set(&event))                                                           \
    X(event_reset, weft_event_reset(&event))                                                       \
    X(event_is_set, weft_event_is_set(&event))                                                     \
    X(future_create, weft_future_create(4))                                                        \
    X(future_set, weft_future_set(made.future, bytes))                                             \
    X(future_fail, weft_future_fail(made.future, -EIO))                                            \
    X(future_fetch, weft_future_fetch(made.future, bytes, WEFT_NEVER))                             \
    X(future_is_set, weft_future_is_set(made.future))                                              \
    X(future_release, weft_future_release(made.future))                                            \
    X(latch_count, weft_latch_count(&latch))                                                       \
    X(latch_wait, weft_latch_wait(&latch, WEFT_NEVER))                                             \
    X(once_run, weft_once_run(&once, end_well, NULL, WEFT_NEVER))                                  \
    X(rwlock_lock_read, weft_rwlock_lock_read(&rwlock, WEFT_NEVER))                                \
    X(rwlock_lock_write, weft_rwlock_lock_write(&rwlock, WEFT_NEVER))                              \
    X(rwlock_try_lock_read, weft_rwlock_try_lock_read(&rwlock))                                    \
    X(rwlock_try_lock_write, weft_rwlock_try_lock_write(&rwlock))                                  \
    X(rwlock_unlock, weft_rwlock_unlock(&rwlock))                                                  \
    X(seqlock_store, weft_seqlock_store(&seqlock, bytes, bytes + 8, 8))                            \
    X(seqlock_load, weft_seqlock_load(&seqlock, bytes, bytes + 8, 8))                              \
    X(spinlock_lock, weft_spinlock_lock(&spinlock))                                                \
    X(spinlock_try_lock, weft_spinlock_try_lock(&spinlock))                                        \
    X(spinlock_unlock, weft_spinlock_unlock(&spinlock))                                            \
    X(semaphore_init, weft_semaphore_init(&semaphore, 1, 1))                                       \
    X(semaphore_acquire, weft_semaphore_acquire(&semaphore, WEFT_NEVER))                           \
    X(semaphore_try_acquire, weft_semaphore_try_acquire(&semaphore))                               \
    X(semaphore_release, weft_semaphore_release(&semaphore))                                       \
    X(open, weft_open("/", O_RDONLY, 0, WEFT_NEVER))                                               \
    X(read, weft_read(made.file, bytes, 1, WEFT_NEVER))                                            \
    X(pread, weft_pread(made.file, bytes, 1, 0, WEFT_NEVER))                                       \
    X(write, weft_write(made.file, bytes, 1, WEFT_NEVER))                                          \
    X(pwrite, weft_pwrite(made.file, bytes, 1, 0, WEFT_NEVER))                                     \
    X(read_exactly, weft_read_exactly(made.file, bytes, 1, NULL, WEFT_NEVER))                      \
    X(pread_exactly, weft_pread_exactly(made.file, bytes, 1, 0, NULL, WEFT_NEVER))                 \
    X(write_all, weft_write_all(made.file, bytes, 1, NULL, WEFT_NEVER))                            \
    X(pwrite_all, weft_pwrite_all(made.file, bytes, 1, 0, NULL, WEFT_NEVER))                       \
    X(read_vector, weft_read_vector(made.file, &part, 1, WEFT_NEVER))                              \
    X(pread_vector, weft_pread_vector(made.file, &part, 1, 0, WEFT_NEVER))                         \
    X(write_vector, weft_write_vector(made.file, &part, 1, WEFT_NEVER))                            \
    X(pwrite_vector, weft_pwrite_vector(made.file, &part, 1, 0, WEFT_NEVER))                       \
    X(write_vector_all, weft_write_vector_all(made.file, &part, 1, NULL, WEFT_NEVER))              \
    X(pwrite_vector_all, weft_pwrite_vector_all(made.file, &part, 1, 0, NULL, WEFT_NEVER))         \
    X(seek, weft_seek(made.file, 0, SEEK_SET, WEFT_NEVER))                                         \
    X(open_at, weft_open_at(made.file, "x", O_RDONLY, 0, WEFT_NEVER))                              \
    X(stat_at, weft_stat_at(made.file, "x", 0, &info, WEFT_NEVER))                                 \
    X(temporary_open, weft_temporary_open(NULL, WEFT_NEVER))                                       \
    X(temporary_create, weft_temporary_create(NULL, "", bytes, sizeof(bytes), WEFT_NEVER))         \
    X(file_load, weft_file_load("/", 1, &content, WEFT_NEVER))                                     \
    X(file_load_rest, weft_file_load_rest(made.file, 1, &content, WEFT_NEVER))                     \
    X(file_save, weft_file_save("/", "", 0, 0, WEFT_NEVER))                                        \
    X(file_replace, weft_file_replace("/", "", 0, 0, WEFT_NEVER))                                  \
    X(stat, weft_stat("/", &info, WEFT_NEVER))                                                     \
    X(stat_of, weft_stat_of(made.file, &info, WEFT_NEVER))                                         \
    X(fsync, weft_fsync(made.file, WEFT_NEVER))                                                    \
    X(fdatasync, weft_fdatasync(made.file, WEFT_NEVER))                                            \
    X(ftruncate, weft_ftruncate(made.file, 0, WEFT_NEVER))                                         \
    X(fallocate, weft_fallocate(made.file, 0, 0, 1, WEFT_NEVER))                                   \
    X(rename, weft_rename("/", "/", 0, WEFT_NEVER))                                                \
    X(unlink, weft_unlink("/", WEFT_NEVER))                                                        \
    X(rmdir, weft_rmdir("/", WEFT_NEVER))                                                          \
    X(mkdir, weft_mkdir("/", 0, WEFT_NEVER))                                                       \
    X(link, weft_link("/", "/", WEFT_NEVER))                                                       \
    X(symlink, weft_symlink("/", "/", WEFT_NEVER))                                                 \
    X(fd_adopt, weft_fd_adopt(STDIN_FILENO))                                                       \
    X(pipe, weft_pipe((weft_fd[2]){ 0 }))                                                          \
    X(pipe_capacity, weft_pipe_capacity(made.file, 0))                                             \
    X(eventfd, weft_eventfd(0, 0))                                                                 \
    X(fd_number, weft_fd_number(made.file))                                                        \
    X(close, weft_close(made.file))                                                                \
    X(address_parse, weft_address_parse("127.0.0.1:1", &address))                                  \
    X(address_text, weft_address_text(&address, spelt))                                            \
    X(listen, weft_listen(&address, NULL))                                                         \
    X(accept, weft_accept(made.file, &address, WEFT_NEVER))                                        \
    X(connect, weft_connect(&address, WEFT_NEVER))                                                 \
    X(recv, weft_recv(made.file, bytes, 1, WEFT_NEVER))                                            \
    X(recv_exactly, weft_recv_exactly(made.file, bytes, 1, NULL, WEFT_NEVER))                      \
    X(recv_vector, weft_recv_vector(made.file, &part, 1, WEFT_NEVER))                              \
    X(send, weft_send(made.file, bytes, 1, WEFT_NEVER))                                            \
    X(send_all, weft_send_all(made.file, bytes, 1, NULL, WEFT_NEVER))                              \
    X(send_vector, weft_send_vector(made.file, &part, 1, WEFT_NEVER))                              \
    X(send_vector_all, weft_send_vector_all(made.file, &part, 1, NULL, WEFT_NEVER))                \
    X(shutdown, weft_shutdown(made.file, SHUT_RDWR))                                               \
    X(socket_set, weft_socket_set(made.file, WEFT_SOCKET_NODELAY, 1))                              \
    X(socket_get, weft_socket_get(made.file, WEFT_SOCKET_NODELAY))                                 \
    X(socket_local, weft_socket_local(made.file, &address))                                        \
    X(socket_peer, weft_socket_peer(made.file, &address))                                          \
    X(serve, weft_serve(made.file, serve_nobody, NULL, NULL, WEFT_NEVER))                          \
    X(fd_poll, weft_fd_poll(made.file, POLLIN, WEFT_NEVER))                                        \
    X(dir_open, weft_dir_open("/", WEFT_NEVER))                                                    \
    X(dir_next, weft_dir_next(made.folder, &entry, WEFT_NEVER))                                    \
    X(dir_close, weft_dir_close(made.folder))                                                      \
    X(notifier_create, weft_notifier_create())                                                     \
    X(notifier_send, weft_notifier_send(made.notifier))                                            \
    X(notifier_wait, weft_notifier_wait(made.notifier, WEFT_NOW))                                  \
    X(notifier_release, weft_notifier_release(made.notifier))                                      \
    X(printf, weft_printf("from the child\n"))                                                     \
    X(eprintf, weft_eprintf("from the child\n"))                                                   \
    X(dump, weft_dump(STDERR_FILENO))                                                              \
    X(dump_on, weft_dump_on(SIGQUIT))

CALLS(CALL)

static const struct {
    const char *text;
    int64_t (*call)(void);
} calls[] = {
#define ROW(name, expression) { #expression, call_##name },
    CALLS(ROW)
#undef ROW
};

/* As <weft/base.h> lists them. */
static const char *const exempt[] = {
    "weft_add_double",     "weft_add_integer",    "weft_after",
    "weft_barrier_fini",   "weft_canceled",       "weft_clock",
    "weft_condition_fini", "weft_condition_init", "weft_content_release",
    "weft_error_name",     "weft_event_fini",     "weft_event_init",
    "weft_fail",           "weft_fork",           "weft_fork_abandoned",
    "weft_fork_join",      "weft_latch_fini",     "weft_latch_init",
    "weft_local_get",      "weft_main",           "weft_mutex_fini",
    "weft_mutex_init",     "weft_once_fini",      "weft_once_init",
    "weft_policy_named",   "weft_random_next",    "weft_random_seed",
    "weft_random_self",    "weft_random_split",   "weft_rwlock_fini",
    "weft_rwlock_init",    "weft_semaphore_fini", "weft_spinlock_fini",
    "weft_spinlock_init",  "weft_version"
};

static bool is_called(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < WEFT__COUNT(calls); i++)
        if (strncmp(calls[i].text, name, length) == 0 && calls[i].text[length] == '(')
            return true;
    return false;
}

static bool is_exempt(const char *name)
{
    for (size_t i = 0; i < WEFT__COUNT(exempt); i++)
        if (strcmp(exempt[i], name) == 0)
            return true;
    return false;
}

static FILE *open_map(void)
{
    char path[512];
    const char *source = getenv("WEFT_SOURCE");
    int above = (int)(sizeof(__FILE__) - sizeof("tests/unit/fork_test.c"));

    if (source != NULL)
        (void)snprintf(path, sizeof(path), "%s/runtime/weft.map", source);
    else /* run by hand, where it was built */
        (void)snprintf(path, sizeof(path), "%.*sruntime/weft.map", above, __FILE__);
    return fopen(path, "re");
}

static void test_every_exported_call_is_tried_in_the_child(void)
{
    char line[128];
    char name[64];
    size_t found = 0;
    FILE *map = open_map();

    CU_ASSERT_PTR_NOT_NULL_FATAL(map);
    while (fgets(line, sizeof(line), map) != NULL) {
        if (sscanf(line, " %63[a-z_];", name) != 1 || strncmp(name, "weft_", 5) != 0)
            continue;
        bool ok = is_called(name) != is_exempt(name);
        if (!ok)
            (void)fprintf(stderr, "%s is neither tried nor exempt, or both\n", name);
        CU_ASSERT_TRUE(ok);
        found++;
    }
    (void)fclose(map);
    CU_ASSERT_TRUE(found > WEFT__COUNT(exempt));
}

/* In the child: how many calls say something else. */
static int be_the_child(void *argument)
{
    int wrong = 0;

    (void)argument;
    (void)alarm(20); /* one that waits for what the parent has would wait for ever */
    if (weft_local_get(made.local) != NULL || weft_random_self() != NULL)
        wrong++;
    for (size_t i = 0; i < WEFT__COUNT(calls); i++) {
        int64_t got = calls[i].call();
        if (got == -EOWNERDEAD)
            continue;
        (void)fprintf(stderr, "%s: %lld\n", calls[i].text, (long long)got);
        wrong++;
    }
    return wrong;
}

static void fork_and_look(void)
{
    static char said[4096];
    int status = rig_fork(be_the_child, NULL, said, sizeof(said));

    if (!EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        (void)fprintf(stderr, "%s", said);
}

/* ---- what other threads hold at the fork ---- */

static _Atomic bool over;

/* Holds the lock of a kind of record most of the time. */
static void *hammer_records(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&over))
        EXPECT_EQ(weft_chan_release(weft_chan_create(8, 0)), 0);
    return NULL;
}

/* Holds the gate of standard output until the other end of the pipe is read. */
static void *print_into_full_pipe(void *argument)
{
    static char text[text_bytes + 1];

    (void)argument;
    memset(text, 'x', text_bytes);
    EXPECT_EQ(weft_printf("%s", text), text_bytes);
    return NULL;
}

/* Standard output is a pipe until end_gate; returns when it is full. */
static int hold_gate(pthread_t *out_thread, int *out_before)
{
    int ends[2];
    int filled = 0;

    (void)fflush(NULL);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
    *out_before = dup(STDOUT_FILENO);
    (void)dup2(ends[1], STDOUT_FILENO);
    (void)close(ends[1]);
    CU_ASSERT_EQUAL_FATAL(pthread_create(out_thread, NULL, print_into_full_pipe, NULL), 0);
    while (ioctl(ends[0], FIONREAD, &filled) == 0 && filled < pipe_bytes)
        weft__lock_backoff(UINT32_MAX);
    return ends[0];
}

static void end_gate(pthread_t thread, int before, int reader)
{
    static char text[text_bytes];
    size_t got = 0;
    ssize_t count;

    while (got < text_bytes && (count = read(reader, text, sizeof(text))) > 0)
        got += (size_t)count;
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    (void)dup2(before, STDOUT_FILENO);
    (void)close(before);
    (void)close(reader);
}

static void test_a_lock_that_was_held_at_the_fork_does_not_hang_the_child(void)
{
    pthread_t threads[hammers];
    pthread_t printer;
    int before = -1;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 1);

    made.runtime = weft_start(&options, NULL);
    CU_ASSERT_TRUE_FATAL(made.runtime > 0);
    weft__store_relaxed(&over, false);
    for (int i = 0; i < hammers; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, hammer_records, NULL), 0);
    int reader = hold_gate(&printer, &before);
    for (int i = 0; i < forks; i++)
        fork_and_look();
    end_gate(printer, before, reader);
    weft__store_relaxed(&over, true);
    for (int i = 0; i < hammers; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(made.runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

/* ---- the whole list, with handles of all kinds ---- */

static int take_and_end(void *argument)
{
    int got = 0;
    (void)argument;
    return weft_chan_take(made.chan, &got, WEFT_NEVER) == 0 ? got : -1;
}

/* Owns what the others use; the child is made while the body waits, then from within it. */
static int own_all(void *argument)
{
    weft_chan come = *(weft_chan *)argument;
    weft_fd ends[2] = { 0, 0 };
    int step = 0;

    made.scope = weft_scope_open(NULL);
    made.chan = weft_chan_create(sizeof(int), 0);
    made.timer = weft_timer_create(WEFT_NEVER, 0);
    made.future = weft_future_create(sizeof(int));
    made.task = weft_go(made.scope, take_and_end, NULL);
    EXPECT_EQ(weft_pipe(ends), 0);
    made.file = ends[0];
    made.folder = weft_dir_open("/", WEFT_NEVER);
    made.local = weft_local_create(NULL);
    EXPECT_EQ(weft_local_set(made.local, &step), 0);
    made.notifier = weft_notifier_create();
    EXPECT_EQ(weft_chan_put(come, &step, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(come, &step, WEFT_NEVER), 0);
    fork_and_look();
    EXPECT_EQ(weft_chan_put(made.chan, &(int){ 6 }, WEFT_NEVER), 0); /* the parent goes on */
    EXPECT_EQ(weft_wait(made.task, WEFT_NEVER), 6);
    EXPECT_EQ(weft_scope_close(made.scope), 0);
    EXPECT_EQ(weft_timer_release(made.timer), 0);
    EXPECT_EQ(weft_chan_release(made.chan), 0);
    EXPECT_EQ(weft_future_release(made.future), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    EXPECT_EQ(weft_dir_close(made.folder), 0);
    EXPECT_EQ(weft_local_release(made.local), 0);
    EXPECT_EQ(weft_notifier_release(made.notifier), 0);
    return 3;
}

static int go_own_all(void *argument)
{
    return weft_go_copy(WEFT_DETACHED, own_all, argument, sizeof(weft_chan)) > 0 ? 0 : -ENOMEM;
}

static void test_every_call_in_the_child_of_a_fork_says_so(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2);
    int step = -1;
    weft_chan come = weft_chan_create(sizeof(int), 0);

    made.runtime = weft_start(&options, NULL);
    CU_ASSERT_TRUE_FATAL(made.runtime > 0);
    CU_ASSERT_EQUAL(weft_call(made.runtime, go_own_all, &come), 0);
    while (weft_chan_try_take(come, &step) == -EAGAIN)
        weft__lock_backoff(UINT32_MAX);
    fork_and_look(); /* from a thread outside */
    while (weft_chan_try_put(come, &step) == -EAGAIN)
        weft__lock_backoff(UINT32_MAX);
    while (weft_task_state_of(made.task) != -ESRCH)
        weft__lock_backoff(UINT32_MAX);
    CU_ASSERT_EQUAL(weft_call(made.runtime, end_well, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(made.runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft_chan_release(come), 0);
    expect_assert();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_every_exported_call_is_tried_in_the_child),
        UNIT_TEST(test_a_lock_that_was_held_at_the_fork_does_not_hang_the_child),
        UNIT_TEST(test_every_call_in_the_child_of_a_fork_says_so),
    };

    return unit_run(argc, argv, "fork", tests, WEFT__COUNT(tests));
}

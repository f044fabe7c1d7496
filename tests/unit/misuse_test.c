/* What only a wrong program does: the process ends with a sentence that names the call, its
 * argument, the task, what it does and where it was spawned. */
#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static weft_runtime runtime;
static weft_scope scope;
static weft_chan chan;
static weft_future future;
static weft_condition condition = WEFT_CONDITION_INIT;
static weft_mutex mutex = WEFT_MUTEX_INIT;
static weft_once once = WEFT_ONCE_INIT;
static weft_fd file;
static weft_dir folder;
static weft_address address;
static char spelt[WEFT_ADDRESS_TEXT];
static weft_content content = WEFT_CONTENT_INIT;
static weft_file_info info = WEFT_FILE_INFO_INIT;
static void *volatile nothing; /* so that no compiler sees what is handed over */

static weft_task_fn no_function(void)
{
    return (weft_task_fn)(uintptr_t)nothing;
}

static weft_blocking_fn no_blocking_function(void)
{
    return (weft_blocking_fn)(uintptr_t)nothing;
}

static weft_cleanup_fn no_cleanup(void)
{
    return (weft_cleanup_fn)(uintptr_t)nothing;
}

static weft_for_fn no_loop(void)
{
    return (weft_for_fn)(uintptr_t)nothing;
}

static weft_reduce_fn no_reduction(void)
{
    return (weft_reduce_fn)(uintptr_t)nothing;
}

static weft_before_fn no_order(void)
{
    return (weft_before_fn)(uintptr_t)nothing;
}

static weft_scan_fn no_scan(void)
{
    return (weft_scan_fn)(uintptr_t)nothing;
}

static weft_each_fn no_each(void)
{
    return (weft_each_fn)(uintptr_t)nothing;
}

static weft_tile_fn no_tile(void)
{
    return (weft_tile_fn)(uintptr_t)nothing;
}

static weft_worker_fn no_worker(void)
{
    return (weft_worker_fn)(uintptr_t)nothing;
}

static weft_fork_fn no_forked_function(void)
{
    return (weft_fork_fn)(uintptr_t)nothing;
}

static weft_producer_fn no_producer(void)
{
    return (weft_producer_fn)(uintptr_t)nothing;
}

static weft_predicate_fn no_predicate(void)
{
    return (weft_predicate_fn)(uintptr_t)nothing;
}

static weft_serve_fn no_server(void)
{
    return (weft_serve_fn)(uintptr_t)nothing;
}

/* One function a call: name, what is called, the argument that is NULL, the call. */
#define MISUSES(X)                                                                               \
    X(go, "weft_go", "fn", weft_go(scope, no_function(), NULL))                                  \
    X(go_copy, "weft_go_copy", "fn", weft_go_copy(scope, no_function(), "", 1))                  \
    X(go_copy_bytes, "weft_go_copy", "bytes", weft_go_copy(scope, end_well, nothing, 9))         \
    X(spawn, "weft_spawn", "fn", weft_spawn(scope, no_function(), NULL, NULL))                   \
    X(spawn_copy, "weft_spawn", "argument",                                                      \
      weft_spawn(scope, end_well, nothing, &WEFT_SPAWN_OPTIONS(.copy_bytes = 4)))                \
    X(call, "weft_call", "fn", weft_call(runtime, no_function(), NULL))                          \
    X(blocking_call, "weft_blocking_call", "fn",                                                 \
      weft_blocking_call(no_blocking_function(), NULL, NULL, WEFT_NOW))                          \
    X(main, "weft_main", "app", weft_main(0, NULL, no_function(), NULL))                         \
    X(about, "weft_runtime_about", "out_text", weft_runtime_about(0, nothing, 10))               \
    X(counters, "weft_counters_read", "out_counters", weft_counters_read(0, -1, nothing))        \
    X(fetch, "weft_fetch", "out_bytes", weft_fetch(weft_self(), nothing, 1, WEFT_NOW))           \
    X(wait_all, "weft_wait_all", "tasks",                                                        \
      weft_wait_all(nothing, 1, WEFT_ALL_ENDED, NULL, WEFT_NOW))                                 \
    X(result_give, "weft_result_give", "bytes", weft_result_give(nothing, 1))                    \
    X(name_of, "weft_task_name_of", "out_name", weft_task_name_of(weft_self(), nothing))         \
    X(error_of, "weft_task_error_of", "out_error", weft_task_error_of(weft_self(), nothing))     \
    X(scope_error, "weft_scope_error", "out_error", weft_scope_error(scope, 0, nothing))         \
    X(delays_init, "weft_delays_init", "delays", weft_delays_init(nothing, NULL))                \
    X(delays_next, "weft_delays_next", "delays", weft_delays_next(nothing))                      \
    X(retry, "weft_retry", "fn", weft_retry(no_function(), NULL, NULL, WEFT_NOW))                \
    X(wait_until, "weft_wait_until", "holds",                                                    \
      weft_wait_until(no_predicate(), NULL, WEFT_MILLISECOND, WEFT_NOW))                         \
    X(for_fn, "weft_for", "fn", weft_for(0, 1, no_loop(), NULL, NULL))                           \
    X(reduce_fn, "weft_reduce", "fn",                                                            \
      weft_reduce(0, 1, no_reduction(), NULL, &scope, 8, weft_add_double, NULL))                 \
    X(run_on_all, "weft_run_on_all", "fn", weft_run_on_all(no_worker(), NULL))                   \
    X(scan_fn, "weft_scan", "fn",                                                                \
      weft_scan(0, 1, no_scan(), NULL, &scope, 8, weft_add_integer, NULL))                       \
    X(for_tiles_fn, "weft_for_tiles", "fn",                                                      \
      weft_for_tiles((weft_range){ 0, 1 }, (weft_range){ 0, 1 }, 0, 0, no_tile(), NULL, NULL))   \
    X(for_each_fn, "weft_for_each", "fn", weft_for_each(scope, no_each(), NULL, NULL))           \
    X(sort_before, "weft_sort", "before", weft_sort(&scope, 1, 8, no_order(), NULL))             \
    X(fork_run, "weft_fork_run", "fn", weft_fork_run(no_forked_function(), NULL))                \
    X(fork, "weft_fork", "strand", ((weft_fork)(nothing, NULL, NULL), 0))                          \
    X(fork_join, "weft_fork_join", "strand", (weft_fork_join)(nothing))                            \
    X(map, "weft_map_run", "map", weft_map_run(nothing, NULL, WEFT_NOW))                         \
    X(map_fn, "weft_map_run", "map->fn",                                                         \
      weft_map_run(&WEFT_MAP(.count = 1), NULL, WEFT_NOW))                                       \
    X(defer, "weft_defer", "fn", weft_defer(no_cleanup(), NULL))                                 \
    X(defer_copy, "weft_defer_copy", "fn", weft_defer_copy(no_cleanup(), "", 1))                 \
    X(defer_bytes, "weft_defer_copy", "bytes", weft_defer_copy(free, nothing, 1))                \
    X(fail, "weft_fail", "format", weft_fail(-1, NULL, nothing, 1))                              \
    X(chan_put, "weft_chan_put", "message", weft_chan_put(chan, nothing, WEFT_NOW))              \
    X(chan_take, "weft_chan_take", "out_message", weft_chan_take(chan, nothing, WEFT_NOW))       \
    X(chan_try_put, "weft_chan_try_put", "message", weft_chan_try_put(chan, nothing))            \
    X(chan_try_take, "weft_chan_try_take", "out_message", weft_chan_try_take(chan, nothing))     \
    X(chan_produce, "weft_chan_produce", "fn",                                                   \
      weft_chan_produce(scope, no_producer(), NULL, 1, 1, NULL))                                 \
    X(barrier_init, "weft_barrier_init", "barrier", weft_barrier_init(nothing, 1))               \
    X(barrier_wait, "weft_barrier_wait", "barrier", weft_barrier_wait(nothing, WEFT_NOW))        \
    X(condition_wait, "weft_condition_wait", "condition",                                        \
      weft_condition_wait(nothing, &mutex, WEFT_NOW))                                            \
    X(condition_wait_mutex, "weft_condition_wait", "mutex",                                      \
      weft_condition_wait(&condition, nothing, WEFT_NOW))                                        \
    X(condition_signal, "weft_condition_signal", "condition", weft_condition_signal(nothing))    \
    X(condition_broadcast, "weft_condition_broadcast", "condition",                              \
      weft_condition_broadcast(nothing))                                                         \
    X(condition_init, "weft_condition_init", "condition", (weft_condition_init(nothing), 0))     \
    X(event_init, "weft_event_init", "event", (weft_event_init(nothing, 0), 0))                  \
    X(event_wait, "weft_event_wait", "event", weft_event_wait(nothing, WEFT_NOW))                \
    X(event_set, "weft_event_set", "event", weft_event_set(nothing))                             \
    X(event_reset, "weft_event_reset", "event", weft_event_reset(nothing))                       \
    X(event_is_set, "weft_event_is_set", "event", weft_event_is_set(nothing))                    \
    X(future_set, "weft_future_set", "value", weft_future_set(future, nothing))                  \
    X(latch_init, "weft_latch_init", "latch", (weft_latch_init(nothing, 1), 0))                  \
    X(latch_count, "weft_latch_count", "latch", weft_latch_count(nothing))                       \
    X(latch_wait, "weft_latch_wait", "latch", weft_latch_wait(nothing, WEFT_NOW))                \
    X(select, "weft_select", "cases", weft_select(nothing, 1, WEFT_NOW))                         \
    X(try_select, "weft_try_select", "cases", weft_try_select(nothing, 1))                       \
    X(wait_any, "weft_wait_any", "tasks", weft_wait_any(nothing, 1, WEFT_NOW))                   \
    X(timer_go, "weft_timer_go", "fn", weft_timer_go(scope, WEFT_NOW, 0, no_function(), NULL))   \
    X(once_init, "weft_once_init", "once", (weft_once_init(nothing), 0))                         \
    X(once_run, "weft_once_run", "once", weft_once_run(nothing, end_well, NULL, WEFT_NOW))       \
    X(once_run_fn, "weft_once_run", "fn", weft_once_run(&once, no_function(), NULL, WEFT_NOW))   \
    X(rwlock_init, "weft_rwlock_init", "rwlock", (weft_rwlock_init(nothing), 0))                 \
    X(rwlock_lock_read, "weft_rwlock_lock_read", "rwlock",                                       \
      weft_rwlock_lock_read(nothing, WEFT_NOW))                                                  \
    X(rwlock_lock_write, "weft_rwlock_lock_write", "rwlock",                                     \
      weft_rwlock_lock_write(nothing, WEFT_NOW))                                                 \
    X(rwlock_try_lock_read, "weft_rwlock_try_lock_read", "rwlock",                               \
      weft_rwlock_try_lock_read(nothing))                                                        \
    X(rwlock_try_lock_write, "weft_rwlock_try_lock_write", "rwlock",                             \
      weft_rwlock_try_lock_write(nothing))                                                       \
    X(rwlock_unlock, "weft_rwlock_unlock", "rwlock", weft_rwlock_unlock(nothing))                \
    X(seqlock_store, "weft_seqlock_store", "lock", weft_seqlock_store(nothing, &scope, &scope, 8)) \
    X(seqlock_load, "weft_seqlock_load", "from",                                                 \
      weft_seqlock_load((weft_seqlock *)&mutex, &scope, nothing, 8))                             \
    X(spinlock_init, "weft_spinlock_init", "lock", (weft_spinlock_init(nothing), 0))             \
    X(spinlock_lock, "weft_spinlock_lock", "lock", weft_spinlock_lock(nothing))                  \
    X(spinlock_try_lock, "weft_spinlock_try_lock", "lock", weft_spinlock_try_lock(nothing))      \
    X(spinlock_unlock, "weft_spinlock_unlock", "lock", weft_spinlock_unlock(nothing))            \
    X(semaphore_init, "weft_semaphore_init", "semaphore", weft_semaphore_init(nothing, 1, 1))    \
    X(semaphore_acquire, "weft_semaphore_acquire", "semaphore",                                  \
      weft_semaphore_acquire(nothing, WEFT_NOW))                                                 \
    X(semaphore_try_acquire, "weft_semaphore_try_acquire", "semaphore",                          \
      weft_semaphore_try_acquire(nothing))                                                       \
    X(semaphore_release, "weft_semaphore_release", "semaphore", weft_semaphore_release(nothing)) \
    X(open, "weft_open", "path", weft_open(nothing, O_RDONLY, 0, WEFT_NEVER))                    \
    X(read, "weft_read", "buffer", weft_read(file, nothing, 1, WEFT_NEVER))                      \
    X(pread, "weft_pread", "buffer", weft_pread(file, nothing, 1, 0, WEFT_NEVER))                \
    X(write, "weft_write", "buffer", weft_write(file, nothing, 1, WEFT_NEVER))                   \
    X(pwrite, "weft_pwrite", "buffer", weft_pwrite(file, nothing, 1, 0, WEFT_NEVER))             \
    X(read_exactly, "weft_read_exactly", "buffer",                                               \
      weft_read_exactly(file, nothing, 1, NULL, WEFT_NEVER))                                     \
    X(pread_exactly, "weft_pread_exactly", "buffer",                                             \
      weft_pread_exactly(file, nothing, 1, 0, NULL, WEFT_NEVER))                                 \
    X(write_all, "weft_write_all", "buffer", weft_write_all(file, nothing, 1, NULL, WEFT_NEVER)) \
    X(pwrite_all, "weft_pwrite_all", "buffer",                                                   \
      weft_pwrite_all(file, nothing, 1, 0, NULL, WEFT_NEVER))                                    \
    X(read_vector, "weft_read_vector", "parts", weft_read_vector(file, nothing, 1, WEFT_NEVER))  \
    X(pread_vector, "weft_pread_vector", "parts",                                                \
      weft_pread_vector(file, nothing, 1, 0, WEFT_NEVER))                                        \
    X(write_vector, "weft_write_vector", "parts",                                                \
      weft_write_vector(file, nothing, 1, WEFT_NEVER))                                           \
    X(pwrite_vector, "weft_pwrite_vector", "parts",                                              \
      weft_pwrite_vector(file, nothing, 1, 0, WEFT_NEVER))                                       \
    X(write_vector_all, "weft_write_vector_all", "parts",                                        \
      weft_write_vector_all(file, nothing, 1, NULL, WEFT_NEVER))                                 \
    X(pwrite_vector_all, "weft_pwrite_vector_all", "parts",                                      \
      weft_pwrite_vector_all(file, nothing, 1, 0, NULL, WEFT_NEVER))                             \
    X(stat, "weft_stat", "path", weft_stat(nothing, &info, WEFT_NEVER))                          \
    X(stat_info, "weft_stat", "out_info", weft_stat("/", nothing, WEFT_NEVER))                   \
    X(stat_of, "weft_stat_of", "out_info", weft_stat_of(file, nothing, WEFT_NEVER))              \
    X(open_at, "weft_open_at", "path", weft_open_at(file, nothing, 0, 0, WEFT_NEVER))            \
    X(stat_at, "weft_stat_at", "path", weft_stat_at(file, nothing, 0, &info, WEFT_NEVER))        \
    X(stat_at_info, "weft_stat_at", "out_info", weft_stat_at(file, "", 0, nothing, WEFT_NEVER))  \
    X(temporary, "weft_temporary_create", "prefix",                                              \
      weft_temporary_create(NULL, nothing, spelt, 1, WEFT_NOW))                                  \
    X(temporary_out, "weft_temporary_create", "out_path",                                        \
      weft_temporary_create(NULL, "", nothing, 1, WEFT_NOW))                                     \
    X(load, "weft_file_load", "path", weft_file_load(nothing, 1, &content, WEFT_NOW))            \
    X(load_out, "weft_file_load", "out_content", weft_file_load("/", 1, nothing, WEFT_NOW))      \
    X(load_rest, "weft_file_load_rest", "out_content",                                           \
      weft_file_load_rest(file, 1, nothing, WEFT_NOW))                                           \
    X(save, "weft_file_save", "path", weft_file_save(nothing, "", 0, 0, WEFT_NOW))               \
    X(save_bytes, "weft_file_save", "bytes", weft_file_save("/", nothing, 1, 0, WEFT_NOW))       \
    X(replace, "weft_file_replace", "path", weft_file_replace(nothing, "", 0, 0, WEFT_NOW))      \
    X(replace_bytes, "weft_file_replace", "bytes",                                               \
      weft_file_replace("/", nothing, 1, 0, WEFT_NOW))                                           \
    X(rename, "weft_rename", "from", weft_rename(nothing, "x", 0, WEFT_NOW))                     \
    X(rename_to, "weft_rename", "to", weft_rename("x", nothing, 0, WEFT_NOW))                    \
    X(unlink, "weft_unlink", "path", weft_unlink(nothing, WEFT_NOW))                             \
    X(rmdir, "weft_rmdir", "path", weft_rmdir(nothing, WEFT_NOW))                                \
    X(mkdir, "weft_mkdir", "path", weft_mkdir(nothing, 0, WEFT_NOW))                             \
    X(link, "weft_link", "from", weft_link(nothing, "x", WEFT_NOW))                              \
    X(link_to, "weft_link", "to", weft_link("x", nothing, WEFT_NOW))                             \
    X(symlink, "weft_symlink", "text", weft_symlink(nothing, "x", WEFT_NOW))                     \
    X(symlink_at, "weft_symlink", "path", weft_symlink("x", nothing, WEFT_NOW))                  \
    X(policy_named, "weft_policy_named", "name", weft_policy_named(nothing) != NULL)               \
    X(pipe, "weft_pipe", "out_ends", weft_pipe(nothing))                                         \
    X(address_parse, "weft_address_parse", "text", weft_address_parse(nothing, &address))        \
    X(address_parse_out, "weft_address_parse", "out_address", weft_address_parse("", nothing))   \
    X(address_text, "weft_address_text", "address", weft_address_text(nothing, spelt))            \
    X(address_text_out, "weft_address_text", "out_text", weft_address_text(&address, nothing))   \
    X(listen, "weft_listen", "address", weft_listen(nothing, NULL))                              \
    X(connect, "weft_connect", "address", weft_connect(nothing, WEFT_NEVER))                     \
    X(recv, "weft_recv", "buffer", weft_recv(file, nothing, 1, WEFT_NEVER))                      \
    X(recv_exactly, "weft_recv_exactly", "buffer",                                               \
      weft_recv_exactly(file, nothing, 1, NULL, WEFT_NEVER))                                     \
    X(recv_vector, "weft_recv_vector", "parts", weft_recv_vector(file, nothing, 1, WEFT_NEVER))  \
    X(send, "weft_send", "buffer", weft_send(file, nothing, 1, WEFT_NEVER))                      \
    X(send_all, "weft_send_all", "buffer", weft_send_all(file, nothing, 1, NULL, WEFT_NEVER))    \
    X(send_vector, "weft_send_vector", "parts", weft_send_vector(file, nothing, 1, WEFT_NEVER))  \
    X(send_vector_all, "weft_send_vector_all", "parts",                                          \
      weft_send_vector_all(file, nothing, 1, NULL, WEFT_NEVER))                                  \
    X(socket_local, "weft_socket_local", "out_address", weft_socket_local(file, nothing))        \
    X(socket_peer, "weft_socket_peer", "out_address", weft_socket_peer(file, nothing))           \
    X(serve, "weft_serve", "fn", weft_serve(file, no_server(), NULL, NULL, WEFT_NEVER))          \
    X(dir_open, "weft_dir_open", "path", weft_dir_open(nothing, WEFT_NEVER))                     \
    X(dir_next, "weft_dir_next", "out_entry", weft_dir_next(folder, nothing, WEFT_NEVER))        \
    X(printf, "weft_printf", "format", weft_printf(nothing, 1))                                  \
    X(eprintf, "weft_eprintf", "format", weft_eprintf(nothing, 1))

#define CALL(name, call, argument, expression)                                                     \
    static int64_t misuse_##name(void)                                                             \
    {                                                                                              \
        return (int64_t)(expression);                                                              \
    }

/* A format that is NULL can't be a literal. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

MISUSES(CALL)

static const struct {
    const char *name;
    const char *wanted; /* in the sentence */
    int64_t (*call)(void);
} rows[] = {
#define ROW(name, call, argument, expression) \
    { #name, call ": its argument " argument " is NULL", misuse_##name },
    MISUSES(ROW)
#undef ROW
};

static int be_wrong(void *argument)
{
    size_t row = (size_t)strtoul(argument, NULL, 10);

    chan = weft_chan_create(4, 1);
    future = weft_future_create(4);
    file = weft_open("/dev/null", O_RDWR, 0, WEFT_NEVER);
    folder = weft_dir_open("/", WEFT_NEVER);
    (void)rows[row].call();
    return unit_broken;
}

/* ---- what else only a wrong program does: the sentence says what ---- */

static weft_rwlock rwlock = WEFT_RWLOCK_INIT;
static weft_event event = WEFT_EVENT_INIT;
static weft_latch latch = WEFT_LATCH_INIT(1);
static weft_barrier barrier = WEFT_BARRIER_INIT(2);
static weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0, 1);

static int wait_condition(void *argument)
{
    (void)argument;
    return weft_mutex_lock(&mutex, WEFT_NEVER) +
           weft_condition_wait(&condition, &mutex, WEFT_NEVER);
}

static int wait_event(void *argument)
{
    (void)argument;
    return weft_event_wait(&event, WEFT_NEVER);
}

static int wait_latch(void *argument)
{
    (void)argument;
    return weft_latch_wait(&latch, WEFT_NEVER);
}

static int wait_barrier(void *argument)
{
    (void)argument;
    return weft_barrier_wait(&barrier, WEFT_NEVER);
}

static int wait_semaphore(void *argument)
{
    (void)argument;
    return weft_semaphore_acquire(&semaphore, WEFT_NEVER);
}

static int lock_write(void *argument)
{
    (void)argument;
    return weft_rwlock_lock_write(&rwlock, WEFT_NEVER);
}

/* Returns when a task of this name waits in @fn, or has ended. */
static void start_holder(weft_task_fn fn, weft_task_state state)
{
    weft_scope held = weft_scope_open(&run_all);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "holder");
    rig_await(weft_spawn(held, fn, NULL, &options), state);
}

static int fini_in_once(void *argument)
{
    (void)argument;
    weft_once_fini(&once);
    return 0;
}

static int64_t unlock_of_writer(void)
{
    start_holder(lock_write, WEFT_TASK_ENDED);
    return weft_rwlock_unlock(&rwlock);
}

static int64_t fini_of_reader(void)
{
    (void)!weft_rwlock_lock_read(&rwlock, WEFT_NEVER);
    weft_rwlock_fini(&rwlock);
    return 0;
}

#define FINI(name)                                         \
    static int64_t fini_##name(void)                       \
    {                                                      \
        start_holder(wait_##name, WEFT_TASK_WAITING);      \
        weft_##name##_fini(&(name));                       \
        return 0;                                          \
    }

FINI(condition)
FINI(event)
FINI(latch)
FINI(barrier)
FINI(semaphore)

static int64_t open_latch_counted(void)
{
    return weft_latch_count(&latch) + weft_latch_count(&latch);
}

static int64_t release_too_many(void)
{
    return weft_semaphore_release(&semaphore) + weft_semaphore_release(&semaphore);
}

static int64_t wait_for_nobody(void)
{
    weft_barrier none = WEFT_BARRIER_INIT(0);
    return weft_barrier_wait(&none, WEFT_NEVER);
}

static int64_t wait_without_mutex(void)
{
    return weft_condition_wait(&condition, &mutex, WEFT_NEVER);
}

static int64_t once_ends_itself(void)
{
    return weft_once_run(&once, fini_in_once, NULL, WEFT_NEVER);
}

static int64_t unlock_free(void)
{
    return weft_rwlock_unlock(&rwlock);
}

static int64_t select_no_message(void)
{
    weft_case put = WEFT_CASE_PUT(0, nothing);

    put.object = weft_chan_create(4, 1);
    return weft_select(&put, 1, WEFT_NEVER);
}

static int64_t wait_for_no_room(void)
{
    weft_case take = WEFT_CASE_TAKE(0, nothing);

    take.object = weft_chan_create(4, 1);
    return weft_select(&take, 1, WEFT_NEVER);
}

static int64_t select_no_event(void)
{
    weft_case none = WEFT_CASE_EVENT(nothing);
    return weft_try_select(&none, 1);
}

static const struct {
    const char *wanted;
    int64_t (*call)(void);
} others[] = {
    { "weft_select: the message of a case is NULL", select_no_message },
    { "weft_select: the message of a case is NULL", wait_for_no_room },
    { "weft_select: the event of a case is NULL", select_no_event },
    { "weft_rwlock_unlock: the lock is held by nobody", unlock_free },
    { "weft_rwlock_unlock: the lock is held by a task that has ended", unlock_of_writer },
    { "weft_rwlock_fini: the lock is held by 1 readers", fini_of_reader },
    { "weft_condition_wait: the mutex is held by nobody", wait_without_mutex },
    { "weft_condition_fini: somebody waits", fini_condition },
    { "weft_event_fini: somebody waits", fini_event },
    { "weft_latch_fini: somebody waits", fini_latch },
    { "weft_latch_count: the latch is open", open_latch_counted },
    { "weft_barrier_fini: somebody waits", fini_barrier },
    { "weft_barrier_wait: a barrier for nobody", wait_for_nobody },
    { "weft_semaphore_fini: somebody waits", fini_semaphore },
    { "weft_semaphore_release: nobody has acquired this permit", release_too_many },
    { "weft_once_fini: its function runs", once_ends_itself },
};

static int be_otherwise_wrong(void *argument)
{
    (void)others[strtoul((char *)argument + 1, NULL, 10)].call();
    return unit_broken;
}

static int own_the_wrong(void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = "culprit");

    scope = weft_scope_open(NULL);
    (void)weft_spawn(scope, *(char *)argument == '+' ? be_otherwise_wrong : be_wrong, argument,
                     &options);
    return weft_scope_close(scope);
}

static int run_row(char *row)
{
    runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    return runtime < 0 ? unit_broken : weft_call(runtime, own_the_wrong, row);
}

static void test_null_where_something_must_be_is_told_with_call_and_task(void)
{
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char number[16];
        static char said[1024];
        (void)snprintf(number, sizeof(number), "%zu", i);
        int status = rig_respawn(number, said, sizeof(said));
        bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                  strstr(said, rows[i].wanted) != NULL &&
                  strstr(said, "in task culprit (running, spawned at ") != NULL;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): status %d, said \"%s\"\n", i, rows[i].name, status,
                          said);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_misuse_of_locks_and_events_is_told_with_the_task(void)
{
    for (size_t i = 0; i < WEFT__COUNT(others); i++) {
        char number[16];
        static char said[1024];
        (void)snprintf(number, sizeof(number), "+%zu", i);
        int status = rig_respawn(number, said, sizeof(said));
        bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                  strstr(said, others[i].wanted) != NULL &&
                  strstr(said, "in task culprit (running, spawned at ") != NULL;
        if (!ok)
            (void)fprintf(stderr, "%s: status %d, said \"%s\"\n", others[i].wanted, status, said);
        CU_ASSERT_TRUE(ok);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_null_where_something_must_be_is_told_with_call_and_task),
        UNIT_TEST(test_misuse_of_locks_and_events_is_told_with_the_task),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return run_row(argv[2]);
    return unit_run(argc, argv, "misuse", tests, WEFT__COUNT(tests));
}

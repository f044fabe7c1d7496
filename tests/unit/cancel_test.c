/* Cancel: each call that waits, while it waits and at once; what it must not end or lose. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { many = 200, pipe_bytes = 1 << 20 };

/* What the calls work on. */
struct bed {
    size_t index;      /* of the call */
    weft_chan chan;    /* unbuffered, nobody at the other side */
    weft_task sleeper; /* never ends by itself */
    weft_scope scope;  /* the running task's own, with a task in it that never ends by itself */
    weft_fd reader;    /* of an empty pipe */
    weft_fd writer;    /* of a full one */
    weft_fd file;      /* a file that is always ready */
    weft_dir folder;
};

static weft_deadline late(void)
{
    return weft_after(1000 * WEFT_SECOND);
}

static int sleep_long(void *argument)
{
    (void)argument;
    return weft_sleep(late());
}

static int call_sleep(const struct bed *bed)
{
    (void)bed;
    return weft_sleep(late());
}

static int call_put(const struct bed *bed)
{
    return weft_chan_put(bed->chan, &(int){ 0 }, WEFT_NEVER);
}

static int call_take(const struct bed *bed)
{
    return weft_chan_take(bed->chan, &(int){ 0 }, late());
}

static int call_wait(const struct bed *bed)
{
    return weft_wait(bed->sleeper, WEFT_NEVER);
}

static int call_fetch(const struct bed *bed)
{
    return weft_fetch(bed->sleeper, NULL, 0, late());
}

static int call_join(const struct bed *bed)
{
    return weft_scope_join(bed->scope, WEFT_NEVER);
}

static int call_read(const struct bed *bed)
{
    return (int)weft_read(bed->reader, &(char){ 0 }, 1, WEFT_NEVER);
}

static int call_read_until(const struct bed *bed)
{
    return (int)weft_read(bed->reader, &(char){ 0 }, 1, late());
}

static int call_write(const struct bed *bed)
{
    return (int)weft_write(bed->writer, "x", 1, WEFT_NEVER);
}

static int call_pread(const struct bed *bed)
{
    return (int)weft_pread(bed->file, &(char){ 0 }, 1, 0, WEFT_NEVER);
}

static int call_open(const struct bed *bed)
{
    (void)bed;
    weft_fd fd = weft_open("/dev/null", O_RDONLY, 0, WEFT_NEVER);
    if (fd > 0)
        (void)weft_close(fd);
    return fd > 0 ? 0 : (int)fd;
}

static int call_stat(const struct bed *bed)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    (void)bed;
    return weft_stat("/", &info, WEFT_NEVER);
}

static int call_stat_of(const struct bed *bed)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    return weft_stat_of(bed->file, &info, WEFT_NEVER);
}

static int call_dir_open(const struct bed *bed)
{
    (void)bed;
    weft_dir dir = weft_dir_open("/", WEFT_NEVER);
    if (dir > 0)
        (void)weft_dir_close(dir);
    return dir > 0 ? 0 : (int)dir;
}

static int call_dir_next(const struct bed *bed)
{
    weft_dir_entry entry;
    return weft_dir_next(bed->folder, &entry, WEFT_NEVER);
}

static int call_yield(const struct bed *bed)
{
    (void)bed;
    return weft_yield();
}

static int call_poll(const struct bed *bed)
{
    (void)bed;
    return weft_poll();
}

static const struct {
    const char *label;
    int (*call)(const struct bed *bed);
    bool waits; /* on this bed; the others are met in a cancelled task alone */
} calls[] = {
    { "sleep", call_sleep, true },        { "put", call_put, true },
    { "take", call_take, true },          { "wait", call_wait, true },
    { "fetch", call_fetch, true },        { "scope_join", call_join, true },
    { "read", call_read, true },          { "read until", call_read_until, true },
    { "write", call_write, true },        { "pread", call_pread, false },
    { "open", call_open, false },         { "stat", call_stat, false },
    { "stat_of", call_stat_of, false },   { "dir_open", call_dir_open, false },
    { "dir_next", call_dir_next, false }, { "yield", call_yield, false },
    { "poll", call_poll, false },
};

static int call_it(void *argument)
{
    struct bed bed = *(const struct bed *)argument;
    size_t index = bed.index;

    bed.chan = weft_chan_create(sizeof(int), 0);
    bed.scope = weft_scope_open(NULL);
    (void)weft_go(bed.scope, sleep_long, NULL);
    int rc = calls[index].call(&bed);
    EXPECT_EQ(rc, -ECANCELED);
    EXPECT_EQ(calls[index].call(&bed), -ECANCELED); /* and every call after it */
    EXPECT_EQ(weft_canceled(), 1);
    EXPECT_EQ(weft_scope_close(bed.scope), -ECANCELED); /* goes down, and never fails by it */
    EXPECT_EQ(weft_chan_release(bed.chan), 0);
    return rc;
}

static int cancel_oneself_and_call(void *argument)
{
    EXPECT_EQ(weft_canceled(), 0);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_canceled(), 1);
    return call_it(argument);
}

static weft_task start_call(weft_scope scope, weft_task_fn fn, const struct bed *bed, size_t index)
{
    struct bed copy = *bed;
    copy.index = index;
    return weft_go_copy(scope, fn, &copy, sizeof(copy));
}

static void make_bed(struct bed *bed, weft_scope scope, weft_fd others[2])
{
    static char bytes[pipe_bytes];
    static weft_dir_entry entry;
    weft_fd ends[2] = { 0, 0 };

    EXPECT_EQ(weft_pipe(ends), 0);
    bed->reader = ends[0];
    others[0] = ends[1];
    EXPECT_EQ(weft_pipe(ends), 0);
    bed->writer = ends[1];
    others[1] = ends[0];
    while (weft_write(bed->writer, bytes, sizeof(bytes), weft_after(WEFT_MILLISECOND)) > 0)
        ;
    bed->file = weft_open("/dev/zero", O_RDONLY, 0, WEFT_NEVER);
    bed->folder = weft_dir_open("/", WEFT_NEVER);
    EXPECT_EQ(weft_dir_next(bed->folder, &entry, WEFT_NEVER),
              1); /* more are there without a wait */
    bed->sleeper = weft_go(scope, sleep_long, NULL);
    rig_await(bed->sleeper, WEFT_TASK_WAITING);
}

static void remove_bed(const struct bed *bed, const weft_fd others[2])
{
    EXPECT_EQ(weft_close(bed->reader), 0);
    EXPECT_EQ(weft_close(bed->writer), 0);
    EXPECT_EQ(weft_close(others[0]), 0);
    EXPECT_EQ(weft_close(others[1]), 0);
    EXPECT_EQ(weft_close(bed->file), 0);
    EXPECT_EQ(weft_dir_close(bed->folder), 0);
}

static int every_call(void *argument)
{
    struct bed bed = { 0 };
    weft_fd others[2];
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    make_bed(&bed, scope, others);
    for (size_t i = 0; i < WEFT__COUNT(calls); i++) {
        expect_about(calls[i].label);
        weft_task task = start_call(scope, cancel_oneself_and_call, &bed, i);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        if (!calls[i].waits)
            continue;
        task = start_call(scope, call_it, &bed, i);
        rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
        EXPECT_EQ(weft_cancel(task), -ESRCH);       /* has ended */
        task = start_call(scope, call_it, &bed, i); /* cancelled at any moment */
        EXPECT_EQ(weft_cancel(task), 0);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    }
    EXPECT_EQ(weft_task_state_of(bed.sleeper), WEFT_TASK_WAITING); /* no wait has harmed it */
    EXPECT_EQ(weft_cancel(bed.sleeper), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    remove_bed(&bed, others);
    return 0;
}

static void test_every_waiting_call_ends_by_cancel(void)
{
    rig_each(every_call);
}

static int note_start(void *argument)
{
    *(int *)argument = 1 + weft_canceled();
    return weft_sleep(late());
}

static int cancel_fresh(void *argument)
{
    int noted = 0;
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()));
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    weft_task task = weft_spawn(scope, note_start, &noted, &here);
    EXPECT_EQ(weft_task_state_of(task), WEFT_TASK_FRESH);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(noted, 2); /* its body has run, and was told */
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_cancel(task), -ESRCH);
    EXPECT_EQ(weft_cancel(0), -ESRCH);
    EXPECT_EQ(weft_cancel(-ENOEXEC), -ENOEXEC);
    EXPECT_EQ(weft_cancel(scope), -ESRCH);
    return 0;
}

static void test_cancel_of_a_fresh_task_lets_its_body_run(void)
{
    rig_each(cancel_fresh);
}

/* Everywhere at once: fresh, running, waiting, stolen, on their way. */
static int cancel_many(void *argument)
{
    static weft_task tasks[many];
    static int noted[many];
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    memset(noted, 0, sizeof(noted));
    for (int i = 0; i < many; i++) {
        tasks[i] = weft_go(scope, note_start, &noted[i]);
        if (i % 7 == 0)
            (void)weft_yield();
        int rc = weft_cancel(tasks[i / 2]); /* each twice: it may have ended already */
        EXPECT(rc == 0 || (rc == -ESRCH && i % 2 == 1));
    }
    for (int i = many / 2; i < many; i++)
        EXPECT_EQ(weft_cancel(tasks[i]), 0);
    for (int i = 0; i < many; i++) {
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -ECANCELED);
        EXPECT(noted[i] != 0);
    }
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_cancel_reaches_tasks_in_every_state(void)
{
    rig_each(cancel_many);
}

static weft_task targets[many];

static void *cancel_from_thread(void *argument)
{
    (void)argument;
    for (int i = 0; i < many; i++)
        EXPECT_EQ(weft_cancel(targets[i]), 0);
    return NULL;
}

static int cancel_by_thread(void *argument)
{
    pthread_t thread;
    weft_scope scope = weft_scope_open(&run_all);

    (void)argument;
    for (int i = 0; i < many; i++)
        targets[i] = weft_go(scope, sleep_long, NULL);
    EXPECT_EQ(pthread_create(&thread, NULL, cancel_from_thread, NULL), 0);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(weft_wait(targets[i], WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static void test_cancel_from_a_thread_outside(void)
{
    rig_each(cancel_by_thread);
}

/* A read that is cancelled at about the moment of a write returns the bytes or leaves them there.
 * */
static int read_byte(void *argument)
{
    char byte = 0;
    ssize_t rc = weft_read(*(const weft_fd *)argument, &byte, 1, WEFT_NEVER);
    return rc == 1 ? byte : (int)rc;
}

static int cancel_against_write(void *argument)
{
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    for (int i = 0; i < many; i++) {
        char byte = 'x';
        weft_scope scope = weft_scope_open(&run_all);
        weft_task task = weft_go_copy(scope, read_byte, &ends[0], sizeof(ends[0]));
        if (i % 2 == 0)
            rig_await(task, WEFT_TASK_WAITING);
        EXPECT_EQ(weft_write(ends[1], &byte, 1, WEFT_NEVER), 1);
        (void)weft_cancel(task);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 'x' || rc == -ECANCELED);
        byte = 0;
        ssize_t left = weft_read(ends[0], &byte, 1, weft_after(rc == 'x' ? 1 : WEFT_SECOND));
        EXPECT_EQ(left, rc == 'x' ? -ETIMEDOUT : 1);
        (void)weft_scope_close(scope);
    }
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static void test_cancel_against_write_loses_no_byte(void)
{
    rig_each(cancel_against_write);
}

/* Cancel and deadline at once: one of the two, and the task goes on soundly. */
static int sleep_until(void *argument)
{
    int rc = weft_sleep(*(const weft_deadline *)argument);
    EXPECT(rc == 0 || rc == -ECANCELED);
    return rc;
}

static int cancel_against_deadline(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(&run_all);
    for (int i = 0; i < 100; i++) {
        weft_deadline until = weft_after(300 * WEFT_MICROSECOND);
        weft_task task = weft_go_copy(scope, sleep_until, &until, sizeof(until));
        EXPECT_EQ(weft_sleep(until), 0);
        int canceled = weft_cancel(task);
        EXPECT(canceled == 0 || canceled == -ESRCH);
        int rc = weft_wait(task, WEFT_NEVER);
        EXPECT(rc == 0 || (rc == -ECANCELED && canceled == 0));
    }
    (void)weft_scope_close(scope);
    return 0;
}

static void test_cancel_against_deadline_ends_the_wait_once(void)
{
    rig_each(cancel_against_deadline);
}

/* Printing and closing are done to the end in a cancelled task. */
static int finish_all_the_same(void *argument)
{
    weft_fd ends[2] = { 0, 0 };

    (void)argument;
    EXPECT_EQ(weft_pipe(ends), 0);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_printf("%s", ""), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

static int finish_canceled(void *argument)
{
    (void)argument;
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, finish_all_the_same, NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    return 0;
}

static void test_print_and_close_work_in_a_canceled_task(void)
{
    rig_each(finish_canceled);
}

static int cancel_detached(void *argument)
{
    weft_chan *chan = argument;
    int rc = weft_sleep(late());
    EXPECT_EQ(weft_chan_try_put(*chan, &rc), 0);
    return rc;
}

/* The root is the runtime's: this task, which weft_call has spawned there, is cancelled as well. */
static int cancel_root(void *argument)
{
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_task task = weft_go_copy(WEFT_DETACHED, cancel_detached, &chan, sizeof(chan));

    (void)argument;
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_scope_cancel(WEFT_DETACHED), 0);
    EXPECT_EQ(weft_canceled(), 1);
    while (weft_chan_try_take(chan, &got) == -EAGAIN)
        (void)weft_yield();
    EXPECT_EQ(got, -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_cancel_of_the_root_reaches_detached_tasks(void)
{
    rig_each(cancel_root);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_every_waiting_call_ends_by_cancel),
        UNIT_TEST(test_cancel_of_a_fresh_task_lets_its_body_run),
        UNIT_TEST(test_cancel_reaches_tasks_in_every_state),
        UNIT_TEST(test_cancel_from_a_thread_outside),
        UNIT_TEST(test_cancel_against_write_loses_no_byte),
        UNIT_TEST(test_cancel_against_deadline_ends_the_wait_once),
        UNIT_TEST(test_print_and_close_work_in_a_canceled_task),
        UNIT_TEST(test_cancel_of_the_root_reaches_detached_tasks),
    };
    return unit_run(argc, argv, "cancel", tests, WEFT__COUNT(tests));
}

/*
 * Every fallback is reached by some plan of faults. Each row is a process of its own that runs the
 * same workload under its plan, some of which begin after the start; it must do its work or say
 * what it met, stop, and leave nothing waiting. The test prints which rows have reached what, and
 * fails for a fallback (runtime/base/fallback.h) that none has.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#include "numa/memory.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/sys.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/sockets.h"
#include "tests/support/unit.h"
#include "uring/faults.h"

enum { readers = 64, sleepers = 100, helpers = 6, limit_s = 60 };

static const struct row {
    const char *engine; /* "": the one that the machine allows */
    const char *plan;   /* from the start on */
    const char *later;  /* from then on instead, NULL: the same */
} rows[] = {
    { "kernel", "sq:256", NULL }, /* nothing at all is wrong */
    { "compat", "sq:256", NULL },
    { "", "call.ring_setup:EPERM", NULL },
    { "kernel", "call.ring_setup:EINVAL:1", NULL },
    { "kernel", "without:DEFER_TASKRUN", NULL },
    { "kernel", "without:REGISTERED_RING", NULL },
    { "kernel", "without:EXT_ARG,without:NO_IOWAIT", NULL },
    { "kernel", "without:MSG_RING,without:MSG_RING_SYNC", NULL },
    { "kernel", "without:MSG_RING_SYNC,without:CQE_SKIP,without:SUBMIT_ALL", NULL },
    { "kernel", "", "call.doorbell:EIO:1/2" },
    { "kernel", "", "call.ring_enter:EBUSY:1/3" },
    { "kernel", "sq:1", "call.ring_enter:EAGAIN:1/2" },
    { "kernel", "sq:1,cq:4", "call.ring_enter:EBUSY:1/2" },
    { "", "ops:2", NULL },
    { "compat", "ops:2", NULL },
    { "kernel", "sq:4,cq:4", NULL },
    { "", "without:ftruncate", NULL },
    { "compat", "", "call.epoll_wait:EPERM:1" },
    { "compat", "", "call.read:EOPNOTSUPP:1/2" },
    { "", "", "call.read:EAGAIN:1/2,call.write:EAGAIN:1/2" },
    { "compat", "", "call.read:EAGAIN:1/2" },
    { "", "openat:EOPNOTSUPP:1", NULL },
    { "", "call.madvise:EINVAL", NULL },
    { "", "", "call.madvise:EINVAL:1/2" },
    { "", "call.madvise:EINVAL,call.mprotect:ENOMEM", NULL },
    { "", "call.peek:EPERM", NULL },
    { "", "call.mempolicy:EPERM", NULL },
    { "", "call.mempolicy:EPERM:2+", NULL },
    { "", "call.affinity:EPERM", NULL },
    { "", "", "call.thread:EAGAIN" },
    { "", "", "call.mmap:ENOMEM:1/20" },
    { "", "", "call.alloc:ENOMEM:1/20" },
};

/* ---- the workload; what it meets is an error or a result ---- */

static weft_deadline soon(void)
{
    return weft_after(5 * WEFT_SECOND);
}

static void close_all(const weft_fd *fds, int count)
{
    for (int i = 0; i < count; i++)
        (void)weft_close(fds[i]);
}

static int send_some(void *argument)
{
    const weft_fd fd = *(const weft_fd *)argument;
    const struct iovec parts[] = { { (char[]){ 'a' }, 1 }, { (char[]){ 'b' }, 1 } };

    (void)!weft_send_all(fd, "sent", 4, NULL, soon());
    (void)!weft_send_vector_all(fd, parts, 2, NULL, soon());
    (void)!weft_write(fd, "written", 7, soon());
    return weft_shutdown(fd, SHUT_WR);
}

static void talk(int kind)
{
    char got[16];
    weft_fd fds[3];
    weft_address at = sockets_place(kind);
    weft_scope scope = weft_scope_open(&run_all);

    fds[0] = weft_listen(&at, NULL);
    (void)!weft_socket_local(fds[0], &at);
    fds[1] = weft_connect(&at, soon());
    fds[2] = fds[1] > 0 ? weft_accept(fds[0], NULL, soon()) : fds[1];
    (void)!weft_go_copy(scope, send_some, &fds[1], sizeof(fds[1]));
    (void)!weft_recv_exactly(fds[2], got, 6, NULL, soon());
    ssize_t count;
    while ((count = weft_read(fds[2], got, sizeof(got), soon())) > 0)
        continue;
    close_all(fds, 3);
    (void)weft_scope_close(scope);
    sockets_forget(&at);
}

static int connect_to(void *argument)
{
    weft_fd fd = weft_connect(argument, soon());

    return fd < 0 ? (int)fd : weft_close(fd);
}

/* More connections than the backlog takes, and for the last of them nobody comes; one more is
 * cancelled in the batch in which it is begun. */
static void crowd(void)
{
    weft_fd fds[5];
    weft_scope scope = weft_scope_open(&run_all);
    weft_address at = sockets_place(2);

    fds[0] = weft_listen(&at, &WEFT_LISTEN_OPTIONS(.backlog = 1));
    for (int i = 1; i < 5; i++)
        fds[i] = weft_connect(&at, weft_after(5 * WEFT_MILLISECOND));
    weft_spawn_options here = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)weft_worker_self()),
                                                 .copy_bytes = sizeof(at));
    weft_task last = weft_spawn(scope, connect_to, &at, &here);
    for (int i = 0; i < 100 && weft_task_state_of(last) != WEFT_TASK_WAITING; i++)
        (void)weft_yield();
    (void)weft_scope_cancel(scope);
    (void)weft_scope_close(scope);
    close_all(fds, 5);
    sockets_forget(&at);
}

static int read_one(void *argument)
{
    char bytes[2];
    weft_fd fd = *(const weft_fd *)argument;
    struct iovec parts[] = { { bytes, 1 }, { bytes + 1, 1 } };

    (void)!weft_read_vector(fd, parts, 2, soon());
    return (int)weft_read(fd, bytes, 1, soon());
}

/* Many wait at once; each gets something at once, then all are cancelled. */
static void wait_together(void)
{
    static weft_fd ends[readers][2];
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < readers; i++) {
        if (weft_pipe(ends[i]) < 0)
            ends[i][0] = ends[i][1] = -EMFILE;
        (void)!weft_go_copy(scope, read_one, &ends[i][0], sizeof(weft_fd));
    }
    (void)!weft_sleep(weft_after(2 * WEFT_MILLISECOND));
    for (int i = 0; i < readers; i++)
        if (ends[i][1] > 0)
            (void)!write(weft_fd_number(ends[i][1]), "12", 2);
    (void)!weft_sleep(weft_after(2 * WEFT_MILLISECOND));
    (void)weft_scope_cancel(scope);
    (void)weft_scope_close(scope);
    for (int i = 0; i < readers; i++)
        close_all(ends[i], 2);
}

static int sleep_a_little(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(WEFT_MILLISECOND));
}

/* Also needs stacks, and wakes the other worker. */
static void sleep_together(void)
{
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < sleepers; i++)
        (void)!weft_spawn(scope, sleep_a_little, NULL,
                          &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
    (void)weft_scope_close(scope);
}

static int pass_on(void *argument)
{
    const weft_chan *chans = argument;
    int number;

    while (weft_chan_take(chans[0], &number, soon()) == 0 && number > 0)
        (void)!weft_chan_put(chans[1], &number, soon());
    return 0;
}

/* From worker to worker and back, each asleep in between. */
static void ring_doorbells(void)
{
    weft_chan chans[2] = { weft_chan_create(sizeof(int), 0), weft_chan_create(sizeof(int), 0) };
    weft_scope scope = weft_scope_open(&run_all);
    weft_spawn_options away = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                     (uint32_t)(1 - weft_worker_self())));

    weft_task other = weft_spawn(scope, pass_on, chans, &away);
    for (int i = 20; i >= 0 && other > 0; i--) {
        int number = i;
        (void)!weft_chan_put(chans[0], &number, soon());
        if (i > 0)
            (void)!weft_chan_take(chans[1], &number, soon());
        (void)!weft_sleep(weft_after(100 * WEFT_MICROSECOND));
    }
    (void)weft_scope_close(scope);
    (void)weft_chan_release(chans[0]);
    (void)weft_chan_release(chans[1]);
}

static void use_files(void)
{
    static char bytes[4096];
    weft_fd fd = weft_temporary_open("/tmp", soon());

    (void)!weft_pwrite_all(fd, bytes, sizeof(bytes), 0, NULL, soon());
    for (int i = 0; i < 20; i++)
        (void)!weft_pread(fd, bytes, sizeof(bytes), 0, soon());
    (void)!weft_ftruncate(fd, 10, soon());
    (void)!weft_fsync(fd, soon());
    (void)weft_close(fd);
    fd = weft_open("/dev/zero", O_RDONLY, 0, soon()); /* epoll does not take it */
    for (int i = 0; i < 20; i++)
        (void)!weft_read(fd, bytes, 1, soon());
    (void)weft_close(fd);
}

static int64_t block_a_little(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(2 * WEFT_MILLISECOND));
}

static int call_blocking(void *argument)
{
    (void)argument;
    return (int)weft_blocking_call(block_a_little, NULL, NULL, soon());
}

static void call_together(void)
{
    weft_scope scope = weft_scope_open(&run_all);

    for (int i = 0; i < helpers; i++)
        (void)!weft_go(scope, call_blocking, NULL);
    (void)weft_scope_close(scope);
}

/* To a file, and to what is none. */
static void print_and_dump(void)
{
    int before = dup(STDOUT_FILENO), file = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)dup2(file, STDOUT_FILENO);
    for (int i = 0; i < 10; i++)
        (void)weft_printf("line %d\n", i);
    (void)dup2(null, STDOUT_FILENO);
    for (int i = 0; i < 10; i++)
        (void)weft_printf("line %d\n", i);
    (void)weft_dump(null);
    (void)dup2(before, STDOUT_FILENO);
    (void)close(before);
    (void)close(file);
    (void)close(null);
}

static int work(void *argument)
{
    (void)argument;
    use_files();
    for (int kind = 0; kind < SOCKETS_KINDS; kind++)
        talk(kind);
    crowd();
    sleep_together();
    ring_doorbells();
    wait_together();
    call_together();
    print_and_dump();
    weft__memory_unmap(weft__memory_map(0, 4096), 4096);
    return 0;
}

/* ---- a row, in a process of its own ---- */

static int run_row(const struct row *row)
{
    char text[160] = "";
    weft_error error = WEFT_ERROR_INIT;
    struct weft__engine_config config = { 0 };

    (void)alarm(limit_s);
    weft__fallback_watch();
    (void)setenv("WEFT_FAULT", row->plan, 1);
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), &error);
    if (runtime < 0) {
        (void)fprintf(stderr, "no start: %s\n", error.text);
        return 1;
    }
    if (row->later != NULL) {
        (void)!weft_call(runtime, call_blocking, NULL); /* one helper is there */
        weft__faults_forget();
        if (weft__faults_read(row->later, NULL, &config, text, sizeof(text)) < 0)
            (void)fprintf(stderr, "%s\n", text);
    }
    int rc = weft_call(runtime, work, NULL);
    if (rc < 0 && rc != -ENOMEM)
        (void)fprintf(stderr, "the work: %d\n", rc);
    weft__faults_forget();
    int stopped = weft_stop(runtime, weft_after(20 * WEFT_SECOND));
    for (int which = 0; which < WEFT__FALLBACK_COUNT; which++)
        if (weft__fallback_reached((enum weft__fallback)which))
            (void)fprintf(stderr, "reached %s\n", weft__fallback_name((enum weft__fallback)which));
    return stopped == 0 && text[0] == '\0' ? 0 : 1;
}

static bool needs_ring(const struct row *row)
{
    return strcmp(row->engine, "kernel") == 0 || strstr(row->plan, "ring_setup") != NULL;
}

/* Only the ring has these. */
static bool is_of_ring(enum weft__fallback which)
{
    return which <= WEFT__FALLBACK_COMPLETION_UNWANTED || which == WEFT__FALLBACK_SUBMIT_STARVED ||
           which == WEFT__FALLBACK_CANCEL_DEFERRED || which == WEFT__FALLBACK_CANCEL_AGAIN ||
           which == WEFT__FALLBACK_CQ_OVERFLOWED;
}

/* Where the machine refuses all calls about memory, as most containers do, none binds. */
static bool can_be_reached(enum weft__fallback which, bool ring)
{
    int mode;

    if (which == WEFT__FALLBACK_MEMORY_BIND_REFUSED)
        return weft__sys_get_mempolicy(&mode) == 0;
    return ring || !is_of_ring(which);
}

/* Notes what the row says that it has reached, and shows it. */
static void note_reached(const struct row *row, const char *said, bool reached[])
{
    char line[64];

    printf("    %-6s %s%s%s:", row->engine, row->plan, row->later != NULL ? " then " : "",
           row->later != NULL ? row->later : "");
    for (int which = 0; which < WEFT__FALLBACK_COUNT; which++) {
        const char *name = weft__fallback_name((enum weft__fallback)which);
        (void)snprintf(line, sizeof(line), "reached %s\n", name);
        if (strstr(said, line) == NULL)
            continue;
        printf(" %s", name);
        reached[which] = true;
    }
    printf("\n");
}

/* For the process of the next row. Where there is no ring the machine chooses anyway. */
static void choose_engine(const char *engine, bool ring)
{
    if (engine[0] != '\0')
        (void)setenv("WEFT_ENGINE", engine, 1);
    else if (ring)
        (void)unsetenv("WEFT_ENGINE");
}

static void test_every_fallback_is_reached_by_some_plan(void)
{
    static char said[16384];
    static bool reached[WEFT__FALLBACK_COUNT];
    bool ring = engines_refusal() == NULL;
    char name[16];

    printf("\n");
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        if (needs_ring(&rows[i]) && !ring)
            continue;
        (void)snprintf(name, sizeof(name), "%zu", i);
        choose_engine(rows[i].engine, ring);
        int status = rig_respawn(name, said, sizeof(said));
        bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!ended)
            fprintf(stderr, "row %zu: status %x: %s\n", i, status, said);
        CU_ASSERT_TRUE(ended);
        note_reached(&rows[i], said, reached);
    }
    for (int which = 0; which < WEFT__FALLBACK_COUNT; which++) {
        bool expected = can_be_reached((enum weft__fallback)which, ring);
        if (expected && !reached[which])
            fprintf(stderr, "no plan reaches %s\n",
                    weft__fallback_name((enum weft__fallback)which));
        CU_ASSERT_TRUE(reached[which] || !expected);
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_every_fallback_is_reached_by_some_plan),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return run_row(&rows[strtoul(argv[2], NULL, 10) % WEFT__COUNT(rows)]);
    return unit_run(argc, argv, "fallbacks_fault", tests, WEFT__COUNT(tests));
}

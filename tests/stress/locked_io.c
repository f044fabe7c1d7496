/*
 * Print and file write under a task mutex, while tasks with stacks of all sizes come and go and the
 * heap churns (the S3 of the old runtimes: there a lock around I/O belonged to a thread, and the
 * task came back on another). The holder waits in the middle of its section, and may come back on
 * another worker. One task at a time is inside, each record is whole and written once, nobody waits
 * for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/stress.h"

enum { writers = 12, records_each = 20, record_bytes = 64, churns = 40, shown = 120 };

static struct {
    weft_mutex mutex;
    weft_fd file;
    weft_fd line[2]; /* a pipe, in which a holder waits */
    int inside;      /* guarded by the mutex */
    uint32_t written;
    _Atomic uint32_t moved; /* holders that came back on another worker */
    _Atomic uint32_t working;
} desk;

static void make_record(char record[record_bytes], uint32_t number)
{
    memset(record, 'a' + (int)(number % 26), record_bytes);
    (void)snprintf(record, record_bytes, "%08u", number);
    record[8] = ' ';
    record[record_bytes - 1] = '\n';
}

/* In two writes, which are one only because of the mutex. */
static void write_record(uint32_t number)
{
    char record[record_bytes];
    size_t half = 1 + stress_below(record_bytes - 1);

    make_record(record, number);
    STRESS_EQUAL(weft_write(desk.file, record, half, WEFT_NEVER), half);
    stress_maybe_yield();
    STRESS_EQUAL(weft_write(desk.file, record + half, record_bytes - half, WEFT_NEVER),
                 record_bytes - half);
}

/* A byte through a pipe, in the middle of the section. */
static void wait_in_io(void)
{
    char byte = 'x';

    STRESS_EQUAL(weft_write(desk.line[1], &byte, 1, WEFT_NEVER), 1);
    STRESS_EQUAL(weft_read(desk.line[0], &byte, 1, WEFT_NEVER), 1);
}

static void hold_desk(void)
{
    int before = weft_worker_self();

    STRESS_EQUAL(desk.inside++, 0);
    if (desk.written % shown == 0)
        STRESS_CHECK(weft_printf("# %u records by now\n", desk.written) > 0);
    write_record(desk.written++);
    wait_in_io();
    char *churn = malloc(1 + stress_below(100000));
    STRESS_CHECK(churn != NULL);
    (void)weft_yield();
    free(churn);
    STRESS_EQUAL(--desk.inside, 0);
    if (weft_worker_self() != before)
        weft__add_relaxed(&desk.moved, 1);
}

static int write_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < records_each; i++) {
        STRESS_EQUAL(weft_mutex_lock(&desk.mutex, WEFT_NEVER), 0);
        hold_desk();
        STRESS_EQUAL(weft_mutex_unlock(&desk.mutex), 0);
        stress_maybe_yield();
    }
    weft__sub_relaxed(&desk.working, 1);
    return 0;
}

/* Writes to some more of the stack with each call of itself. */
static WEFT__NOINLINE void touch_deeper(uint32_t depth)
{
    char bytes[800];

    memset(bytes, (int)depth, sizeof(bytes));
    __asm__ volatile("" : : "r"(bytes) : "memory");
    if (depth > 0)
        touch_deeper(depth - 1);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

static int touch_stack(void *argument)
{
    (void)argument;
    touch_deeper(stress_below(9));
    stress_maybe_yield();
    return 0;
}

/* Stacks of several sizes and blocks of the heap come and go for as long as anybody writes. */
static int churn(void *argument)
{
    static const size_t stacks[] = { 16 << 10, 64 << 10, 256 << 10 };
    void *blocks[churns];

    (void)argument;
    while (weft__load_relaxed(&desk.working) > 0) {
        weft_scope scope = weft_scope_open(NULL);
        for (int i = 0; i < churns; i++) {
            weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
            options.stack_bytes = stacks[stress_below(3)];
            blocks[i] = malloc(1 + stress_below(20000));
            STRESS_CHECK(weft_spawn(scope, touch_stack, NULL, &options) > 0);
        }
        for (int i = 0; i < churns; i++)
            free(blocks[i]);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static int work(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&desk.working, writers);
    for (int i = 0; i < writers; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        options.migratable = i % 2;
        STRESS_CHECK(weft_spawn(scope, write_often, NULL, &options) > 0);
    }
    STRESS_CHECK(weft_go(scope, churn, NULL) > 0);
    return weft_scope_close(scope);
}

/* Every record once, whole, in the order of the sections. */
static void judge(int descriptor)
{
    char wanted[record_bytes];
    char found[record_bytes];
    struct stat info;

    STRESS_EQUAL(fstat(descriptor, &info), 0);
    STRESS_EQUAL(info.st_size, writers * records_each * record_bytes);
    for (uint32_t i = 0; i < writers * records_each; i++) {
        make_record(wanted, i);
        STRESS_EQUAL(pread(descriptor, found, record_bytes, (off_t)i * record_bytes), record_bytes);
        STRESS_EQUAL(memcmp(wanted, found, record_bytes), 0);
    }
}

static int set_up(void *argument)
{
    desk.file = weft_open(argument, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600, WEFT_NEVER);
    return desk.file < 0 ? (int)desk.file : weft_pipe(desk.line);
}

static int clear_up(void *argument)
{
    (void)argument;
    STRESS_EQUAL(weft_close(desk.line[0]), 0);
    STRESS_EQUAL(weft_close(desk.line[1]), 0);
    return weft_close(desk.file);
}

static void round_with(weft_runtime runtime)
{
    char path[] = "/tmp/weft-locked-io-XXXXXX";
    int descriptor = mkstemp(path);

    STRESS_CHECK(descriptor >= 0);
    weft_mutex_init(&desk.mutex, 0);
    desk.inside = 0;
    desk.written = 0;
    STRESS_EQUAL(weft_call(runtime, set_up, path), 0);
    STRESS_EQUAL(weft_call(runtime, work, NULL), 0);
    STRESS_EQUAL(weft_call(runtime, clear_up, NULL), 0);
    judge(descriptor);
    weft_mutex_fini(&desk.mutex);
    (void)close(descriptor);
    (void)unlink(path);
}

static void locked_io(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(100, STRESS_SANITIZED ? 2 : 5);

    weft__store_relaxed(&desk.moved, 0);
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        round_with(runtime);
    }
    stress_stop(runtime);
    printf("# %u holders came back on another worker\n", weft__load_relaxed(&desk.moved));
}

static const struct stress_case cases[] = { STRESS_CASE(locked_io) };

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}

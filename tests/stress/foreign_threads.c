/*
 * Threads that weft knows nothing of, some joined, some detached, use it side by side with tasks:
 * channels, spawns into a scope of a task, waits for tasks, printing, blocking calls, calls into
 * the runtime. They end while tasks that they have spawned still run. The main thread only waits in
 * pthread_join. Everything completes, every message comes once, no thread leaves a record behind.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/lines.h"
#include "tests/support/rig.h"
#include "tests/support/stress.h"

enum { crowd = 64, spawns = 4 };

static struct {
    weft_runtime runtime;
    weft_scope scope;  /* of the host, a task */
    weft_chan invited; /* an int when the scope is there */
    weft_chan numbers; /* threads and tasks put, tasks take */
    weft_chan back;    /* tasks put, threads take */
    weft_chan gate;    /* closed when all threads have ended */
    weft_chan detached_ends;
    uint32_t messages; /* of each thread */
    _Atomic uint64_t put;
    _Atomic uint64_t taken;
    _Atomic uint64_t returned;
    _Atomic uint32_t outlived; /* tasks that ended after the gate was closed */
    _Atomic uint32_t lines;
    _Atomic bool gate_closed;
} house;

/* ---- tasks
 * --------------------------------------------------------------------------------------- */

/* Sends each number back, until the channel is closed and drained. */
static int serve(void *argument)
{
    uint64_t number;
    int rc;

    (void)argument;
    while ((rc = weft_chan_take(house.numbers, &number, WEFT_NEVER)) == 0) {
        weft__add_relaxed(&house.taken, number);
        stress_maybe_yield();
        STRESS_EQUAL(weft_chan_put(house.back, &number, WEFT_NEVER), 0);
    }
    return rc == -EPIPE ? 0 : rc;
}

/* Spawned by a thread, which ends before it. */
static int outlive(void *argument)
{
    char ignored = 0;

    (void)argument;
    STRESS_EQUAL(weft_chan_take(house.gate, &ignored, WEFT_NEVER), -EPIPE);
    STRESS_CHECK(weft__load_relaxed(&house.gate_closed));
    weft__add_relaxed(&house.outlived, 1);
    return 0;
}

static int give_number(void *argument)
{
    uint64_t number = *(const uint64_t *)argument;

    stress_maybe_yield();
    return weft_result_give(&number, sizeof(number));
}

static int be_called(void *argument)
{
    stress_maybe_yield();
    return (int)*(const uint64_t *)argument;
}

/* Owns the scope in which threads spawn, until the gate is closed. */
static int host(void *argument)
{
    weft_scope servers = weft_scope_open(NULL);
    char ignored = 0;
    int ready = 1;

    (void)argument;
    house.scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    for (int i = 0; i < 3; i++)
        STRESS_CHECK(weft_go(servers, serve, NULL) > 0);
    STRESS_EQUAL(weft_chan_put(house.invited, &ready, WEFT_NEVER), 0);
    STRESS_EQUAL(weft_chan_take(house.gate, &ignored, WEFT_NEVER), -EPIPE);
    STRESS_EQUAL(weft_scope_close(house.scope), 0);
    STRESS_EQUAL(weft_chan_close(house.numbers, 0), 0);
    return weft_scope_close(servers);
}

static int go_host(void *argument)
{
    return weft_go(WEFT_DETACHED, host, argument) > 0 ? 0 : -ENOMEM;
}

/* ---- threads
 * ------------------------------------------------------------------------------------- */

static int64_t double_number(void *argument)
{
    return (int64_t)(*(const uint64_t *)argument * 2);
}

static void talk(uint64_t number)
{
    uint64_t got = 0;

    weft__add_relaxed(&house.put, number);
    STRESS_EQUAL(weft_chan_put(house.numbers, &number, WEFT_NEVER), 0);
    STRESS_EQUAL(weft_chan_take(house.back, &got, WEFT_NEVER), 0);
    weft__add_relaxed(&house.returned, got);
}

static void fetch(uint64_t number)
{
    uint64_t got = 0;
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(number),
                                                    .result_bytes = sizeof(number));

    weft_task task = weft_spawn(house.scope, give_number, &number, &options);
    int rc = weft_fetch(task, &got, sizeof(got), weft_after((int64_t)(number % 3) * 100000));
    STRESS_CHECK(rc == 0 || rc == -ETIMEDOUT);
    if (rc < 0)
        STRESS_EQUAL(weft_fetch(task, &got, sizeof(got), WEFT_NEVER), 0);
    STRESS_EQUAL(got, number);
}

static void visit(uint32_t seat)
{
    for (uint32_t i = 0; i < house.messages; i++) {
        uint64_t number = (uint64_t)seat * house.messages + i + 1;
        talk(number);
        switch (stress_below(4)) {
        case 0: fetch(number); break;
        case 1: STRESS_EQUAL(weft_call(house.runtime, be_called, &number), number); break;
        case 2:
            STRESS_EQUAL(weft_blocking_call(double_number, &number, NULL, WEFT_NEVER), number * 2);
            break;
        default: STRESS_EQUAL(weft_sleep(weft_after(stress_below(50) * WEFT_MICROSECOND)), 0);
        }
        STRESS_CHECK(lines_print(weft__add_relaxed(&house.lines, 1)) > 0);
    }
    for (int i = 0; i < spawns; i++)
        STRESS_CHECK(weft_go(house.scope, outlive, NULL) > 0);
}

static void *be_joined(void *argument)
{
    visit(*(const uint32_t *)argument);
    return NULL;
}

static void *be_detached(void *argument)
{
    uint32_t seat = *(const uint32_t *)argument;

    visit(seat);
    STRESS_EQUAL(weft_chan_put(house.detached_ends, &seat, WEFT_NEVER), 0);
    return NULL;
}

/* Waits for the detached ones, so that whoever joins this one needs nothing but pthread_join. */
static void *await_detached(void *argument)
{
    uint32_t seat = 0;

    for (uint32_t i = 0; i < crowd / 4; i++)
        STRESS_EQUAL(weft_chan_take(house.detached_ends, &seat, WEFT_NEVER), 0);
    return argument;
}

static pthread_t start_thread(void *(*body)(void *argument), void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, argument) != 0)
        exit(99);
    return thread;
}

/* Every fourth is detached. */
static void hold_visit(void)
{
    static uint32_t seats[crowd];
    pthread_t threads[crowd];

    pthread_t waiter = start_thread(await_detached, NULL);
    for (uint32_t i = 0; i < crowd; i++) {
        seats[i] = i;
        threads[i] = start_thread(i % 4 == 0 ? be_detached : be_joined, &seats[i]);
        if (i % 4 == 0)
            (void)pthread_detach(threads[i]);
    }
    for (uint32_t i = 0; i < crowd; i++)
        if (i % 4 != 0)
            (void)pthread_join(threads[i], NULL);
    (void)pthread_join(waiter, NULL);
}

static void make_house(uint32_t workers)
{
    memset(&house, 0, sizeof(house));
    house.messages = stress_size(400, 8);
    house.runtime = stress_start(workers, NULL);
    house.invited = weft_chan_create(sizeof(int), 0);
    house.numbers = weft_chan_create(sizeof(uint64_t), stress_below(3));
    house.back = weft_chan_create(sizeof(uint64_t), stress_below(3));
    house.gate = weft_chan_create(1, 0);
    house.detached_ends = weft_chan_create(sizeof(uint32_t), 0);
}

static void check_house(void)
{
    uint64_t count = (uint64_t)crowd * house.messages;

    STRESS_EQUAL(house.put, count * (count + 1) / 2);
    STRESS_EQUAL(house.taken, house.put);
    STRESS_EQUAL(house.returned, house.put);
    STRESS_EQUAL(house.outlived, crowd * spawns);
    STRESS_EQUAL(house.lines, count);
}

static void release_channels(void)
{
    STRESS_EQUAL(weft_chan_release(house.invited), 0);
    STRESS_EQUAL(weft_chan_release(house.numbers), 0);
    STRESS_EQUAL(weft_chan_release(house.back), 0);
    STRESS_EQUAL(weft_chan_release(house.gate), 0);
    STRESS_EQUAL(weft_chan_release(house.detached_ends), 0);
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

/* Everything of the threads' has ended, and all that is left is to see that nothing is. */
static void await_tasks(void)
{
    while (weft__load_relaxed(&house.outlived) < crowd * spawns)
        STRESS_EQUAL(weft_call(house.runtime, nothing, NULL), 0);
}

static void visiting(uint32_t workers)
{
    int ready = 0;

    STRESS_EQUAL(weft_sleep(weft_after(1000)), 0); /* the main thread has its record from here on */
    uint64_t records = rig_records();
    make_house(workers);
    lines_begin(crowd * house.messages);
    STRESS_EQUAL(weft_call(house.runtime, go_host, NULL), 0);
    STRESS_EQUAL(weft_chan_take(house.invited, &ready, WEFT_NEVER), 0);
    hold_visit();
    weft__store_relaxed(&house.gate_closed, true);
    STRESS_EQUAL(weft_chan_close(house.gate, 0), 0);
    await_tasks();
    STRESS_EQUAL(lines_end(), 0);
    stress_stop(house.runtime);
    check_house();
    release_channels();
    /* A detached thread may still be at its end; for one that leaks there is the watchdog. */
    while (rig_records() != records)
        (void)sched_yield();
}

static const struct stress_case cases[] = {
    STRESS_CASE(visiting),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
